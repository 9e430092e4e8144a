"""The picture of cases before and after, of small heads that are quick to fuse."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from training import cases
from training.case_study import heads
from training.case_study.looks import look_at


class Ball:
    """Stands for the synthetic head: a ball, as bright in all scans but CT, where it is 0."""

    lesion_mm = (-36.0, -32.0, 32.0)

    def sample(self, modality, shape, affine):
        index = np.moveaxis(np.indices(shape), 0, -1)
        points = index @ affine[:3, :3].T + affine[:3, 3]
        inside = np.linalg.norm(points - heads.MIDDLE_MM, axis=-1) < 70
        return torch.from_numpy(inside[None] * (0.0 if modality == "CT" else 400.0))


@pytest.fixture
def written(monkeypatch, tmp_path):
    monkeypatch.setattr(heads, "HeadPhantom", Ball)
    return heads.write_heads(tmp_path, 6.0)


def test_lesions_are_where_the_cases_look(written, tmp_path):
    on_bone, _pink, mirrored, of_t2 = written
    for case, added in ((on_bone, 1400), (of_t2, 90)):
        volume = nibabel.load(tmp_path / case.partner)
        index = np.linalg.solve(volume.affine, [*case.place_mm, 1]).round().astype(int)
        values = volume.get_fdata()
        assert values[tuple(index[:3])] - values[index[0], 0, index[2]] > added
    assert mirrored.place_mm == (36.0, -32.0, 32.0)
    assert mirrored.after["register"] == "check"
    straight, turned = (nibabel.load(tmp_path / f"PET{end}.nii.gz") for end in ("", "_mirrored"))
    assert np.allclose(np.diag([-1, 1, 1, 1]) @ straight.affine, turned.affine)


def pair_with_a_lost_lesion(folder, *_unused):
    """A CT that is white where the MR has a lesion, which lies right, in front and above."""
    shape, affine = (48, 56, 6), np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = -47, -55, -10
    index = np.moveaxis(np.indices(shape), 0, -1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    rng = np.random.default_rng(0)
    texture = rng.random(shape) * 4
    is_lesion = np.linalg.norm(points[..., :2] - (19, 25), axis=-1) < 6
    white = (np.abs(points[..., 0] - 19) < 20) & (np.abs(points[..., 1] - 25) < 22)
    ct = np.where(np.abs(points[..., 0]) > 45, -1000.0, 20 + 700.0 * white)
    for name, values in (("MR", 300 + 300 * is_lesion + texture), ("CT", ct)):
        image = nibabel.Nifti1Image(values.astype("float32"), affine)
        nibabel.save(image, folder / f"{name}.nii.gz")
    quiet = {"register": "off", "check": False, "device": "cpu"}
    place = (19.0, 25.0, 2.0)
    case = heads.Case("Pair", "MR.nii.gz", "CT.nii.gz", "ct-mri", place, quiet, {"register": "off"})
    return [case]


def test_a_look_is_the_slice_of_the_place_with_what_was_said(tmp_path):
    (case,) = pair_with_a_lost_lesion(tmp_path)
    look = look_at(case, tmp_path)
    column, row = (round(each) for each in look.place)
    assert (column, row) == (47 - 33, 55 - 40)
    assert look.pictures[0].shape == look.lost.shape == (56, 48)
    assert look.pictures[0][row, column] > look.pictures[0][row + 15, column] + 0.3
    assert look.lost[row, column] & 1
    assert look.said_before == []
    assert "alone shows" in look.said_after[0]
    assert "% kept" in look.said_after[0]


def test_command_writes_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "write_heads", pair_with_a_lost_lesion)
    app = Typer()
    app.command()(cases.main)
    outcome = CliRunner().invoke(app, ["--picture", str(tmp_path / "new" / "cases.png")])
    assert outcome.exit_code == 0, outcome.output
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["cases.png"]
    drawn = np.asarray(Image.open(tmp_path / "new" / "cases.png").convert("RGB"))
    assert min(drawn.shape[:2]) > 300
    assert (drawn == (0x56, 0xB4, 0xE9)).all(axis=-1).any()  # what is lost of the MR is outlined
