"""The names of the authors' published DILRAN checkpoint, and what they are called here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MODULES = {
    "fe.conv1": "features.expand",
    "fe.fe.convd1": "features.dilated.0",
    "fe.fe.convd2": "features.dilated.1",
    "fe.fe.convd3": "features.dilated.2",
    "fe.fe.reduce": "features.reduce",
    "fe.fe.bnorm1": "features.norm",
    "fe.fe.dilran.conv_d": "features.attention",
    "recon.recon_conv.0": "reconstruction.0",
    "recon.recon_conv.1": "reconstruction.1",
    "recon.recon_conv.2": "reconstruction.2",
}
DEAD = re.compile(
    r"fe\.conv_id\.0\.(weight|bias)"
    r"|fe\.conv2\.[0134]\..+"
    r"|fe\.bnorm\..+"
    r"|fe\.fe\.dilran\.bnorm\..+"
    r"|fe\.fe\.bnorm1\.(running_mean|running_var|num_batches_tracked)"
)
"""Modules that the published code owns and never calls, and statistics that it never uses."""


def rename(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors; those without a place keep their name."""
    state: dict[str, Tensor] = {}
    for key, tensor in published.items():
        module, _, leaf = key.rpartition(".")
        state[f"{MODULES[module]}.{leaf}" if module in MODULES else key] = tensor
    return state
