"""MsgFusion: medical semantic guided two-branch network for multimodal brain image fusion.

Wen et al., IEEE Transactions on Multimedia 2024. The graph is that of the authors' published
code. Their weights are not public, so that nothing they report can be reproduced here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mactfusion.errors import InputError
from mactfusion.networks.blank import keep_blank
from mactfusion.networks.brightness_map import brightness_map
from mactfusion.networks.frequency import AmplitudePhase, ReleasedStep
from mactfusion.networks.grey_cascade import GreyCascade, published_convolution
from mactfusion.networks.padding import crop, pad_to_multiple

FREQUENCY_STEPS = {"amp_phase": AmplitudePhase, "official": ReleasedStep, "none": None}
BRIGHTNESS_MAPS = ("functional", "ct", "none")
GREY_WEIGHTS = (0.299, 0.587, 0.114)


def weighted_map(first: Tensor, second: Tensor) -> Tensor:
    """WM: mean of two ``(B, C, H, W)``, each pixel weighed by exp(mean over its channels)."""
    weights = [features.mean(dim=1, keepdim=True).exp() for features in (first, second)]
    return (weights[0] * first + weights[1] * second) / (weights[0] + weights[1] + 1e-5)


class SpatialTransform(nn.Module):
    """SpT: 3×3 convolution, batch normalisation, ReLU, then the frequency step."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            published_convolution(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        )
        self.step = step

    def forward(self, image: Tensor) -> Tensor:
        """Extract SF2 ``(B, 64, H, W)`` from ``(B, 3, H, W)``."""
        return self.step(self.conv1(image))


class MsgFusion(nn.Module):
    """Fuse an anatomical slice with its partner's luminance.

    Roles as in the paper: the anatomical slice goes to the SF branch (spatial and frequency
    features), the partner to the GV branch (grey cascade, and the new brightness V′). The
    published network takes three-channel images. From ``(B, 2, H, W)`` in [0, 1] each is made by
    repeating its channel, and V′ is computed from the repeated luminance, for the colours are
    not part of the contract: ``min(2 Y, 1)`` for PET and SPECT, ``3 Y − 1`` cut to [0, 1] for
    CT, which is grey in the paper too. The authors stretch V′ of each slice to [0, 1]; here slices
    come scaled over their volume, and a stretch would lift the noise of a slice without uptake
    to full brightness.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`; in evaluation the result
    lies in [0, 1]. It is the grey of the three channels, cut to that range; the authors cut each
    channel first, which leaves a grey veil where channels of both signs make black together. The
    slice is padded to even edges.

    Args:
        freq: "amp_phase" changes amplitude and phase of the spectrum, as the paper says;
            "official" is the released step, which changes nothing; "none" leaves SF2 out, for
            the ablation.
        vprime: "functional" for PET and SPECT, "ct", or "none" for the ablation without HSV.
            The choice between the first two is kept with the weights, and theirs is used once
            they are loaded.
        training_channels: 1, or 3 to return, in training, the three channels that the published
            criterion compares.
        keep_statistics: normalise in training as in evaluation, with the statistics gathered so
            far. A block that is used at several places has one set of them for different
            features, so that evaluation computes something else than training has seen; the last
            part of a training makes up for that.

    Raises:
        InputError: an option has no such value.
    """

    vprime_of_ct: Tensor

    def __init__(
        self,
        freq: str = "amp_phase",
        vprime: str = "functional",
        training_channels: int = 1,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        if freq not in FREQUENCY_STEPS:
            raise InputError(f"Unknown freq '{freq}': choose {', '.join(FREQUENCY_STEPS)}.")
        if vprime not in BRIGHTNESS_MAPS:
            raise InputError(f"Unknown vprime '{vprime}': choose {', '.join(BRIGHTNESS_MAPS)}.")
        if training_channels not in (1, 3):
            raise InputError(f"The training_channels must be 1 or 3, not {training_channels}.")
        step = FREQUENCY_STEPS[freq]
        self.SpT = None if step is None else SpatialTransform(step())
        self.pet_lf = nn.Sequential(
            nn.Conv2d(3, 64, 7, padding=3), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)
        )
        self.gv = GreyCascade()
        self.conv6 = nn.Conv2d(64, 3, 1)
        nn.init.kaiming_normal_(self.conv6.weight, mode="fan_out", nonlinearity="relu")
        self.shows_brightness = vprime != "none"
        self.register_buffer("vprime_of_ct", torch.tensor(vprime == "ct"))
        self.training_channels = training_channels
        self.keep_statistics = keep_statistics

    def train(self, mode: bool = True) -> MsgFusion:
        """Set to training, but for the statistics that are kept, or to evaluation."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(mode and not self.keep_statistics)
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``."""
        height, width = image.shape[-2:]
        anatomical, partner = (
            channel.expand(-1, 3, -1, -1) for channel in pad_to_multiple(image, 2).split(1, dim=1)
        )
        light = torch.where(
            self.vprime_of_ct,
            brightness_map(partner, of_ct=True),
            brightness_map(partner, of_ct=False),
        ).expand_as(partner)
        fused = crop(self.fuse(anatomical, partner, light), height, width)
        if not (self.training and self.training_channels == 3):
            red, green, blue = fused.split(1, dim=1)
            weights = GREY_WEIGHTS
            fused = weights[0] * red + weights[1] * green + weights[2] * blue
        if not self.training:
            fused = fused.clamp(0, 1)
        return keep_blank(fused, image)

    def fuse(self, anatomical: Tensor, partner: Tensor, light: Tensor) -> Tensor:
        """Run the published network.

        Args:
            anatomical: ``(B, 3, H, W)`` in [0, 1], H and W even, for the SF branch.
            partner: likewise, for the GV branch.
            light: likewise, V′.

        Returns:
            ``(B, 3, H, W)``, above −1 and up to 1.
        """
        larger = torch.maximum(self.gv(partner), self.spatial_frequency(anatomical))
        fused = torch.tanh(self.conv6(larger))
        if not self.shows_brightness:
            return fused
        refined = torch.tanh(self.conv6(self.pet_lf(light)))
        return torch.maximum(fused, weighted_map(light, refined))

    def spatial_frequency(self, anatomical: Tensor) -> Tensor:
        """SF ``(B, 64, H, W)`` of the anatomical ``(B, 3, H, W)``."""
        spatial = self.pet_lf(anatomical)
        return spatial if self.SpT is None else weighted_map(self.SpT(anatomical), spatial)
