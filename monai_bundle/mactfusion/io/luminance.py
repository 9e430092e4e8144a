"""What a viewer sees of a picture or a fused volume: grey levels of 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError
from mactfusion.io.read import read_volume
from mactfusion.transforms.color import BLUE_WEIGHT, GREEN_WEIGHT, RED_WEIGHT
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor
    from numpy.typing import NDArray

METRICS_NEED_8_BITS = "the metrics are defined on 8 bits a channel"

_WEIGHTS = np.array([RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT])


def luminance(volume: MetaTensor) -> NDArray[np.float64]:
    """Return the luminance of a displayable volume, its full scale being 255; not rounded.

    Colour becomes BT.601 luminance. The full scale of unsigned integers is that of their type; of
    all other numbers it is 1 when none is larger, else 255.

    Args:
        volume: ``(1, I, J, K)`` as stored, or ``(3, I, J, K)`` RGB in [0, 1].

    Returns:
        ``(I, J, K)``, 0 to 255.

    Raises:
        InputError: values below 0, or above what can be a full scale.
    """
    voxels = plain(volume).double().numpy()
    name = volume.meta["filename_or_obj"]
    if len(voxels) == 3:
        # float32 keeps seven digits: what was a whole grey level is one again. The sum is rounded
        # as well, so that half a grey level is one half on every machine.
        return np.round(np.moveaxis(np.round(255 * voxels, 3), 0, -1) @ _WEIGHTS, 6)
    lowest, highest = float(voxels.min()), float(voxels.max())
    stored = np.dtype(volume.meta["source_dtype"])
    if highest <= 1 and stored.kind != "u":
        full_scale = 1
    else:
        full_scale = np.iinfo(stored).max if stored.kind == "u" else 255
    if lowest < 0 or highest > full_scale:
        raise InputError(
            f"{name} has values from {lowest:g} to {highest:g}, which are no grey levels: store "
            "it as unsigned integers, or as numbers in 0 to 1 or 0 to 255."
        )
    return np.round(255 * voxels[0] / full_scale, 3)


def grey_levels(volume: MetaTensor) -> NDArray[np.uint8]:
    """Return the luminance in whole grey levels, ``(I, J, K)``; see :func:`luminance`.

    Metrics are defined on 8 bits; unrounded luminance moves them by up to 0.0005.
    """
    return np.round(luminance(volume)).astype(np.uint8)


def read_grey_levels(path: Path, *, may_be_constant: bool = False) -> NDArray[np.uint8]:
    """Read an 8-bit picture as whole grey levels, ``(H, W)``.

    Raises:
        InputError: no picture that can be read; not 8-bit grey or RGB; or, unless it may be,
            constant.
    """
    picture = read_volume(path, may_be_constant=may_be_constant)
    check_8_bit_picture(picture, METRICS_NEED_8_BITS)
    return grey_levels(picture)[..., 0].T


def check_8_bit_picture(picture: MetaTensor, reason: str) -> None:
    """Refuse a picture of another type than 8 bits a channel, and a palette, which lost tones.

    Args:
        picture: as read.
        reason: why 8 bits, for the message.

    Raises:
        InputError: it is of another type, or a palette picture.
    """
    name, stored = (picture.meta[key] for key in ("filename_or_obj", "source_dtype"))
    if stored != "uint8":
        raise InputError(
            f"{name} is a picture of type {stored}: {reason}; save it as 8-bit grey or RGB."
        )
    if picture.meta["has_palette"]:
        raise InputError(f"{name} is a palette picture; save it as 8-bit grey or RGB.")
