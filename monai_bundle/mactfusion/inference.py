"""Slices through the network: in batches, at a chosen precision, and on when memory runs out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import Transform
from torch import Tensor, nn

from mactfusion.errors import InputError, warn
from mactfusion.option_values import PRECISIONS
from mactfusion.transforms.volume import plain, with_voxels
from mactfusion.underway import Underway, event_maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mactfusion.progress import Progress

REDUCED = ("bfloat16", "float16")

PIXELS_PER_BATCH = 64 * 256 * 256
"""At most, on a GPU: more would not fill it better, and progress would stand still for long."""

SHARE_OF_FREE_MEMORY = 0.7
"""That batches may take; the rest is for what libraries fetch on the way."""


class FusionInferer(Inferer):
    """Fuse a volume ``(1, 2, slices, rows, columns)`` slice by slice along its first axis.

    When memory runs out it halves the batch, and at a single slice it goes on with the CPU; each
    step is said as a :class:`FusionWarning` and kept in ``notes``.

    Args:
        batch_size: slices at a time; None for one on a CPU and, on a GPU, as many as fit into
            its free memory, up to about four million pixels.
        precision: "float32" (the same result everywhere); or for speed "tf32" (float32 with ten
            bits inside products, on NVIDIA GPUs since Ampere; elsewhere it is float32, which is
            said), "bfloat16" or "float16" (slower on a processor without them, which is said).
        progress: called when batches are done; it stops the run by raising FusionCancelled.
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
        super().__init__()
        self.batch_size = batch_size
        self.precision = precision
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

        Of a ``MetaTensor`` it has the meta and the trace, by which ``Invertd`` brings it back.

        Raises:
            InputError: one slice needs more memory than the machine has.
        """
        fused = self._fused(plain(inputs), network)
        return MetaTensor(fused).copy_meta_from(inputs) if isinstance(inputs, MetaTensor) else fused

    def _fused(self, volume: Tensor, network: Callable[..., Any]) -> Tensor:
        self.notes.clear()
        if self.precision == "tf32" and not has_tf32(volume.device):
            self._note(f"TF32 does not exist on {volume.device}: the network runs in float32.")
        if self.precision in REDUCED and emulates(volume.device):
            self._note(f"This processor has no {self.precision} arithmetic: float32 is faster.")
        self.slices_at_a_time = self.batch_size or 0
        while True:
            try:
                if not self.slices_at_a_time:
                    self.slices_at_a_time = self._default_batch(volume, network)
                return self._fuse(volume, network)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler, where the failed run's tensors are no longer held.
            volume = self._shrink(volume, network)

    def _fuse(self, volume: Tensor, network: Callable[..., Any]) -> Tensor:
        slices = volume[0].transpose(0, 1)
        total, _, rows, columns = slices.shape
        result = torch.empty(total, 1, rows, columns, device=volume.device)
        report = self.report or (lambda *_: None)
        underway = Underway(event_maker(volume.device), lambda done: report(done, total))
        for start in range(0, total, self.slices_at_a_time):
            batch = slices[start : start + self.slices_at_a_time]
            done = start + len(batch)
            result[start:done] = self._run(batch, network)
            underway.add(done)
        underway.finish()
        return result.transpose(0, 1)[None]

    def _run(self, batch: Tensor, network: Callable[..., Any]) -> Tensor:
        """Send ``(B, 2, H, W)`` through the network at the chosen precision."""
        device = batch.device
        reduced = self.precision in REDUCED
        dtype = getattr(torch, self.precision) if reduced else None
        if device.type == "cuda" and self.precision != "float32":
            # The order in which tensor cores read features.
            batch = batch.contiguous(memory_format=torch.channels_last)
        else:
            batch = batch.contiguous()
        with (
            torch.no_grad(),
            allowed_tf32(self.precision == "tf32"),
            torch.autocast(device.type, dtype=dtype, enabled=reduced),
        ):
            return network(batch)

    def _default_batch(self, volume: Tensor, network: Callable[..., Any]) -> int:
        slices, pixels = volume.shape[2], volume.shape[3] * volume.shape[4]
        if volume.device.type == "cpu":
            return 1
        most = max(1, min(slices, PIXELS_PER_BATCH // pixels))
        if volume.device.type != "cuda":
            return min(most, max(1, PIXELS_PER_BATCH // 4 // pixels))
        first = volume[:, :, 0]
        needed, free = memory_of(lambda: self._run(first, network), volume.device)
        return max(1, min(most, int(SHARE_OF_FREE_MEMORY * free / needed)))

    def _shrink(self, volume: Tensor, network: Callable[..., Any]) -> Tensor:
        if volume.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.slices_at_a_time > 1:
            self.slices_at_a_time //= 2
            self._note(f"Out of memory: going on with {self.slices_at_a_time} slices at a time.")
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
        image = plain(data["image"])[None].to(self.device)
        fused = self.inferer(image, self.network.to(self.device))[0]
        return {**data, "pred": with_voxels(data["image"], fused)}


def memory_of(run: Callable[[], Any], device: torch.device) -> tuple[int, int]:
    """Run something on a CUDA device; return the bytes that it takes and those that are free."""
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    run()
    needed = torch.cuda.max_memory_allocated(device) - before
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(needed, 1), torch.cuda.mem_get_info(device)[0] + kept


def emulates(device: torch.device) -> bool:
    """Tell whether a device is a processor known to have no 16-bit arithmetic for networks."""
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability() in {"AVX2", "NO AVX"}


def has_tf32(device: torch.device) -> bool:
    """Tell whether a device multiplies in TF32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


@contextmanager
def allowed_tf32(allowed: bool) -> Iterator[None]:
    """Let an NVIDIA GPU round float32 inside products to 10 bits, or keep it from that."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32
    matmul.allow_tf32 = allowed
    try:
        with cudnn.flags(enabled=cudnn.enabled, allow_tf32=allowed):
            yield
    finally:
        matmul.allow_tf32 = before


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device or the machine has no memory left."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
        or "not enough memory" in text
    )
