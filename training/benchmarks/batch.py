"""Many studies: one command for each against ``mactfusion batch``, and its estimate of memory.

    python -m training.benchmarks.batch [--studies 60] [--page FILE]

Studies are synthetic MR with PET. Those of the first table are small, so that what goes around the
fusion counts; each way starts with nothing done. The second table takes one study of each size in
a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import nibabel
import numpy as np
import typer

from mactfusion.batch.need import bytes_needed
from mactfusion.batch.outcome import read_outcome
from mactfusion.batch.plan import Study, options_of
from training.marked_page import Markers, write_between_markers

MARKERS = Markers("<!-- batch begins -->", "<!-- batch ends -->")
SMALL = (96, 112, 24)
SIZES = ((128, 128, 40), (256, 256, 60), (256, 256, 180), (512, 512, 120))
WORDS = ("--task", "pet-mri", "--quiet")
ALONE = 6
"""Studies that are fused by a command each."""


def write_study(folder: Path, name: str, shape: tuple[int, ...], seed: int) -> Study:
    """Write an MR, and a PET of half as many voxels along each axis."""
    draw = np.random.default_rng(seed)
    paths = []
    for kind, factor, scale in (("mr", 1, 900), ("pet", 2, 8000)):
        size = [-(-count // factor) for count in shape]
        axes = np.meshgrid(*(np.linspace(-1.2, 1.2, count) for count in size), indexing="ij")
        radius = np.sqrt(sum(axis**2 for axis in axes))
        voxels = (np.clip(1 - radius, 0, 1) * (0.5 + draw.random(size) / 2) * scale).astype("i2")
        affine = np.diag([240 * count / shape[0] / size[0] for count in shape[:1]] * 3 + [1.0])
        path = folder / kind / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
        paths.append(path)
    return Study(name, paths[0], (paths[1],))


def gigabytes(folder: Path) -> float:
    """Return the most memory that the process had until a study was done.

    Raises:
        RuntimeError: it was not done.
    """
    outcome = read_outcome(folder)
    if outcome is None or outcome.gigabytes is None:
        raise RuntimeError(f"{folder.name} was not done.")
    return outcome.gigabytes


def seconds(*words: object) -> float:
    """Run a command and return how long it took."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "mactfusion", *map(str, words)], check=True)  # noqa: S603
    return time.monotonic() - started


def ways(folder: Path, studies: int) -> list[str]:
    """Return the table of one command a study against ``batch``."""
    for number in range(studies):
        write_study(folder, f"s{number:04d}", SMALL, number)
    alone = [
        seconds(
            *(
                "fuse",
                folder / "mr" / f"s{number:04d}.nii.gz",
                folder / "pet" / f"s{number:04d}.nii.gz",
            ),
            *("-o", folder / "alone" / f"{number}.nii.gz"),
            *("--report", folder / "alone" / f"{number}.html", *WORDS),
        )
        for number in range(min(ALONE, studies))
    ]
    rates = {"`fuse` for each": len(alone) / sum(alone)}
    growth = ""
    for workers in (1, 2):
        out = folder / f"by {workers}"
        words = (folder / "mr", folder / "pet", "-o", out, "--workers", workers, *WORDS)
        took = seconds("batch", *words)
        rates[f"`batch`, {workers} worker{'s' if workers > 1 else ''}"] = studies / took
        if workers == 1:
            peaks = [gigabytes(out / f"s{number:04d}") for number in range(studies)]
            growth = (
                f"The one worker had at most {peaks[0]:.2f} GB after the first study, "
                f"{peaks[studies // 2]:.2f} GB after half of them, {peaks[-1]:.2f} GB after all."
            )
        again = seconds("batch", *words)
        rates[f"the same again, {workers} worker{'s' if workers > 1 else ''}"] = studies / again
    base = rates["`fuse` for each"]
    lines = ["| way | studies an hour | times `fuse` |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {3600 * rate:.0f} | {rate / base:.1f} |" for name, rate in rates.items()]
    return [*lines, "", growth]


def needs(folder: Path) -> list[str]:
    """Return the table of memory, told and taken."""
    lines = [
        "| MR | told, with report | taken | told without | taken |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for number, shape in enumerate(SIZES):
        place = folder / f"size {number}"
        study = write_study(place, "one", shape, number)
        cells = []
        for report in (True, False):
            out = place / f"report {report}"
            words = () if report else ("--no-report",)
            seconds("batch", place / "mr", place / "pet", "-o", out, "--workers", 1, *WORDS, *words)
            options = options_of(study, {"task": "pet-mri"})
            told = bytes_needed(study, place / "mr" / "one.nii.gz", options, report) / 2**30
            cells += [f"{told:.2f} GB", f"{gigabytes(out / 'one'):.2f} GB"]
        lines.append(f"| {'×'.join(map(str, shape))} | {' | '.join(cells)} |")
    return lines


def main(
    studies: Annotated[int, typer.Option(min=2)] = 60,
    page: Annotated[Path | None, typer.Option(help="Write the tables into it.")] = None,
) -> None:
    """Measure, print, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [*ways(Path(folder, "ways"), studies), "", *needs(Path(folder, "needs"))]
    print("\n".join(lines))
    if page is not None:
        write_between_markers(page, MARKERS, "\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
