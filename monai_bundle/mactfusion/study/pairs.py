"""Which source pairs a study shows: a folder in the public layout, or a table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.folder import files_by_stem
from mactfusion.io.formats import extension_of
from mactfusion.io.names import check_input
from mactfusion.option_values import TASKS

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = ("task", "anatomical", "partner")
POSSIBLE = (*NEEDED, "name", "slice")
"""Columns of a table."""

SPLIT = "test"
"""Folder between task and modality in the public layout; it may be left out."""


@dataclass(frozen=True)
class Pair:
    """Two sources of one patient.

    Attributes:
        task: one of :data:`mactfusion.option_values.TASKS`.
        name: what fused files of the pair are called, without extension.
        anatomical: a picture, a volume, or a folder of DICOM.
        partner: likewise.
        slice: of volumes, its place along the axis of the anatomical file's array, from 0; None
            for the middle one.
    """

    task: str
    name: str
    anatomical: Path
    partner: Path
    slice: int | None = None


def find_pairs(source: Path) -> list[Pair]:
    """List the pairs of a folder or a table, in the order of their names or of the lines.

    Args:
        source: a folder with ``TASK/MODALITY/NAME`` or ``TASK/test/MODALITY/NAME``, where TASK
            names the partner and then the anatomical modality, as ``CT-MRI`` does; or a ``.csv``
            table with the columns of :data:`NEEDED` and perhaps the others of :data:`POSSIBLE`,
            whose paths start where the table is.

    Raises:
        InputError: there are none, a source is missing or its kind unknown, a task is unknown, or
            two pairs of one task have one name.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist.")
    pairs = _of_folder(source) if source.is_dir() else _of_table(source)
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        for path in (pair.anatomical, pair.partner):
            check_input(path)
        if (pair.task, pair.name) in seen:
            raise InputError(
                f"{source}: two pairs of the task {pair.task} are called {pair.name}; give each a "
                "name of its own in the column name."
            )
        seen.add((pair.task, pair.name))
    return pairs


def _of_folder(source: Path) -> list[Pair]:
    pairs: list[Pair] = []
    for folder in sorted(source.iterdir()):
        task = folder.name.lower()
        if task not in TASKS or not folder.is_dir():
            continue
        partner_kind, _, anatomical_kind = folder.name.rpartition("-")
        parts = folder / SPLIT if (folder / SPLIT).is_dir() else folder
        kinds = [parts / anatomical_kind, parts / partner_kind]
        for kind in kinds:
            if not kind.is_dir():
                raise InputError(f"{kind} is no folder; it should hold the sources of {task}.")
        anatomical, partner = (files_by_stem(kind) for kind in kinds)
        for own, other, missing in (
            (anatomical, partner, kinds[1]),
            (partner, anatomical, kinds[0]),
        ):
            for stem, path in own.items():
                if stem not in other:
                    raise InputError(f"{path} has no counterpart in {missing}; add it.")
        pairs += [Pair(task, stem, anatomical[stem], partner[stem]) for stem in sorted(anatomical)]
    if not pairs:
        raise InputError(
            f"{source} holds no pairs; expected TASK/MODALITY/NAME, such as CT-MRI/CT/1.png and "
            "CT-MRI/MRI/1.png, or a .csv table in its place."
        )
    return pairs


def _of_table(source: Path) -> list[Pair]:
    if source.suffix.lower() != ".csv":
        raise InputError(f"{source} is neither a folder nor a .csv table of pairs.")
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source} cannot be read as a table: {error}.") from error
    if not set(NEEDED) <= set(columns) <= set(POSSIBLE) or len(set(columns)) < len(columns):
        raise InputError(
            f"{source} has the columns {', '.join(columns) or 'none'}; it needs "
            f"{', '.join(NEEDED)}, and may have name and slice."
        )
    if not lines:
        raise InputError(f"{source} holds no pairs: there is no line below its columns.")
    return [_of_line(line, source, number) for number, line in enumerate(lines, 2)]


def _of_line(line: dict[str | None, str | None], source: Path, number: int) -> Pair:
    """Turn one line of a table, of that number in the file, into a pair."""
    where = f"{source}, line {number}"
    if None in line or None in line.values():
        raise InputError(f"{where} has another number of fields than there are columns.")
    texts = {str(column): str(text).strip() for column, text in line.items()}
    task = texts["task"].lower()
    if task not in TASKS:
        raise InputError(f"{where}: unknown task '{texts['task']}'; choose {', '.join(TASKS)}.")
    for column in ("anatomical", "partner"):
        if not texts[column]:
            raise InputError(f"{where} names no {column} source.")
    chosen = texts.get("slice", "")
    if chosen and not (chosen.isascii() and chosen.isdigit()):
        raise InputError(f"{where}: a slice is a whole number from 0, not '{chosen}'.")
    anatomical, partner = (source.parent / texts[column] for column in ("anatomical", "partner"))
    stem = anatomical.name[: len(anatomical.name) - len(extension_of(anatomical))]
    name = texts.get("name") or stem
    return Pair(task, name, anatomical, partner, int(chosen) if chosen else None)
