"""The only place where a volume comes into being: values and geometry are checked here."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.errors import InputError, warn
from mactfusion.io.header_numbers import LARGEST_COSINE_BETWEEN_AXES

if TYPE_CHECKING:
    from collections.abc import Iterator

_keeps_non_finite: ContextVar[bool] = ContextVar("keeps_non_finite", default=False)

LARGEST_MM = 1e8
"""Of spacings and places: nothing that is looked at is 100 km long, and squares stay exact."""

TEXT_META = (
    "modality", "units", "units_from", "units_factor", "padding", "frame_of_reference",
    "patient_digest",
)  # fmt: skip
"""What only DICOM knows; empty text otherwise, so that the meta of all volumes has equal keys.
``units_factor`` is what the values of the file were multiplied by, as text; ``padding`` is the
number, as text, that voxels without a measurement were set to: the smallest measured value."""


def make_volume(
    array: np.ndarray,
    affine: np.ndarray,
    *,
    name: str,
    source_dtype: str = "",
    is_image: bool = False,
    has_palette: bool = False,
    is_own: bool = False,
    frames: int = 1,
    **text_meta: str,
) -> MetaTensor:
    """Turn an array and its affine into a volume that can be fused.

    Colour is unsigned integer (full scale is 1) or floating point in [0, 1]; colour with alpha is
    premultiplied, so what is transparent becomes black. Colour with equal components is grey: it
    becomes one channel with the stored values. Voxels that are not finite take the smallest finite
    value, with a warning.

    Args:
        array: ``(I, J, K)`` scalar, or ``(I, J, K, 3)`` RGB, or ``(I, J, K, 4)`` RGBA.
        affine: ``(4, 4)`` from index to RAS+ millimetres.
        name: how messages and ``filename_or_obj`` call the volume: a path, or ``"array"``.
        source_dtype: the type stored in the file, before slope; that of ``array`` by default.
        is_image: whether the source is a 2-D picture file.
        has_palette: whether it stored indices of colours, which ``array`` has looked up.
        is_own: nobody else has the array: it may become the volume's memory.
        frames: how many the source holds, of which this is one, or their mean.
        **text_meta: any of `TEXT_META`.

    Returns:
        float32 ``(C, I, J, K)``, C = 1 in native values, which in memory lie as in ``array``, or
        C = 3 in [0, 1]; affine float64.

    Raises:
        InputError: the array's type or shape, its values or its affine cannot be used.
    """
    array = np.asarray(array)
    _check_array(array, name)
    checked_affine = check_affine(affine, name)
    full_scale = float(np.iinfo(array.dtype).max) if array.dtype.kind == "u" else 1.0
    source_dtype = source_dtype or array.dtype.name
    if array.ndim == 4:
        array = _without_alpha(array, full_scale)
    values = _channel_first(array, full_scale, is_own)
    _replace_non_finite(values, name)
    if len(values) == 3 and not 0 <= values.min() <= values.max() <= 1:
        raise InputError(f"{name} has floating-point colours outside 0 to 1; scale them to 0 to 1")
    meta = dict.fromkeys(TEXT_META, "") | text_meta
    meta |= {"filename_or_obj": name, "source_dtype": source_dtype}
    return MetaTensor(
        torch.from_numpy(values),
        affine=torch.from_numpy(checked_affine),
        meta={**meta, "is_image": is_image, "has_palette": has_palette, "frames": frames},
    )


@contextmanager
def keeping_non_finite() -> Iterator[None]:
    """Leave values that are not finite in the volumes that this thread reads."""
    token = _keeps_non_finite.set(True)
    try:
        yield
    finally:
        _keeps_non_finite.reset(token)


def check_affine(affine: np.ndarray, name: str) -> np.ndarray:
    """Refuse a geometry that is no rectangular grid.

    Args:
        affine: ``(4, 4)`` from index to RAS+ millimetres; left-handed is fine.
        name: how the message calls the volume.

    Returns:
        The same affine, float64.

    Raises:
        InputError: wrong shape or last row, not finite, absurd, zero spacing, singular or sheared.
    """
    affine = np.asarray(affine)
    if affine.shape != (4, 4) or affine.dtype.kind not in "iuf":
        raise InputError(f"{name} needs a 4 x 4 affine of numbers from index to RAS millimetres")
    affine = affine.astype(np.float64)
    if not np.isfinite(affine).all():
        raise InputError(f"{name} has an affine that is not finite; repair its header")
    if np.abs(affine).max() > LARGEST_MM:
        raise InputError(f"{name} has an affine with absurd lengths; repair its header")
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing_mm.min() == 0:
        raise InputError(f"{name} has a voxel spacing of zero (singular affine); repair its header")
    axes = affine[:3, :3] / spacing_mm
    if abs(np.linalg.det(axes)) < 1e-6:
        raise InputError(f"{name} has a singular affine (two axes are parallel); repair its header")
    if np.abs(affine[3] - (0, 0, 0, 1)).max() > 1e-6:
        raise InputError(f"{name} has an affine whose last row is not 0 0 0 1; repair it")
    cosine = np.abs(axes.T @ axes - np.eye(3)).max()
    if cosine > LARGEST_COSINE_BETWEEN_AXES:
        degrees = np.degrees(np.arccos(min(cosine, 1.0)))
        raise InputError(
            f"{name} has a sheared affine (two axes are {degrees:.1f} degrees apart instead of 90);"
            " resample it onto a rectangular grid first"
        )
    return affine


def _check_array(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "c":
        raise InputError(f"{name} holds complex numbers; save its magnitude as a volume first")
    if array.dtype.kind == "b":
        raise InputError(f"{name} is a mask of yes and no (boolean), not an image to fuse")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} holds values of type {array.dtype}, which are no intensities")
    if array.size == 0:
        raise InputError(f"{name} holds no voxels (shape {array.shape})")
    if array.ndim == 4 and array.shape[-1] not in (3, 4):
        raise InputError(
            f"{name} holds {array.shape[-1]} components a voxel; use scalar, RGB or RGBA"
        )
    if array.ndim not in (3, 4):
        raise InputError(f"{name} has {array.ndim} dimensions, 3 are needed (4 with colour last)")
    colour_types = ("uint8", "uint16", "float32", "float64")
    if array.ndim == 4 and array.dtype.name not in colour_types:
        raise InputError(f"{name} holds colours of type {array.dtype}; use uint8 or uint16")


def _without_alpha(array: np.ndarray, full_scale: float) -> np.ndarray:
    if array.shape[-1] == 3:
        return array
    colour, alpha = array[..., :3], array[..., 3:]
    if alpha.min() == full_scale:
        return colour
    return colour * (alpha / np.float32(full_scale))


def _channel_first(array: np.ndarray, full_scale: float, is_own: bool) -> np.ndarray:
    if array.ndim == 4:
        red = array[..., :1]
        if not np.array_equal(np.broadcast_to(red, array.shape), array, equal_nan=True):
            return np.array(np.moveaxis(array, -1, 0), np.float32, order="C") / full_scale
        array = red[..., 0]
    # beyond float32 becomes infinite, which is reported as not finite
    with np.errstate(over="ignore"):
        return array.astype(np.float32, order="K", copy=not is_own)[None]


def _replace_non_finite(values: np.ndarray, name: str) -> None:
    finite = np.isfinite(values)
    count = finite.size - np.count_nonzero(finite)
    if count == 0:
        return
    if count == finite.size:
        raise InputError(f"{name} holds no finite value at all (only NaN or infinite voxels)")
    if _keeps_non_finite.get():
        return
    smallest = values.min(where=finite, initial=np.inf)
    values[~finite] = smallest
    warn(
        f"{name}: {count} values are not finite (NaN or infinite);"
        f" they were set to the smallest finite value, {smallest:g}"
    )


def check_not_constant(volume: MetaTensor) -> MetaTensor:
    """Refuse a volume to fuse that shows nothing; a fused one may.

    Returns:
        The volume.

    Raises:
        InputError: all its voxels are equal.
    """
    # NumPy: a forked child would wait for ever for the threads of torch in its parent
    values = volume.as_tensor().numpy()
    lowest, highest = values.min(axis=(1, 2, 3)), values.max(axis=(1, 2, 3))
    if (lowest == highest).all():
        constant = ", ".join(f"{float(value):g}" for value in lowest)
        name, frames = volume.meta["filename_or_obj"], volume.meta["frames"]
        which = f": the one that was read of its {frames} frames" if frames > 1 else ""
        raise InputError(f"{name}{which} is constant ({constant}), nothing to fuse")
    return volume
