"""``mactfusion info``: what is known of volumes."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer looks it up
from typing import TYPE_CHECKING, Annotated

import typer

from mactfusion.cli.screen import caution, show, tell
from mactfusion.errors import listening
from mactfusion.io.names import check_input

if TYPE_CHECKING:
    from monai.data import MetaTensor

HOW_TO_TELL = (
    "PET and SPECT in one channel are told by DICOM's modality or units alone: give --task pet-mri "
    "or --task spect-mri, on a CT pet-ct or spect-ct"
)


def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Volumes, pictures, or DICOM: folder, file, DICOMDIR, ZIP."
        ),
    ],
) -> None:
    """Print geometry, units, modality guess and range of volumes; of DICOM what there is."""
    for file in files:
        check_input(file)
    from mactfusion.io.dicom.source import is_dicom_source
    from mactfusion.io.read import read_volume

    for number, file in enumerate(files):
        if number:
            tell("")
        with listening(caution):
            volume = only_volume(file) if is_dicom_source(file) else read_volume(file, frame="1")
        if volume is not None:
            for name, value in facts(volume, file).items():
                tell(f"{name:<12} {value}")


def only_volume(source: Path) -> MetaTensor | None:
    """List a DICOM source, and read its volume where there is just one of one frame."""
    from mactfusion.cli.series import passed_over, series_table
    from mactfusion.io.dicom.study import Studies, is_loose_file

    with Studies() as studies:
        listing = studies.listing(source)
        if listing.series:
            show(series_table(listing))
        if sentence := passed_over(listing):
            tell(sentence)
            studies.passed_over_is_said(source)
        if is_loose_file(source):
            series = studies.series(source)
        elif len(listing.candidates) != 1 and listing.series:
            return None
        else:
            series = studies.series(source)
        return studies.read(source, series) if series.frames == 1 else None


def facts(volume: MetaTensor, file: Path) -> dict[str, str]:
    """Return what is known of a volume, by what it is called."""
    import nibabel as nib
    import numpy as np

    from mactfusion.transforms.slices import choose_axis
    from mactfusion.transforms.task import guess_modality, recognised
    from mactfusion.transforms.units import units_of

    affine = volume.affine.numpy()
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    tilt = float(nib.affines.obliquity(affine).max())
    modality, reason = guess_modality(volume)
    count = volume.meta["frames"]
    frames = {"frames": f"{count}, of which this is the first; choose one or the mean (--frame)"}
    return {
        "file": file.name,
        **(frames if count > 1 else {}),
        "size": " x ".join(str(size) for size in volume.shape[1:]),
        "channels": "RGB" if len(volume) == 3 else "1",
        "spacing": " x ".join(f"{size:.4g}" for size in spacing_mm) + " mm",
        "axis codes": "".join(nib.aff2axcodes(affine)),
        "oblique": f"{np.degrees(tilt):.1f} degrees",
        "first voxel": ", ".join(f"{place:.2f}" for place in affine[:3, 3]) + " mm (RAS)",
        "slice axis": choose_axis(volume),
        "stored type": str(volume.meta["source_dtype"]),
        "range": f"{float(volume.min()):g} to {float(volume.max()):g}",
        "units": units_of(recognised(volume)) or "unknown",
        "modality": modality or "unknown",
        "because": reason if modality else f"{reason}; {HOW_TO_TELL}",
    }
