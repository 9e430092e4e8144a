"""Use the panel for a long time, and print what it leaves behind.

Previews and runs with random cancels, kills of the worker and scenes that are closed, registrations
that are cancelled, layouts that come and go, and scenes that are saved and opened:

    python tests/slicer/measure_soak.py --previews 200 --runs 20 --registrations 20 --layouts 50 \\
        --loads 20

Prints memory at the start and at the end, workers that still live, and files and nodes that stayed;
ends with 1 if memory grew by more than 50 MB, or anything stayed. Needs the environment of
``make test-panel`` and a Python with the library, as the tests do.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections import Counter
from pathlib import Path

import conftest  # noqa: F401  puts everything in place
import psutil
import qt
import slicer
from MACTFusionLib.made_volumes import SHAPE, make_pair
from MACTFusionLib.nodes.samples import load_samples
from MACTFusionLib.views.layout import is_compare_layout, layout_node
from MACTFusionLib.widget import MACTFusionWidget
from MACTFusionLib.worker.conversation import WorkerError
from PySide6 import QtCore
from special_volumes import open_scene, save_scene
from standins.application import Scene

WARM_UP = 10
MOST_GROWTH_MB = 50
OPTIONS = {"device": "cpu", "axis": "auto"}


class Soak:
    """What is done again and again, and how it ended."""

    def __init__(self, seed: int) -> None:
        self.scene = Scene()
        slicer.mrmlScene.AddNode(slicer.vtkMRMLCrosshairNode())  # the application has one
        self.panel = _make_panel()
        self.logic = self.panel.logic
        self.ends: Counter = Counter()
        self.workers: set = set()
        self.chance = random.Random(seed)
        self._new_scene()

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

    def register(self) -> None:
        """Begin to register, and cancel that, or kill the worker; nothing may be moved."""
        self.pair = tuple(load_samples())  # a head, which takes steps to register
        options = self.logic.options_for(*self.pair, "fixed", {**OPTIONS, "register": "rigid"})
        ended: list = []
        is_kill = self.chance.random() < 0.1

        def meddle(news: dict) -> None:
            if news.get("stage") == "place" and is_kill:
                self._kill()
            elif news.get("stage") == "place":
                self.logic.cancel()

        self.logic.start_registration(*self.pair, options, lambda *end: ended.append(end), meddle)
        self.logic.wait(lambda: bool(ended))
        self._count("registration", ended[0][1])
        if ended[0][1] is not None and self.pair[1].GetParentTransformNode() is not None:
            raise RuntimeError("a registration that did not end has moved a volume")
        self._new_scene()

    def change_layout(self) -> None:
        """Compare, and leave it: by its button, by another layout, or by the end of the scene."""
        ui, layout = self.panel.ui, layout_node()
        ui.compareButton.click()
        _pass_events()
        if not is_compare_layout(layout.GetViewArrangement()):
            raise RuntimeError("Compare did not come")
        event = self.chance.random()
        if event < 0.3:
            ui.compareButton.click()
        elif event < 0.8:
            numbers = (layout.SlicerLayoutOneUpRedSliceView, layout.SlicerLayoutConventionalView)
            slicer.app.layoutManager().setLayout(self.chance.choice(numbers))
        else:
            self._new_scene()
        _pass_events()
        if ui.compareButton.checked or is_compare_layout(layout.GetViewArrangement()):
            raise RuntimeError("Compare did not go")
        self.ends["layout: done"] += 1

    def load(self) -> None:
        """Save the scene, sometimes with Compare, and open it again."""
        if self.chance.random() < 0.5:
            self.panel.ui.compareButton.click()
        with tempfile.TemporaryDirectory() as folder:
            save_scene(Path(folder) / "scene.mrml")
            open_scene(Path(folder) / "scene.mrml")
        _pass_events()
        self.ends["scene: opened"] += 1
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
        _pass_events()
        self.pair = make_pair()
        self.panel.initializeParameterNode()
        chosen = self.panel._parameters
        chosen.livePreview, chosen.device = False, "cpu"
        chosen.anatomical, chosen.partner = self.pair
        self.panel._settled()

    def nodes(self) -> Counter:
        """Empty the scene, and count what stays in it and what a pair brings, by its kind."""
        self._new_scene()
        scene = slicer.mrmlScene
        count = scene.GetNumberOfNodes()
        return Counter(scene.GetNthNode(number).GetClassName() for number in range(count))

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


def _pass_events() -> None:
    """Do what the event loop of the application does, which also deletes views for good."""
    slicer.app.processEvents()
    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)


def _make_panel() -> MACTFusionWidget:
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    panel = MACTFusionWidget(parent)
    panel.setup()
    panel.enter()
    return panel


def main() -> int:
    """Run, and print what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--previews", type=int, default=200)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--registrations", type=int, default=20)
    parser.add_argument("--layouts", type=int, default=50)
    parser.add_argument("--loads", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # others may use the library meanwhile
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        return measure(chosen)


def measure(chosen: argparse.Namespace) -> int:
    """Do everything that was asked for, in an order by chance."""
    before = _files()
    soak = Soak(chosen.seed)
    acts = [soak.preview] * chosen.previews + [soak.run] * chosen.runs
    acts += [soak.register] * chosen.registrations + [soak.change_layout] * chosen.layouts
    acts += [soak.load] * chosen.loads
    soak.chance.shuffle(acts)
    memory = psutil.Process().memory_info
    start = 0
    for number, act in enumerate(acts):
        act()
        if number == min(WARM_UP, len(acts) - 1):
            start = memory().rss
        if number == 0:
            nodes = soak.nodes()
    growth = (memory().rss - start) / 2**20
    more = soak.nodes() - nodes
    soak.panel.cleanup()
    alive = [pid for pid in soak.workers if _is_alive(pid)]
    left = sorted(path.name for path in _files() - before)
    for end, count in sorted(soak.ends.items()):
        print(f"{count:5d}  {end}")
    print(f"memory of this process: {growth:+.1f} MB after the first {WARM_UP}")
    print(f"workers: {len(soak.workers)}, still alive: {len(alive)}; files left: {left or 'none'}")
    print(f"nodes that stayed: {dict(more) or 'none'}")
    return int(growth > MOST_GROWTH_MB or bool(alive) or bool(left) or bool(more))


def _files() -> set:
    return set(Path(tempfile.gettempdir()).glob("mactfusion*"))


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
