"""Fuse one synthetic pair in a process of its own, to see what that process needs.

python -m training.benchmarks.fuse_pair SLICES SIZE prints one line of JSON (:class:`Footprint`).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from mactfusion.lean import leave_out_training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mactfusion.recipe import Recipe

MEBIBYTE = 2**20
CONFIGURATION, NETWORK = "configuration", "network"
"""What is timed beside the steps: reading the recipe, and the network within its step."""


@dataclass(frozen=True)
class Footprint:
    """What fusing one pair took, once everything is imported.

    Attributes:
        slices: number of slices of the MR.
        size: rows and columns of a slice.
        seconds: wall clock, from the files to the written file.
        cpu_seconds: time on a core, all threads together; other programs do not prolong it.
        peak_mib: largest resident memory of the whole process, Python and libraries included.
        steps: CPU time by "stage: step" in the order of the recipe, and by :data:`CONFIGURATION`
            and :data:`NETWORK`; together ``cpu_seconds``.
    """

    slices: int
    size: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    steps: dict[str, float]


def footprint_of_fusing(slices: int, size: int) -> Footprint:
    """Fuse a pair of ``size`` x ``size`` x ``slices`` in a new process.

    The process counts as its own what its parent held when it was started, so start it from one
    that has done nothing large.

    Raises:
        subprocess.CalledProcessError: the fusion failed; its message is on stderr.
    """
    command = [sys.executable, "-m", "training.benchmarks.fuse_pair", str(slices), str(size)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return Footprint(**json.loads(answer.stdout.splitlines()[-1]))


def write_pair(folder: Path, slices: int, size: int) -> tuple[Path, Path]:
    """Write an MR of ``slices`` slices and a PET of half the resolution: 16-bit, a noisy head."""
    rng = np.random.default_rng(0)
    paths = folder / "MR.nii.gz", folder / "PET.nii.gz"
    for path, scale in ((paths[0], 1), (paths[1], 2)):
        shape = size // scale, size // scale, max(1, slices // scale)
        column, row, layer = (np.linspace(-1, 1, count, dtype=np.float32) for count in shape)
        voxels = np.empty(shape, "int16")
        for index, height in enumerate(layer):
            inside = 1 - np.hypot(column[:, None], row).clip(abs(height) * 0.9)
            noise = rng.random(inside.shape, dtype=np.float32)
            voxels[:, :, index] = inside.clip(0) * (600 + 300 * noise) + 20 * noise
        spacing_mm = np.array([256 / size * scale, 256 / size * scale, 256 / slices * scale])
        affine = np.diag([*spacing_mm, 1.0])
        affine[:3, 3] = -spacing_mm * (np.array(shape) - 1) / 2
        nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return paths


def fuse(pair: Sequence[Path], output: Path) -> dict[str, float]:
    """Fuse as ``fuse_volumes`` does, and return :attr:`Footprint.steps`."""
    from mactfusion.pipeline import check_choices
    from mactfusion.recipe import Recipe

    steps: defaultdict[str, float] = defaultdict(float)
    before = time.process_time()
    sources, options = check_choices(
        pair[0], pair[1], {"output": output, "task": "pet-mri", "device": "cpu", "overwrite": True}
    )
    recipe = Recipe(*sources, options)
    steps[CONFIGURATION] = time.process_time() - before
    for name, stage in recipe.stages.items():
        stage.transforms = tuple(
            _Timed(step, f"{name}: {_name(step)}", steps) for step in _flat(stage)
        )
    _time_network(recipe, steps)
    recipe.fuse()
    infer = next(name for name in steps if name.endswith("Inferd"))
    steps[infer] -= steps[NETWORK]
    return dict(steps)


class _Timed:
    """A step that adds its CPU time to an entry of ``steps``."""

    def __init__(self, step: Callable[[Any], Any], name: str, steps: dict[str, float]) -> None:
        self.step, self.name, self.steps = step, name, steps

    def __call__(self, data: Any) -> Any:
        before = time.process_time()
        result = self.step(data)
        self.steps[self.name] += time.process_time() - before
        return result


def _flat(stage: Any) -> Iterator[Any]:
    for step in stage.transforms:
        if hasattr(step, "transforms"):
            yield from _flat(step)
        else:
            yield step


def _name(step: Any) -> str:
    """Return the class of a step, or of what it does for each partner."""
    each = getattr(step, "only", None) or next(iter(getattr(step, "steps", [])), step)
    return type(each).__name__


def _time_network(recipe: Recipe, steps: dict[str, float]) -> None:
    def begin(*_: Any) -> None:
        steps[NETWORK] -= time.process_time()

    def end(*_: Any) -> None:
        steps[NETWORK] += time.process_time()

    recipe.network.register_forward_pre_hook(begin)
    recipe.network.register_forward_hook(end)


def _measure(slices: int, size: int) -> Footprint:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output = folder / "fused.nii.gz"
        fuse(write_pair(folder, 2, 32), output)  # imports everything, and fills caches
        pair = write_pair(folder, slices, size)
        before, began = time.process_time(), time.perf_counter()
        steps = fuse(pair, output)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    to_mebibytes = MEBIBYTE if sys.platform == "darwin" else 1024  # there bytes, else kibibytes
    return Footprint(slices, size, seconds, cpu_seconds, peak / to_mebibytes, steps)


if __name__ == "__main__":
    leave_out_training()  # as the command and the worker do
    print(json.dumps(asdict(_measure(int(sys.argv[1]), int(sys.argv[2])))))
