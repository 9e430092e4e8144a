"""What is known of one image of a DICOM file, whatever kind of object it lies in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

EXACT = 16
"""Decimals of numbers that were stored in binary, or need no rounding."""


@dataclass(slots=True)
class Frame:
    """One plane of pixels with its place in the patient.

    Attributes:
        number: its place in the file, from 0.
        position_mm: centre of its first pixel, LPS.
        orientation: unit vectors along a row and along a column, LPS.
        spacing_mm: distance of rows, distance of columns.
        thickness_mm: of the slice; 0 where unknown.
        apart_mm: the distance of slices that the header tells of; 0 where it does not.
        slope: stored value times this; None where the header does not say, which is 1.
        intercept: the product plus this is the value.
        keys: what may tell it from another image at its place, such as ``echo time``.
        hints: what may tell it from a plane beside it, where slices overlap; numbers and moments of
            its own, too.
        duration_ms: of the acquisition; 0 where unknown.
        corner: row and column where it begins in the stored plane; that of a mosaic's tile.
        decimals: of the numbers of orientation and position as they were written; 0 where all are
            whole.
    """

    number: int
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, float]
    thickness_mm: float = 0.0
    apart_mm: float = 0.0
    slope: float | None = None
    intercept: float = 0.0
    keys: dict[str, Any] = field(default_factory=dict)
    hints: dict[str, Any] = field(default_factory=dict)
    duration_ms: float = 0.0
    corner: tuple[int, int] = (0, 0)
    decimals: tuple[int, int] = (EXACT, EXACT)
    image: Image = field(init=False, repr=False)


@dataclass(slots=True)
class Image:
    """A DICOM file with pixels.

    Attributes:
        path: the file.
        sop_class: UID of its kind.
        instance: UID of its own.
        study: UID of the study, ``series`` of the series.
        series_number: as the scanner counts; "" where it does not.
        modality: DICOM's defined term.
        description: of the series.
        date: of the series, else of the study, as YYYYMMDD.
        patient: digests of identifier and birth date, "" where they are not filled in.
        patient_number: tells patients of one source apart, from 1.
        state: size and time of the file when its header was read.
        frame_of_reference: UID.
        units: of the values: "HU", DICOM's term of Units, "Gy", a RescaleType, or "".
        rows: of one frame.
        columns: of one frame.
        stored_type: such as ``int16``.
        frames: its planes; none where ``obstacle`` says why.
        obstacle: why it is no part of a volume, to stand after "which are".
        spoils: the volume of its series is incomplete without it.
    """

    path: Path
    sop_class: str = ""
    instance: str = ""
    study: str = ""
    series: str = ""
    series_number: str = ""
    modality: str = ""
    description: str = ""
    date: str = ""
    patient: tuple[str, str] = ("", "")
    patient_number: int = 1
    state: tuple[int, int] = (0, 0)
    frame_of_reference: str = ""
    units: str = ""
    rows: int = 0
    columns: int = 0
    stored_type: str = ""
    frames: list[Frame] = field(default_factory=list)
    obstacle: str = ""
    spoils: bool = False

    def hold(self, frames: list[Frame]) -> None:
        """Take frames as its own."""
        self.frames = frames
        for frame in frames:
            frame.image = self
