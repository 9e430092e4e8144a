"""Which file names mean which format."""

from __future__ import annotations

import os
from pathlib import Path

NIFTI_EXTENSIONS = (".nii", ".nii.gz")
PAIR_EXTENSIONS = (".hdr", ".img")
MGH_EXTENSIONS = (".mgh", ".mgz")
NRRD_EXTENSIONS = (".nrrd", ".nhdr")
ITK_EXTENSIONS = (*NRRD_EXTENSIONS, ".mha", ".mhd")
PICTURE_EXTENSIONS = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
INPUT_EXTENSIONS = (
    *NIFTI_EXTENSIONS,
    *PAIR_EXTENSIONS,
    *MGH_EXTENSIONS,
    *ITK_EXTENSIONS,
    *PICTURE_EXTENSIONS,
)

OUTPUT_PICTURE_EXTENSIONS = (".png", ".tif", ".tiff")
# Formats of two files (.nhdr, .mhd) are left out: two names cannot be replaced in one step.
OUTPUT_EXTENSIONS = (*NIFTI_EXTENSIONS, ".nrrd", ".mha", *OUTPUT_PICTURE_EXTENSIONS)
DICOM_EXTENSION = ".dcm"
"""Of one multi-frame object; a series of slices is a folder."""


def extension_of(path: Path) -> str:
    """The extension in lower case, both parts of ``.nii.gz``, empty when there is none.

    Example:
        >>> from pathlib import Path
        >>> extension_of(Path("head.T1.NII.GZ"))
        '.nii.gz'
    """
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def pair_of(path: Path) -> tuple[Path, Path]:
    """Header and voxels of a volume of two files, given either, in the letter case of its name.

    Example:
        >>> from pathlib import Path
        >>> [file.name for file in pair_of(Path("HEAD.IMG"))]
        ['HEAD.HDR', 'HEAD.IMG']
    """
    upper = path.suffix.isupper()
    header, voxels = (path.with_suffix(each.upper() if upper else each) for each in PAIR_EXTENSIONS)
    return header, voxels


def base_name(path: str | Path) -> str:
    """Name of a file or folder without the folders it is in, as one line.

    Example:
        >>> base_name("patient/scan 1.nii"), base_name("patient/CT/..")
        ('scan 1.nii', 'patient')
    """
    return " ".join(Path(os.path.abspath(path)).name.split())  # noqa: PTH100  "." has a name too


def is_dicom_output(output: Path, format: str) -> bool:  # noqa: A002  the option's name
    """Tell whether DICOM is written: one file by its name, or a folder by the option.

    Example:
        >>> is_dicom_output(Path("fused.dcm"), "auto"), is_dicom_output(Path("fused"), "auto")
        (True, False)
    """
    return format == "dicom" or extension_of(output) == DICOM_EXTENSION
