"""How much memory a fusion takes, told from headers."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import psutil

from mactfusion.batch.plan import partner_count
from mactfusion.errors import InputError
from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER
from mactfusion.io.dicom.source import is_dicom_source
from mactfusion.io.dicom.study import Studies
from mactfusion.io.formats import ITK_EXTENSIONS, PICTURE_EXTENSIONS, extension_of
from mactfusion.io.guard import guarded
from mactfusion.option_values import is_automatic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.batch.plan import Study
    from mactfusion.io.dicom.listing import Series
    from mactfusion.options import Options

PROCESS_BYTES = 900 * 2**20
"""Of a process with PyTorch and the network. This and the figures below are set above what was
taken; ``python -m training.benchmarks.batch`` compares them with what is."""
BYTES_A_VOXEL = 60
"""Of the result's grid, for the anatomical volume and one partner."""
BYTES_A_PARTNER_VOXEL = 24
"""Of a partner on its own grid; once more on the result's for each but the first."""
BYTES_A_REPORT_VOXEL = 60
"""Beside them, of the result's grid, for a report."""


def bytes_needed(study: Study, anatomical: Path, options: Options, report: bool) -> int:
    """Estimate the memory that a study takes, of the whole process.

    Args:
        study: its volumes.
        anatomical: where its DICOM files are at hand; else its own.
        options: of this study.
        report: whether a report is written.

    Raises:
        InputError: a volume whose header cannot be read, or a plan whose series have changed.
    """
    first, *partners = _grids(study, anatomical, options)
    voxels = math.prod(first[0])
    if options.grid != "anatomical":
        finest = min(first[1])
        voxels = round(voxels * math.prod(first[1]) / finest**3) if finest > 0 else voxels
    needed = PROCESS_BYTES + BYTES_A_VOXEL * voxels
    needed += BYTES_A_PARTNER_VOXEL * (
        sum(math.prod(shape) for shape, _ in partners) + voxels * (len(partners) - 1)
    )
    return needed + (BYTES_A_REPORT_VOXEL * voxels if report else 0)


def peak_bytes() -> int:
    """Return the most memory that this process had until now."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


Grid = tuple[tuple[int, ...], tuple[float, ...]]
"""Voxels and millimetres along each axis."""


def _grids(study: Study, anatomical: Path, options: Options) -> list[Grid]:
    sources = [anatomical, *study.partners]
    count = partner_count(study, options)
    wanted = [options.anatomical_series, *options.of_each(count)["partner_series"]]
    words = ["" if is_automatic(each) else each for each in wanted]
    with Studies() as studies:
        if not study.partners:
            pair = studies.pair(anatomical, words[0], words[1:])
            _check_unchanged(study, pair)
            return [_grid_of_series(series) for series in pair]
        return [
            _grid_of_series(studies.series(source, text, PARTNER if number else ANATOMICAL))
            if is_dicom_source(source)
            else _grid_of_file(source)
            for number, (source, text) in enumerate(zip(sources, words, strict=True))
        ]


def _check_unchanged(study: Study, pair: Sequence[Series]) -> None:
    """Refuse a study whose volumes are no longer those that the plan names by their numbers."""
    found = " + ".join(series.said() for series in pair)
    if study.what and study.what != found:
        raise InputError(
            f"The plan names {study.what}, and there is {found}: make the plan anew, or empty its "
            "column 'what' where this is meant."
        )


def _grid_of_series(series: Series) -> Grid:
    spacing = series.spacing_mm() or (1.0, 1.0, 1.0)
    return (*series.matrix, series.slices), spacing


def _grid_of_file(path: Path) -> Grid:
    extension = extension_of(path)
    with guarded(f"{path} cannot be read"):
        if extension in PICTURE_EXTENSIONS:
            from PIL import Image

            with Image.open(path) as picture:
                return (*picture.size, getattr(picture, "n_frames", 1)), (1.0, 1.0, 1.0)
        if extension in ITK_EXTENSIONS:
            import SimpleITK

            reader = SimpleITK.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            return tuple(reader.GetSize()), tuple(reader.GetSpacing())[:3]
        import nibabel

        header: Any = nibabel.load(path).header
        return tuple(header.get_data_shape()), tuple(map(float, header.get_zooms()))[:3]
