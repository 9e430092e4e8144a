"""Weights to start a training from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.weights import read_state, refuse_published

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

ADDED_PARTS = ("direct.",)
"""Parts that a network adds to the published graph. They start by adding nothing, so weights of the
published graph are a start for that network too."""

logger = logging.getLogger(__name__)


def start_from(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Fill a network with weights to train on from; without a path it stays as it is.

    Args:
        network: it is changed in place.
        path: weights of that network, a checkpoint of its training, or weights of the published
            graph for a network that adds to it.

    Returns:
        The network.

    Raises:
        InputError: the file is damaged, foreign, or belongs to another network.
    """
    if not path:
        return network
    state = read_state(path)
    refuse_published(state, path)
    own = network.state_dict()
    fits = {name for name in own if name in state and state[name].shape == own[name].shape}
    odd = {name for name in {*own, *state} - fits if name in state or not is_added(name)}
    if odd:
        raise InputError(
            f"{path} does not fit {type(network).__name__}: tensor '{min(odd)}' is missing, "
            "unknown or of another shape; give weights of this network or another network_def."
        )
    network.load_state_dict(state, strict=False)
    if len(fits) < len(own):
        logger.info("%s starts untrained: %s lacks it.", ", ".join(ADDED_PARTS).strip("."), path)
    return network


def is_added(name: str) -> bool:
    """Whether a tensor belongs to a part that a network adds to the published graph."""
    return name.startswith(ADDED_PARTS)
