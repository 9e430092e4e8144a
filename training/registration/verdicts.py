"""Measure many pairs, fit the score of the verdict to one half, and say what became of all.

    python -m training.registration.verdicts measure --templates MNI --one-mm T1_1MM \
        --patient STROKE --single T1_A --single T1_B --pairs 400 --table docs/registration.csv
    python -m training.registration.verdicts judge --table docs/registration.csv \
        --page docs/registration.md

The first command makes pairs, searches each and writes what was measured; it goes on where it was
stopped. The second says how the verdict in use (:mod:`mactfusion.registration.verdict`) judges
them, and which weights a fit to the first half would give. The heads of the second half are others:
other synthetic ones, the T1 of 1 mm with the templates, the patient, and the single volumes.
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
from torch.nn import functional

from mactfusion.registration.cubes import Pyramid, finest_mm
from mactfusion.registration.evidence import Evidence, weigh
from mactfusion.registration.search import Pair as Search
from mactfusion.registration.search import degrees_of
from mactfusion.registration.verdict import (
    FEW_BLOCKS,
    GOOD,
    GOOD_OF_A_PART,
    GOOD_OF_FEW,
    LEAST,
    PART,
    SOME_BLOCKS,
    VERDICTS,
    WEIGHTS,
    Verdict,
    judge,
    terms,
)
from training.marked_page import Markers, write_between_markers
from training.registration.pairs import KINDS, make_pair
from training.registration.sources import Subject, Synthetic, patient, single, templates
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    search = Search(Pyramid.of(pair.anatomical, mm), Pyramid.of(pair.partner, mm))
    pose = search.search()
    true = pair.pose
    spacing = np.linalg.norm(pair.partner.affine.numpy()[:3, :3], axis=0)
    return {
        "kind": pair.kind,
        "anatomical": pair.modalities[0],
        "partner": pair.modalities[1],
        "seen": pair.seen,
        "is_symmetric": pair.is_symmetric,
        "voxel_mm": spacing.max(),
        "true_mm": "" if true is None else search.moved_mm(true),
        "error_mm": "" if true is None else search.moved_mm(np.linalg.inv(true) @ pose),
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
    first: Annotated[int, typer.Option(min=0)] = 0,
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
    for number in range(first, pairs):
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


@app.command("judge")
def write_figures(
    table: Annotated[Path, typer.Option()],
    page: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Say how the verdict in use judges the pairs, and what a fit to the first half would give."""
    rows = rows_of(table)
    weights, least = fitted([row for row in rows if row["half"] == "set"])
    text = "\n\n".join(
        [
            f"In use: {_listed(WEIGHTS)}; no match below {LEAST:.2f}, good from {GOOD:.2f}, from "
            f"{GOOD_OF_A_PART:.2f} where less than {PART:.0%} of the head is shown or there are "
            f"fewer than {SOME_BLOCKS} blocks, from {GOOD_OF_FEW:.2f} with fewer than "
            f"{FEW_BLOCKS}. "
            f"A fit to the half called set gives {_listed(weights)}; no match below {least:.2f}.",
            markdown_table(HEAD, (became(rows, half, kind) for half in HALVES for kind in GROUPS)),
        ]
    )
    Console().print(text)
    if page is not None:
        write_between_markers(page, MARKERS, text)


def _listed(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in weights.items())


MARKERS = Markers("<!-- verdicts begin -->", "<!-- verdicts end -->")
GROUPS = ("in place", "moved", "averages", "another patient", "mirrored", "averages mirrored")
HEAD = ["half and kind", "pairs", *VERDICTS[:5], "good, and over 5 mm wrong"]


def group_of(row: Mapping[str, str]) -> str:
    """Return the kind of a pair; averages of many heads, which are alike left and right, apart."""
    if row["is_symmetric"] == "False" or row["kind"] == "another patient":
        return row["kind"]
    return "averages mirrored" if row["kind"] == "mirrored" else "averages"


def verdict_of(row: Mapping[str, str]) -> Verdict:
    """Judge a pair by what was measured."""
    off = (float(row[name]) for name in ("off_mm", "off_degrees", "voxel_mm"))
    return judge(evidence_of(row), *off)


def evidence_of(row: Mapping[str, str]) -> Evidence:
    """Return what was measured of a pair."""
    return Evidence(*(float(row[name]) for name in MEASURED))


def is_right(row: Mapping[str, str]) -> bool | None:
    """Tell whether the pose that was found is right; None where that is no clear matter."""
    if row["kind"] == "another patient":
        return False
    if row["kind"] == "mirrored":
        return None
    error = float(row["error_mm"])
    if error < max(_RIGHT_MM, 0.75 * float(row["voxel_mm"])):
        return True
    return False if error > _WRONG_MM else None


_RIGHT_MM, _WRONG_MM = 4.0, 6.0
_RIDGE = 0.003
_SHARE_BELOW_LEAST = 0.02


def fitted(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, float], float]:
    """Fit the score by logistic regression; right and wrong poses count alike.

    Returns:
        The weights, such that 0 parts as large a share of the right as of the wrong poses wrongly,
        and the score that 2 % of the right ones do not reach.
    """
    clear = [(row, right) for row in rows if (right := is_right(row)) is not None]
    each = [terms(evidence_of(row)) for row, _ in clear]
    names = [name for name in each[0] if name != "constant"]
    values = torch.tensor([[one[name] for name in names] for one in each], dtype=torch.float64)
    is_good = torch.tensor([right for _, right in clear])
    middle, scale = values.mean(dim=0), values.std(dim=0)
    scaled = (values - middle) / scale
    weight = torch.zeros(len(names) + 1, dtype=torch.float64, requires_grad=True)
    share = is_good.double().mean()
    importance = torch.where(is_good, 0.5 / share, 0.5 / (1 - share))
    optimiser = torch.optim.LBFGS([weight], max_iter=300)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = scaled @ weight[1:] + weight[0]
        each_loss = functional.binary_cross_entropy_with_logits(
            logits, is_good.double(), importance
        )
        total = each_loss + _RIDGE * (weight[1:] ** 2).sum()
        total.backward()
        return total

    optimiser.step(loss)
    slopes = weight.detach()[1:] / scale
    score = values @ slopes
    good, wrong = score[is_good].sort().values, score[~is_good].sort().values

    def imbalance(cut: float) -> float:
        return abs(float((good < cut).double().mean() - (wrong >= cut).double().mean()))

    cut = min(good.tolist(), key=imbalance)
    found = {"constant": -cut, **dict(zip(names, slopes.tolist(), strict=True))}
    return found, float(torch.quantile(good, _SHARE_BELOW_LEAST)) - cut


def became(rows: Sequence[Mapping[str, str]], half: str, group: str) -> list[str]:
    """Return a line of the table: how often each verdict was given."""
    own = [row for row in rows if row["half"] == half and group_of(row) == group]
    verdicts = [verdict_of(row) for row in own]
    counts = [sum(verdict.name == name for verdict in verdicts) for name in VERDICTS[:5]]
    wrong = sum(
        verdict.is_good and is_right(row) is False and row["kind"] != "another patient"
        for verdict, row in zip(verdicts, own, strict=True)
    )
    return [f"{half}: {group}", str(len(own)), *map(str, counts), str(wrong)]


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def rows_of(table: Path) -> list[dict[str, str]]:
    """Read a table of pairs, in the order of their numbers."""
    with table.open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: int(row["number"]))


if __name__ == "__main__":
    app()
