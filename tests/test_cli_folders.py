"""Pictures, and folders matched by file name, through the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folders(files, mr):
    """Three pairs by name, two pictures and one volume, and two files without counterpart."""
    for folder in ("first", "second"):
        (files / folder).mkdir()
    grey = np.random.default_rng(0).integers(0, 256, (20, 16)).astype(np.uint8)
    for name in ("a", "b"):
        Image.fromarray(grey).save(files / "first" / f"{name}.png")
        Image.fromarray(np.stack([grey, grey // 2, grey // 4], -1)).save(
            files / "second" / f"{name}.tif"
        )
    shutil.copy("mr.nii.gz", "first/c.nii.gz")
    shutil.copy("pet.nii.gz", "second/c.nii.gz")
    Image.fromarray(grey).save(files / "first" / "alone.png")
    Image.fromarray(grey).save(files / "second" / "lonely.png")
    (files / "first" / "notes.txt").write_text("no image")
    for hidden in ("first/._a.png", "second/._b.tif", "first/._c.nii.gz"):
        (files / hidden).write_bytes(b"left by another system")
    return files


@pytest.fixture
def fuse_folders(run_command, folders, pixel_maximum):
    def run(*options):
        return run_command(
            "fuse", "first", "second", "--task", "pet-mri", "--weights", pixel_maximum, *options
        )

    return run


def test_folders_are_matched_by_name(fuse_folders, folders):
    outcome = fuse_folders("-o", "out/deep", "--no-check", "--colors", "ycbcr")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        f"Warning: {Path('first/alone.png')} has no counterpart.",
        f"Warning: {Path('second/lonely.png')} has no counterpart.",
    ]
    assert sorted(path.name for path in (folders / "out/deep").iterdir()) == [
        "a.png", "a.png.json", "b.png", "b.png.json", "c.nii.gz", "c.nii.gz.json",
    ]  # fmt: skip
    assert Image.open("out/deep/a.png").size == (16, 20)


def test_folders_can_be_fused_in_silence(fuse_folders):
    assert fuse_folders("-o", "out", "--quiet") == (0, "", "")


def test_one_bad_pair_does_not_stop_the_others(fuse_folders, folders):
    (folders / "second" / "a.tif").write_bytes(b"no picture")
    outcome = fuse_folders("-o", "out")
    assert outcome.code == 2
    assert "a.tif cannot be read" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("Error: 1 of 3 pairs could not be fused")
    assert sorted(path.name for path in (folders / "out").iterdir()) == [
        "b.png", "b.png.json", "c.nii.gz", "c.nii.gz.json",
    ]  # fmt: skip


@pytest.mark.parametrize("output", ["mr_file", "mr_file/deeper"])
def test_folder_that_cannot_be_made_is_refused(output, fuse_folders, folders):
    (folders / "mr_file").write_text("mine")
    outcome = fuse_folders("-o", output, "--quiet")
    assert outcome.refused(output)
    assert (folders / "mr_file").read_text() == "mine"


def test_folders_of_strangers_are_refused(run_command, folders, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run_command("fuse", "first", "empty", "-o", "out", "--quiet").refused("in common")
    assert not (tmp_path / "out").exists()


def test_one_name_twice_is_refused(fuse_folders, folders):
    shutil.copy("first/a.png", "first/a.tif")
    assert fuse_folders("-o", "out", "--quiet").refused("a.tif")


@pytest.mark.parametrize("page", ["--report", "--picture"])
def test_page_of_folders_is_refused(page, fuse_folders):
    assert fuse_folders("-o", "out", page, "page.html").refused(page)


@pytest.mark.parametrize(("name", "dtype"), [("fused.png", "uint8"), ("fused.tif", "uint8")])
def test_two_pictures_give_a_picture(name, dtype, run_command, folders, pixel_maximum):
    pair = ("first/a.png", "second/a.tif")
    outcome = run_command("fuse", *pair, "-o", name, "--weights", pixel_maximum)
    assert outcome.code == 0
    assert "pet-mri" in outcome.out, "a colour partner tells the task"
    with Image.open(name) as picture:
        assert picture.size == (16, 20)
        assert picture.mode == "RGB"
        assert np.asarray(picture).dtype == dtype


def test_green_picture_is_taken_as_gfp(run_command, files, pixel_maximum):
    grey = np.random.default_rng(0).integers(0, 256, (20, 16)).astype(np.uint8)
    Image.fromarray(grey).save("pc.png")
    Image.fromarray(np.stack([0 * grey, grey, 0 * grey], -1)).save("gfp.png")
    options = ("-o", "fused.png", "--weights", pixel_maximum)
    assert "gfp-pc" in run_command("fuse", "pc.png", "gfp.png", *options).out
    assert run_command("fuse", "gfp.png", "pc.png", *options, "--overwrite").refused("gfp.png")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--lost-map", "--no-check"), "--lost-map writes what the check of the result finds"),
        (("--anonymous",), "DICOM output takes --anonymous"),
        (("--blending-state",), "--blending-state is for DICOM output"),
        (("--device", "cuda:99"), "The device 'cuda:99' is not available"),
        (("--weights", "first/a.png"), "first/a.png"),
    ],
)
def test_what_is_wrong_for_all_pairs_is_said_once(options, sentence, fuse_folders, folders):
    outcome = fuse_folders("-o", "out", *options)
    assert outcome.refused(sentence)
    assert outcome.err.count("Error: ") == 1
    assert not (folders / "out").exists()
