"""What is compared with what: three files a case, and the folders they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mactfusion.case import partner_roles
from mactfusion.errors import InputError
from mactfusion.io.folder import files_by_stem
from mactfusion.io.formats import extension_of
from mactfusion.io.names import beside, sidecar_path
from mactfusion.option_table import OPTIONS
from mactfusion.transforms.color_names import FORMER_COLORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A fused picture or volume and its two sources.

    Attributes:
        name: what tables call it.
        fused: path.
        source_a: path; of volumes, the anatomical one. A folder is DICOM.
        source_b: path; of volumes, the partner.
    """

    name: str
    fused: Path
    source_a: Path
    source_b: Path


READING = ("anatomical_series", "partner_series", "anatomical_frame", "frame", "units")
"""Options that say what is read of a source."""


@dataclass(frozen=True)
class Preparation:
    """How the recipe shows two volumes to the network; pictures are taken as they are.

    What is None comes from the record that was written beside the fused volume, and without a
    record is what the recipe does by default. Of several partners it is what was done with the one
    that the volume is compared with.

    Attributes:
        task: see :func:`mactfusion.fuse_volumes`.
        window: of the partner.
        anatomical_window: of the anatomical volume.
        colormap: colour table of scalar PET and SPECT.
        grid: on which the volumes were fused.
        axis: along which slices are cut.
        reading: which series of DICOM sources, which frames, and in which units; see
            :data:`READING`.
        pose: where the partner was put, see :class:`mactfusion.case.Partner`; the record alone
            tells it.
        colors: how brightness and colours met, see the option; the record alone tells it.
    """

    task: str | None = None
    window: str | Sequence[float] | None = None
    anatomical_window: str | Sequence[float] | None = None
    colormap: str | Sequence[Sequence[float]] | None = None
    grid: str | None = None
    axis: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    pose: Sequence[Sequence[float]] | None = None
    colors: str | None = None

    def completed(self, case: Case) -> Preparation:
        """Fill in what is None for one fused volume.

        Raises:
            InputError: it was fused of several partners, and the second source is none of them.
        """
        recorded = _recorded(case)
        return Preparation(
            task=self.task or recorded.get("task") or "auto",
            window=self.window or recorded.get("window") or "auto",
            anatomical_window=(
                self.anatomical_window or recorded.get("anatomical_window") or "auto"
            ),
            colormap=self.colormap or recorded.get("colormap") or "hot_iron",
            grid=self.grid or recorded.get("grid") or "anatomical",
            axis=self.axis or recorded.get("axis") or "auto",
            reading={
                **{name: recorded[name] for name in READING if name in recorded},
                **self.reading,
            },
            pose=recorded.get("pose"),
            colors=recorded.get("colors") or FORMER_COLORS,
        )


def find_cases(fused: Path, source_a: Path, source_b: Path) -> tuple[list[Case], list[Path]]:
    """List the cases of three files, or of three folders whose files match by name.

    Names match without their extensions. A folder as a source of a fused file is DICOM.

    Returns:
        The cases in the order of their names, and the sources of which nothing was fused.

    Raises:
        InputError: a folder with something else, folders without a name in common, or a fused
            file without both of its sources.
    """
    for path in (fused, source_a, source_b):
        if not path.exists():
            raise InputError(f"{path} does not exist.")
    if fused.is_dir() and _record_of(fused):
        raise InputError(
            f"{fused} is a result in DICOM, which is not evaluated: fuse to NIfTI, NRRD or "
            "MetaImage."
        )
    if not fused.is_dir():
        return [Case(fused.name, fused, source_a, source_b)], []
    for source in (source_a, source_b):
        if not source.is_dir():
            raise InputError(f"{fused} is a folder and {source} is none: give three folders.")
    results, *sources = (files_by_stem(folder) for folder in (fused, source_a, source_b))
    maps = {own for path in results.values() for found in beside(path).values() for own in found}
    results = {stem: path for stem, path in results.items() if path not in maps}
    if not set(results).intersection(*sources):
        raise InputError(f"{fused}, {source_a} and {source_b} have no file names in common.")
    for stem, path in sorted(results.items()):
        for folder, stems in zip((source_a, source_b), sources, strict=True):
            if stem not in stems:
                raise InputError(f"{path} has no source of its name in {folder}; add it.")
    unmatched = [
        path for stems in sources for stem, path in sorted(stems.items()) if stem not in results
    ]
    return [
        Case(stem, path, *(stems[stem] for stems in sources))
        for stem, path in sorted(results.items())
    ], unmatched


def doubts_of(case: Case) -> list[str]:
    """Say which sources are not those of the record, and what several partners mean."""
    from mactfusion.io.load import digests_of

    inputs = _record_of(case.fused).get("inputs", {})
    anatomical = [about for role, about in inputs.items() if role == "anatomical"]
    partners = [about for role, about in inputs.items() if role != "anatomical"]
    sentences = []
    for called, source, fused in (
        ("anatomical volume", case.source_a, anatomical),
        ("partner", case.source_b, partners),
    ):
        known = {about["sha256"] for about in fused if "sha256" in about}
        if fused and len(known) == len(fused) and not known & digests_of(source):
            sentences.append(
                f"{source} is not the {called} that {case.fused} was fused from, by its record."
            )
    if len(partners) > 1:
        sentences.append(
            f"{case.fused} was fused of {len(partners)} partners: what others than {case.source_b} "
            "show counts as invented."
        )
    return sentences


def has_record(case: Case) -> bool:
    """Tell whether the record of a fused picture or volume is there."""
    return bool(_record_of(case.fused))


def colors_of(case: Case) -> str:
    """Tell how brightness and colours met in a fused picture or volume, by its record."""
    options = _record_of(case.fused).get("options", {})
    return str(options.get("colors") or FORMER_COLORS)


def _recorded(case: Case) -> dict[str, Any]:
    """Read the options that a volume was fused with, where this software left its record."""
    record = _record_of(case.fused)
    if not record:
        return {}
    options = {**record["options"], "task": record["task"], "axis": record["axis"]}
    partners = record.get("partners", [])
    if len(partners) == 1:
        options["pose"] = partners[0].get("pose")
    if len(partners) > 1:
        options |= _recorded_of_partner(record, case)
    return options


def _record_of(fused: Path) -> dict[str, Any]:
    """Read the record beside a fused file; empty where this software left none."""
    sidecar = sidecar_path(fused)
    if not sidecar.is_file():  # formerly the record of fused.nii.gz was fused.json
        stem = fused.name.removesuffix(extension_of(fused))
        sidecar = fused.with_name(f"{stem}.json")
    if not sidecar.is_file():
        return {}
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        is_own = isinstance(record["options"], dict) and {"task", "axis"} <= set(record)
    except (ValueError, KeyError, TypeError):
        return {}  # another program's file of that name
    return record if is_own else {}


def _recorded_of_partner(record: Mapping[str, Any], case: Case) -> dict[str, Any]:
    """Choose the options of that one of several partners that is the second source."""
    from mactfusion.io.load import digests_of

    digests = digests_of(case.source_b)
    for partner in record["partners"]:
        if record["inputs"][partner["input"]].get("sha256") in digests:
            place = partner_roles(len(record["partners"])).index(partner["input"])
            for_each = [name for name, option in OPTIONS.items() if option.for_each]
            recorded = record["options"]
            options = {name: recorded[name][place] for name in for_each if name in recorded}
            return {**options, "task": partner["task"], "pose": partner.get("pose")}
    names = ", ".join(str(partner["name"]) for partner in record["partners"])
    raise InputError(
        f"{case.fused} was fused of several partners ({names} in its record), and {case.source_b} "
        "is none of them, whose content is known: compare with one of these."
    )
