"""Whether a network runs or is being recorded."""

from __future__ import annotations

import torch
from torch import Tensor


def is_recorded() -> bool:
    """Whether a graph is being recorded, for export or by the compiler, rather than run.

    A recorded graph keeps the plain operations, which every runtime knows and every size fits;
    shortcuts that suit one device or one size stay out of it.
    """
    return torch.jit.is_tracing() or torch.compiler.is_compiling()


def pixels_of(features: Tensor) -> int | Tensor:
    """Count the pixels of a slice of ``(B, C, H, W)``.

    A recorded graph counts them itself: exporters take the size of features for a constant.
    """
    if is_recorded():
        return (0 * features[:1, :1] + 1).sum()
    return features.shape[2] * features.shape[3]
