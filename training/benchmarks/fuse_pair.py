"""Fuse one synthetic pair in a process of its own, to see what that process needs.

python -m training.benchmarks.fuse_pair SLICES SIZE prints one line of JSON (:class:`Footprint`).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import nibabel
import numpy as np

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Footprint:
    """What fusing one pair took.

    Attributes:
        slices: number of slices of the MR.
        size: rows and columns of a slice.
        seconds: wall clock of ``fuse_volumes``, from the files to the written file.
        cpu_seconds: time on a core, all threads together; other programs do not prolong it.
        peak_mib: largest resident memory of the whole process, Python and libraries included.
    """

    slices: int
    size: int
    seconds: float
    cpu_seconds: float
    peak_mib: float


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
    """Write an MR of ``slices`` slices and a PET of half the resolution, 16-bit, random."""
    rng = np.random.default_rng(0)
    paths = folder / "MR.nii.gz", folder / "PET.nii.gz"
    for path, edge, spacing_mm in ((paths[0], size, 1.0), (paths[1], size // 2, 2.0)):
        voxels = rng.integers(0, 1000, (edge, edge, slices), dtype="int16")
        affine = np.diag([spacing_mm, spacing_mm, 1.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return paths


def _measure(slices: int, size: int) -> Footprint:
    from mactfusion import fuse_volumes

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        anatomical, partner = write_pair(folder, slices, size)
        before = resource.getrusage(resource.RUSAGE_SELF)
        result = fuse_volumes(
            anatomical, partner, output=folder / "fused.nii.gz", task="pet-mri", device="cpu"
        )
        after = resource.getrusage(resource.RUSAGE_SELF)
    to_mebibytes = MEBIBYTE if sys.platform == "darwin" else 1024  # there bytes, else kibibytes
    return Footprint(
        slices=slices,
        size=size,
        seconds=result.seconds["total"],
        cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        peak_mib=after.ru_maxrss / to_mebibytes,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(int(sys.argv[1]), int(sys.argv[2])))))
