"""Print how long a live preview takes at 256×256 on the CPU, from request to image.

Needs the environment of ``make test-panel`` and a Python with the library, as the tests do.
"""

from __future__ import annotations

import statistics
import time

import conftest  # noqa: F401  puts everything in place
from MACTFusionLib.logic import MACTFusionLogic
from MACTFusionLib.self_test import GRIDS, make_pair
from standins.application import Scene

COUNT = 7


def main() -> None:
    """Measure with a warm worker; each time another slice."""
    scene = Scene()
    logic = MACTFusionLogic()
    pair = make_pair(GRIDS["left-posterior"], (256, 256, 20))
    options = logic.options_for(*pair, "as-shown", {"device": "cpu", "axis": "auto"})
    seconds = []
    for index in range(COUNT + 1):
        ended: list = []
        started = time.perf_counter()
        logic.start_preview(*pair, options, 2, index, lambda *end, to=ended: to.append(end))
        logic.wait(lambda to=ended: bool(to))
        if ended[0][1] is not None:
            raise ended[0][1]
        seconds.append(time.perf_counter() - started)
    logic.stop()
    warm = seconds[1:]  # the first one starts the worker
    print(f"first {seconds[0]:.1f} s, then median {statistics.median(warm):.2f} s")
    print(f"fastest {min(warm):.2f} s, slowest {max(warm):.2f} s, of {COUNT}")
    del scene


if __name__ == "__main__":
    main()
