"""NRRD and MetaImage through ITK (SimpleITK): files and images in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from monai.data.utils import orientation_ras_lps

from mactfusion.errors import InputError
from mactfusion.io.guard import guarded
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor

_SPACING_IN_HEADER = re.compile(rb"^(?:ElementSpacing\s*=|spacings:)([^\r\n]*)", re.MULTILINE)


def read_itk_image(path: Path) -> MetaTensor:
    """Read ``.nrrd``, ``.nhdr``, ``.mha`` or ``.mhd`` with the affine in RAS+ millimetres.

    Args:
        path: the file.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: damaged file, unknown position, zero or negative spacing, several frames, ...
    """
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    with guarded(f"{path} cannot be read"):
        _check_spacing_as_stored(path)
        reader.ReadImageInformation()
        _check_header(reader, path)
        image = reader.Execute()
    return volume_from_simpleitk(image, str(path))


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
    size = image.GetSize()
    _check_frames(size, name)
    components = image.GetNumberOfComponentsPerPixel()
    array = SimpleITK.GetArrayViewFromImage(image)
    source_dtype = array.dtype.name
    if components > 1 and array.dtype.kind != "c":
        if source_dtype not in ("uint8", "uint16"):
            raise InputError(
                f"{name} holds vectors of {components} {source_dtype} numbers, no colours;"
                " colour is uint8 or uint16"
            )
        array = np.moveaxis(array, -1, 0).T
        array = array.reshape(*size[:3], *(1,) * (3 - len(size)), components)
    else:
        array = array.T.reshape(*size[:3], *(1,) * (3 - len(size)))
    return make_volume(array, affine_of(image), name=name, source_dtype=source_dtype)


def affine_of(image: SimpleITK.Image) -> np.ndarray:
    """The ``(4, 4)`` affine of a SimpleITK image, from index to RAS+ millimetres, float64."""
    dimension = image.GetDimension()
    spatial = min(dimension, 3)
    direction = np.array(image.GetDirection()).reshape(dimension, dimension)
    affine = np.eye(4)
    affine[:spatial, :spatial] = (direction * image.GetSpacing())[:spatial, :spatial]
    affine[:spatial, 3] = image.GetOrigin()[:spatial]
    return orientation_ras_lps(affine)


def _check_spacing_as_stored(path: Path) -> None:
    """ITK turns a negative spacing into a mirrored axis without a word."""
    with path.open("rb") as file:
        found = _SPACING_IN_HEADER.search(file.read(4096))
    if found is None:
        return
    numbers = found[1].split()
    if any(float(number) <= 0 for number in numbers):
        spacing_mm = " x ".join(number.decode() for number in numbers)
        raise InputError(
            f"{path} has a voxel spacing that is not positive ({spacing_mm} mm); repair its header"
        )


def _check_header(reader: SimpleITK.ImageFileReader, path: Path) -> None:
    _check_frames(reader.GetSize(), str(path))
    is_nrrd = reader.GetMetaData("ITK_InputFilterName") == "NrrdImageIO"
    space = reader.GetMetaData("NRRD_space") if reader.HasMetaDataKey("NRRD_space") else ""
    # ITK turns every anatomical space into this one and leaves the others as they are
    if is_nrrd and reader.GetDimension() > 2 and not space.startswith("left-posterior-superior"):
        raise InputError(
            f"{path} does not say how its axes lie in the patient (NRRD field 'space' is"
            f" {space or 'missing'}); save it again with its orientation"
        )


def _check_frames(size: tuple[int, ...], name: str) -> None:
    if len(size) > 3 and max(size[3:]) > 1:
        raise InputError(f"{name} holds {max(size[3:])} frames (4-D); extract one of them first")
