"""Set the thresholds of the verdict on one half of many pairs, and try them on the other.

    python -m training.registration.verdicts measure --templates MNI --one-mm T1_1MM \
        --patient STROKE --single T1_A --single T1_B --pairs 400 --table docs/registration.csv
    python -m training.registration.verdicts judge --table docs/registration.csv \
        --page docs/registration.md

The first command makes pairs, searches each and writes what was measured; it goes on where it was
stopped. The second sets the score and the thresholds, which stand in
:mod:`mactfusion.registration.verdict`, by the pairs of the first half and writes what became of
those of the second. Its heads are others: other synthetic ones, the T1 of 1 mm with the templates,
the patient, and the single volumes.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console

from mactfusion.registration.cubes import Pyramid, finest_mm
from mactfusion.registration.evidence import Evidence, weigh
from mactfusion.registration.search import Pair as Search
from mactfusion.registration.search import degrees_of
from training.registration.pairs import KINDS, make_pair
from training.registration.sources import Subject, Synthetic, patient, single, templates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.registration.pairs import Pair

app = typer.Typer(add_completion=False)

MEASURED = [field.name for field in fields(Evidence)]
COLUMNS = (
    *("number", "half", "kind", "anatomical", "partner", "seen", "is_symmetric", "voxel_mm"),
    *("true_mm", "error_mm", "off_mm", "off_degrees"),
    *MEASURED,
)
HALVES = ("set", "tried")


def measured(pair: Pair) -> dict[str, Any]:
    """Search a pair and return what the verdict is to be made of, and the truth."""
    mm = finest_mm(pair.anatomical, pair.partner)
    search = Search(Pyramid(pair.anatomical, mm), Pyramid(pair.partner, mm))
    pose = search.search()
    is_known = pair.pose is not None
    spacing = np.linalg.norm(pair.partner.affine.numpy()[:3, :3], axis=0)
    return {
        "kind": pair.kind,
        "anatomical": pair.modalities[0],
        "partner": pair.modalities[1],
        "seen": pair.seen,
        "is_symmetric": pair.is_symmetric,
        "voxel_mm": spacing.max(),
        "true_mm": search.moved_mm(pair.pose) if is_known else "",
        "error_mm": search.moved_mm(np.linalg.inv(pair.pose) @ pose) if is_known else "",
        "off_mm": search.moved_mm(pose),
        "off_degrees": degrees_of(pose),
        **asdict(weigh(search, pose)),
    }


def subjects_of(
    half: str,
    template_folder: Path | None,
    one_mm: Path | None,
    patient_folder: Path | None,
    singles: Sequence[Path],
) -> list[Subject]:
    """Return the heads of one half; no head is in both.

    Args:
        half: one of :data:`HALVES`.
        template_folder: of the MNI templates.
        one_mm: T1 of 1 mm in the space of the templates.
        patient_folder: of the patient after a stroke.
        singles: files of a T1 each.
    """
    if half == "set":
        found: list[Subject] = [Synthetic.of(seed) for seed in range(6)]
        return [*found, *([templates(template_folder)] * 2 if template_folder else [])]
    found = [Synthetic.of(seed) for seed in range(10, 16)]
    if template_folder and one_mm:
        found.append(templates(template_folder, one_mm))
    if patient_folder:
        found += [patient(patient_folder)] * 3
    return [*found, *(single(path.name.partition(".")[0], path) for path in singles)]


@app.command()
def measure(
    table: Annotated[Path, typer.Option()],
    pairs: Annotated[int, typer.Option(min=1)] = 400,
    template_folder: Annotated[Path | None, typer.Option("--templates")] = None,
    one_mm: Annotated[Path | None, typer.Option()] = None,
    patient_folder: Annotated[Path | None, typer.Option("--patient")] = None,
    singles: Annotated[list[Path] | None, typer.Option("--single")] = None,
) -> None:
    """Make pairs, search each, and add what was measured to a table."""
    torch.set_num_threads(1)
    done = {int(row["number"]) for row in rows_of(table)} if table.exists() else set()
    halves = {
        half: subjects_of(half, template_folder, one_mm, patient_folder, singles or [])
        for half in HALVES
    }
    say = Console().print
    for number in range(pairs):
        if number in done:
            continue
        half, kind = HALVES[number % 2], KINDS[number // 2 % len(KINDS)]
        row = {"number": number, "half": half, **measured(make_pair(kind, halves[half], number))}
        is_new = not table.exists()
        with table.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerow({key: _text(value) for key, value in row.items()})
        say(f"{number + 1} of {pairs}: {kind}, {row['anatomical']} with {row['partner']}")


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def rows_of(table: Path) -> list[dict[str, str]]:
    """Read a table of pairs, in the order of their numbers."""
    with table.open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: int(row["number"]))


if __name__ == "__main__":
    app()
