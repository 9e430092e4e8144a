"""Images of nibabel: NIfTI, and the other formats that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
from nibabel.analyze import AnalyzeHeader
from nibabel.arrayproxy import ArrayProxy

from mactfusion.errors import InputError, warn
from mactfusion.io.guard import guarded
from mactfusion.io.memory import check_memory
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from monai.data import MetaTensor

_MILLIMETRES = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}
"""By the three lowest bits of ``xyzt_units``; unknown units are millimetres to all programs."""


def volume_from_nibabel(image: Any, name: str) -> MetaTensor:
    """Turn a nibabel image (NIfTI or another of its spatial formats) into a volume.

    Args:
        image: ``nibabel.spatialimages.SpatialImage``.
        name: how messages and ``filename_or_obj`` call the volume.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: unknown position, several frames, or what `make_volume` refuses.
    """
    shape = _spatial_shape(image, name)
    affine = _affine(image, name)
    check_memory(shape, name)
    first = getattr(image.header, "single_vox_offset", 0)
    is_single = isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image)
    if is_single and getattr(image.dataobj, "offset", first) < first:
        raise InputError(
            f"{name} says that its voxels begin in its header (vox_offset); repair its header"
        )
    stored = image.get_data_dtype()
    is_own = False
    with guarded(f"{name} cannot be read"):
        if stored.names:
            coloured = np.asanyarray(image.dataobj)
            array = np.stack([coloured[component] for component in stored.names], axis=-1)
            shape = (*shape, len(stored.names))
        elif stored.kind in "iuf" and type(image.dataobj) is ArrayProxy:
            array, is_own = _scaled(image.dataobj), True
        else:
            array = np.asanyarray(image.dataobj)
        array = array.reshape(shape, order="F")  # which nothing has to be moved for
    source_dtype = "uint8" if stored.names else stored.name
    return make_volume(array, affine, name=name, source_dtype=source_dtype, is_own=is_own)


def _scaled(proxy: ArrayProxy) -> np.ndarray:
    """Slope and intercept in place, the result in float32.

    What float32 holds exactly is scaled in it, at half the peak memory of nibabel's own float64;
    integers of more bits would lose them before an intercept makes the values small.
    """
    precision: type[np.floating[Any]] = (
        np.float32 if np.can_cast(proxy.dtype, np.float32) else np.float64
    )
    values = np.array(proxy.get_unscaled(), precision, order="K")
    values *= precision(proxy.slope)
    values += precision(proxy.inter)
    return values.astype(np.float32, copy=False)


def _spatial_shape(image: Any, name: str) -> tuple[int, ...]:
    shape = tuple(int(size) for size in image.shape)
    if not shape or min(shape) < 1:
        raise InputError(f"{name} holds no voxels (shape {shape})")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) == 4:
        raise InputError(f"{name} holds {shape[3]} frames (4-D); extract one of them first")
    if len(shape) > 4:
        raise InputError(f"{name} has {len(shape)} dimensions; extract one 3-D volume first")
    return shape + (1,) * (3 - len(shape))


def _affine(image: Any, name: str) -> np.ndarray:
    if image.affine is None:
        raise InputError(f"{name} has no affine, so its position is unknown")
    if not isinstance(image.header, nibabel.Nifti1Header):
        if isinstance(image.header, AnalyzeHeader):
            raise InputError(
                f"{name} is an Analyze image, whose header does not say where left and right are;"
                " convert it again from the original to NIfTI"
            )
        return image.affine
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise InputError(
            f"{name} has neither sform nor qform, so its position in the patient is unknown;"
            " convert it again from the original, or set its sform code after checking left and"
            " right"
        )
    _warn_when_forms_disagree(image, name)
    factor = _MILLIMETRES.get(int(image.header["xyzt_units"]) & 7)
    if factor is None:
        factor = 1.0
        warn(f"{name}: its unit of length is none that NIfTI knows; millimetres were taken")
    return np.diag([factor] * 3 + [1.0]) @ image.affine


def _warn_when_forms_disagree(image: Any, name: str) -> None:
    if image.header["sform_code"] == 0 or image.header["qform_code"] == 0:
        return
    with guarded(f"{name} cannot be read", "its qform is not valid; repair its header"):
        difference = image.get_sform() - image.get_qform()
        corners = np.indices((2, 2, 2)).reshape(3, 8) * np.resize([*image.shape, 1], 3)[:, None]
        apart_mm = np.linalg.norm(difference[:3, :3] @ corners + difference[:3, 3:], axis=0).max()
        half_voxel_mm = min(image.header.get_zooms()[:3]) / 2
    if apart_mm > half_voxel_mm:
        warn(
            f"{name}: its sform and its qform place the volume up to {apart_mm:.1f} mm apart;"
            " the sform was used"
        )
