"""Make the synthetic head, fuse it, draw it, and check that everything is in its place."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from mactfusion.amounts import percent
from mactfusion.demo.figures import Case, save_overview, save_planes
from mactfusion.demo.landmarks import Landmark, check_landmark, find_landmark
from mactfusion.demo.volumes import demo_volumes
from mactfusion.io.read import read_volume
from mactfusion.phantom import HeadPhantom
from mactfusion.progress import progress_bar
from mactfusion.report.fusion import write_fusion_report
from mactfusion.transforms.volume import with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

# Task and output of each fusion; one goes into another format, to show that it does.
FUSIONS = {
    "CT": ("ct-mri", "fused_CT.nii.gz"),
    "PET": ("pet-mri", "fused_PET.nii.gz"),
    "SPECT": ("spect-mri", "fused_SPECT.nrrd"),
}


@dataclass(frozen=True)
class Outcome:
    """How one fusion went.

    Attributes:
        task: name of the task.
        shape: voxels of the fused volume.
        coverage: share of the MR that the partner covers, 0 to 1.
        landmark: where the lesion or calcification landed.
        tolerance_mm: how far off it may be: one voxel of the partner, corner to corner.
        seconds: from the files of the sources to the file of the result.
    """

    task: str
    shape: tuple[int, ...]
    coverage: float
    landmark: Landmark
    tolerance_mm: float
    seconds: float


def run_demo(folder: str | Path, device: str = "auto") -> list[Outcome]:
    """Fuse a synthetic MR with CT, PET and SPECT; write volumes, figures and reports; check them.

    Writes into ``folder``: ``T1``, ``CT``, ``PET``, ``SPECT`` (``.nii.gz``), the fused volumes
    ``fused_CT.nii.gz``, ``fused_PET.nii.gz``, ``fused_SPECT.nrrd`` with their records, for each a
    figure ``planes_*.png`` and a page ``report_*.html``, and ``overview.png``. Prints a table.

    Args:
        folder: is made when missing; files of an earlier demo are replaced.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        One outcome a fusion: CT, PET, SPECT.

    Raises:
        MisplacedLandmarkError: lesion or calcification is not where it was put.
    """
    from mactfusion.recipe import resolve_device

    resolve_device(device)  # refused before anything is written
    folder = Path(folder)
    console = Console()
    console.print("Making the synthetic head ...")
    files = demo_volumes(folder)
    cases, outcomes = [], []
    for partner in FUSIONS:
        console.print(f"Fusing MR with {partner} ...")
        case, outcome = _fuse(partner, files, device, console)
        save_planes(case, folder / f"planes_{partner}.png")
        cases.append(case)
        outcomes.append(outcome)
    save_overview(cases, folder / "overview.png")
    console.print(_table(outcomes))
    for outcome in outcomes:
        check_landmark(outcome.landmark, outcome.tolerance_mm)
    console.print(f"Everything is in its place. Look into {folder}, at overview.png first.")
    return outcomes


def _fuse(
    partner: str, files: Mapping[str, Path], device: str, console: Console
) -> tuple[Case, Outcome]:
    """Fuse the MR with one partner, and look at the file that was written."""
    from mactfusion.pipeline import fuse_volumes

    task, output_name = FUSIONS[partner]
    output = files[partner].with_name(output_name)
    start = time.perf_counter()
    with progress_bar(console, output_name) as progress:
        result = fuse_volumes(
            files["T1"],
            files[partner],
            output=output,
            task=task,
            device=device,
            overwrite=True,
            progress=progress or False,
            keep_native=True,
        )
    seconds = time.perf_counter() - start
    write_fusion_report(output.with_name(f"report_{partner}.html"), result)
    fused = _read_fused(output)
    head = HeadPhantom()
    if partner == "CT":
        name, place_mm = "calcification", head.calcification_mm
    else:
        name, place_mm = "lesion", head.lesion_mm
    volumes = {"MR": result.anatomical, partner: result.partner, "Fused": fused}
    outcome = Outcome(
        task=task,
        shape=tuple(fused.shape[1:]),
        coverage=result.coverage,
        landmark=find_landmark(fused, name, place_mm),
        tolerance_mm=float(np.linalg.norm(read_volume(files[partner]).pixdim)),
        seconds=seconds,
    )
    return Case(partner, volumes, name, place_mm), outcome


def _read_fused(path: Path) -> MetaTensor:
    """A fused volume from its file, scaled to [0,1]."""
    fused = read_volume(path)
    if len(fused) == 3:
        return fused
    return with_voxels(fused, fused / np.iinfo(fused.meta["source_dtype"]).max)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("task", "grid", "covered", "landmark"):
        table.add_column(heading, no_wrap=True)
    for heading in ("mm off", "seconds", "slices/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(
            outcome.task,
            "x".join(map(str, outcome.shape)),
            percent(outcome.coverage, 1),
            outcome.landmark.name,
            f"{outcome.landmark.off_mm:.1f} of {outcome.tolerance_mm:.1f}",
            f"{outcome.seconds:.1f}",
            f"{outcome.shape[2] / outcome.seconds:.2f}",
        )
    return table
