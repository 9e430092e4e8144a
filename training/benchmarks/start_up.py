"""CPU time until a command answers, beside that of ``import torch``.

    python -m training.benchmarks.start_up [--repeats 5] [--page docs/benchmark.md]

Every process is started anew, in turn with one that only imports torch, so that whatever else the
machine does falls on all; the ratio is what counts. CPU time is of the whole process, user and
system, taken when its output shows a moment: a line, or its end.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import nibabel
import numpy as np
import psutil
import typer
from rich.console import Console

from training.marked_page import Markers, write_between_markers

MARKERS = Markers("<!-- start-up begins -->", "<!-- start-up ends -->")
SHAPE = (256, 256, 4)


@dataclass(frozen=True)
class Moment:
    """Something that a user waits for.

    Attributes:
        name: what it is.
        words: of the Python process.
        line: start of the line of its output that shows it; "" for its end.
    """

    name: str
    words: tuple[str, ...]
    line: str = ""


TORCH = Moment("`import torch`", ("-c", "import torch"))
PAIR = ("-m", "mactfusion", "fuse", "MR.nii.gz", "PET.nii.gz", "--task", "pet-mri")
FUSE = (*PAIR, "--overwrite", "-o", "fused.nii.gz")
MOMENTS = (
    Moment("`mactfusion --help`", ("-m", "mactfusion", "--help")),
    Moment("a wrong path refused", ("-m", "mactfusion", "fuse", "no.nii", "a.nii", "-o", "f.nii")),
    Moment("`from mactfusion import fuse_volumes`", ("-c", "from mactfusion import fuse_volumes")),
    Moment("`mactfusion fuse`: first line", FUSE, "Reading"),
    Moment("`mactfusion fuse`: first slice of 256×256", FUSE, "fused.nii.gz: 1"),
)


def cpu_seconds(moment: Moment, folder: Path) -> float:
    """Return the CPU time of a new process until a moment.

    Raises:
        RuntimeError: the moment never came.
    """
    # One thread, as more would wait for each other, and waiting counts.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(  # noqa: S603  the words are those above
        [sys.executable, *moment.words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=environment,
    ) as process:
        if not moment.line:
            process.communicate()
            return _of_ended()
        for line in process.stdout or ():
            if line.startswith(moment.line):
                times = psutil.Process(process.pid).cpu_times()
                process.kill()
                process.wait()
                _of_ended()  # so that it is not counted with the next
                return float(times.user + times.system)
    msg = f"{moment.name} never came"
    raise RuntimeError(msg)


_counted = 0.0


def _of_ended() -> float:
    """Return the CPU time of the processes that ended since the last call."""
    global _counted
    times = os.times()
    total = times.children_user + times.children_system
    own, _counted = total - _counted, total
    return own


def make_volumes(folder: Path) -> None:
    """Write an MR and a PET of a few slices."""
    rng = np.random.default_rng(0)
    spacing_mm = (1.0, 1.0, 4.0)
    for name in ("MR", "PET"):
        values = (rng.random(SHAPE) * 900).astype(np.float32)
        nibabel.save(
            nibabel.Nifti1Image(values, np.diag([*spacing_mm, 1])), folder / f"{name}.nii.gz"
        )


def table(times: dict[str, list[float]]) -> str:
    """Return the medians, and their ratios to that of ``import torch``, as Markdown."""
    torch = statistics.median(times[TORCH.name])
    lines = ["| until | CPU time | times `import torch` |", "|---|---:|---:|"]
    for name, values in times.items():
        median = statistics.median(values)
        lines.append(f"| {name} | {median:.2f} s | {median / torch:.2f} |")
    return "\n".join(lines)


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Processes for each moment.")] = 5,
    page: Annotated[Path | None, typer.Option(help="Write the table into this page.")] = None,
) -> None:
    """Time the start of each command."""
    console = Console(highlight=False)
    times: dict[str, list[float]] = {moment.name: [] for moment in (TORCH, *MOMENTS)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_volumes(folder)
        for number in range(-1, repeats):  # the first round fills the disk's cache
            for moment in (TORCH, *MOMENTS):
                seconds = cpu_seconds(moment, folder)
                if number >= 0:
                    times[moment.name].append(seconds)
    console.print(table(times), markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, table(times))


if __name__ == "__main__":
    typer.run(main)
