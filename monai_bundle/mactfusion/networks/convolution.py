"""A large-kernel convolution that runs at a bearable speed on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mactfusion.networks.recording import is_recorded


class LargeKernelConv2d(nn.Conv2d):
    """Grouped "same" convolution without bias; on a CPU it goes through the FFT.

    The direct way of a 31×31 kernel takes most of a training step on a CPU, and a fifth of the
    time of inference. Both ways give the same numbers up to float rounding. A graph that is
    recorded for inference keeps the direct one, which is what other runtimes know.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, groups: int) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Convolve ``(B, C_in, H, W)`` to ``(B, C_out, H, W)``."""
        if features.device.type == "cpu" and (self.training or not is_recorded()):
            return self._fourier(features)
        return super().forward(features)

    def _fourier(self, features: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        kernel = self.kernel_size[0]
        # Room for the kernel's reach, so that the circular convolution does not wrap around.
        size = tuple(fast_length(edge + kernel - 1) for edge in (height, width))
        with torch.autocast("cpu", enabled=False):
            spectrum = torch.fft.rfft2(features.float(), s=size)
            response = torch.fft.rfft2(self.weight.float(), s=size).conj()
            grouped = spectrum.view(
                batch, self.groups, 1, channels // self.groups, *spectrum.shape[-2:]
            )
            response = response.view(self.groups, -1, *response.shape[1:])
            product = (grouped * response).sum(dim=3).flatten(1, 2)
            full = torch.fft.irfft2(product, s=size)
        # Correlation shifts the image up and left by half a kernel; the circle brings it back.
        half = kernel // 2
        full = torch.roll(full, shifts=(half, half), dims=(-2, -1))
        return full[..., :height, :width].to(features.dtype)


def fast_length(least: int) -> int:
    """Find the next length, ``least`` or more, that the FFT of real values is fast at.

    It has no other prime factors than 2, 3 and 5. ``scipy.fft.next_fast_len`` finds the same, but
    in SciPy 1.15 imports libraries that a process that fuses does without.
    """
    rest = length = least
    while rest > 1:
        factor = next((prime for prime in (2, 3, 5) if rest % prime == 0), None)
        if factor is None:
            length += 1
            rest = length
        else:
            rest //= factor
    return length
