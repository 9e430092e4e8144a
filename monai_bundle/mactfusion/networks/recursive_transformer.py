"""The recursive transformer of CMINet: one block of global attention, applied several times."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

PATCH = 4
"""Edge of the square of pixels that becomes one token."""


class TransformerBlock(nn.Module):
    """TF: multi-head self-attention over all tokens, then a perceptron, with pre-normalisation.

    The fused attention kernel never holds the matrix of all pairs of tokens.
    """

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Refine ``(B, tokens, 64)``."""
        # (B, tokens, 192) to three times (B, heads, tokens, 16)
        projected = self.qkv(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4).unbind()
        attended = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.proj(attended.transpose(1, 2).flatten(2))
        return tokens + self.fc2(functional.gelu(self.fc1(self.norm2(tokens))))


class RecursiveTransformer(nn.Module):
    """Global features of one modality, H^TF: the same block refines all tokens several times.

    A token is a patch of 4×4 pixels; a depthwise convolution tells it where it is, at any size.
    """

    def __init__(self, recursions: int = 2, width: int = 64, channels: int = 16) -> None:
        super().__init__()
        self.recursions = recursions
        self.embed = nn.Conv2d(1, width, PATCH, stride=PATCH)
        self.pos = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.block = TransformerBlock(width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, channels * PATCH**2)

    def forward(self, image: Tensor) -> Tensor:
        """Extract ``(B, 16, H, W)`` from ``(B, 1, H, W)``; H and W are multiples of 4."""
        embedded = self.embed(image)
        embedded = embedded + self.pos(embedded)
        tokens = embedded.flatten(2).transpose(1, 2)
        for _ in range(self.recursions):
            tokens = self.block(tokens)
        maps = self.out(self.norm(tokens)).transpose(1, 2).unflatten(2, embedded.shape[2:])
        return functional.pixel_shuffle(maps, PATCH)
