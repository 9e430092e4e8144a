"""Time of a live preview, from request to image, with a real worker on the CPU.

    python -m training.benchmarks.preview [--size 256] [--repeats 9] [--page docs/benchmark.md]

A worker is started, gets an MR and a PET, and is asked for one slice after another with windows
that change, as under a slider; the first answer includes start, loading and resampling.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import psutil
import typer
from rich.console import Console

from training.marked_page import Markers, write_between_markers

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKERS = Markers("<!-- preview begins -->", "<!-- preview ends -->")
SLICES = 20


@dataclass(frozen=True)
class Times:
    """Wall clock and CPU time of the worker, in seconds; of the ready ones the medians.

    Attributes:
        first: from the start of the worker until the first image.
        next: of a preview of a pair that is loaded, with automatic windows.
        windowed: likewise with windows in numbers.
    """

    first: tuple[float, float]
    next: tuple[float, float]
    windowed: tuple[float, float]


class Asker:
    """Speaks the protocol with a worker."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._last = 0

    def ask(self, request: str, **fields: Any) -> dict[str, Any]:
        """Return the last reply to a request.

        Raises:
            RuntimeError: it is an error.
        """
        assert self._process.stdin is not None  # noqa: S101  both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._last += 1
        line = json.dumps({"id": self._last, "request": request, **fields})
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        for answer in self._process.stdout:
            reply = json.loads(answer)
            if reply["reply"] == "error":
                raise RuntimeError(reply["sentence"])
            if reply["reply"] == "result":
                return reply
        msg = "the worker ended"
        raise RuntimeError(msg)

    def preview(self, folder: Path, **fields: Any) -> np.ndarray:
        """Return the voxels of one slice."""
        file = folder / self.ask("preview", **fields)["file"]
        voxels = np.load(file)
        file.unlink()
        return voxels


@contextmanager
def _started() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "mactfusion.worker"]
    with subprocess.Popen(  # noqa: S603  this program's own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def measure(size: int, repeats: int) -> Times:
    """Ask a new worker for previews of a pair of ``size`` x ``size``."""
    rng = np.random.default_rng(0)
    began = time.perf_counter()
    with _started() as process:
        asker, times = Asker(process), psutil.Process(process.pid)

        def clock() -> tuple[float, float]:
            cpu = times.cpu_times()
            return time.perf_counter() - began, cpu.user + cpu.system

        folder = Path(asker.ask("hello", protocol=2)["folder"])
        keys = []
        for edge, spacing_mm in ((size, 1.0), (size // 2, 2.0)):
            np.save(folder / "volume.npy", rng.random((SLICES, edge, edge), np.float32) * 900)
            affine = np.diag([spacing_mm, spacing_mm, 4.0, 1.0]).tolist()
            keys.append(asker.ask("load", file="volume.npy", affine=affine)["volume"])
        pair = {"anatomical": keys[0], "partner": keys[1]}
        automatic = {"task": "pet-mri", "device": "cpu"}
        asker.preview(folder, **pair, slice=0, options=automatic)
        first = clock()

        def median(*windows: str) -> tuple[float, float]:
            spent = []
            for index in range(repeats):
                options = {**automatic, **{name: [400 + index, 700] for name in windows}}
                before = clock()
                asker.preview(folder, **pair, slice=index % SLICES, options=options)
                spent.append([b - a for a, b in zip(before, clock(), strict=True)])
            wall, cpu = (statistics.median(values) for values in zip(*spent, strict=True))
            return wall, cpu

        return Times(first, median(), median("window", "anatomical_window"))


def table(size: int, times: Times) -> str:
    """Return the times as Markdown."""
    lines = ["| preview | from request to image | CPU time |", "|---|---:|---:|"]
    for name, (wall, cpu) in (
        ("the first, with the start of the worker", times.first),
        (f"of a loaded pair, {size}×{size}", times.next),
        ("likewise, with other windows each time", times.windowed),
    ):
        lines.append(f"| {name} | {1000 * wall:.0f} ms | {1000 * cpu:.0f} ms |")
    return "\n".join(lines)


def main(
    size: Annotated[int, typer.Option(help="Edge of a slice.")] = 256,
    repeats: Annotated[int, typer.Option(min=1)] = 9,
    page: Annotated[Path | None, typer.Option(help="Write the table into this page.")] = None,
) -> None:
    """Time live previews."""
    times = table(size, measure(size, repeats))
    Console(highlight=False).print(times, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, times)


if __name__ == "__main__":
    typer.run(main)
