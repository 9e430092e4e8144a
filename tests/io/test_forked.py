"""Volumes are read in forked processes, whatever was read and computed before."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from torch.utils.data import DataLoader

from mactfusion.io.guard import guarded
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no forks on this system"
)


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    voxels = np.random.default_rng(0).random((60, 60, 20)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "a.nii.gz")
    for extension in ("mha", "nrrd"):
        image = SimpleITK.GetImageFromArray(voxels)
        SimpleITK.WriteImage(image, str(tmp_path / f"a.{extension}"), True)
    slice_ = SimpleITK.GetImageFromArray((voxels[..., 0] * 255).astype(np.uint8))
    for extension in ("png", "tif"):
        SimpleITK.WriteImage(slice_, str(tmp_path / f"a.{extension}"))
    return [str(path) for path in sorted(tmp_path.iterdir())]


def _sums(paths: list[str], queue: multiprocessing.Queue[list[float]]) -> None:
    queue.put([float(read_volume(path).numpy().sum()) for path in paths])


def test_after_the_parent_has_read_and_computed(paths: list[str]) -> None:
    expected = [float(read_volume(path).numpy().sum()) for path in paths]
    (torch.rand(1500, 1500) @ torch.rand(1500, 1500)).sum()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_sums, args=(paths, queue))
    with guarded("a fork within it finds the lock free"):
        child.start()
    assert queue.get() == expected
    child.join()
    assert child.exitcode == 0


def test_in_the_workers_of_a_loader(paths: list[str]) -> None:
    loader = DataLoader(paths, num_workers=1, collate_fn=_read, multiprocessing_context="fork")
    expected = [float(read_volume(path).numpy().sum()) for path in paths]
    assert list(loader) == expected


def _read(batch: list[str]) -> float:
    return float(read_volume(batch[0]).numpy().sum())
