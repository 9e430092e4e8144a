"""Train the direct path of MACTFusionPlus on what the rest of it has seen once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.engine.start import is_added
from mactfusion.engine.step import prepare_pair
from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mactfusion.networks import MACTFusionPlus


class AddSeend(Transform):
    """Add ``seen``: what the network makes of the whole slice before its direct path.

    A deterministic transform for a cached dataset: the part of the network that no longer changes
    runs once for each pair, and sees whole slices as it does in use, also where crops are drawn
    afterwards. In half precision, 66 bytes a pixel.

    Kept in a checkpoint, it notices when a training goes on from other weights than it began with,
    of which it would see something else.

    Args:
        network: with the weights that the training starts from.
    """

    def __init__(self, network: MACTFusionPlus) -> None:
        self.network = network
        self._digest = _digest(network)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Look at ``image`` ``(2, H, W)``; ``seen`` is ``(33, H, W)``."""
        image: Tensor = torch.as_tensor(data["image"])
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            seen = self.network.eval().look(image[None].to(device))[0]
        return {**data, "seen": seen.half().cpu()}

    def state_dict(self) -> dict[str, str]:
        """What a checkpoint keeps: the SHA-256 of the weights that it looks with."""
        return {"digest": self._digest}

    def load_state_dict(self, state: Mapping[str, str]) -> None:
        """Compare.

        Raises:
            InputError: the training began with other weights.
        """
        if state["digest"] != self._digest:
            raise InputError(
                "This training began with other weights; give the same --weights again, or another "
                "output_dir."
            )


def _digest(network: MACTFusionPlus) -> str:
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        if not is_added(name):
            digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()


def prepare_seen_pair(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, Tensor, tuple[Tensor], dict[str, Any]]:
    """Hand ``image`` and ``seen`` to the network, and ``image`` to the loss.

    See :func:`~mactfusion.engine.prepare_pair`.
    """
    image, sources = prepare_pair(batch, device, non_blocking, **kwargs)
    seen = batch["seen"].to(device=device, non_blocking=non_blocking, **kwargs)
    return image, sources, (seen.to(image),), {}
