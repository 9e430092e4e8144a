"""The published graph written down the straightforward way, as what to compare the library with.

One slice at a time, every attention matrix in memory, index tables made in each call, the large
kernel convolved directly. It takes the state dict of :class:`mactfusion.networks.MACTFusion` and
gives the same output; it is what a careful reader of the paper would write first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADS = 4
SIDE = 8


class NaiveMACTFusion:
    """MACTFusion without any thought for speed.

    Args:
        state: weights by the names of :class:`mactfusion.networks.MACTFusion`.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.state = state

    def __call__(self, image: Tensor) -> Tensor:
        """Fuse one slice ``(1, 2, H, W)`` in [0, 1]; H and W are multiples of 8.

        Returns:
            ``(1, 1, H, W)``, not bounded.
        """
        own, other = self.extract("anatomical", image[:, :1]), self.extract("partner", image[:, 1:])
        fused = torch.cat(
            [
                self.cross("anatomical_cross", own, other),
                self.cross("partner_cross", other, own),
            ],
            dim=1,
        )
        for layer in range(3):
            name = f"reconstruction.layers.{layer}"
            reach = self.state[f"{name}.weight"].shape[-1] // 2
            padded = functional.pad(fused, (reach,) * 4, mode="reflect")
            fused = functional.leaky_relu(self.conv(name, padded, padding=0), 0.1)
        return fused

    def extract(self, name: str, image: Tensor) -> Tensor:
        """One branch: detail, two gradient residual dense blocks, self-attention."""
        features = self.detail(f"{name}.detail", image)
        features = self.gradient_block(f"{name}.gradient1", features)
        features = self.gradient_block(f"{name}.gradient2", features)
        features = self.separable(f"{name}.deep.position", features)
        return self.multi_axis(f"{name}.deep.attention", features, features, cross=False)

    def detail(self, name: str, image: Tensor) -> Tensor:
        """Detail feature extraction (DFE)."""
        first = self.group_norm(f"{name}.reduce.1", self.conv(f"{name}.reduce.0", image))
        second = self.conv(f"{name}.deeper.0", first)
        third = self.conv(f"{name}.deeper.1", second)
        fourth = self.conv(f"{name}.deeper.2", third)
        detail = torch.cat([first, second, third, fourth], dim=1)
        context = self.conv(f"{name}.context.0", detail, groups=4)
        contexts = [self.group_norm(f"{name}.context.1", context)]
        for step, skip in enumerate((fourth, third, second)):
            contexts.append(self.conv(f"{name}.back.{step}", contexts[-1] + skip))
        return torch.cat(contexts, dim=1) + detail

    def gradient_block(self, name: str, features: Tensor) -> Tensor:
        """Gradient residual dense block (GRDB)."""
        channels = features.shape[1]
        dense = features
        for step in ("dense1", "dense2"):
            new = functional.leaky_relu(self.conv(f"{name}.{step}", dense), 0.2)
            dense = torch.cat([dense, new], dim=1)
        horizontal = self.conv(f"{name}.gradient.horizontal", features, groups=channels)
        vertical = self.conv(f"{name}.gradient.vertical", features, groups=channels)
        gradient = self.conv(f"{name}.gradient_out", horizontal.abs() + vertical.abs())
        return functional.leaky_relu(self.conv(f"{name}.dense_out", dense) + gradient, 0.1)

    def separable(self, name: str, features: Tensor) -> Tensor:
        """SD-Conv with SimAM."""
        normed = self.batch_norm(f"{name}.norm", features)
        x = self.conv(f"{name}.depthwise", normed, groups=features.shape[1])
        x = functional.gelu(self.batch_norm(f"{name}.depthwise_norm", x))
        x = self.batch_norm(f"{name}.pointwise_norm", self.conv(f"{name}.pointwise", x)) + normed
        deviation = (x - x.mean(dim=(2, 3), keepdim=True)) ** 2
        count = x.shape[2] * x.shape[3] - 1
        variance = deviation.sum(dim=(2, 3), keepdim=True) / count
        x = x * torch.sigmoid(deviation / (4 * (variance + 1e-4)) + 0.5)
        return self.conv(f"{name}.out", x) + features

    def cross(self, name: str, own: Tensor, other: Tensor) -> Tensor:
        """SAFM, cross-modality fusion transformer and gate."""
        transformer = f"{name}.transformer"
        query = self.separable(f"{transformer}.query_position", own)
        adapted = self.adapt(f"{name}.adapt", own, other)
        context = self.separable(f"{transformer}.context_position", adapted)
        fused = self.multi_axis(f"{transformer}.attention", query, context, cross=True)
        return own + torch.sigmoid(self.conv(f"{name}.gate.select", other)) * (own + fused)

    def adapt(self, name: str, own: Tensor, other: Tensor) -> Tensor:
        """Spatial adaptive fusion (SAFM)."""
        shared = functional.gelu(self.conv(f"{name}.shared", torch.cat([own, other], dim=1)))
        gamma = self.conv(f"{name}.gamma", shared) + own.std(dim=(2, 3), keepdim=True)
        beta = self.conv(f"{name}.beta", shared) + own.mean(dim=(2, 3), keepdim=True)
        return functional.instance_norm(other) * gamma + beta

    def multi_axis(self, name: str, query: Tensor, context: Tensor, cross: bool) -> Tensor:
        """Window attention, then grid attention; without ``cross`` the context is the query."""
        for kind in ("window", "grid"):
            query_groups = partition(query, kind)
            context_groups = partition(context if cross else query, kind)
            groups = self.block(f"{name}.{kind}", query_groups, context_groups)
            query = merge(groups, query.shape, kind)
        return query

    def block(self, name: str, query: Tensor, context: Tensor) -> Tensor:
        """Attention and perceptron, each with a residual."""
        normed = self.layer_norm(f"{name}.norm_attention", query)
        normed_context = self.layer_norm(f"{name}.norm_attention", context)
        x = query + self.attention(f"{name}.attention", normed, normed_context)
        hidden = self.linear(f"{name}.perceptron.0", self.layer_norm(f"{name}.norm_perceptron", x))
        return x + self.linear(f"{name}.perceptron.2", functional.gelu(hidden))

    def attention(self, name: str, query: Tensor, context: Tensor) -> Tensor:
        """``proj(softmax(s·QKᵀ + B) V)`` in groups of 64 tokens, with s = heads ** -0.5."""
        groups, tokens, channels = query.shape
        split = (groups, tokens, HEADS, channels // HEADS)
        q = self.linear(f"{name}.query", query).reshape(split).transpose(1, 2)
        k, v = self.linear(f"{name}.key_value", context).chunk(2, dim=-1)
        k, v = k.reshape(split).transpose(1, 2), v.reshape(split).transpose(1, 2)
        bias = self.state[f"{name}.relative_position_bias"][offsets()].permute(2, 0, 1)
        weights = torch.softmax(HEADS**-0.5 * (q @ k.transpose(-2, -1)) + bias, dim=-1)
        attended = (weights @ v).transpose(1, 2).reshape(groups, tokens, channels)
        return self.linear(f"{name}.projection", attended)

    def conv(self, name: str, x: Tensor, groups: int = 1, padding: int | None = None) -> Tensor:
        """Convolve; by default the size stays, with zeros around."""
        weight = self.state[f"{name}.weight"]
        if padding is None:
            padding = weight.shape[-1] // 2
        bias = self.state.get(f"{name}.bias")
        return functional.conv2d(x, weight, bias, padding=padding, groups=groups)

    def linear(self, name: str, x: Tensor) -> Tensor:
        """Linear layer with bias."""
        return functional.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def layer_norm(self, name: str, x: Tensor) -> Tensor:
        """Layer norm over the last dimension."""
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias)

    def group_norm(self, name: str, x: Tensor) -> Tensor:
        """Group norm with a group for each channel."""
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.group_norm(x, x.shape[1], weight, bias)

    def batch_norm(self, name: str, x: Tensor) -> Tensor:
        """Batch norm with the running statistics."""
        mean, variance = self.state[f"{name}.running_mean"], self.state[f"{name}.running_var"]
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.batch_norm(x, mean, variance, weight, bias)


def offsets() -> Tensor:
    """Row of the bias table for each pair of the 64 tokens, ``(64, 64)``."""
    tokens = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    y, x = torch.tensor(tokens).unbind(dim=1)
    rows, columns = y[:, None] - y[None, :] + 7, x[:, None] - x[None, :] + 7
    return rows * 15 + columns


def partition(x: Tensor, kind: str) -> Tensor:
    """Cut ``(1, C, H, W)`` into groups ``(H·W/64, 64, C)``: windows, or a grid."""
    _, channels, height, width = x.shape
    if kind == "window":
        x = x.reshape(channels, height // SIDE, SIDE, width // SIDE, SIDE).permute(1, 3, 2, 4, 0)
    else:
        x = x.reshape(channels, SIDE, height // SIDE, SIDE, width // SIDE).permute(2, 4, 1, 3, 0)
    return x.reshape(-1, SIDE * SIDE, channels)


def merge(groups: Tensor, shape: torch.Size, kind: str) -> Tensor:
    """Undo :func:`partition`."""
    _, channels, height, width = shape
    x = groups.reshape(height // SIDE, width // SIDE, SIDE, SIDE, channels)
    x = x.permute(4, 0, 2, 1, 3) if kind == "window" else x.permute(4, 2, 0, 3, 1)
    return x.reshape(shape)
