"""DICOM series are fused right or refused in a sentence."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from mactfusion import fuse_volumes

# As the partner of MR_ok: what it is refused for, or the task that it makes.
DICOM = {
    "CT_ok": "ct-mri",
    "CT_shuffled_names_and_instance": "ct-mri",
    "MR_oblique": "mr-mr",
    "PT_ok": "pet-mri",
    "PT_other_patient_other_FoR": "pet-mri",
    "CT_missing_two": "2 DICOM slice(s) missing",
    "MR_missing_slice": "1 DICOM slice(s) missing",
    "MR_variable_spacing": "mr-mr",
    "MR_duplicate_position": "mr-mr",
    "mixed_two_series_one_folder": "ct-mri",
}


@pytest.mark.parametrize("name", DICOM)
def test_dicom_folder_is_fused_right_or_refused(name, reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, output = fuse_whole(folder / "MR_ok", folder / name)
    if not DICOM[name].endswith(("-mri", "-mr")):
        assert outcome.refused(name)
        assert DICOM[name] in outcome.err
        return
    assert outcome.code == 0
    assert DICOM[name] in outcome.out
    assert nibabel.load(output).shape == (128, 148, 50)
    record = output.with_name(f"{output.name}.json").read_text(encoding="utf-8")
    for text in (outcome.out, outcome.err, record):
        assert "Phantom" not in text
        assert "TESTPHANTOM01" not in text
    assert ("different patients" in outcome.err) == ("other_patient" in name)
    assert ("different patients" in record) == ("other_patient" in name)


@pytest.mark.parametrize(
    "name", ["CT_missing_two", "MR_missing_slice", "PT_ok", "PT_other_patient_other_FoR"]
)
def test_dicom_folder_that_is_no_mr_is_refused_as_anatomical(name, reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, _ = fuse_whole(folder / name, folder / "PT_ok")
    assert outcome.refused(name)


def test_swapped_dicom_folders_are_noticed(reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, _ = fuse_whole(folder / "CT_ok", folder / "MR_ok")
    assert outcome.refused("CT_ok")
    assert "swapped" in outcome.err


def test_shuffled_dicom_gives_the_same_volume(reference, pixel_maximum):
    folder = reference / "data/dicom"
    first, second = (
        fuse_volumes(folder / "MR_ok", folder / name, weights=pixel_maximum).fused
        for name in ("CT_ok", "CT_shuffled_names_and_instance")
    )
    assert first.std() > 0.1
    assert np.array_equal(first.numpy(), second.numpy())
