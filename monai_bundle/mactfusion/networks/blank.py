"""What every fusion network answers where there is nothing to fuse."""

from __future__ import annotations

import torch
from torch import Tensor


def keep_blank(fused: Tensor, image: Tensor) -> Tensor:
    """Replace ``fused`` by the larger constant wherever both inputs of a pair are constant.

    Biases and normalisation would turn nothing into grey. Each pair of a batch is looked at by
    itself.

    Args:
        fused: ``(B, C, H, W)``, a network's result.
        image: ``(B, 2, H, W)``, what it was made from.

    Returns:
        ``(B, C, H, W)``, in the type of ``fused``.
    """
    highest, lowest = image.amax(dim=(2, 3)), image.amin(dim=(2, 3))
    blank = (highest == lowest).all(dim=1)
    brightest = highest.amax(dim=1).to(fused.dtype)
    return torch.where(blank[:, None, None, None], brightest[:, None, None, None], fused)
