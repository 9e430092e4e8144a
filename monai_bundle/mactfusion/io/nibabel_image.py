"""Images of nibabel: NIfTI, and the other formats that it reads."""

from __future__ import annotations

import math
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

    from mactfusion.io.frames import FrameChoice

_MILLIMETRES = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}
"""By the three lowest bits of ``xyzt_units``; unknown units are millimetres to all programs."""

_VECTORS = frozenset((*range(1004, 1011), 2003, 2004, *range(2006, 2010), *range(2016, 2019)))
"""Intent codes of matrices, vectors, colours, and of FSL's fields and their coefficients."""


def volume_from_nibabel(image: Any, name: str, choice: FrameChoice) -> MetaTensor:
    """Turn a nibabel image (NIfTI or another of its spatial formats) into a volume.

    Args:
        image: ``nibabel.spatialimages.SpatialImage``.
        name: how messages and ``filename_or_obj`` call the volume.
        choice: which of several frames, of which no other is read.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: unknown position, no such frame, or what `make_volume` refuses.
    """
    shape, count = _shape(image, name)
    affine = _affine(image, name)
    check_memory(shape, name)
    first = getattr(image.header, "single_vox_offset", 0)
    is_single = isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image)
    if is_single and getattr(image.dataobj, "offset", first) < first:
        raise InputError(
            f"{name} says that its voxels begin in its header (vox_offset); repair its header"
        )
    stored = image.get_data_dtype()
    is_scaled_here = stored.kind in "iuf" and type(image.dataobj) is ArrayProxy

    def frame_at(number: int) -> np.ndarray:
        with guarded(f"{name} cannot be read"):
            data = image.dataobj if count == 1 else _frame(image.dataobj, number)
            array = _scaled(data) if is_scaled_here else np.asanyarray(data)
            if not stored.names:
                return array.reshape(shape, order="F")  # which nothing has to be moved for
            components = [array[component] for component in stored.names]
            return np.stack(components, axis=-1).reshape((*shape, len(components)), order="F")

    return make_volume(
        choice.read(count, frame_at, name),
        affine,
        name=name,
        source_dtype="uint8" if stored.names else stored.name,
        is_own=is_scaled_here,
        frames=count,
    )


def _frame(data: Any, number: int) -> Any:
    """One frame of what nibabel has: of a file as a proxy, so that its own integers are read."""
    if type(data) is not ArrayProxy or data.order != "F":
        return data[:, :, :, number]
    shape = data.shape[:3]
    offset = data.offset + number * math.prod(shape) * data.dtype.itemsize
    return ArrayProxy(data.file_like, (shape, data.dtype, offset, data.slope, data.inter))


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


def _shape(image: Any, name: str) -> tuple[tuple[int, ...], int]:
    """Voxels along the three axes of a frame, and how many frames there are."""
    shape = tuple(int(size) for size in image.shape)
    if not shape or min(shape) < 1:
        raise InputError(f"{name} holds no voxels (shape {shape})")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 4:
        raise InputError(f"{name} has {len(shape)} dimensions; extract one 3-D volume first")
    if len(shape) == 4 and isinstance(image.header, nibabel.Nifti1Header):
        intent = int(image.header["intent_code"])
        if intent in _VECTORS:
            raise InputError(
                f"{name} holds {shape[3]} numbers a voxel (NIfTI intent {intent}) and no frames;"
                " extract one 3-D volume first"
            )
    count = shape[3] if len(shape) == 4 else 1
    return shape[:3] + (1,) * (3 - len(shape)), count


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
