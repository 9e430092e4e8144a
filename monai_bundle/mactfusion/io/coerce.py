"""Whatever a Python user holds in hand becomes a volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
import torch
from monai.data import MetaTensor
from nibabel.spatialimages import SpatialImage

from mactfusion.errors import InputError
from mactfusion.io.itk_image import volume_from_simpleitk
from mactfusion.io.nibabel_image import volume_from_nibabel
from mactfusion.io.read import read_volume
from mactfusion.io.volume import TEXT_META, check_not_constant, make_volume

IN_MEMORY = "array"
"""What messages and ``filename_or_obj`` call a volume that came without a file."""


def as_volume(source: Any) -> MetaTensor:
    """Turn a path, an image object or an array with its affine into a volume.

    Args:
        source: path of a file or DICOM folder; ``MetaTensor`` ``(C, I, J, K)`` with C = 1 in
            native values or C = 3 RGB (floating point in [0, 1], or unsigned integer); nibabel
            image; SimpleITK image; or tuple ``(array, affine)`` with an array ``(I, J, K)`` or
            ``(I, J, K, 3)`` and a ``(4, 4)`` affine from index to RAS+ millimetres.

    Returns:
        The volume, see `read_volume`. The source is not changed.

    Raises:
        InputError: another type, or a volume that cannot be fused.

    Example:
        >>> head = np.arange(60.0).reshape(5, 4, 3)
        >>> as_volume((head, np.diag([2.0, 2.0, 3.0, 1.0]))).shape
        torch.Size([1, 5, 4, 3])
    """
    if isinstance(source, str | Path):
        return read_volume(source)
    return check_not_constant(_from_memory(source))


def _from_memory(source: Any) -> MetaTensor:
    if isinstance(source, MetaTensor):
        return _from_metatensor(source)
    if isinstance(source, SpatialImage):
        return volume_from_nibabel(source, source.get_filename() or IN_MEMORY)
    if isinstance(source, SimpleITK.Image):
        return volume_from_simpleitk(source, IN_MEMORY)
    if isinstance(source, tuple) and len(source) == 2:
        array, affine = (_as_array(part) for part in source)
        return make_volume(array, affine, name=IN_MEMORY)
    raise InputError(
        f"a volume of type {type(source).__name__} is not understood; use a path, a MetaTensor, a"
        " nibabel or SimpleITK image, or a tuple (array, affine)"
    )


def _from_metatensor(source: MetaTensor) -> MetaTensor:
    name = str(source.meta.get("filename_or_obj", IN_MEMORY))
    if source.ndim != 4 or len(source) not in (1, 3):
        raise InputError(
            f"{name}: a MetaTensor must have the shape (1 or 3, I, J, K), not {tuple(source.shape)}"
        )
    array = _as_array(source)
    known = {key: str(source.meta[key]) for key in TEXT_META if key in source.meta}
    return make_volume(
        array[0] if len(array) == 1 else np.moveaxis(array, 0, -1),
        _as_array(source.affine),
        name=name,
        source_dtype=str(source.meta.get("source_dtype", "")),
        is_image=bool(source.meta.get("is_image", False)),
        has_palette=bool(source.meta.get("has_palette", False)),
        is_own=False,
        **known,
    )


def _as_array(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().numpy()
    return np.asarray(values)
