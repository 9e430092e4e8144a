"""Use the panel's logic for a long time, and print what it leaves behind.

Previews and runs with random cancels, kills of the worker and scenes that are closed:

    python tests/slicer/measure_soak.py --previews 200 --runs 20

Prints memory at the start and at the end, workers that still live, and files that stayed; ends with
1 if memory grew by more than 50 MB, or anything stayed. Needs the environment of
``make test-panel`` and a Python with the library, as the tests do.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

import conftest  # noqa: F401  puts everything in place
import psutil
from MACTFusionLib.logic import MACTFusionLogic
from MACTFusionLib.self_test import SHAPE, make_pair
from MACTFusionLib.worker.conversation import WorkerError
from standins.application import Scene

WARM_UP = 10
MOST_GROWTH_MB = 50
OPTIONS = {"device": "cpu", "axis": "auto"}


class Soak:
    """What is done again and again, and how it ended."""

    def __init__(self, seed: int) -> None:
        self.scene = Scene()
        self.logic = MACTFusionLogic()
        self.ends: Counter = Counter()
        self.workers: set = set()
        self.chance = random.Random(seed)
        self.pair = make_pair()

    def preview(self) -> None:
        """Fuse a slice; sometimes the request is cancelled, or its worker killed."""
        options = self.logic.options_for(*self.pair, "as-shown", OPTIONS)
        ended: list = []
        index = self.chance.randrange(SHAPE[2])
        talk = self.logic.start_preview(
            *self.pair, options, 2, index, lambda *end: ended.append(end)
        )
        event = self.chance.random()
        if event < 0.1:
            talk.cancel()
        elif event < 0.13:
            self._kill()
        self.logic.wait(lambda: bool(ended))
        self._count("preview", ended[0][1])

    def run(self) -> None:
        """Fuse a volume; sometimes it is cancelled, its worker killed, or the scene closed."""
        options = self.logic.options_for(*self.pair, "as-shown", OPTIONS)
        ended: list = []
        self.logic.start_fusion(
            *self.pair, None, options, lambda *end: ended.append(end), self._meddle(ended)
        )
        self.logic.wait(lambda: bool(ended))
        self._count("run", ended[0][1])
        self._new_scene()

    def _meddle(self, ended: list):
        event = self.chance.random()

        def meddle(news: dict) -> None:
            if not news.get("done"):
                return
            if event < 0.3:
                self.logic.cancel()
            elif event < 0.45:
                self._kill()
            elif event < 0.6 and not ended:
                self.logic.close_scene()
                ended.append((None, WorkerError("scene closed", "")))

        return meddle

    def _new_scene(self) -> None:
        self.logic.close_scene()
        self.scene.reset()
        self.pair = make_pair()

    def _kill(self) -> None:
        pid = self.logic.session.hello.get("pid")
        if pid and psutil.pid_exists(pid):
            psutil.Process(pid).kill()

    def _count(self, what: str, error: Exception | None) -> None:
        self.ends[f"{what}: {getattr(error, 'code', error) or 'done'}"] += 1
        if error is not None and not isinstance(error, WorkerError):
            raise error
        if self.logic.session.hello:
            self.workers.add(self.logic.session.hello["pid"])


def main() -> int:
    """Run, and print what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--previews", type=int, default=200)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    before = _files()
    soak = Soak(chosen.seed)
    acts = [soak.preview] * chosen.previews + [soak.run] * chosen.runs
    soak.chance.shuffle(acts)
    memory = psutil.Process().memory_info
    start = 0
    for number, act in enumerate(acts):
        act()
        if number == min(WARM_UP, len(acts) - 1):
            start = memory().rss
    growth = (memory().rss - start) / 2**20
    soak.logic.stop()
    alive = [pid for pid in soak.workers if _is_alive(pid)]
    left = sorted(path.name for path in _files() - before)
    for end, count in sorted(soak.ends.items()):
        print(f"{count:5d}  {end}")
    print(f"memory of this process: {growth:+.1f} MB after the first {WARM_UP}")
    print(f"workers: {len(soak.workers)}, still alive: {len(alive)}; files left: {left or 'none'}")
    return int(growth > MOST_GROWTH_MB or bool(alive) or bool(left))


def _files() -> set:
    return set(Path(tempfile.gettempdir()).glob("mactfusion*"))


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
