"""NRRD and MetaImage through ITK (SimpleITK): files and images in memory."""

from __future__ import annotations

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

_LPS = "left-posterior-superior"


def read_itk_image(path: Path) -> MetaTensor:
    """Read ``.nrrd``, ``.nhdr``, ``.mha`` or ``.mhd`` with the affine in RAS+ millimetres.

    Args:
        path: the file.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: damaged file, unknown position, zero or negative spacing, several frames, ...
    """
    name = str(path)
    with one_sentence(f"{name} cannot be read"):
        is_nrrd = extension_of(path) in NRRD_EXTENSIONS
        header = read_nrrd_header(path) if is_nrrd else read_meta_header(path)
        affine = check_affine(header.affine, name)
        check_memory((*header.size, header.components), name)
        check_stored(header.voxels, name)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if is_nrrd else "MetaImageIO")
    reader.SetFileName(name)
    with guarded(f"{name} cannot be read"):
        image = reader.Execute()
    array = _array(image, name)
    components = image.GetNumberOfComponentsPerPixel()
    read_as = (array.shape[:3], components, array.dtype)
    if read_as != (header.size, header.components, header.voxels.dtype):
        raise InputError(f"{name} was read in another size or type than its header says")
    return make_volume(array, affine, name=name)


def volume_from_simpleitk(image: SimpleITK.Image, name: str) -> MetaTensor:
    """Turn a SimpleITK image into a volume.

    Args:
        image: 2-D, 3-D, or 4-D with one frame; scalar, or unsigned colour of 3 or 4 components.
        name: how messages and ``filename_or_obj`` call the volume.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: several frames, complex, or what `make_volume` refuses.
    """
    _check_place_is_known(image, name)
    return make_volume(_array(image, name), affine_of(image), name=name)


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


def _array(image: SimpleITK.Image, name: str) -> np.ndarray:
    """Voxels ``(I, J, K)``, or ``(I, J, K, C)`` of a colour, as they lie in the image."""
    size = image.GetSize()
    if len(size) > 3 and max(size[3:]) > 1:
        raise InputError(f"{name} holds {max(size[3:])} frames (4-D); extract one of them first")
    components = image.GetNumberOfComponentsPerPixel()
    array = SimpleITK.GetArrayViewFromImage(image)
    shape = (*size[:3], *(1,) * (3 - len(size)))
    if components == 1 or array.dtype.kind == "c":
        return array.T.reshape(shape)
    if array.dtype.name not in ("uint8", "uint16"):
        raise InputError(
            f"{name} holds vectors of {components} {array.dtype.name} numbers, no colours;"
            " colour is uint8 or uint16"
        )
    return np.moveaxis(array, -1, 0).T.reshape(*shape, components)


def affine_of(image: SimpleITK.Image) -> np.ndarray:
    """The ``(4, 4)`` affine of a SimpleITK image, from index to RAS+ millimetres, float64."""
    dimension = image.GetDimension()
    spatial = min(dimension, 3)
    direction = np.array(image.GetDirection()).reshape(dimension, dimension)
    affine = np.eye(4)
    affine[:spatial, :spatial] = (direction * image.GetSpacing())[:spatial, :spatial]
    affine[:spatial, 3] = image.GetOrigin()[:spatial]
    return orientation_ras_lps(affine)
