"""Train the direct path of MACTFusionPlus on what the rest of it has seen once."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.engine.start import is_added
from mactfusion.engine.step import prepare_pair
from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mactfusion.networks.mactfusion_plus import MACTFusionPlus


class AddSeend(Transform):
    """Add ``seen``: what the network makes of the whole slice before its direct path.

    A deterministic transform for a cached dataset: the part of the network that no longer changes
    runs once for each pair, and sees whole slices as it does in use, also where crops are drawn
    afterwards. In half precision, 66 bytes a pixel.

    Kept in a checkpoint, it notices when a training goes on from other weights than it began with,
    of which it would see something else.

    Args:
        network: with the weights that the training starts from.
        shifts: numbers of pixels. Where given, ``seen_moved`` is what the network makes of the
            pair moved by one of them along the rows and one along the columns, moved back, for
            :class:`~mactfusion.engine.ShiftConsistencyLoss`. Each pair always moves the same way.
    """

    def __init__(self, network: MACTFusionPlus, shifts: Sequence[int] = ()) -> None:
        self.network = network
        self.shifts = list(shifts)
        self._digest = _digest(network)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Look at ``image`` ``(2, H, W)``; ``seen`` and ``seen_moved`` are ``(33, H, W)``."""
        image: Tensor = torch.as_tensor(data["image"])
        looked = {"seen": self._look(image)}
        if self.shifts:
            # What leaves at one edge comes in at the opposite: the statistics of the slice stay.
            rows, columns = self._draw(image)
            moved = self._look(image.roll((rows, columns), (-2, -1)))
            looked["seen_moved"] = moved.roll((-rows, -columns), (-2, -1))
        return {**data, **looked}

    def _look(self, image: Tensor) -> Tensor:
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            return self.network.eval().look(image[None].to(device))[0].half().cpu()

    def _draw(self, image: Tensor) -> tuple[int, int]:
        content = zlib.crc32(image.contiguous().numpy().tobytes())
        row, column = divmod(content % len(self.shifts) ** 2, len(self.shifts))
        return self.shifts[row], self.shifts[column]

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

    Where ``seen_moved`` is there, the batch stands twice: as seen, and as seen while moved. See
    :func:`~mactfusion.engine.prepare_pair`.
    """
    looks = [batch[key] for key in ("seen", "seen_moved") if key in batch]
    images = torch.cat([batch["image"]] * len(looks))
    stacked = {"image": images, "task": [*batch.get("task", ())] * len(looks)}
    image, sources = prepare_pair(stacked, device, non_blocking, **kwargs)
    seen = torch.cat(looks).to(device=device, non_blocking=non_blocking, **kwargs)
    return image, sources, (seen.to(image),), {}
