"""The published criterion of DILRAN: an image and its reconstruction.

``ReconstructionLoss + λ₁·GradientDifferenceLoss + λ₂·PerceptualLoss``, both λ 0.2 by the authors'
instructions. The network reconstructs both sources in training, so that ``pred`` has the channels
of ``sources`` and each is compared with its own. A single fused channel, as in validation, is
compared with each of the sources: the mean of the two distances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.errors import InputError, warn
from mactfusion.losses.weighted_sum import FusionLoss
from mactfusion.losses.windows import sobel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

VGG16_BN = (64, 64, "pool", 128, 128, "pool", 256, 256, 256)
"""The first convolutions of VGG16 with batch normalisation, to where the last feature is taken."""


class ReconstructionLoss(nn.Module):
    """Mean squared distance ``mean (p − q)²``."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1 or C, H, W)`` with ``(B, C, H, W)``; range 0 (best) upwards."""
        return functional.mse_loss(pred.expand_as(sources), sources)


class GradientDifferenceLoss(nn.Module):
    """``mean (|∂x p| − |∂x q|)² + mean (|∂y p| − |∂y q|)²``, Sobel's kernels, "valid" border."""

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1 or C, H, W)`` with ``(B, C, H, W)``; range 0 (best) upwards."""
        own, theirs = (
            [derivative[..., 1:-1, 1:-1].abs() for derivative in sobel(image)]
            for image in (pred.expand_as(sources), sources)
        )
        return functional.mse_loss(own[0], theirs[0]) + functional.mse_loss(own[1], theirs[1])


class PerceptualLoss(nn.Module):
    """Sum of the mean squared distances of three features of VGG16 with batch normalisation.

    They are taken after the ReLU of the second and of the fourth convolution, and after the
    normalisation, before the ReLU, of the seventh; so the authors' program does in effect. An
    image counts three times, as red, green and blue; its range stays [0, 1], without the mean and
    deviation of ImageNet. Neither weights nor statistics change in training. Images need 4 pixels
    along each edge.

    Args:
        vgg: state dict of VGG16 with batch normalisation, trained on ImageNet, with the names of
            torchvision (its ``vgg16_bn-6c64b313.pth``, for one).

    Raises:
        InputError: the tensors are of another network.
    """

    def __init__(self, vgg: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.layers = vgg16_bn_layers()
        fill_vgg(self.layers, vgg)
        self.layers.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002
        """Stay in evaluation: the statistics are those of ImageNet."""
        return super().train(False)

    def forward(self, pred: Tensor, sources: Tensor) -> Tensor:
        """Compare ``(B, 1 or C, H, W)`` with ``(B, C, H, W)``; range 0 (best) upwards."""
        self.layers.to(pred.device)
        own, theirs = self._features(pred.expand_as(sources)), self._features(sources)
        distances = [functional.mse_loss(a, b) for a, b in zip(own, theirs, strict=True)]
        return torch.stack(distances).sum()

    def _features(self, images: Tensor) -> list[Tensor]:
        features = images.flatten(0, 1)[:, None].expand(-1, 3, -1, -1)
        taken = []
        for index, layer in enumerate(self.layers):
            features = layer(features)
            if index in (5, 12, 21):
                taken.append(features)
        return taken


def vgg16_bn_layers() -> nn.Sequential:
    """Layers 0 to 21 of torchvision's VGG16 with batch normalisation, numbered alike."""
    layers: list[nn.Module] = []
    channels = 3
    for width in VGG16_BN:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [
                nn.Conv2d(channels, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
    return nn.Sequential(*layers[:-1])


def fill_vgg(layers: nn.Sequential, state: Mapping[str, Tensor]) -> None:
    """Fill :func:`vgg16_bn_layers` with torchvision's names; further layers are not used.

    Raises:
        InputError: the tensors are of another network.
    """
    own = layers.state_dict()
    for name, tensor in own.items():
        theirs = state.get(f"features.{name}")
        if theirs is None and name.endswith("num_batches_tracked"):
            continue  # older files lack the count, which evaluation does not use
        if theirs is None or theirs.shape != tensor.shape:
            raise InputError(
                "The weights for the perceptual term are not those of VGG16 with batch "
                f"normalisation: tensor 'features.{name}' is missing or has another shape; use "
                "torchvision's vgg16_bn-6c64b313.pth."
            )
        own[name] = theirs
    layers.load_state_dict(own)


def dilran_loss(
    gradient: float = 0.2, perceptual: float = 0.2, vgg: Mapping[str, Tensor] | None = None
) -> FusionLoss:
    """Make the published criterion; both weights 0 is the authors' ablation "only MSE".

    Without weights for VGG the perceptual term is left out, and a :class:`FusionWarning` says so.

    Args:
        gradient: λ₁, weight of :class:`GradientDifferenceLoss`.
        perceptual: λ₂, weight of :class:`PerceptualLoss`.
        vgg: state dict for :class:`PerceptualLoss`; nothing is downloaded.

    Raises:
        InputError: the state dict is of another network.
    """
    terms: list[dict[str, float | nn.Module]] = [{"weight": 1.0, "term": ReconstructionLoss()}]
    if gradient:
        terms.append({"weight": gradient, "term": GradientDifferenceLoss()})
    if perceptual and vgg is not None:
        terms.append({"weight": perceptual, "term": PerceptualLoss(vgg)})
    elif perceptual:
        warn(
            "The perceptual term of DILRAN is left out: it needs the ImageNet weights of VGG16 "
            "with batch normalisation; give torchvision's vgg16_bn-6c64b313.pth with "
            "--vgg_weights, or set the term's weight to 0."
        )
    return FusionLoss(terms)
