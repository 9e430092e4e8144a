"""A large-kernel convolution that runs at a bearable speed on a CPU."""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
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
        size = tuple(next_fast_len(edge + kernel - 1, real=True) for edge in (height, width))
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
