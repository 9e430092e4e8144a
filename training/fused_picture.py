"""A fused picture as it is published: 8 bits, in a PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


def to_8_bits(fused: Tensor) -> NDArray[np.uint8]:
    """Clip a picture ``(1, 1, H, W)`` to [0, 1] and round it to 0 to 255, ``(H, W)``."""
    return (fused[0, 0].clamp(0, 1) * 255).round().byte().cpu().numpy()


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write pixels ``(H, W)``; the folder is made, and the file appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary)
