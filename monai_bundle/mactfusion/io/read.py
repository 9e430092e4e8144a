"""Any file or DICOM folder becomes a volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mactfusion.io.dicom.choose import PARTNER
from mactfusion.io.dicom.source import is_dicom_source
from mactfusion.io.dicom.study import Studies
from mactfusion.io.formats import (
    ITK_EXTENSIONS,
    MGH_EXTENSIONS,
    NIFTI_EXTENSIONS,
    PAIR_EXTENSIONS,
    extension_of,
)
from mactfusion.io.frames import FrameChoice
from mactfusion.io.guard import one_sentence
from mactfusion.io.itk_image import read_itk_image
from mactfusion.io.mgh import read_mgh
from mactfusion.io.names import check_input
from mactfusion.io.nifti import read_nifti
from mactfusion.io.pictures.read import read_picture
from mactfusion.io.volume import check_not_constant

if TYPE_CHECKING:
    from monai.data import MetaTensor


def read_volume(
    path: str | Path,
    *,
    frame: str = "auto",
    role: str = PARTNER,
    may_be_constant: bool = False,
) -> MetaTensor:
    """Read one volume: NIfTI, MGH, NRRD, MetaImage, a picture, or DICOM that holds one volume.

    Args:
        path: a file with one of those extensions; or a folder tree, one file of a series, a
            DICOMDIR or a ZIP with DICOM files.
        frame: see :class:`mactfusion.io.frames.FrameChoice`.
        role: likewise.
        may_be_constant: take a volume whose voxels are all equal, such as a fused one may be.

    Returns:
        float32 ``(C, I, J, K)``, C = 1 in native values (HU, counts, ...) or C = 3 RGB in [0, 1];
        float64 affine from index to RAS+ millimetres; meta ``filename_or_obj``, ``source_dtype``,
        ``is_image``, ``has_palette``, ``frames`` and :data:`~mactfusion.io.volume.TEXT_META`.

    Raises:
        InputError: nothing there, or nothing that can be fused; the message says why.
    """
    with one_sentence(f"{path} cannot be read"):
        volume = _read(Path(path), FrameChoice(frame, role))
    return volume if may_be_constant else check_not_constant(volume)


def _read(path: Path, choice: FrameChoice) -> MetaTensor:
    check_input(path)
    if is_dicom_source(path):
        with Studies() as studies:
            series = studies.series(path)
            return studies.read(path, series, choice.frame, role=choice.role)
    extension = extension_of(path)
    if extension in (*NIFTI_EXTENSIONS, *PAIR_EXTENSIONS):
        return read_nifti(path, choice)
    if extension in MGH_EXTENSIONS:
        return read_mgh(path, choice)
    if extension in ITK_EXTENSIONS:
        return read_itk_image(path, choice)
    choice.numbers(1, str(path))
    return read_picture(path)
