"""Attention over 8×8 windows and over an 8×8 grid, with a learned relative position bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.networks.recording import is_recorded
from mactfusion.networks.strips import in_strips

SIDE = 8
"""Edge of a window, and number of grid cells along each edge (paper: multi-axis attention)."""


def as_windows(image: Tensor) -> Tensor:
    """See ``(B, C, H, W)`` as 8x8 windows ``(B, H/8, W/8, 8, 8, C)``; nothing is copied."""
    return image.unflatten(3, (-1, SIDE)).unflatten(2, (-1, SIDE)).permute(0, 2, 4, 3, 5, 1)


def from_windows(windows: Tensor) -> Tensor:
    """Undo :func:`as_windows`; what is copied, if anything is, is whole pixels."""
    return windows.transpose(2, 3).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def as_grids(image: Tensor) -> Tensor:
    """See ``(B, C, H, W)`` as 8x8 grids ``(B, H/8, W/8, 8, 8, C)`` of pixels H/8 and W/8 apart."""
    return image.unflatten(3, (SIDE, -1)).unflatten(2, (SIDE, -1)).permute(0, 3, 5, 2, 4, 1)


def from_grids(grids: Tensor) -> Tensor:
    """Undo :func:`as_grids`; what is copied, if anything is, is whole pixels."""
    return grids.permute(0, 3, 1, 4, 2, 5).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def relative_position_index() -> Tensor:
    """Row of the bias table for each pair of tokens ``(64, 64)`` of one group."""
    ticks = torch.arange(SIDE)
    rows, columns = (axis.flatten() for axis in torch.meshgrid(ticks, ticks, indexing="ij"))
    row_offset = rows[:, None] - rows[None, :] + SIDE - 1
    column_offset = columns[:, None] - columns[None, :] + SIDE - 1
    return row_offset * (2 * SIDE - 1) + column_offset


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, scale: float) -> Tensor:
    """``softmax(scale·QKᵀ + bias) V`` of ``(groups, heads, tokens, width)``.

    A bias that trains keeps a CPU from its fused kernel. What is left of
    ``scaled_dot_product_attention`` then guards against rows that are masked altogether, which
    do not occur here, and takes two to three times as long as the formula written out.
    """
    if query.device.type != "cpu" or not torch.is_grad_enabled() or is_recorded():
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, scale=scale
        )
    with torch.autocast("cpu", enabled=False):
        logits = (query * scale) @ key.transpose(-1, -2) + bias
        return logits.softmax(dim=-1) @ value


class MultiHeadAttention(nn.Module):
    """``proj(softmax(s·QKᵀ + B) V)`` inside each group of 64 tokens.

    The scale s is ``heads ** -0.5``, as in the published code (the usual one is
    ``head_width ** -0.5``); weights trained with one do not fit the other.
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.projection = nn.Linear(channels, channels)
        self.relative_position_bias = nn.Parameter(torch.empty((2 * SIDE - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias, std=0.02)
        self.register_buffer("relative_position_index", relative_position_index(), persistent=False)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """Attend from ``query`` to ``context``, both ``(groups, 64, channels)``."""

        def split_heads(x: Tensor) -> Tensor:
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q = split_heads(self.query(query))
        k, v = (split_heads(x) for x in self.key_value(context).chunk(2, dim=-1))
        bias = self.relative_position_bias[self.relative_position_index].permute(2, 0, 1)
        attended = attend(q, k, v, bias[None].to(q.dtype), self.heads**-0.5)
        return self.projection(attended.transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """Attention and a two-layer perceptron, each with pre-normalisation and a residual.

    One layer norm serves the query and the context, as in the published code.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(channels)
        self.attention = MultiHeadAttention(channels)
        self.norm_perceptron = nn.LayerNorm(channels)
        self.perceptron = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, query: Tensor, context: Tensor | None = None) -> Tensor:
        """Refine ``(..., 8, 8, channels)``, by default with themselves as context."""
        queries = query.flatten(3, 4).flatten(0, 2)
        normed = normed_context = self.norm_attention(queries)
        if context is not None:
            normed_context = self.norm_attention(context.flatten(3, 4).flatten(0, 2))
        x = queries + self.attention(normed, normed_context)
        return (x + self.perceptron(self.norm_perceptron(x))).view_as(query)


class MultiAxisAttention(nn.Module):
    """Window attention (local), then grid attention (global): multi-axis attention.

    With ``context`` it is the cross form: the context is the same for both and is not updated.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.window = TransformerBlock(channels)
        self.grid = TransformerBlock(channels)

    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """Refine ``(B, C, H, W)``; H and W are multiples of 8."""
        # Groups do not see each other.
        images = (features,) if context is None else (features, context)
        windows = in_strips(self.window, *map(as_windows, images), dim=1)
        images = (from_windows(windows), *images[1:])
        return from_grids(in_strips(self.grid, *map(as_grids, images), dim=1))
