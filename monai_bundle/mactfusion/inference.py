"""Slices through the network: in batches, at a chosen precision, and on when memory runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from monai.inferers import SliceInferer
from monai.transforms import Transform
from torch import Tensor, nn

from mactfusion.errors import InputError, warn
from mactfusion.option_table import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mactfusion.progress import Progress

SLICE_PIXELS_PER_GPU_BATCH = 16 * 256 * 256


class FusionInferer(SliceInferer):
    """Fuse a volume ``(1, 2, slices, rows, columns)`` slice by slice along its first axis.

    When memory runs out it halves the batch, and at a single slice it goes on with the CPU; each
    step is said as a :class:`FusionWarning` and kept in ``notes``.

    Args:
        batch_size: slices at a time; None for one on a CPU and, on a GPU, as many as hold about
            a million pixels.
        precision: "float32" (the same result everywhere), or "bfloat16" or "float16" for speed.
        progress: called after each batch; it stops the run by raising FusionCancelled.
    """

    def __init__(
        self,
        batch_size: int | None = None,
        precision: str = "float32",
        progress: Progress | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise InputError(f"Unknown precision '{precision}': choose {', '.join(PRECISIONS)}.")
        if batch_size is not None and batch_size < 1:
            raise InputError(f"The batch size must be 1 or more, not {batch_size}.")
        super().__init__(spatial_dim=0, roi_size=(-1, -1), sw_batch_size=1, overlap=0)
        self.batch_size = batch_size
        self.dtype = getattr(torch, precision)
        self.report = progress
        self.notes: list[str] = []

    def __call__(
        self,
        inputs: Tensor,
        network: Callable[..., Any],
        *args: Any,  # noqa: ARG002  the signature of the class above
        **kwargs: Any,  # noqa: ARG002
    ) -> Any:
        """Fuse ``inputs``; the result is ``(1, 1, slices, rows, columns)`` in float32.

        Raises:
            InputError: one slice needs more memory than the machine has.
        """
        volume = inputs.as_tensor() if hasattr(inputs, "as_tensor") else inputs
        self.notes.clear()
        self.sw_batch_size = self.batch_size or _default_batch(volume)
        while True:
            try:
                return self._fuse(volume, network)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler, where the failed run's tensors are no longer held.
            volume = self._shrink(volume, network)

    def _fuse(self, volume: Tensor, network: Callable[..., Any]) -> Tensor:
        total, done = volume.shape[2], 0
        reduced = self.dtype != torch.float32

        def counted(slices: Tensor) -> Tensor:
            nonlocal done
            with torch.autocast(slices.device.type, dtype=self.dtype, enabled=reduced):
                fused = network(slices).float()
            done += len(slices)
            if self.report is not None:
                self.report(done, total)
            return fused

        # Tensor cores round float32 convolutions to 10 bits; float32 here means float32.
        with (
            torch.no_grad(),
            torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False),
        ):
            return cast("Tensor", super().__call__(volume, counted))

    def _shrink(self, volume: Tensor, network: Callable[..., Any]) -> Tensor:
        if volume.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.sw_batch_size > 1:
            self.sw_batch_size //= 2
            self._note(f"Out of memory: going on with {self.sw_batch_size} slices at a time.")
            return volume
        if volume.device.type == "cpu" or not isinstance(network, nn.Module):
            raise InputError(
                f"A slice of {volume.shape[3]} x {volume.shape[4]} needs more memory than is free; "
                "close other programs or use a coarser anatomical volume."
            )
        self._note(f"Out of memory on {volume.device}: going on with the CPU, which is slower.")
        network.to("cpu")
        return volume.cpu()

    def _note(self, message: str) -> None:
        self.notes.append(message)
        warn(message)


class Inferd(Transform):
    """Send ``image`` ``(2, slices, rows, columns)`` through the network: ``pred`` ``(1, …)``.

    Args:
        network: takes ``(B, 2, H, W)``.
        inferer: cuts the volume into slices.
        device: where the network runs.
    """

    def __init__(self, network: nn.Module, inferer: FusionInferer, device: torch.device) -> None:
        self.network = network
        self.inferer = inferer
        self.device = device

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fuse.

        Raises:
            InputError: one slice needs more memory than there is.
            FusionCancelled: the inferer's ``progress`` asked for it.
        """
        image = data["image"].as_tensor()[None].to(self.device)
        return {**data, "pred": self.inferer(image, self.network.to(self.device))[0]}


def _default_batch(volume: Tensor) -> int:
    if volume.device.type == "cpu":
        return 1
    pixels = volume.shape[3] * volume.shape[4]
    return max(1, min(volume.shape[2], SLICE_PIXELS_PER_GPU_BATCH // pixels))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device or the machine has no memory left."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    )
