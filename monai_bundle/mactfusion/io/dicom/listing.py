"""What a folder tree, a CD or an archive holds: the volumes, and why others cannot be fused."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mactfusion.amounts import counted
from mactfusion.io.dicom.geometry import grid_of
from mactfusion.io.dicom.header import DamagedError, read_header
from mactfusion.io.dicom.holes import NoGridError
from mactfusion.io.dicom.images import image_of
from mactfusion.io.dicom.overlooked import SKIPS, skips
from mactfusion.io.dicom.patient import patient_numbers
from mactfusion.io.dicom.source import DICOMDIR, is_archive, missing_of
from mactfusion.io.dicom.stacks import stacks_of
from mactfusion.io.dicom.unchanged import state_of
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.frame import Frame, Image

_MODALITIES = ("MR", "CT", "PT", "NM", "RTDOSE")
"""In the order of a listing."""

ZIP_INSIDE = "ZIP that was not opened"
"""Of a file within a folder, or within another ZIP."""


@dataclass
class Series:
    """One volume, or several frames of it, or images that are none.

    Attributes:
        number: its place in the listing, from 1.
        images: its files.
        moments: the planes of each frame, in the order in which they lie.
        label: what tells it from others of one SeriesInstanceUID.
        obstacle: why it cannot be fused; "" where it can.
        sentences: what is to be said when it is read.
    """

    images: list[Image]
    moments: list[list[Frame]] = field(default_factory=list)
    label: str = ""
    obstacle: str = ""
    sentences: list[str] = field(default_factory=list)
    number: int = 0

    @property
    def modality(self) -> str:
        """DICOM's defined term."""
        return self.images[0].modality

    @property
    def description(self) -> str:
        """That of the header, and what tells the volume from others of its series."""
        return ", ".join(filter(None, (self.images[0].description, self.label)))

    @property
    def date(self) -> str:
        """YYYY-MM-DD, "" where unknown."""
        date = self.images[0].date
        is_date = len(date) == 8 and date.isdigit()
        return f"{date[:4]}-{date[4:6]}-{date[6:]}" if is_date else ""

    @property
    def matrix(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.images[0].columns, self.images[0].rows

    @property
    def slices(self) -> int:
        """Of the first frame; of images that are no volume their number."""
        return len(self.moments[0]) if self.moments else len(self.images)

    @property
    def frames(self) -> int:
        """How many times the volume was taken."""
        return len(self.moments)

    @property
    def files(self) -> list[Path]:
        """The files that hold its planes, each once, in the order of their names."""
        return sorted({frame.image.path for frames in self.moments for frame in frames})

    def said(self) -> str:
        """Number, modality, description and size, in a few words."""
        size = " x ".join(str(count) for count in (*self.matrix, self.slices))
        frames = f", {self.frames} frames" if self.frames > 1 else ""
        description = f" '{self.description}'" if self.description else ""
        return f"{self.number} {self.modality}{description} ({size}{frames})"

    def spacing_mm(self) -> tuple[float, ...]:
        """Of columns, rows and slices; nothing where it is no volume."""
        if not self.moments or self.obstacle:
            return ()
        affine = grid_of(self.moments[0]).affine
        return tuple(float((affine[:3, axis] ** 2).sum() ** 0.5) for axis in range(3))


@dataclass
class Listing:
    """What was found.

    Attributes:
        series: volumes first.
        passed: how many files were passed over, by reason.
        damaged: what is wrong with files that are DICOM or empty, by path.
    """

    series: list[Series]
    passed: Counter[str]
    damaged: dict[Path, str]

    @property
    def passed_in_words(self) -> str:
        """How many files are no part of any volume, by reason; "" where there are none."""
        return ", ".join(f"{count} {what}" for what, count in sorted(self.passed.items()))

    @property
    def archives(self) -> int:
        """How many ZIP files lie within it, which are not opened."""
        return self.passed[ZIP_INSIDE]

    @property
    def candidates(self) -> list[Series]:
        """Volumes, also those that cannot be fused as they are: one may be what is meant."""
        return [series for series in self.series if series.moments]

    @property
    def volumes(self) -> list[Series]:
        """Those that can be fused."""
        return [series for series in self.series if not series.obstacle]


def list_series(files: Sequence[Path]) -> Listing:
    """Read the headers of files, each once, and tell what volumes they hold.

    Args:
        files: of any kind; what is no DICOM counts as passed over.
    """
    images: list[Image] = []
    passed: Counter[str] = Counter()
    damaged: dict[Path, str] = {}
    cut: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for path in files:
        if path.name.upper() == DICOMDIR:
            continue
        try:
            state = state_of(path)
            header = read_header(path)
        except DamagedError as error:
            if error.header is None:
                damaged[path] = error.how
            else:
                cut[str(error.header.get("SeriesInstanceUID") or "")].append((path, error.how))
            continue
        except OSError as error:
            damaged[path] = f"cannot be opened ({reason_of(error)})"
            continue
        try:
            image = None if header is None else image_of(header, path)
        except Exception:
            damaged[path] = "has a header that cannot be understood"
            continue
        if image is not None:
            image.state = state
            images.append(image)
        elif header is not None:
            passed["DICOM without an image"] += 1
        else:
            passed[ZIP_INSIDE if is_archive(path) else "no DICOM"] += 1
    numbers = patient_numbers(image.patient for image in images)
    for image in images:
        image.patient_number = numbers[image.patient]
    patients = set(numbers.values())
    missing = missing_of(files, {image.instance for image in images})
    found: list[Series] = []
    for images_of_one in _of_one_series(images):
        uids = {image.series for image in images_of_one}
        for series in _series_of(images_of_one):
            _judge(series, [each for uid in uids for each in cut.get(uid, ())], damaged)
            if not series.obstacle and skips(series.moments[0], images_of_one):
                series.sentences.append(SKIPS)
            absent = sum(missing[uid] for uid in uids)
            if absent and not series.obstacle:
                series.obstacle = f"{absent} of its images are named in the DICOMDIR and not there"
            own = {image.patient_number for image in series.images}
            if len(patients) > len(own) == 1:
                patient = f"patient {own.pop()}"
                series.label = ", ".join(filter(None, (patient, series.label)))
            found.append(series)
    known = {image.series for image in images}
    for uid, flaws in cut.items():
        if uid not in known:
            damaged.update(flaws)
    return Listing(_numbered(found), passed, damaged)


def _of_one_series(images: list[Image]) -> list[list[Image]]:
    """Gather files by SeriesInstanceUID; slices that each have one of their own by all else."""
    by_uid: dict[tuple[str, ...], list[Image]] = defaultdict(list)
    for image in images:
        by_uid[image.study, image.series].append(image)
    groups: list[list[Image]] = []
    alone: dict[tuple[object, ...], list[Image]] = defaultdict(list)
    for group in by_uid.values():
        image = group[0]
        if len(group) > 1 or len(image.frames) != 1:
            groups.append(group)
            continue
        frame = image.frames[0]
        direction = tuple(round(part, 2) + 0.0 for part in frame.orientation)
        size = (image.rows, image.columns, frame.spacing_mm, frame.thickness_mm, direction)
        named = (image.study, image.series_number, image.description, image.modality)
        kind = (*named, image.patient_number, image.frame_of_reference, image.sop_class, *size)
        alone[kind].append(image)
    return groups + list(alone.values())


def _series_of(images: list[Image]) -> list[Series]:
    found = []
    refused: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        if image.obstacle:
            refused[image.obstacle].append(image)
    spoilt = next((image for image in images if image.spoils), None)
    left_out = {reason: group for reason, group in refused.items() if not group[0].spoils}
    for stack in stacks_of(images):
        frames = [frame for moment in stack.moments for frame in moment]
        series = Series(
            list({id(frame.image): frame.image for frame in frames}.values()),
            stack.moments,
            stack.label,
            stack.obstacle,
        )
        if spoilt is not None and not series.obstacle:
            count = sum(image.spoils for image in images)
            series.obstacle = f"{count} of {len(images)} are {spoilt.obstacle}"
        series.sentences += [
            f"{counted(len(group), 'image')} of its series left out: {reason}"
            for reason, group in left_out.items()
        ]
        if stack.differing:
            series.sentences.append(
                f"its slices differ in {' and '.join(stack.differing)}; by their places they are"
                " one volume"
            )
        if stack.beside:
            series.sentences.append(stack.beside)
        if stack.copies:
            series.sentences.append(f"{counted(stack.copies, 'copy')} of its slices left out")
        if stack.scouts:
            scouts = counted(len(stack.scouts), "image")
            series.sentences.append(f"{scouts} of its series left out: across the others")
        found.append(series)
    found += [Series(group, obstacle=reason) for reason, group in refused.items()]
    return found


def _judge(series: Series, cut: Sequence[tuple[Path, str]], damaged: dict[Path, str]) -> None:
    """Say why a series is no volume that can be trusted to be whole."""
    if series.obstacle:
        return
    if cut:
        path, how = cut[0]
        more = f" (and {len(cut) - 1} more)" if len(cut) > 1 else ""
        series.obstacle = f"{path.name} {how}{more}; copy or export it again"
        return
    files = series.files
    folders = {path.parent for path in files}
    endings = {path.suffix.lower() for path in files}
    beside = [path for path in damaged if path.parent in folders and path.suffix.lower() in endings]
    if beside:
        shown = ", ".join(f"{path.name} {damaged[path]}" for path in beside[:3])
        more = f" and {len(beside) - 3} more" if len(beside) > 3 else ""
        series.obstacle = (
            f"{len(beside)} of {len(files) + len(beside)} files beside each other cannot be read"
            f" ({shown}{more}), so that slices may be missing; copy them again, or take them away"
            " if they belong to something else"
        )
        return
    planes = [frame for frames in series.moments for frame in frames]
    without = sum(frame.slope is None for frame in planes)
    if 0 < without < len(planes):
        series.obstacle = (
            f"{without} of its {len(planes)} slices have no RescaleSlope, and the others have one;"
            " export the series again"
        )
        return
    units = sorted({image.units.upper() or "none" for image in series.images})
    if len(units) > 1:
        series.obstacle = (
            f"the values of its slices have several units ({', '.join(units)}); export the series"
            " again"
        )
        return
    try:
        for frames in series.moments:
            grid_of(frames)
    except NoGridError as error:
        series.obstacle = f"{error}; export the series again"


def _numbered(found: list[Series]) -> list[Series]:
    def order(series: Series) -> tuple[object, ...]:
        image = series.images[0]
        known = series.modality in _MODALITIES
        modality = _MODALITIES.index(series.modality) if known else len(_MODALITIES)
        place = float(image.series_number) if image.series_number.lstrip("-").isdigit() else 0.0
        return bool(series.obstacle), modality, image.date, place, series.description, image.series

    found.sort(key=order)
    for number, series in enumerate(found, start=1):
        series.number = number
    return found
