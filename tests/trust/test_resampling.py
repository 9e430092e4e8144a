"""What a thin CT loses on the thick slices of an MR, told before anything is fused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.structure.marks import KEPT_BELOW

BESIDE_MM = 3.0
MIDDLES = np.array([[16.0, 14.0, 20.0], [34.0, 16.0, 27.0], [16.0, 34.0, 35.0]])


def thin_ct(size_mm=BESIDE_MM, height=900.0, noise=15.0):
    """A CT of 1 mm, 40 HU within air, with small bright spheres."""
    index = np.stack(np.meshgrid(*map(np.arange, (50, 50, 55)), indexing="ij"), axis=-1)
    ct = np.where(np.abs(index - [25, 25, 27]).max(axis=-1) < 23, 40.0, -1000.0)
    for middle in MIDDLES:
        ct[np.linalg.norm(index - middle, axis=-1) <= size_mm / 2] = height
    ct += noise * np.random.default_rng(0).standard_normal(ct.shape)
    return np.rint(ct).astype(np.int16), np.eye(4)


def thick_mr(degrees=0.0):
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) * [1, 1, 7]
    shape = np.array([50, 50, 8])
    affine[:3, 3] = [24.5, 24.5, 27] - affine[:3, :3] @ ((shape - 1) / 2)
    rows = np.indices(shape)[0]
    return (300 + 40 * np.sin(rows / 6)).astype(np.float32), affine


def fuse(ct, mr, **options):
    chosen = {"task": "ct-mri", "register": "off", "window": "bone", **options}
    return fuse_volumes(mr, ct, **chosen)


def averaged(result):
    return [one for one in result.regions if one["kind"] == "averaged away"]


@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_small_calcifications_are_told_with_the_way_out(degrees):
    ct, mr = thin_ct(size_mm=2.0), thick_mr(degrees)
    result = fuse(ct, mr)
    found = averaged(result)
    places = np.array([one["position"] for one in found])
    away = np.linalg.norm(places[:, None] - MIDDLES[None], axis=-1)
    assert found
    assert (away.min(axis=1) < 2).all(), "nothing but what was put in"
    assert all(one["kept"] < KEPT_BELOW and one["size"] <= 4 for one in found)
    assert {one["source"] for one in found} == {"partner"}
    (sentence,) = (text for text in result.record["notes"] if "small bright" in text)
    assert "grid='isotropic'" in sentence
    assert averaged(fuse(ct, mr, grid="isotropic")) == []


def test_what_is_large_or_faint_in_the_window_is_not():
    mr = thick_mr()
    assert averaged(fuse(thin_ct(size_mm=12.0), mr)) == []
    assert averaged(fuse(thin_ct(height=60.0), mr)) == []
    assert averaged(fuse(thin_ct(height=40.0, noise=40.0), mr)) == []


def test_a_window_that_clips_the_peak_may_keep_it():
    mr = thick_mr()
    assert averaged(fuse(thin_ct(), mr, window=(45, 30))) == []


def test_off_with_the_check_and_no_voxel_changes():
    ct, mr = thin_ct(size_mm=2.0), thick_mr()
    result = fuse(ct, mr, check=False)
    assert averaged(result) == []
    assert not any("small bright" in text for text in result.record["notes"])
    assert torch.equal(result.fused, fuse(ct, mr).fused)
