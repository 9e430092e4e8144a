"""Print how long the window stands still while large volumes go to the worker and come back.

Needs the environment of ``make test-panel`` and a Python with the library, as the tests do. As in
3D Slicer, other threads wait while the main thread is not in Python. ``--remote`` sends the same
volume inside the protocol, to a worker on this computer. ``--at-once`` writes it as one block.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shlex
import time
from typing import TYPE_CHECKING

import conftest  # noqa: F401  puts everything in place
import numpy as np
import slicer
from MACTFusionLib.logic import MACTFusionLogic
from MACTFusionLib.nodes.memory import empty_voxels
from MACTFusionLib.nodes.volumes import Geometry, fill, voxels_of
from MACTFusionLib.self_test import add_volume
from MACTFusionLib.worker.transfer import take_over
from standins.application import Scene

if TYPE_CHECKING:
    from MACTFusionLib.worker.conversation import Steps

_TIMER_S = 0.03
_TURN_US = 10_000


def main() -> None:
    """Measure one volume there and a colour result of that size back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--edge", type=int, default=512)
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--at-once", action="store_true")
    chosen = parser.parse_args()
    scene, logic = Scene(), MACTFusionLogic()
    shape = (chosen.edge, chosen.edge, chosen.slices)
    if chosen.remote:
        logic.session.remote = shlex.join(
            [os.environ["MACTFUSION_PYTHON"], "-m", "mactfusion.worker"]
        )
    node = add_volume("CT", np.zeros(shape, np.int16), np.eye(4))
    _run(logic, logic.session.greet())
    folder = logic.session.hello["folder"]
    size_mib = 2 * np.prod(shape) / 2**20
    if chosen.at_once:
        started = time.perf_counter()
        np.save(f"{folder}/volume.npy", voxels_of(node))
        print(f"hand over {size_mib:.0f} MiB at once: {time.perf_counter() - started:.3f} s")
    _tell("hand over", size_mib, _run(logic, logic.session.load(node, is_fresh=True)))
    np.save(f"{folder}/result-1.npy", np.zeros((*reversed(shape), 3), np.uint8))
    ended: list = []
    if chosen.at_once:
        started = time.perf_counter()
        np.load(f"{folder}/result-1.npy")
        print(f"take over at once: {time.perf_counter() - started:.3f} s")
    _tell("take over", 1.5 * size_mib, _run(logic, _result(logic, ended)))
    fused = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    started = time.perf_counter()
    fill(fused, ended[0], Geometry(shape, np.eye(4), np.eye(4), ""))
    print(f"into the node: {time.perf_counter() - started:.3f} s at once")
    logic.stop()
    del scene


def _result(logic: MACTFusionLogic, ended: list) -> Steps:
    """Steps: read what a worker would have made."""
    voxels = yield from take_over(logic.session._carrier, "result-1.npy", allocate=empty_voxels)
    ended.append(voxels.transpose(2, 1, 0, 3))


def _run(logic: MACTFusionLogic, steps: Steps) -> tuple[float, float, float]:
    """Pump as the panel does; returns the longest block, the median and the whole time in s."""
    hold_the_lock = ctypes.PyDLL(None).usleep  # as a window does that draws or waits for events
    ended, blocks, began = [], [], time.perf_counter()
    logic.session.converse(steps, lambda *end: ended.append(end))
    blocks.append(time.perf_counter() - began)
    while not ended:
        for _ in range(round(_TIMER_S * 1e6) // _TURN_US):
            hold_the_lock(_TURN_US)
        started = time.perf_counter()
        logic.pump()
        blocks.append(time.perf_counter() - started)
    if ended[0][1] is not None:
        raise ended[0][1]
    return max(blocks), float(np.median(blocks)), time.perf_counter() - began


def _tell(what: str, size_mb: float, times: tuple[float, float, float]) -> None:
    longest, median, whole = times
    print(
        f"{what} {size_mb:.0f} MiB: longest block {longest:.3f} s, median {median:.3f} s, "
        f"in all {whole:.1f} s, {size_mb / whole:.0f} MiB/s"
    )


if __name__ == "__main__":
    main()
