"""The frequency step of MsgFusion: as the paper says, and as its code was released."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AmplitudePhase(nn.Module):
    """Change amplitude and phase of each channel's spectrum, and transform back.

    ``F · exp(m_A + i·m_φ)``, where m_A is predicted from log(1 + amplitude), and m_φ from cosine
    and sine of the phase. Both predictions start at zero, where this step changes nothing. The
    paper names the ingredients; the formula is this project's, written so that no phase is
    differentiated where the amplitude is zero.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()

        def prediction(in_channels: int) -> nn.Sequential:
            last = nn.Conv2d(channels, channels, 1)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # bias=True by default
            return nn.Sequential(nn.Conv2d(in_channels, channels, 1), nn.LeakyReLU(0.2), last)

        self.amplitude = prediction(channels)
        self.phase = prediction(2 * channels)

    def forward(self, features: Tensor) -> Tensor:
        """Change ``(B, C, H, W)``; the result is not negative."""
        spectrum = torch.fft.rfft2(features.float(), norm="ortho")
        amplitude = spectrum.abs()
        direction = torch.cat([spectrum.real, spectrum.imag], dim=1)
        direction = direction / (amplitude + 1e-8).repeat(1, 2, 1, 1)
        gain, shift = self.amplitude(amplitude.log1p()), self.phase(direction)
        changed = spectrum * torch.complex(gain.float(), shift.float()).exp()
        return torch.fft.irfft2(changed, s=features.shape[-2:], norm="ortho").relu()


class ReleasedStep(nn.Module):
    """Magnitude of the features whose spectrum was rolled by half its size, as released.

    A rolled spectrum multiplies the features by ±1, which the magnitude removes: features that
    are not negative come out as they went in, up to rounding.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Pass on ``(B, C, H, W)``."""
        height, width = features.shape[-2:]
        spectrum = torch.fft.fft2(features.float())
        return torch.fft.ifft2(spectrum.roll((height // 2, width // 2), dims=(-2, -1))).abs()
