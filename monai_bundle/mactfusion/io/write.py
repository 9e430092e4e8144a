"""A fused volume becomes a file: complete or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import SimpleITK
from monai.data.utils import orientation_ras_lps

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.formats import NIFTI_EXTENSIONS, OUTPUT_PICTURE_EXTENSIONS, extension_of
from mactfusion.io.guard import guarded
from mactfusion.io.names import check_output
from mactfusion.io.reasons import NOT_SAID
from mactfusion.transforms.slabs import slabs
from mactfusion.transforms.slices import OrientToSlicesd
from mactfusion.transforms.volume import is_picture, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from monai.data import MetaTensor

_SOFTWARE = f"mactfusion {__version__}"
_NIFTI_DESCRIPTION_LENGTH = 79
_RGB24 = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def write_volume(
    volume: MetaTensor,
    path: str | Path,
    *,
    dtype: str = "auto",
    description: str = "",
    when_written: Callable[[list[Path]], None] | None = None,
) -> None:
    """Write a volume in the format of the file's name; a file of that name is replaced.

    Colour is stored so that 3D Slicer shows a vector volume: RGB24 in NIfTI, three components a
    voxel in NRRD and MetaImage. A picture of a volume's one slice is as radiologists see it:
    patient right on the left of axial and coronal slices, anterior on the left of sagittal ones,
    anterior or superior at the top. What came from a picture file keeps its columns and rows.

    Args:
        volume: ``(1, I, J, K)`` or RGB ``(3, I, J, K)``, values in [0, 1] (beyond is clipped in
            integer types), affine from index to RAS+ millimetres.
        path: ends in one of ``OUTPUT_EXTENSIONS``; pictures (``.png``, ``.tif``) hold one slice,
            whichever axis of the volume it is cut along.
        dtype: ``"uint8"`` or ``"uint16"``, where full scale is 1; ``"float32"`` for scalars;
            ``"auto"`` is uint16 for scalars and uint8 for colour and PNG.
        description: one line for the header; NIfTI holds 79 characters with the software's name.
        when_written: called with the file before it takes its name; what it raises leaves all as it
            was.

    Raises:
        InputError: a format that cannot hold the volume, or a file that cannot be written; then
            nothing is left behind, and what had that name is untouched.
    """
    path = Path(path)
    check_output(path, overwrite=True)
    if volume.ndim != 4 or len(volume) not in (1, 3):
        raise InputError(
            f"{path} cannot be written: a volume has the shape (1 or 3, I, J, K),"
            f" this one {tuple(volume.shape)}"
        )
    extension = extension_of(path)
    dtype = stored_type(path, dtype, len(volume) == 3, volume.shape[1:])
    becomes_picture = extension in OUTPUT_PICTURE_EXTENSIONS
    array = stored_values(_as_displayed(volume) if becomes_picture else volume, dtype, path)
    affine = volume.affine.cpu().numpy().astype(np.float64)
    header_texts = {"name": "fused", "description": _one_ascii_line(description)}
    with (
        guarded(f"{path} cannot be written", NOT_SAID),
        atomic_path(path) as temporary,
    ):
        if extension in NIFTI_EXTENSIONS:
            _write_nifti(array, affine, temporary, header_texts["description"])
        elif becomes_picture:
            _write_picture(array[:, :, 0], temporary)
        else:
            _write_itk(array, affine, temporary, header_texts)
        if when_written is not None:
            when_written([temporary])


def write_bytes(
    voxels: torch.Tensor,
    affine: np.ndarray,
    path: Path,
    *,
    description: str,
    full_scale: float = 255.0,
) -> None:
    """Write bytes on the grid of a result as NIfTI.

    Args:
        voxels: ``(C, I, J, K)`` uint8; several channels become the fourth axis.
        affine: from index to RAS+ millimetres.
        path: ends in ``.nii.gz``; replaced.
        description: one line for the header.
        full_scale: what readers are to see for 255.

    Raises:
        OSError: it cannot be written.
    """
    array = voxels.permute(1, 2, 3, 0).numpy()
    image = _nifti_image(array[..., 0] if len(voxels) == 1 else array, affine, description)
    if full_scale != 255.0:
        image.header.set_slope_inter(full_scale / 255, 0)
    nibabel.save(image, path.absolute())


def stored_type(path: str | Path, dtype: str, is_colour: bool, shape: Sequence[int]) -> str:
    """Settle the type in which a file stores a volume.

    Args:
        path: the file; its extension names the format.
        dtype: see `write_volume`.
        is_colour: RGB, not scalar.
        shape: ``(I, J, K)`` of the volume; a picture needs one axis of size 1.

    Returns:
        ``"uint8"``, ``"uint16"`` or ``"float32"``.

    Raises:
        InputError: the format cannot hold such a volume, or not in that type.
    """
    path = Path(path)
    extension = extension_of(path)
    if extension in OUTPUT_PICTURE_EXTENSIONS and 1 not in shape:
        raise InputError(
            f"{path} cannot be written: a picture holds one slice, the volume has {shape[-1]};"
            " use .nii.gz, .nrrd or .mha"
        )
    if dtype == "auto":
        return "uint8" if is_colour or extension == ".png" else "uint16"
    if dtype not in ("uint8", "uint16", "float32"):
        raise InputError(f"{dtype} is no type to write; use auto, uint8, uint16 or float32")
    if dtype == "float32" and is_colour:
        raise InputError(f"{path} cannot be written: colour is stored as uint8 or uint16")
    if dtype == "float32" and extension == ".png":
        raise InputError(f"{path} cannot be written: PNG holds no float32; use .tif")
    if dtype == "uint16" and is_colour and extension in NIFTI_EXTENSIONS:
        raise InputError(
            f"{path} cannot be written: NIfTI holds colour as uint8 only; use uint8, or a name"
            " that ends in .nrrd or .mha"
        )
    return dtype


def _as_displayed(volume: MetaTensor) -> torch.Tensor:
    """Turn a volume of one slice to ``(C, column, row, 1)``, as `DISPLAY_CODES` has it."""
    # a picture file has no place in the patient to be turned by
    if is_picture(volume) and volume.shape[-1] == 1:
        return plain(volume)
    turn = OrientToSlicesd(["volume"], reference="volume")
    return plain(turn({"volume": volume})["volume"]).permute(0, 3, 2, 1)


def stored_values(voxels: torch.Tensor, dtype: str, path: Path) -> np.ndarray:
    """Turn a volume into what a file holds.

    Args:
        voxels: ``(1, I, J, K)`` or ``(3, I, J, K)`` in [0, 1]; beyond is clipped in integer types.
        dtype: ``"uint8"`` or ``"uint16"``, where full scale is 1, or ``"float32"``.
        path: names the file in the message.

    Returns:
        ``(I, J, K)`` or ``(I, J, K, 3)``; in memory K is the outermost, and colour the innermost.

    Raises:
        InputError: values that are not finite.
    """
    values = voxels.detach().cpu().numpy().astype(np.float32, copy=False)
    stored = np.empty((*reversed(values.shape[1:]), len(values)), dtype)
    for slab in slabs(stored.shape):
        part = values[..., slab].T
        if not np.isfinite(part).all():
            raise InputError(
                f"{path} cannot be written: the volume holds values that are not finite"
            )
        if dtype != "float32":
            part = np.clip(part, 0, 1)
            part *= np.float32(np.iinfo(dtype).max)
            np.rint(part, out=part)
        stored[slab] = part
    return stored[..., 0].T if len(values) == 1 else stored.transpose(2, 1, 0, 3)


def _one_ascii_line(text: str) -> str:
    """What every format reads back: a line break or a letter with accent may lose the field."""
    return " ".join(text.split()).encode("ascii", "replace").decode("ascii")


def _write_nifti(array: np.ndarray, affine: np.ndarray, path: Path, description: str) -> None:
    # nibabel and not ITK, whose writer reports no full disk and, from Python, writes no RGB24
    if array.ndim == 4:
        array = np.ascontiguousarray(array.transpose(2, 1, 0, 3)).view(_RGB24)[..., 0].T
    image = _nifti_image(array, affine, description)
    nibabel.save(image, path.absolute())  # of a relative path it would expand a leading "~"


def _nifti_image(array: np.ndarray, affine: np.ndarray, description: str) -> nibabel.Nifti1Image:
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    image.header.set_xyzt_units("mm")
    room = _NIFTI_DESCRIPTION_LENGTH - len(_SOFTWARE) - len(" ()")
    text = f"{description[:room]} ({_SOFTWARE})" if description else _SOFTWARE
    image.header["descrip"] = text
    return image


def _write_picture(array: np.ndarray, path: Path) -> None:
    """Write ``(W, H)`` or ``(W, H, 3)``."""
    image = SimpleITK.GetImageFromArray(array.swapaxes(0, 1), isVector=array.ndim == 3)
    SimpleITK.WriteImage(image, str(path), useCompression=True)


def _write_itk(
    array: np.ndarray, affine: np.ndarray, path: Path, header_texts: dict[str, str]
) -> None:
    """Write ``(I, J, K)`` or ``(I, J, K, 3)`` as NRRD or MetaImage."""
    is_colour = array.ndim == 4
    order = (2, 1, 0, 3) if is_colour else (2, 1, 0)
    image = SimpleITK.GetImageFromArray(array.transpose(order), isVector=is_colour)
    lps = orientation_ras_lps(affine)
    spacing_mm = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing_mm.tolist())
    image.SetDirection((lps[:3, :3] / spacing_mm).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    for key, text in {**header_texts, "software": _SOFTWARE}.items():
        if text:
            image.SetMetaData(key, text)
    SimpleITK.WriteImage(image, str(path), useCompression=True)
