"""Fixtures that more than one test folder needs."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before NumPy and PyTorch read it: a worker has one core, and more threads wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pytest
import torch
from warm_python import WarmPython

from mactfusion.cli import main
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path(os.environ.get("MACTFUSION_REFERENCE_DATA", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with reference volumes and golden files; tests that need it skip without it."""
    if not (REFERENCE / "data").is_dir():
        pytest.skip("reference data not present (set MACTFUSION_REFERENCE_DATA)")
    return REFERENCE


@pytest.fixture(scope="session")
def warm():
    """Python processes that need not import anything: see :class:`~warm_python.WarmPython`."""
    python = WarmPython()
    yield python
    python.close()


@pytest.fixture(autouse=True)
def _same_numbers_each_time() -> None:
    """Seed for each test: whether a tolerance holds must not depend on which tests ran before."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (MONAI and others draw from it)
    torch.manual_seed(0)


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def refused(self, name=""):
        """Whether it ended with exit code 2 and one sentence that holds ``name``.

        Before it stand warnings alone, of what was seen until then.
        """
        *warned, last = self.err.splitlines() or [""]
        return (
            self.code == 2
            and last.startswith("Error: ")
            and name in last
            and all(line.startswith("Warning: ") for line in warned)
        )


@pytest.fixture
def run_command(monkeypatch, capsys):
    """Run ``mactfusion`` with arguments in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mactfusion", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return Outcome(code, *capsys.readouterr())

    return run


class PixelMaximum(torch.nn.Module):
    """A network's stand-in: at once, exact, and blind to nothing that geometry tests look at."""

    def forward(self, image):
        return image.amax(dim=1, keepdim=True)


@pytest.fixture
def pixel_maximum(monkeypatch, tmp_path_factory):
    """Take the pixel maximum for the network; the value is a weight file that fits it."""
    model = replace(MODELS[DEFAULT_MODEL], graph=PixelMaximum)
    monkeypatch.setitem(MODELS, DEFAULT_MODEL, model)
    weights = tmp_path_factory.mktemp("weights") / "none.pt"
    torch.save({}, weights)
    return weights


def head(shape, spacing_mm, scale, seed):
    """A round head with noise, centred at the origin, ``(array, affine)``."""
    axes = [np.linspace(-1, 1, size) for size in shape]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    noise = np.random.default_rng(seed).random(shape)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = [-(size - 1) * mm / 2 for size, mm in zip(shape, spacing_mm, strict=True)]
    return (np.clip(1 - radius, 0, 1) * (0.5 + noise / 2) * scale).astype(np.float32), affine


@pytest.fixture
def mr():
    """``(array, affine)``: 24 x 28 x 4 voxels of 4 x 4 x 10 mm."""
    return head((24, 28, 4), (4.0, 4.0, 10.0), 900, seed=0)


@pytest.fixture
def pet():
    """``(array, affine)`` on another grid, which covers all of the MR."""
    return head((20, 24, 12), (6.0, 6.0, 5.0), 8000, seed=1)


@pytest.fixture
def files(tmp_path, monkeypatch, mr, pet):
    """``mr.nii.gz`` and ``pet.nii.gz`` in an empty working folder, which is the value."""
    monkeypatch.chdir(tmp_path)
    for name, volume in {"mr": mr, "pet": pet}.items():
        nibabel.save(nibabel.Nifti1Image(*volume), f"{name}.nii.gz")
    return tmp_path


@pytest.fixture
def pet_mri(files):
    """The first words of a command that fuses the files."""
    return ("fuse", "mr.nii.gz", "pet.nii.gz", "--task", "pet-mri")


@pytest.fixture
def fuse(run_command, pet_mri, pixel_maximum):
    """``fuse("-o", "fused.nii.gz", ...)``: MR and PET with the stand-in for the network."""

    def run(*options):
        return run_command(*pet_mri, "--weights", pixel_maximum, *options)

    return run


@pytest.fixture
def nothing_left(files):
    """Call it to learn whether every file is as it was, and there are no others."""

    def state():
        return {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}

    before = state()
    return lambda: state() == before
