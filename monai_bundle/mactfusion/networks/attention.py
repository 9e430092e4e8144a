"""Attention over 8×8 windows and over an 8×8 grid, with a learned relative position bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mactfusion.networks.recording import is_recorded

SIDE = 8
"""Edge of a window, and number of grid cells along each edge (paper: multi-axis attention)."""

GROUPS_PER_THREAD = 64
"""Groups that a CPU thread refines at a time: what lies between two steps stays in its cache."""


def window_partition(features: Tensor) -> Tensor:
    """Cut ``(B, C, H, W)`` into groups ``(B·H·W/64, 64, C)`` of neighbouring pixels."""
    batch, channels, height, width = features.shape
    blocks = features.view(batch, channels, height // SIDE, SIDE, width // SIDE, SIDE)
    return blocks.permute(0, 2, 4, 3, 5, 1).reshape(-1, SIDE * SIDE, channels)


def window_merge(groups: Tensor, shape: torch.Size) -> Tensor:
    """Undo :func:`window_partition`; ``shape`` is that of the image features."""
    batch, channels, height, width = shape
    blocks = groups.view(batch, height // SIDE, width // SIDE, SIDE, SIDE, channels)
    # Channels last while copying: whole tokens are moved, several times faster than single values.
    return blocks.transpose(2, 3).reshape(batch, height, width, channels).permute(0, 3, 1, 2)


def grid_partition(features: Tensor) -> Tensor:
    """Cut ``(B, C, H, W)`` into groups ``(B·H·W/64, 64, C)`` of pixels H/8 and W/8 apart."""
    batch, channels, height, width = features.shape
    cells = features.view(batch, channels, SIDE, height // SIDE, SIDE, width // SIDE)
    return cells.permute(0, 3, 5, 2, 4, 1).reshape(-1, SIDE * SIDE, channels)


def grid_merge(groups: Tensor, shape: torch.Size) -> Tensor:
    """Undo :func:`grid_partition`; ``shape`` is that of the image features."""
    batch, channels, height, width = shape
    cells = groups.view(batch, height // SIDE, width // SIDE, SIDE, SIDE, channels)
    cells = cells.permute(0, 3, 1, 4, 2, 5)
    return cells.reshape(batch, height, width, channels).permute(0, 3, 1, 2)


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
        groups, tokens, channels = query.shape

        def split_heads(x: Tensor) -> Tensor:
            return x.view(groups, tokens, self.heads, channels // self.heads).transpose(1, 2)

        q = split_heads(self.query(query))
        k, v = (split_heads(x) for x in self.key_value(context).chunk(2, dim=-1))
        bias = self.relative_position_bias[self.relative_position_index].permute(2, 0, 1)
        attended = attend(q, k, v, bias[None].to(q.dtype), self.heads**-0.5)
        return self.projection(attended.transpose(1, 2).reshape(groups, tokens, channels))


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

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """Refine ``query`` with ``context``; both ``(groups, 64, channels)``."""
        if query.device.type != "cpu" or is_recorded():
            return self._refine(query, context)
        # Groups do not see each other. All at once, a slice would spend more time on fetching
        # and filling fresh memory than on arithmetic.
        at_a_time = GROUPS_PER_THREAD * torch.get_num_threads()
        queries = query.split(at_a_time)
        contexts = queries if context is query else context.split(at_a_time)
        return torch.cat([self._refine(*pair) for pair in zip(queries, contexts, strict=True)])

    def _refine(self, query: Tensor, context: Tensor) -> Tensor:
        normed = self.norm_attention(query)
        other = normed if context is query else self.norm_attention(context)
        x = query + self.attention(normed, other)
        return x + self.perceptron(self.norm_perceptron(x))


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
        shape = features.shape
        groups = window_partition(features)
        other = groups if context is None else window_partition(context)
        features = window_merge(self.window(groups, other), shape)
        groups = grid_partition(features)
        other = groups if context is None else grid_partition(context)
        return grid_merge(self.grid(groups, other), shape).contiguous()
