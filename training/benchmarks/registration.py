"""How well, how surely and how fast a partner is put in place.

    python -m training.benchmarks.registration --templates MNI --patient STROKE \
        [--known REGISTRATION] [--orders ORIENT] [--offsets 50] [--page docs/registration.md]

MNI is a folder with the public MNI templates, STROKE one with T1, T2 and FLAIR of one patient
(names in :mod:`training.registration.sources`); without them the synthetic heads are used alone.
REGISTRATION holds folders with ``moving.nii.gz`` and ``truth.json`` (the pose to ``matrix_RAS``,
landmarks), whose anatomical volume is the T1 template; ORIENT holds one head in several orders of
its axes. The error is the mean distance, over the tissue of the head or at the landmarks, between
where the pose that is found and the true pose bring a point.
"""

from __future__ import annotations

import json
import time
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from monai.data import MetaTensor
from rich.console import Console

from mactfusion.io.read import read_volume
from mactfusion.phantom import HeadPhantom
from mactfusion.registration.check import found_pose
from mactfusion.registration.cubes import Pyramid, finest_mm
from mactfusion.registration.search import Pair as Search
from mactfusion.transforms.volume import plain
from training.marked_page import Markers, write_between_markers
from training.registration.pairs import Pair, gridded, moved, noisy, random_pose
from training.registration.sources import Subject, Synthetic, patient, templates
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mactfusion.registration.linear import Matrix

MARKERS = Markers("<!-- accuracy begins -->", "<!-- accuracy ends -->")
MOST_MM, MOST_DEGREES = 60.0, 35.0
BARS_MM = {"MR on MR": 1.0, "CT on MR": 2.0, "PET on MR": 3.0, "SPECT on MR": 3.0}
SLAB_BAR_MM, SLAB_SLICES = 3.5, (8, 20)
SPACING_MM = {"CT": (1.0, 1.0, 2.0), "PET": (3.0, 3.0, 3.0), "SPECT": (4.0, 4.0, 4.0)}
MR_SPACING_MM = (1.5, 1.5, 1.5)
TIMED_SHAPE, TIMED_PARTNER_SHAPE = (256, 256, 180), (128, 128, 60)


def error_mm(pair: Pair, pose: Matrix) -> float:
    """Return the mean distance to the truth over the tissue of the anatomical volume."""
    points = Pyramid.of(pair.anatomical, finest_mm(pair.anatomical)).points_mm
    true = np.eye(4) if pair.pose is None else pair.pose
    return float(np.linalg.norm(((pose - true) @ points)[:3], axis=0).mean())


def registered(pair: Pair) -> tuple[str, float]:
    """Register a pair; return the verdict and the error in millimetres."""
    verdict, _, pose = found_pose(pair.anatomical, pair.partner, "rigid")
    return verdict.name, error_mm(pair, pose)


def pairs_of(what: str, subjects: list[Subject], count: int, is_slab: bool) -> Iterator[Pair]:
    """Make pairs of one kind, each moved by chance."""
    for number in range(count):
        rng = np.random.default_rng([number, list(BARS_MM).index(what), is_slab])
        subject, own, other = _modalities(what, subjects, number)
        spacing = SPACING_MM.get(other, MR_SPACING_MM)
        slices = int(rng.integers(SLAB_SLICES[0], SLAB_SLICES[1] + 1)) if is_slab else None
        spacing = (*spacing[:2], max(spacing[2], 4.0)) if is_slab else spacing
        partner = gridded(subject.volume(other), spacing, 10, rng, slices)
        anatomical = noisy(gridded(subject.volume(own), MR_SPACING_MM, 0, rng), own, 0.3, rng)
        pair = Pair(
            anatomical, noisy(partner, other, 0.3, rng), "moved", np.eye(4), (own, other), "", False
        )
        yield moved(pair, random_pose(rng, MOST_MM, MOST_DEGREES))


def _modalities(what: str, subjects: list[Subject], number: int) -> tuple[Subject, str, str]:
    modality = what.split()[0]
    wanted = ("T1", "T2", "FLAIR") if modality == "MR" else (modality,)
    possible = [
        (subject, own, other)
        for subject in subjects
        for own in subject.anatomical
        for other in subject.partners
        if other in wanted and own != other and (modality != "MR" or not subject.is_symmetric)
    ]
    return possible[number % len(possible)]


def accuracy(subjects: list[Subject], count: int, say: Callable[[str], object]) -> list[list[str]]:
    """Return a row for each kind of pair, whole heads and slabs."""
    rows = []
    for is_slab in (False, True):
        for what, bar in BARS_MM.items():
            limit = SLAB_BAR_MM if is_slab else bar
            pairs = count if not is_slab else max(1, count // 3)
            found = [registered(pair) for pair in pairs_of(what, subjects, pairs, is_slab)]
            errors = np.array([error for _, error in found])
            good = np.array([verdict in ("in place", "off") for verdict, _ in found])
            rows.append(
                [
                    f"{what}{', slabs' if is_slab else ''}",
                    str(len(errors)),
                    f"{np.median(errors):.2f}",
                    f"{np.percentile(errors, 95):.2f}",
                    f"{errors.max():.2f}",
                    f"{100 * np.mean(errors < limit):.0f} % under {limit:g}",
                    f"{100 * good.mean():.0f} %",
                    f"{(good & (errors > 5)).sum()}",
                ]
            )
            say(" | ".join(rows[-1]))
    return rows


def same_each_time(subject: Subject, count: int) -> list[list[str]]:
    """Return a row for each pair of modalities of a head: which part of the error is always there.

    Averages of many heads need not lie in one place to the millimetre, whatever is called the
    truth; then all poses are off by the same, and scatter little.
    """
    found: dict[str, list[tuple[Matrix, Matrix]]] = {}
    for what in ("CT on MR", "PET on MR", "SPECT on MR"):
        for pair in pairs_of(what, [subject], count, False):
            _, _, pose = found_pose(pair.anatomical, pair.partner, "rigid")
            points = Pyramid.of(pair.anatomical, finest_mm(pair.anatomical)).points_mm
            true = np.eye(4) if pair.pose is None else pair.pose
            off = np.linalg.inv(true) @ pose - np.eye(4)
            found.setdefault(" on ".join(pair.modalities[::-1]), []).append((off, points))

    def mean_mm(off: Matrix, points: Matrix) -> float:
        return float(np.linalg.norm((off @ points)[:3], axis=0).mean())

    rows = []
    for name, each in found.items():
        shared = np.mean([off for off, _ in each], axis=0)
        errors = [mean_mm(off, points) for off, points in each]
        scatter = [mean_mm(off - shared, points) for off, points in each]
        always = mean_mm(shared, each[0][1])
        means = (np.mean(errors), always, np.mean(scatter))
        rows.append([name, str(len(each)), *(f"{value:.2f}" for value in means)])
    return rows


SAME = ["averages", "pairs", "error (mm)", "the same for all (mm)", "scatter around it (mm)"]
HEAD = [
    *("pair", "pairs", "median error (mm)", "95 %", "largest", "within", "called good"),
    "called good and over 5 mm off",
]


def known(folder: Path, anatomical: MetaTensor, say: Callable[[str], object]) -> list[list[str]]:
    """Return a row for each volume with a known pose, by its landmarks."""
    rows = []
    for file in sorted(folder.glob("*/truth.json")):
        truth = json.loads(file.read_text(encoding="utf-8"))
        partner = read_volume(file.parent / "moving.nii.gz")
        lps = np.array(truth["landmarks_fixed_LPS"])
        points = np.c_[lps * (-1, -1, 1), np.ones(len(lps))].T
        verdict, _, pose = found_pose(anatomical, partner, "rigid")
        true = np.array(truth["matrix_RAS"])

        def off(pose: Matrix, true: Matrix = true, points: np.ndarray = points) -> float:
            return float(np.linalg.norm(((pose - true) @ points)[:3], axis=0).mean())

        name = file.parent.name.partition("_")[0]
        rows.append([name, f"{off(np.eye(4)):.1f}", f"{off(pose):.2f}", verdict.name])
        say(" | ".join(rows[-1]))
    return rows


def spread_mm(folder: Path, anatomical: MetaTensor) -> tuple[int, float]:
    """Register one head in several orders of its axes.

    Returns:
        How many, and the largest distance between where two of the poses bring a point of tissue.
    """
    points = Pyramid.of(anatomical, finest_mm(anatomical)).points_mm
    found = [
        (found_pose(anatomical, read_volume(file), "rigid")[2] @ points)[:3]
        for file in sorted(folder.glob("*.nii.gz"))
    ]
    apart = max(
        float(np.linalg.norm(one - other, axis=0).max()) for one in found for other in found
    )
    return len(found), apart


def seconds() -> dict[str, float]:
    """Return CPU seconds of the search and of what it is compared with, of one synthetic pair."""
    head = HeadPhantom(0)

    def volume(modality: str, shape: tuple[int, ...]) -> MetaTensor:
        coarse = np.diag([2.0, 2.0, 2.0, 1.0])
        coarse[:3, 3] = (-100.0, -118.0, -115.0)
        rough = head.sample(modality, (100, 118, 110), coarse)
        values = torch.nn.functional.interpolate(plain(rough)[None], shape, mode="trilinear")[0]
        affine = coarse @ np.diag([100 / shape[0], 118 / shape[1], 110 / shape[2], 1.0])
        return MetaTensor(values, affine=torch.from_numpy(affine))

    anatomical, partner = volume("T1", TIMED_SHAPE), volume("PET", TIMED_PARTNER_SHAPE)
    taken = {}
    for register in ("check", "rigid", "affine"):
        started = time.process_time()
        found_pose(anatomical, partner, register)
        taken[register] = time.process_time() - started
    started = time.process_time()
    mm = finest_mm(anatomical, partner)
    search = Search(Pyramid.of(anatomical, mm), Pyramid.of(partner, mm))
    pose = np.eye(4)
    for level, step in ((2, 8.0), (1, 4.0), (0, 2.0)):
        pose = search.climbed(pose, level, step, 100)
    taken["one start, SimpleITK alone"] = time.process_time() - started
    return taken


def main(
    templates_folder: Annotated[Path | None, typer.Option("--templates")] = None,
    patient_folder: Annotated[Path | None, typer.Option("--patient")] = None,
    known_folder: Annotated[Path | None, typer.Option("--known")] = None,
    orders: Annotated[Path | None, typer.Option()] = None,
    offsets: Annotated[int, typer.Option(min=1)] = 50,
    page: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Measure, say it, and write it into a page."""
    torch.set_num_threads(1)
    say = Console().print
    subjects: list[Subject] = [Synthetic.of(seed) for seed in (20, 21)]
    if templates_folder is not None:
        subjects.append(templates(templates_folder))
    if patient_folder is not None:
        subjects.append(patient(patient_folder))
    parts = []
    if known_folder is not None and templates_folder is not None:
        anatomical = read_volume(templates_folder / "avg152T1.nii")
        head = ["volume", "before (mm)", "after (mm)", "verdict"]
        parts.append(markdown_table(head, known(known_folder, anatomical, say)))
    parts.append(markdown_table(HEAD, accuracy(subjects, offsets, say)))
    if templates_folder is not None:
        same = same_each_time(templates(templates_folder), min(offsets, 9))
        parts.append(markdown_table(SAME, same))
        say(parts[-1])
    if orders is not None and templates_folder is not None:
        count, apart = spread_mm(orders, read_volume(templates_folder / "avg152T1.nii"))
        parts.append(
            f"One head stored in {count} orders of its axes: poses differ by {apart:.3f} mm."
        )
        say(parts[-1])
    taken = seconds()
    least = taken["one start, SimpleITK alone"]
    rows = [[name, f"{value:.1f}", f"{value / least:.2f}"] for name, value in taken.items()]
    shapes = " with ".join("x".join(map(str, s)) for s in (TIMED_SHAPE, TIMED_PARTNER_SHAPE))
    parts.append(markdown_table([f"{shapes}, one core", "CPU seconds", "ratio"], rows))
    say(parts[-1])
    if page is not None:
        write_between_markers(page, MARKERS, "\n\n".join(parts))


if __name__ == "__main__":
    typer.run(main)
