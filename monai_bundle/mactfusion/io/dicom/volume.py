"""A series that was chosen becomes a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.errors import InputError, warn
from mactfusion.io.dicom.choose import PARTNER
from mactfusion.io.dicom.geometry import grid_of, straightened_sentence
from mactfusion.io.dicom.in_space import overlap_much
from mactfusion.io.dicom.parts import WIDER
from mactfusion.io.dicom.place import number
from mactfusion.io.dicom.resample import on_grid
from mactfusion.io.dicom.suv import COUNT_SCALES, differences, suv_of, told_by
from mactfusion.io.dicom.unchanged import check_unchanged
from mactfusion.io.dicom.values import Stored
from mactfusion.io.frames import NO_DURATIONS, FrameChoice
from mactfusion.io.guard import guarded
from mactfusion.io.volume import make_volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.io.dicom.frame import Frame
    from mactfusion.io.dicom.geometry import Grid
    from mactfusion.io.dicom.listing import Series

_UNREADABLE = "the pixels of a DICOM file are damaged, or compressed in a way that is not supported"
_SAME_PLACE_MM = 0.1
_FAR = 0.05
"""Share of the range of measured values: padding beyond it is no value among others."""


_NATIVE = {"BQML": "Bq/ml", "CNTS": "counts", "GML": "g/ml"}


def read_series(
    series: Series, name: str, frame: str = "auto", units: str = "auto", role: str = PARTNER
) -> MetaTensor:
    """Read the voxels of a series.

    Args:
        series: one that can be fused.
        name: how messages call it.
        frame: see :class:`mactfusion.io.frames.FrameChoice`; a mean is weighed by durations.
        units: "auto" makes SUVbw of PET where the header suffices, "suv" refuses where it does
            not, "native" leaves the values.
        role: "anatomical" or "partner", whose options a message names.

    Returns:
        The volume, see :func:`mactfusion.io.volume.make_volume`: first index along the rows, last
        along the normal. Its meta holds ``modality``, ``units``, ``frame_of_reference``,
        ``patient_digest``, ``padding``, ``units_from`` and ``units_factor``.

    Raises:
        InputError: pixels that cannot be read, a frame or units that cannot be had.
    """
    choice = FrameChoice(frame, role)
    moments = [series.moments[number] for number in choice.numbers(series.frames, name)]
    sentences = list(series.sentences)
    grids = [grid_of(frames) for frames in moments]
    grid = grids[0]
    _refuse_moved(grids, name, choice.option)
    with guarded(f"{name} cannot be read", _UNREADABLE):
        planes, header, stored_padding, differing = _planes(moments, name, sentences)
    if np.isnan(planes).all():
        raise InputError(f"{name} holds padding alone: nothing was measured")
    sentences[:0] = [grid.sentence, straightened_sentence(moments[0])]
    padding = ""
    planes = on_grid(planes, grid, moments[0][0].spacing_mm)
    is_padding = np.isnan(planes)
    if is_padding.any():
        planes[is_padding] = _padding(planes, stored_padding)
    image = moments[0][0].image
    unit, source, factor = _units(series, header, units, name, planes, sentences, differing)
    if is_padding.any():  # in the units of the volume
        padding = repr(float(planes[is_padding][0]))
    _count(series, header, grid, sentences)
    for sentence in filter(None, sentences):
        warn(f"{name}: {sentence}")
    return make_volume(
        planes.T,
        grid.affine,
        name=name,
        source_dtype=image.stored_type,
        is_own=True,
        frames=series.frames,
        modality=image.modality,
        units=unit,
        units_from=source,
        units_factor=repr(factor),
        padding=padding,
        frame_of_reference=image.frame_of_reference,
        patient_digest="|".join(image.patient) if any(image.patient) else "",
    )


def _refuse_moved(grids: Sequence[Grid], name: str, option: str) -> None:
    first = grids[0]
    for grid in grids[1:]:
        if grid.shape != first.shape or np.abs(grid.affine - first.affine).max() > _SAME_PLACE_MM:
            raise InputError(
                f"{name}: its frames do not lie on one grid, so that there is no mean; choose one"
                f" with {option}"
            )


def _planes(
    moments: Sequence[Sequence[Frame]], name: str, sentences: list[str]
) -> tuple[np.ndarray, Any, float | None, dict[str, str]]:
    """Read planes, and say what has to be said.

    Returns:
        ``(slices, rows, columns)`` float32, NaN for padding; the header of the image that was
        acquired first; the value of padding as stored, if there is any; what makes SUV of PET and
        differs between headers, with how.

    Raises:
        InputError: only some have their grey inverted, or one was changed meanwhile.
    """
    durations = [np.median([frame.duration_ms for frame in frames]) for frames in moments]
    if len(moments) > 1 and not all(duration > 0 for duration in durations):
        sentences.append(NO_DURATIONS)
        durations = [np.float64(1.0)] * len(moments)
    weights = np.array(durations) / np.sum(durations) if len(moments) > 1 else np.ones(1)
    image = moments[0][0].image
    result = np.zeros((len(moments[0]), image.rows, image.columns), np.float32)
    opened: dict[Any, Stored] = {}
    earliest, first, padding = "", None, None
    inverted: set[bool] = set()
    told: dict[str, Any] = {}
    differing: dict[str, str] = {}
    for frames, weight in zip(moments, weights, strict=True):
        for place, frame in enumerate(frames):
            path = frame.image.path
            if path not in opened:
                opened.clear()  # planes of one file follow each other
                opened[path] = Stored(path)
                check_unchanged(frame.image, opened[path].header)
                for sentence in opened[path].sentences:
                    if sentence not in sentences:
                        sentences.append(sentence)
                if frame.image.modality == "PT":
                    here = told_by(opened[path].header)
                    told = told or here
                    differing |= differences(told, here)
            stored = opened[path]
            values, is_padding = stored.values(frame)
            if is_padding is not None:
                padding = float(values[is_padding][0]) if padding is None else padding
                values[is_padding] = np.nan
            result[place] += weight * values
            moment = f"{stored.header.get('AcquisitionDate', '')}|{_clock(stored.header)}"
            if first is None or moment < earliest:
                earliest, first = moment, stored.header
            inverted.add(stored.is_inverted)
    if len(inverted) > 1:
        raise InputError(
            f"{name} has slices whose smallest value is white (MONOCHROME1) among others whose"
            " smallest value is black, so that their greys do not compare"
        )
    if True in inverted:
        sentences.append("its grey was inverted, as its header asks for (MONOCHROME1)")
    return result, first, padding, differing


def _clock(header: Any) -> str:
    return str(header.get("AcquisitionTime", "") or "").rjust(6, "0")


def _padding(planes: np.ndarray, stored: float | None) -> float:
    """Return the value for voxels without measurement: as stored where it lies among the others."""
    lowest, highest = float(np.nanmin(planes)), float(np.nanmax(planes))
    room = _FAR * (highest - lowest)
    if stored is not None and lowest - room <= stored <= highest + room:
        return stored
    return lowest


def _units(
    series: Series,
    header: Any,
    wanted: str,
    name: str,
    planes: np.ndarray,
    sentences: list[str],
    differing: Mapping[str, str],
) -> tuple[str, str, float]:
    """Turn PET into SUVbw where it can be.

    Returns:
        The units, from what they come, and by what the values were multiplied.
    """
    native = series.images[0].units
    scale = next((each for each in COUNT_SCALES if each in differing), "")
    if native.upper() == "CNTS" and scale:
        flaw = f"its factor {scale} {differing[scale]}, so that its counts do not compare"
        if wanted != "native":
            raise InputError(f"{name} cannot be fused in one unit: {flaw}")
        sentences.append(flaw)
    if series.modality != "PT" or wanted == "native":
        return native, "", 1.0
    suv = suv_of(header, native, differing)
    if suv.factor is None:
        if wanted == "suv":
            raise InputError(f"{name} cannot be shown in SUV, because {suv.source}")
        shown = _NATIVE.get(native.upper(), native) or "the units of the file"
        sentences.append(f"it stays in {shown} and is not in SUV, because {suv.source}")
        return native, "", 1.0
    sentences += suv.sentences
    if suv.factor != 1:
        planes *= np.float32(suv.factor)
    return "SUV", suv.source, suv.factor


def _count(series: Series, header: Any, grid: Grid, sentences: list[str]) -> None:
    """Say so when the header tells of more slices than there are."""
    apart_mm = float(np.linalg.norm(grid.affine[:3, 2]))
    told_mm = number(header, "SpacingBetweenSlices") or 2 * number(header, "SliceThickness")
    if series.slices > 1 and apart_mm > WIDER * told_mm > 0:
        sentences.append(
            f"its slices are {apart_mm:.4g} mm apart, and its header tells of less; slices between"
            " them may be missing"
        )
    elif len(series.files) > 1 and overlap_much(series.moments[0]):
        thick_mm = number(header, "SliceThickness")
        sentences.append(
            f"its slices are {thick_mm:.4g} mm thick and {apart_mm:.4g} mm apart; no tag says that"
            " they are two volumes in turns, and they were taken for one that overlaps"
        )
    named = header.get("NumberOfSlices")
    if series.modality == "PT" and named and int(named) > series.slices:
        sentences.append(
            f"its header tells of {int(named)} slices, and {series.slices} are there; slices at"
            " its ends may be missing"
        )
