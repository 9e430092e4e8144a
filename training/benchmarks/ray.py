"""Many studies on Ray: against this machine's own workers, by one core and two, and with kills.

    python -m training.benchmarks.ray [--studies 200] [--page FILE]

Studies are small synthetic MR with PET. In the last run one worker after another is killed by
SIGKILL; what is there afterwards is compared with what a run without kills has made.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
import typer

from training.benchmarks.batch import SMALL, WORDS, write_study
from training.marked_page import Markers, write_between_markers

MARKERS = Markers("<!-- ray begins -->", "<!-- ray ends -->")
ENGINES = {"local": (), "ray": ("--engine", "ray")}
WORKER = "ray::Fuser"
"""Begin of the title that Ray gives the process of a worker."""


def run(folder: Path, out: str, engine: str, workers: int, kill_every_s: float = 0.0) -> float:
    """Do all studies of a folder.

    Args:
        folder: holds ``mr`` and ``pet``.
        out: name of the folder of results.
        engine: of :data:`ENGINES`.
        workers: studies at a time.
        kill_every_s: seconds between kills; 0 for none.

    Returns:
        Seconds that it took, from its start to its end.

    Raises:
        RuntimeError: it did not end well.
    """
    words = ("batch", folder / "mr", folder / "pet", "-o", folder / out, "--workers", workers)
    command = [sys.executable, "-m", "mactfusion", *map(str, words), *WORDS, *ENGINES[engine]]
    started = time.monotonic()
    ended = threading.Event()
    process = subprocess.Popen(command)  # noqa: S603
    killer = threading.Thread(target=_kill, args=(process.pid, kill_every_s, ended))
    if kill_every_s:
        killer.start()
    code = process.wait()
    ended.set()
    if kill_every_s:
        killer.join()
    if code != 0:
        raise RuntimeError(f"The run ended with code {code}.")
    return time.monotonic() - started


def _kill(pid: int, every_s: float, ended: threading.Event) -> None:
    number = 0
    while not ended.wait(every_s):
        with suppress(psutil.Error):
            family = psutil.Process(pid).children(recursive=True)
            workers = [one for one in family if "".join(one.cmdline()[:1]).startswith(WORKER)]
            if workers:
                workers[number % len(workers)].kill()
                number += 1
    print(f"{number} workers were killed.")


def differences(folder: Path, other: str, out: str) -> list[str]:
    """Name the studies of two runs whose volumes or lines of the summary are not the same."""
    with (folder / out / "summary.csv").open(encoding="utf-8") as file:
        done = [line["study"] for line in csv.DictReader(file) if line["outcome"] == "done"]
    names = sorted(path.name for path in (folder / other).iterdir() if path.is_dir())
    left = [path.name for path in (folder / out).iterdir() if path.name.startswith(".")]
    changed = [
        name
        for name in names
        if not (folder / out / name / "fused.nii.gz").is_file()
        or (folder / out / name / "fused.nii.gz").read_bytes()
        != (folder / other / name / "fused.nii.gz").read_bytes()
    ]
    return [
        *changed,
        *left,
        *(set(names) ^ set(done)),
        *({*done} if len(done) > len(names) else ()),
    ]


def main(
    studies: Annotated[int, typer.Option(min=2)] = 200,
    kill_every: Annotated[float, typer.Option(min=1.0, help="Seconds between kills.")] = 10.0,
    page: Annotated[Path | None, typer.Option(help="Write the table into it.")] = None,
) -> None:
    """Measure, print, and write the page."""
    ways = (("local", 2), ("ray", 2), ("ray", 1), ("ray", 2), ("local", 2))
    seconds: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(studies):
            write_study(folder, f"s{number:04d}", SMALL, number)
        for number, way in enumerate(ways):
            seconds.setdefault(way, []).append(run(folder, f"out {number}", *way))
        killed = run(folder, "killed", "ray", 2, kill_every)
        wrong = differences(folder, "out 0", "killed")
    took = {way: sum(each) / len(each) for way, each in seconds.items()}
    base = took["local", 2]
    lines = ["| way | seconds | times `local` |", "| --- | ---: | ---: |"]
    lines += [
        f"| `{engine}`, {workers} worker{'s' if workers > 1 else ''} | {each:.0f} "
        f"| {each / base:.2f} |"
        for (engine, workers), each in took.items()
    ]
    lines += [
        f"| `ray`, 2 workers, one killed every {kill_every:.0f} s | {killed:.0f} "
        f"| {killed / base:.2f} |",
        "",
        f"Of the {studies} studies with kills, {len(wrong)} were lost, done twice or other than "
        "without.",
    ]
    print("\n".join([*lines, *wrong]))
    if page is not None:
        write_between_markers(page, MARKERS, "\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
