"""PET, SPECT and dose on a CT, the whole way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.report.fusion import write_fusion_report


def tagged(volume, **meta):
    array, affine = volume
    return MetaTensor(torch.from_numpy(array)[None], affine=torch.from_numpy(affine), meta=meta)


@pytest.fixture
def ct():
    """``(array, affine)`` in HU: lungs in a body, longer than a head."""
    rows, columns, slices = np.mgrid[:40, :30, :12]
    body = np.hypot((rows - 20) / 18, (columns - 15) / 12) < 1
    lungs = np.hypot((abs(rows - 20) - 8) / 5, (columns - 15) / 6) < 1
    noise = np.random.default_rng(0).normal(0, 8, body.shape)
    hounsfield = np.where(lungs, -800, np.where(body, 40, -1000)) + 400 * (slices == 5) * lungs
    affine = np.diag([10.0, 10.0, 30.0, 1.0])
    affine[:3, 3] = -200, -150, -180
    return (hounsfield + noise).astype(np.float32), affine


@pytest.fixture
def uptake():
    array = np.zeros((20, 15, 12), np.float32)
    array[4:16, 4:11] = 2
    array[6, 7, 5] = 9
    affine = np.diag([20.0, 20.0, 30.0, 1.0])
    affine[:3, 3] = -195, -145, -180
    return array, affine


@pytest.mark.filterwarnings("error::mactfusion.errors.FusionWarning")
def test_ct_with_pet_and_spect(ct, uptake, pixel_maximum, tmp_path):
    array, affine = uptake
    pet = tagged(uptake, modality="PT", units="SUV")
    spect = tagged((array[::-1].copy(), affine), modality="NM", units="CNTS")
    options = {"weights": pixel_maximum, "register": "off", "check": False}
    result = fuse_volumes(tagged(ct, modality="CT"), [spect, pet], **options)
    assert result.task == "pet-ct + spect-ct"
    assert result.record["units"] == "HU"
    assert result.record["anatomical_level_width"] == [50, 400]
    assert [partner["units"] for partner in result.record["partners"]] == ["SUV", "counts"]
    assert [partner["colormap"] for partner in result.record["partners"]] == [
        "hot_metal",
        "cool_metal",
    ]
    expected = np.clip((ct[0] + 150) / 400, 0, 1)
    assert np.allclose(result.anatomical.numpy()[0], expected, atol=1e-6)
    page = write_fusion_report(tmp_path / "report.html", result).read_text(encoding="utf-8")
    assert "Anatomical (CT) · PET, SPECT" in page
    assert "level 50, width 400 HU" in page
    assert "SUV" in page


def test_a_dose_has_its_own_name_and_units(ct, uptake, pixel_maximum, tmp_path):
    dose = tagged(uptake, modality="RTDOSE", units="Gy")
    result = fuse_volumes(ct, dose, weights=pixel_maximum)
    assert result.task == "pet-ct"
    (partner,) = result.record["partners"]
    level, width = partner["level_width"]
    assert (partner["units"], partner["colormap"]) == ("Gy", "hot_metal")
    assert level == width / 2
    assert 2 <= width <= 9
    assert result.fused.shape[0] == 3
    page = write_fusion_report(tmp_path / "report.html", result).read_text(encoding="utf-8")
    assert "dose" in page
    assert " Gy" in page


@pytest.mark.parametrize(
    ("window", "level_width"), [("lung", [-600, 1500]), ("bone", [600, 2800]), ("0,100", [0, 100])]
)
def test_windows_of_the_ct(ct, uptake, pixel_maximum, window, level_width):
    options = {"task": "pet-ct", "weights": pixel_maximum, "anatomical_window": window}
    assert fuse_volumes(ct, uptake, **options).record["anatomical_level_width"] == level_width


def test_the_order_counts(ct, uptake):
    with pytest.raises(InputError, match=r"look swapped.*name the CT first"):
        fuse_volumes(tagged(uptake, modality="PT"), ct)
