"""MACTFusion: lightweight cross transformer for multimodal medical image fusion.

Xie et al., IEEE Journal of Biomedical and Health Informatics 2024,
doi:10.1109/JBHI.2024.3391620. The graph is that of the authors' published network, which differs
from the paper's text in some places (docs/adr/0002-published-graph.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from mactfusion.networks.attention import SIDE, MultiAxisAttention
from mactfusion.networks.blank import keep_blank
from mactfusion.networks.convolution import LargeKernelConv2d
from mactfusion.networks.padding import crop, pad_to_multiple
from mactfusion.networks.recording import pixels_of
from mactfusion.networks.strips import in_strips, split_into_strips


class DetailFeatureExtraction(nn.Module):
    """DFE: fine detail in a cascade of 3×3 convolutions, then context of 31×31 pixels.

    The first pass deepens the features step by step; the second starts from a large kernel over
    all of them and walks back through the same depths. There is no activation: the instance
    normalisation is the only non-linearity.
    """

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        width = channels // 4

        def conv() -> nn.Conv2d:
            return nn.Conv2d(width, width, 3, padding=1, bias=False)

        self.reduce = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1, bias=False), nn.GroupNorm(width, width)
        )
        self.deeper = nn.ModuleList(conv() for _ in range(3))
        self.context = nn.Sequential(
            LargeKernelConv2d(channels, width, kernel_size=31, groups=width),
            nn.GroupNorm(width, width),
        )
        self.back = nn.ModuleList(conv() for _ in range(3))

    def forward(self, image: Tensor) -> Tensor:
        """Extract ``(B, 16, H, W)`` from ``(B, 1, H, W)``."""
        details = [self.reduce(image)]
        for conv in self.deeper:
            details.append(conv(details[-1]))
        detail = torch.cat(details, dim=1)
        contexts = [self.context(detail)]
        for conv, skip in zip(self.back, reversed(details[1:]), strict=True):
            contexts.append(conv(contexts[-1] + skip))
        return torch.cat(contexts, dim=1) + detail


class TrainableSobel(nn.Module):
    """Gradient magnitude |Sx∗x| + |Sy∗x| per channel; the kernels start as Sobel's and train."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        sobel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])

        def depthwise(kernel: Tensor) -> nn.Conv2d:
            conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
            with torch.no_grad():
                conv.weight.copy_(kernel.expand_as(conv.weight))
            return conv

        self.horizontal = depthwise(sobel)
        self.vertical = depthwise(sobel.T)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to its gradient magnitude of the same shape."""
        return self.horizontal(features).abs() + self.vertical(features).abs()


class GradientResidualDenseBlock(nn.Module):
    """GRDB: two densely connected convolutions beside a gradient path, added."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.dense1 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.dense2 = nn.Conv2d(2 * in_channels, in_channels, 3, padding=1)
        self.dense_out = nn.Conv2d(3 * in_channels, out_channels, 1)
        self.gradient = TrainableSobel(in_channels)
        self.gradient_out = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Widen ``(B, C_in, H, W)`` to ``(B, C_out, H, W)``."""
        dense = features
        for conv in (self.dense1, self.dense2):
            dense = torch.cat([dense, functional.leaky_relu_(conv(dense), 0.2)], dim=1)
        total = self.dense_out(dense) + self.gradient_out(self.gradient(features))
        return functional.leaky_relu_(total, 0.1)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance of each channel of ``(B, C, H, W)``, both ``(B, C, 1, 1)``.

    On a CPU ``torch.var_mean`` takes several times as long.
    """
    mean = features.mean(dim=(2, 3), keepdim=True)
    squares = [
        (strip - mean).square().sum(dim=(2, 3), keepdim=True, dtype=torch.float32)
        for strip in split_into_strips(features)
    ]
    count = pixels_of(features) - 1
    return mean, (torch.stack(squares).sum(dim=0) / count).to(mean.dtype)


def simple_attention(
    features: Tensor, mean: Tensor, variance: Tensor, regularisation: float = 1e-4
) -> Tensor:
    """SimAM: weigh each position by how much it stands out of its channel; no parameters.

    Yang et al., "SimAM: A Simple, Parameter-Free Attention Module", ICML 2021, equation 5.

    Args:
        features: ``(B, C, rows, W)`` of a slice.
        mean: of the slice's channels, ``(B, C, 1, 1)``.
        variance: likewise.
        regularisation: lambda of the equation.
    """
    salience = (features - mean).square() * (0.25 / (variance + regularisation)) + 0.5
    return features * salience.sigmoid()


def convolve_and_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d, features: Tensor) -> Tensor:
    """Convolve, then normalise; in evaluation one convolution does both, with the same result."""
    if norm.training or norm.running_mean is None or norm.running_var is None:
        return norm(conv(features))
    weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    return functional.conv2d(features, weight, bias, padding=conv.padding, groups=conv.groups)


class SeparableConvolution(nn.Module):
    """SD-Conv: depthwise-separable convolution with SimAM; it also encodes positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(channels)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Refine ``(B, C, H, W)``, with a skip around the pair and one around the whole."""
        normed = self.norm(features)
        spread = convolve_and_norm(self.depthwise, self.depthwise_norm, normed)

        def mix(spread: Tensor, normed: Tensor) -> Tensor:
            active = functional.gelu(spread)
            return convolve_and_norm(self.pointwise, self.pointwise_norm, active) + normed

        # In training the batch's statistics are of whole slices.
        separable = mix(spread, normed) if self.training else in_strips(mix, spread, normed)
        mean, variance = moments(separable)

        def refine(separable: Tensor, features: Tensor) -> Tensor:
            return self.out(simple_attention(separable, mean, variance)) + features

        return in_strips(refine, separable, features)


class DeepFeatureExtraction(nn.Module):
    """SD-Conv, then multi-axis self-attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.position = SeparableConvolution(channels)
        self.attention = MultiAxisAttention(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Refine ``(B, C, H, W)``; H and W are multiples of 8."""
        return self.attention(self.position(features))


class FeatureExtraction(nn.Module):
    """One modality's branch: DFE, two GRDBs, deep features. The modalities share no weights."""

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.detail = DetailFeatureExtraction(16)
        self.gradient1 = GradientResidualDenseBlock(16, 32)
        self.gradient2 = GradientResidualDenseBlock(32, channels)
        self.deep = DeepFeatureExtraction(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Extract ``(B, 48, H, W)`` from ``(B, 1, H, W)``."""
        # From here on the channels of a pixel lie together, as what follows reads them.
        features = self.detail(image).contiguous(memory_format=torch.channels_last)
        return self.deep(self.gradient2(self.gradient1(features)))


class SpatialAdaptiveFusion(nn.Module):
    """SAFM: give the other modality's features the statistics of the own ones, place by place.

    Instance-normalised other features are scaled by γ + σ(own) and shifted by β + μ(own), where
    γ and β are predicted from both. γ and β start at zero: plain transfer of statistics.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.gamma = nn.Conv2d(channels, channels, 3, padding=1)
        self.beta = nn.Conv2d(channels, channels, 3, padding=1)
        for conv in (self.gamma, self.beta):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # bias=True above

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        """Adapt ``other`` to ``own``, both ``(B, C, H, W)``."""
        shared = functional.gelu(self.shared(torch.cat([own, other], dim=1)))
        (mean, variance), (other_mean, other_variance) = moments(own), moments(other)
        # Far below float rounding of any real variance; it keeps the slope at zero finite.
        deviation = (variance + 1e-12).sqrt()
        # Instance normalisation, as torch has it, divides by the root of the biased variance.
        pixels = pixels_of(other)
        other_scale = (other_variance * ((pixels - 1) / pixels) + 1e-5).rsqrt()

        def adapt(other: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
            normed = (other - other_mean) * other_scale
            return normed * (gamma + deviation) + (beta + mean)

        return in_strips(adapt, other, self.gamma(shared), self.beta(shared))


class CrossModalityFusionTransformer(nn.Module):
    """CMFT: queries from the own modality look up keys and values of the adapted other one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query_position = SeparableConvolution(channels)
        self.context_position = SeparableConvolution(channels)
        self.attention = MultiAxisAttention(channels)

    def forward(self, own: Tensor, adapted: Tensor) -> Tensor:
        """Fuse ``(B, C, H, W)`` of both modalities."""
        return self.attention(self.query_position(own), self.context_position(adapted))


class Gate(nn.Module):
    """One map between 0 and 1, from the other modality, that lets the fused features through."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.select = nn.Conv2d(channels, 1, 1)

    def forward(self, own: Tensor, other: Tensor, fused: Tensor) -> Tensor:
        """Add the gated sum of ``own`` and ``fused`` to ``own``; all ``(B, C, H, W)``."""

        def let_through(own: Tensor, other: Tensor, fused: Tensor) -> Tensor:
            return own + torch.sigmoid(self.select(other)) * (own + fused)

        return in_strips(let_through, own, other, fused)


class CrossFusion(nn.Module):
    """One half of the adaptive cross-modality fusion: SAFM, CMFT, gate."""

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.adapt = SpatialAdaptiveFusion(channels)
        self.transformer = CrossModalityFusionTransformer(channels)
        self.gate = Gate(channels)

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        """Bring what ``other`` knows into ``own``; both ``(B, C, H, W)``."""
        return self.gate(own, other, self.transformer(own, self.adapt(own, other)))


class Reconstruction(nn.Module):
    """Image from features: 1×1 and two 3×3 convolutions, leaky ReLU after each of them."""

    def __init__(self, channels: int = 96) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(channels, channels // 2, 1),
                nn.Conv2d(channels // 2, 32, 3, padding=1, padding_mode="reflect"),
                nn.Conv2d(32, 1, 3, padding=1, padding_mode="reflect"),
            ]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Decode ``(B, 96, H, W)`` to ``(B, 1, H, W)``, not bounded to [0, 1]."""
        return functional.leaky_relu(self.layers[-1](self.decode(features)), 0.1)

    def decode(self, features: Tensor) -> Tensor:
        """Reduce ``(B, 96, H, W)`` to the ``(B, 32, H, W)`` that the last convolution sees."""
        for layer in self.layers[:-1]:
            features = functional.leaky_relu_(layer(features), 0.1)
        return features


class MACTFusion(nn.Module):
    """Fuse an anatomical slice with its partner's luminance.

    Inputs are ``(B, 2, H, W)`` in [0, 1], channel 0 the anatomical image (MR, phase contrast),
    channel 1 its partner (CT, or the luminance of PET, SPECT, GFP); the result is
    ``(B, 1, H, W)``, close to [0, 1] but not bounded (clamp it). Any H and W: the slice is padded
    to a multiple of 8 and cropped again. Where both inputs are constant, the result is the larger
    constant: normalisation would turn nothing into grey.

    Every slice is seen as a whole (statistics over all of it), so tiles of a slice do not give
    the slice's result.
    """

    def __init__(self) -> None:
        super().__init__()
        self.anatomical = FeatureExtraction()
        self.partner = FeatureExtraction()
        self.anatomical_cross = CrossFusion()
        self.partner_cross = CrossFusion()
        self.reconstruction = Reconstruction()

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` to ``(B, 1, H, W)``."""
        height, width = image.shape[-2:]
        padded = pad_to_multiple(image, SIDE)
        fused = self.reconstruction(self.fused_features(padded))
        return keep_blank(crop(fused, height, width), image)

    def fused_features(self, image: Tensor) -> Tensor:
        """Extract and fuse ``(B, 2, H, W)`` to ``(B, 96, H, W)``; H and W are multiples of 8."""
        anatomical, partner = image.split(1, dim=1)
        own, other = self.anatomical(anatomical), self.partner(partner)
        return torch.cat([self.anatomical_cross(own, other), self.partner_cross(other, own)], 1)
