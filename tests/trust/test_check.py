"""The check of a fused volume: what it says, where, and that it changes nothing."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.structure.marks import KEPT_BELOW

SHAPE = (64, 56, 6)
PLACE = np.array([40, 20, 3])


def affine_of(signs=(1, 1, 1), spacing_mm=(1.5, 1.5, 4.0)):
    affine = np.diag([*(s * mm for s, mm in zip(signs, spacing_mm, strict=True)), 1.0])
    affine[:3, 3] = [7, -11, 5]
    return affine


def volumes(affine, diameter_mm=9.0):
    """An MR with a lesion that lies under an evenly bright CT, and the lesion's place."""
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    away = np.linalg.norm((index - PLACE) * spacing, axis=-1)
    mr = np.full(SHAPE, 150.0)
    mr[..., : SHAPE[2]] += 40 * np.sin(index[..., 0] / 5)
    mr = np.where(index[..., 0] < 24, mr * 4, mr * 0.5)
    ct = np.where(index[..., 0] < 24, 0.0, 100.0)
    ct = ct + 3 * (index[..., 1] > 30)
    ct[0, 0, 0], ct[0, 1, 0] = -1000, 1000
    mr = np.where(away <= diameter_mm / 2, mr + 90, mr)
    return (mr.astype(np.float32), affine), (ct.astype(np.float32), affine)


OPTIONS = {
    "task": "ct-mri",
    "register": "off",
    "window": (50, 120),
    "anatomical_window": (350, 700),
}


@pytest.fixture
def fuse(pixel_maximum):
    def run(*sources, **options):
        return fuse_volumes(*sources, **{**OPTIONS, "weights": pixel_maximum, **options})

    return run


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_a_lesion_under_the_brighter_source_is_found_where_it_lies(fuse, signs):
    affine = affine_of(signs)
    mr, ct = volumes(affine)
    result = fuse(mr, ct)
    place = affine @ [*PLACE, 1]
    found = [one for one in result.regions if one["source"] == "anatomical"]
    away = [np.abs(np.array(one["position"]) - place[:3]) for one in found]
    best = min(range(len(found)), key=lambda number: away[number].max())
    assert (away[best] <= [9, 9, 4]).all()
    assert found[best]["kept"] < KEPT_BELOW
    assert found[best]["unit"] == "mm"
    assert torch.equal(result.lost.affine, result.fused.affine)
    assert result.lost.shape == (1, *SHAPE)
    edge = PLACE + np.array([3, 0, 0])
    assert int(result.lost[(0, *edge)]) & 1
    (sentence,) = (text for text in result.record["notes"] if "lost" in text)
    assert "of what the anatomical volume array alone shows" in sentence
    assert "R, A, S" in sentence
    assert result.record["lost"] == result.regions
    assert sentence in result.warnings


def test_the_voxels_are_the_same_without_it(fuse):
    mr, ct = volumes(affine_of())
    with_check, without = fuse(mr, ct), fuse(mr, ct, check=False)
    assert torch.equal(with_check.fused, without.fused)
    assert without.lost is None
    assert without.regions == []
    assert without.record["lost"] is None
    assert not any("lost" in text for text in without.record["notes"])
    assert "--no-check" in without.record["command"]
    assert "check" not in with_check.record["command"]


def test_nothing_is_said_where_nothing_is_lost(fuse):
    mr, (ct, affine) = volumes(affine_of())
    result = fuse(mr, (np.full_like(ct, -1000) + 0.001 * mr[0], affine))
    assert result.regions == []
    assert not result.lost.any()
    assert result.warnings == [] or not any("alone shows" in text for text in result.warnings)


def test_a_partner_has_a_code_of_its_own(fuse):
    mr, ct = volumes(affine_of())
    codes = set(np.unique(fuse(mr, ct).lost.numpy()).astype(int))
    assert codes <= {0, 1, 2, 3, 128, 129, 130, 131}
    swapped = fuse(
        (ct[0] * 4 + 200, ct[1]), mr, task="mr-mr", window=(350, 700), anatomical_window=(400, 800)
    )
    assert {one["source"] for one in swapped.regions} & {"partner"}


def test_two_partners_are_told_apart(fuse):
    mr, ct = volumes(affine_of())
    pet = (np.full(SHAPE, 10.0) + np.indices(SHAPE)[0], affine_of())
    result = fuse(mr, [pet, ct], task=["pet-mri", "ct-mri"], window=["auto", (50, 120)])
    assert {one["source"] for one in result.regions} <= {
        "anatomical",
        "partner 1",
        "partner 2",
        "fused",
    }
    assert result.lost.max() < 256


@pytest.mark.parametrize("size", [1, 512])
def test_one_slice_of_any_size(fuse, size):
    affine = affine_of(spacing_mm=(0.5, 0.5, 5.0) if size == 512 else (4.0, 4.0, 5.0))
    shape = (size, size, 1) if size > 1 else (9, 5, 1)
    rng = np.random.default_rng(0)
    mr = (rng.random(shape) * 900).astype(np.float32)
    ct = (rng.random(shape) * 300).astype(np.float32)
    result = fuse((mr, affine), (ct, affine), task="mr-mr", window="auto")
    assert result.lost.shape == (1, *shape)


def test_of_pictures_the_place_is_column_and_row(pixel_maximum, tmp_path):
    mr, ct = volumes(affine_of())
    for name, (array, _) in {"a": mr, "b": ct}.items():
        levels = np.clip(array[..., 3] / (700 if name == "a" else 110) * 255, 0, 255)
        Image.fromarray(levels.T.astype(np.uint8)).save(tmp_path / f"{name}.png")
    result = fuse_volumes(
        tmp_path / "a.png", tmp_path / "b.png", task="ct-mri", weights=pixel_maximum
    )
    found = [one for one in result.regions if one["source"] == "anatomical"]
    assert found[0]["unit"] == "pixels"
    away = [np.abs(np.array(one["position"]) - PLACE[:2]).max() for one in found]
    assert min(away) <= 6
    assert "column and row" in result.record["notes"][-1]


def test_the_map_is_written_beside_the_result(fuse, tmp_path):
    mr, ct = volumes(affine_of((-1, 1, 1)))
    result = fuse(mr, ct, output=tmp_path / "fused.nrrd", lost_map=True)
    written = nibabel.load(tmp_path / "fused.nrrd.lost.nii.gz")
    codes = np.asarray(written.dataobj)
    assert codes.dtype == np.uint8
    assert np.array_equal(codes, result.lost[0].numpy())
    assert np.allclose(written.affine, result.fused.affine)
    with pytest.raises(InputError, match="exists already"):
        fuse(mr, ct, output=tmp_path / "fused.nrrd", lost_map=True)
    fuse(mr, ct, output=tmp_path / "fused.nrrd", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fused.nrrd", "fused.nrrd.json"]
    assert json.loads((tmp_path / "fused.nrrd.json").read_text())["lost"] == result.record["lost"]


def test_a_map_of_another_result_is_not_replaced(fuse, tmp_path):
    mr, ct = volumes(affine_of())
    (tmp_path / "fused.nrrd.lost.nii.gz").write_bytes(b"mine")
    with pytest.raises(InputError, match="map of what was lost"):
        fuse(mr, ct, output=tmp_path / "fused.nrrd")
    assert (tmp_path / "fused.nrrd.lost.nii.gz").read_bytes() == b"mine"


def test_a_map_needs_the_check(fuse, tmp_path):
    mr, ct = volumes(affine_of())
    with pytest.raises(InputError, match="writes what the check of the result finds"):
        fuse(mr, ct, output=tmp_path / "a.nrrd", check=False, lost_map=True)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_says_it(files, pixel_maximum, run_command):
    words = ("fuse", "mr.nii.gz", "pet.nii.gz", "--task", "pet-mri", "--weights", pixel_maximum)
    said = run_command(*words, "-o", "a.nrrd")
    assert "alone shows" in " ".join(said.err.split())
    silent = run_command(*words, "--no-check", "-o", "b.nrrd")
    assert "alone shows" not in " ".join(silent.err.split())
    assert (files / "a.nrrd").read_bytes() == (files / "b.nrrd").read_bytes()
