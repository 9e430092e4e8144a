"""NRRD and MetaImage through ITK (SimpleITK): files and images in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from monai.data.utils import orientation_ras_lps

from mactfusion.errors import InputError
from mactfusion.io.formats import NRRD_EXTENSIONS, extension_of
from mactfusion.io.guard import guarded, one_sentence
from mactfusion.io.memory import check_memory
from mactfusion.io.meta_header import read_meta_header
from mactfusion.io.nrrd_header import read_nrrd_header
from mactfusion.io.stored_voxels import check_stored
from mactfusion.io.volume import check_affine, make_volume

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor

    from mactfusion.io.frames import FrameChoice

_LPS = "left-posterior-superior"


def read_itk_image(path: Path, choice: FrameChoice) -> MetaTensor:
    """Read ``.nrrd``, ``.nhdr``, ``.mha`` or ``.mhd`` with the affine in RAS+ millimetres.

    Args:
        path: the file.
        choice: which of several frames.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: damaged file, unknown position, zero or negative spacing, no such frame, ...
    """
    name = str(path)
    with one_sentence(f"{name} cannot be read"):
        is_nrrd = extension_of(path) in NRRD_EXTENSIONS
        header = read_nrrd_header(path) if is_nrrd else read_meta_header(path)
        choice.numbers(header.frames, name)
        affine = check_affine(header.affine, name)
        check_memory((*header.size, header.components, header.frames), name)
        check_stored(header.voxels, name)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if is_nrrd else "MetaImageIO")
    reader.SetFileName(name)
    with guarded(f"{name} cannot be read"):
        image = reader.Execute()
    array = _array(image)
    if is_nrrd and header.frames > 1:  # which are components to ITK
        array = array[..., 0, :]
    read_as = (*array.shape[:4], math.prod(array.shape[4:]), array.dtype)
    if read_as != (*header.size, header.frames, header.components, header.voxels.dtype):
        raise InputError(f"{name} was read in another size or type than its header says")
    return _volume(array, affine, name, choice)


def volume_from_simpleitk(image: SimpleITK.Image, name: str, choice: FrameChoice) -> MetaTensor:
    """Turn a SimpleITK image into a volume.

    Args:
        image: 2-D, 3-D, or 4-D with frames; scalar, or unsigned colour of 3 or 4 components.
        name: how messages and ``filename_or_obj`` call the volume.
        choice: which of several frames.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: no such frame, complex, or what `make_volume` refuses.
    """
    _check_place_is_known(image, name)
    if image.GetDimension() > 4:
        raise InputError(
            f"{name} has {image.GetDimension()} dimensions; extract one 3-D volume first"
        )
    return _volume(_array(image), affine_of(image), name, choice)


def _check_place_is_known(image: SimpleITK.Image, name: str) -> None:
    """Refuse what was read from a file that does not say where it lies; ITK keeps its fields."""
    fields = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    space = fields.get("NRRD_space", _LPS)
    if not space.startswith(_LPS):  # which ITK turns every anatomical space into
        raise InputError(
            f"{name} does not say how its axes lie in the patient (NRRD field 'space' is {space});"
            " save it again with its orientation"
        )
    if {fields.get(f"{form}_code") for form in ("sform", "qform")} == {"0"}:
        raise InputError(
            f"{name} comes from a NIfTI file with neither sform nor qform, so its position in the"
            " patient is unknown; convert it again from the original"
        )


def _array(image: SimpleITK.Image) -> np.ndarray:
    """Voxels ``(I, J, K, frames)``, or ``(I, J, K, frames, C)``, as they lie in the image."""
    size = image.GetSize()
    components = image.GetNumberOfComponentsPerPixel()
    array = SimpleITK.GetArrayViewFromImage(image)
    shape = (*size, *(1,) * (4 - len(size)))
    if components == 1 or array.dtype.kind == "c":
        return array.T.reshape(shape)
    return np.moveaxis(array, -1, 0).T.reshape(*shape, components)


def _volume(array: np.ndarray, affine: np.ndarray, name: str, choice: FrameChoice) -> MetaTensor:
    count = array.shape[3]
    choice.numbers(count, name)
    if array.ndim == 5 and array.dtype.name not in ("uint8", "uint16"):
        raise InputError(
            f"{name} holds vectors of {array.shape[4]} {array.dtype.name} numbers, no colours;"
            " colour is uint8 or uint16"
        )
    values = choice.read(count, lambda number: array[:, :, :, number], name)
    return make_volume(values, affine, name=name, source_dtype=array.dtype.name, frames=count)


def affine_of(image: SimpleITK.Image) -> np.ndarray:
    """The ``(4, 4)`` affine of a SimpleITK image, from index to RAS+ millimetres, float64."""
    dimension = image.GetDimension()
    spatial = min(dimension, 3)
    direction = np.array(image.GetDirection()).reshape(dimension, dimension)
    affine = np.eye(4)
    affine[:spatial, :spatial] = (direction * image.GetSpacing())[:spatial, :spatial]
    affine[:spatial, 3] = image.GetOrigin()[:spatial]
    return orientation_ras_lps(affine)
