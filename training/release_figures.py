"""Make the figures again that say what this version takes: before a release is cut.

    python -m training.release_figures [--trial FOLDER]

Runs the commands that ``docs/`` prints for figures which need nothing but the clone, in order, each
in a process of its own on one core; it takes an hour or more. What needs data that do not come with
the clone is named at the end: its pages say how.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from training.made import ROOT

DOCS = Path("docs")


@dataclass(frozen=True)
class Step:
    """A command that makes figures.

    Attributes:
        module: what ``python -m`` runs.
        words: what follows, as the page prints it.
        smallest: what follows to see that it works, as small as the command goes.
        option: takes the file that it writes.
        file: in ``docs/``.
    """

    module: str
    words: str
    smallest: str
    option: str
    file: str

    def command(self, folder: Path = DOCS, *, is_trial: bool = False) -> list[str]:
        """Return the words after ``python``; those of the page where nothing else is asked for."""
        words = self.smallest if is_trial else self.words
        return ["-m", self.module, *words.split(), self.option, str(folder / self.file)]


BENCHMARKS = "training.benchmarks"
STEPS = (
    Step(
        f"{BENCHMARKS}.throughput",
        "--size 128 --size 256 --repeats 4 --slices 60 --slices 120 --slices 180",
        "--size 16 --repeats 1 --slices 1 --slices 2 --volume-size 32",
        "--page",
        "benchmark.md",
    ),
    Step(
        f"{BENCHMARKS}.networks", "--repeats 3", "--repeats 1 --size 16", "--page", "benchmark.md"
    ),
    Step(
        f"{BENCHMARKS}.stages",
        "--pair 180x256 --pair 300x512",
        "--pair 2x32",
        "--page",
        "benchmark.md",
    ),
    Step(f"{BENCHMARKS}.preview", "", "--repeats 1 --size 32", "--page", "benchmark.md"),
    Step(f"{BENCHMARKS}.start_up", "", "--repeats 1", "--page", "benchmark.md"),
    Step(
        f"{BENCHMARKS}.dicom_listing",
        "--files 5000",
        "--files 20 --repeats 1",
        "--page",
        "benchmark.md",
    ),
    Step(f"{BENCHMARKS}.lost_check", "", "--pair 2x32", "--page", "trust.md"),
    Step(f"{BENCHMARKS}.batch", "--studies 60", "--studies 2", "--page", "batch.md"),
    Step(f"{BENCHMARKS}.ray", "--studies 40", "--studies 4 --kill-every 60", "--page", "ray.md"),
    Step(f"{BENCHMARKS}.thin_on_thick", "", "", "--page", "adr/0017-thin-on-thick.md"),
    Step("training.cases", "", "--voxel-mm 6", "--picture", "cases.png"),
)
NEED_DATA = (
    *("ablations.md", "brightness.md", "colors.md", "fine_tuning.md", "generalisation.md"),
    *("lost_lesions.md", "observer.md", "pet_ct.md", "provenance.md", "registration.md"),
    *("results.md", "trust.md"),
)
"""Pages with figures of patients, of average heads or of cells."""


def make(step: Step, folder: Path, *, is_trial: bool) -> None:
    """Run a step in a process of its own, on one core.

    Raises:
        subprocess.CalledProcessError: it failed; the page is as it was before.
    """
    subprocess.run(  # noqa: S603  the words are those above
        [sys.executable, *step.command(folder, is_trial=is_trial)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
    )


def main(
    trial: Annotated[
        Path | None,
        typer.Option(help="Try each command, as small as it goes, on copies of the pages here."),
    ] = None,
) -> None:
    """Make the figures of a release again."""
    folder = DOCS if trial is None else trial.resolve()
    for number, step in enumerate(STEPS, start=1):
        if trial is not None and step.file.endswith(".md"):
            (folder / step.file).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / step.file).exists():
                shutil.copyfile(ROOT / DOCS / step.file, folder / step.file)
        typer.echo(f"{number} of {len(STEPS)}: {step.module}, into {folder / step.file}")
        make(step, folder, is_trial=trial is not None)
    typer.echo(f"Figures that need data are as they were, in {', '.join(NEED_DATA)}.")


if __name__ == "__main__":
    typer.run(main)
