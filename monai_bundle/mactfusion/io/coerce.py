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
from mactfusion.io.dicom.choose import PARTNER
from mactfusion.io.frames import FrameChoice
from mactfusion.io.guard import one_sentence
from mactfusion.io.itk_image import volume_from_simpleitk
from mactfusion.io.nibabel_image import volume_from_nibabel
from mactfusion.io.read import read_volume
from mactfusion.io.volume import TEXT_META, check_not_constant, make_volume

IN_MEMORY = "array"
"""What messages and ``filename_or_obj`` call a volume that came without a file."""

_SHARED_TYPES = (torch.float16, torch.float32, torch.float64)
"""Of floating point, which NumPy knows as well."""

_RAS_SIGNS = {
    **dict.fromkeys(("", "none", "ras", "right-anterior-superior"), (1, 1, 1)),
    **dict.fromkeys(("lps", "left-posterior-superior"), (-1, -1, 1)),
    **dict.fromkeys(("las", "left-anterior-superior"), (-1, 1, 1)),
}
"""Of the axes that ``meta["space"]`` of a MetaTensor names; MONAI's readers write them."""


def as_volume(source: Any, *, frame: str = "auto", role: str = PARTNER) -> MetaTensor:
    """Turn a path, an image object or an array with its affine into a volume.

    Args:
        source: path of a file or DICOM folder; ``MetaTensor`` ``(C, I, J, K)`` with C = 1 in
            native values or C = 3 RGB (floating point in [0, 1], or unsigned integer), whose
            affine is from index to the space that its meta names, by default RAS+; nibabel
            image; SimpleITK image; or tuple ``(array, affine)`` with an array ``(I, J, K)`` or
            ``(I, J, K, 3)`` and a ``(4, 4)`` affine from index to RAS+ millimetres.
        frame: see :class:`mactfusion.io.frames.FrameChoice`.
        role: likewise.

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
        return read_volume(source, frame=frame, role=role)
    with one_sentence("the volume in memory cannot be read", "it is no array of numbers"):
        return check_not_constant(_from_memory(source, FrameChoice(frame, role)))


def _from_memory(source: Any, choice: FrameChoice) -> MetaTensor:
    if isinstance(source, SpatialImage):
        return volume_from_nibabel(source, source.get_filename() or IN_MEMORY, choice)
    if isinstance(source, SimpleITK.Image):
        return volume_from_simpleitk(source, IN_MEMORY, choice)
    choice.numbers(1, "A volume in memory")
    if isinstance(source, MetaTensor):
        return _from_metatensor(source)
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
    known: dict[str, Any] = {key: str(source.meta[key]) for key in TEXT_META if key in source.meta}
    return make_volume(
        array[0] if len(array) == 1 else np.moveaxis(array, 0, -1),
        _ras_affine(source, name),
        name=name,
        source_dtype=str(source.meta.get("source_dtype", "")),
        is_image=bool(source.meta.get("is_image", False)),
        has_palette=bool(source.meta.get("has_palette", False)),
        is_own=False,
        **known,
    )


def _ras_affine(source: MetaTensor, name: str) -> np.ndarray:
    """The affine to RAS+, whichever space that of the tensor is to."""
    space = str(source.meta.get("space", ""))
    signs = _RAS_SIGNS.get(space.lower())
    if signs is None:
        raise InputError(
            f"{name} is in the space '{space}' (meta), which is not known; use RAS or LPS"
        )
    affine = _as_array(source.affine)
    return affine if signs == (1, 1, 1) or affine.shape != (4, 4) else np.diag([*signs, 1]) @ affine


def _as_array(values: Any) -> np.ndarray:
    """An array of what a tensor or anything like an array holds; its memory where possible.

    Raises:
        InputError: values that are masked, not there, or not laid out as numbers.
    """
    if isinstance(values, torch.Tensor):
        if values.is_meta or values.is_quantized or values.layout != torch.strided:
            raise InputError(
                "a tensor without values, of quantized ones or of a sparse layout is no volume;"
                " use a dense tensor of numbers"
            )
        values = values.detach().cpu().resolve_conj().resolve_neg()
        has_type_of_its_own = values.is_floating_point() and values.dtype not in _SHARED_TYPES
        return (values.float() if has_type_of_its_own else values).numpy()
    if np.ma.isMaskedArray(values):
        raise InputError(
            "a masked array does not say what its masked voxels hold; fill them first (its method"
            " filled)"
        )
    return np.asarray(values)
