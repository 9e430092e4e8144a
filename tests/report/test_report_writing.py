"""Writing the report: whole or not at all, equal from equal, and nothing off the grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from report_pages import SHAPE, affine_of, report, volumes_with_marker, voxels_of

from mactfusion.errors import InputError


def test_equal_arguments_give_an_equal_file(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    volumes["native"] = [volumes["anatomical"], 1000 * volumes["anatomical"]]
    summary = {"task": "ct-mri", "seconds": {"fuse": 1.25}}
    first = report(tmp_path / "first.html", volumes, summary)
    second = report(tmp_path / "second.html", volumes, summary)
    assert first == second


def test_values_outside_the_range_are_clipped(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    volumes["fused"][0, 0, 0, 0] = float("nan")
    volumes["fused"][0, 1, 0, 0] = 7.0
    volumes["fused"][0, 2, 0, 0] = -7.0
    page = report(tmp_path / "report.html", volumes)
    # RAS storage: first and second index run backwards on the page.
    np.testing.assert_array_equal(voxels_of(page, "fused")[0, :-4:-1, -1, 0], [0, 255, 0])


def _other_shape(volumes):
    volumes["fused"] = volumes["fused"][:, 1:]


def _two_channels(volumes):
    volumes["partner"] = volumes["partner"][:2]


def _other_place(volumes):
    volumes["partner"].affine = torch.tensor(affine_of("LAS"))


def _other_place_of_several(volumes):
    elsewhere = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.tensor(affine_of("LAS")))
    volumes["partners"] = [volumes["partner"], elsewhere]


def _other_place_of_values(volumes):
    elsewhere = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.tensor(affine_of("LAS")))
    volumes["native"] = [volumes["anatomical"], elsewhere]


@pytest.mark.parametrize(
    "spoil",
    [
        _other_shape,
        _two_channels,
        _other_place,
        _other_place_of_several,
        _other_place_of_values,
    ],
)
def test_volumes_off_the_grid_are_refused(tmp_path, spoil):
    volumes, _ = volumes_with_marker(affine_of())
    spoil(volumes)
    with pytest.raises(InputError, match="one grid"):
        report(tmp_path / "report.html", volumes)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_made(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    assert "<html" in report(tmp_path / "new" / "folder" / "report.html", volumes)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be written"):
        report(tmp_path / "file" / "report.html", volumes)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    volumes, _ = volumes_with_marker(affine_of())
    path = tmp_path / "report.html"
    path.write_text("old")

    def disk_full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", disk_full)
    with pytest.raises(InputError, match="the disk is full"):
        report(path, volumes)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]
