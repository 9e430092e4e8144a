"""What an evaluation refuses, in a sentence."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from noise_pictures import SMALL, noise, save
from PIL import Image

from mactfusion.errors import InputError
from mactfusion.evaluation.cases import Preparation
from mactfusion.evaluation.result import on_common_cases
from mactfusion.evaluation.run import evaluate
from mactfusion.evaluation.score import score_slice
from mactfusion.metrics import METRICS


def damage_size(folder):
    save(folder / "pet" / "2.png", noise(0, (30, 35)))


def damage_depth(folder):
    Image.fromarray(noise(0).astype(np.uint16)).save(folder / "pet" / "2.png")


def damage_palette(folder):
    Image.fromarray(noise(0).astype(np.uint8)).convert("P").save(folder / "pet" / "2.png")


def damage_the_palette_of_the_result(folder):
    Image.fromarray(noise(0).astype(np.uint8)).convert("P").save(folder / "fused" / "2.png")


def damage_print(folder):
    pixels = np.asarray(noise(0, (30, 36, 4)), np.uint8)
    Image.fromarray(pixels, "CMYK").save(folder / "pet" / "2.png", format="TIFF")


def damage_pairing(folder):
    (folder / "pet" / "2.png").unlink()


def damage_bytes(folder):
    (folder / "pet" / "2.png").write_bytes(b"no picture")


def damage_names(folder):
    (folder / "pet").rename(folder / "old")
    save(folder / "pet" / "other.png", noise(0))


def damage_folder(folder):
    (folder / "mr").rename(folder / "old")
    (folder / "mr").write_bytes(b"no folder")


def damage_presence(folder):
    (folder / "pet").rename(folder / "old")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (damage_size, r"fused/2\.png and .*pet/2\.png differ in size: 36 x 30 and 35 x 30 pixels"),
        (damage_depth, r"2\.png is a picture of type uint16"),
        (damage_palette, r"pet/2\.png is a palette picture; save it as 8-bit grey or RGB"),
        (damage_the_palette_of_the_result, r"fused/2\.png is a palette picture"),
        (damage_print, r"pet/2\.png is a CMYK picture"),
        (damage_pairing, r"fused/2\.png has no source of its name in .*pet; add it"),
        (damage_bytes, r"2\.png cannot be read"),
        (damage_names, "no file names in common"),
        (damage_folder, "give three folders"),
        (damage_presence, "pet does not exist"),
    ],
)
def test_bad_folders_are_one_sentence(folders, damage, sentence):
    damage(folders)
    with pytest.raises(InputError, match=sentence):
        evaluate(folders / "fused", folders / "mr", folders / "pet", metrics=SMALL, jobs=1)


def test_a_constant_source_is_refused(folders):
    save(folders / "pet" / "2.png", np.full((30, 36), 7))
    with pytest.raises(InputError, match=r"pet/2\.png is constant"):
        evaluate(*(folders / part for part in ("fused", "mr", "pet")), metrics=SMALL, jobs=1)


def test_a_series_of_dicom_is_refused_as_one(fused, files):
    fused("series", format="dicom", anonymous=True, check=False)
    with pytest.raises(InputError, match="series is a result in DICOM"):
        evaluate("series", "mr.nii.gz", "pet.nii.gz", metrics=["EN"])


def test_a_picture_and_a_volume_do_not_mix(folders, fused):
    fused("fused.nii.gz")
    with pytest.raises(InputError, match="one is a picture"):
        evaluate(folders / "mr" / "1.png", "mr.nii.gz", "pet.nii.gz", metrics=SMALL, jobs=1)


def test_an_undefined_metric_is_refused(monkeypatch):
    monkeypatch.setitem(METRICS, "SCD", lambda *pictures: float("nan"))
    with pytest.raises(InputError, match=r"a\.png: SCD is not defined"):
        score_slice(["SCD"], "a.png", *[noise(0)] * 3)


def test_volumes_on_different_grids_are_not_paired(fused):
    fused("fused.nii.gz", luminance=True)
    nibabel.save(nibabel.load("fused.nii.gz").slicer[:, :, 1:3], "part.nii.gz")
    preparation = Preparation(task="pet-mri")
    results = [
        evaluate(name, "mr.nii.gz", "pet.nii.gz", metrics=["Qw"], jobs=1, preparation=preparation)
        for name in ("fused.nii.gz", "part.nii.gz")
    ]
    with pytest.raises(InputError, match="different grids"):
        on_common_cases(*results)
