"""The application as the SDK starts it: a study in, a series out, or one sentence."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pydicom
import pytest
from conftest import PATIENT, write_series


def slices_of(folder):
    """Data sets of a series, from foot to head."""
    read = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return sorted(read, key=lambda one: float(one.ImagePositionPatient[2]))


def said(ran):
    """What was said on standard error, without the SDK's lines, which begin with the time."""
    lines = ran.stderr.splitlines()
    return [line for line in lines if line.startswith(("Error: ", "Traceback", "  File"))]


def test_the_series_is_that_of_the_command_line(
    study, run_application, run_command, unchanged, tmp_path
):
    is_unchanged = unchanged(study)
    output = tmp_path / "output"
    ran = run_application("-i", study, "-o", output)
    assert ran.returncode == 0, ran.stderr
    assert said(ran) == []
    assert is_unchanged()
    assert list((tmp_path / "here").iterdir()) == []
    assert sorted(path.name for path in output.iterdir()) == ["fused", "fused.json"]
    expected = tmp_path / "expected"
    outcome = run_command("fuse", study, "-o", expected, "--format", "dicom")
    assert outcome.code == 0, outcome.err
    pairs = list(zip(slices_of(output / "fused"), slices_of(expected), strict=True))
    assert len(pairs) == 6
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours.pixel_array, theirs.pixel_array)
        assert ours.pixel_array.std() > 0
        for keyword in ("ImagePositionPatient", "StudyInstanceUID", "PatientName", "PatientID"):
            assert ours[keyword] == theirs[keyword]
    assert ours.PatientName == "Doe^Jane"
    # What is to be known of the result is logged and recorded, and names nobody.
    notes = json.loads((output / "fused.json").read_text())["notes"]
    assert any("stays in counts" in note for note in notes)
    for note in notes:
        assert note in ran.stderr
        assert PATIENT not in note
    of_sdk = [line for line in ran.stderr.splitlines() if "Parsed args" in line]
    assert "FDG" not in ran.stderr.replace("".join(of_sdk), "")


def test_folders_and_settings_are_those_of_a_package(study, run_application, tmp_path):
    settings, output = tmp_path / "app.yaml", tmp_path / "output"
    settings.write_text('fuse_study: {register: "off", anonymous: true, luminance: true}\n')
    output.mkdir()
    ran = run_application(
        HOLOSCAN_INPUT_PATH=study, HOLOSCAN_OUTPUT_PATH=output, HOLOSCAN_CONFIG_PATH=settings
    )
    assert ran.returncode == 0, ran.stderr
    record = json.loads((output / "fused.json").read_text())
    assert record["options"]["register"] == "off"
    (first, *_) = slices_of(output / "fused")
    assert first.SamplesPerPixel == 1
    assert first.PatientName != "Doe^Jane"


def alone(study):
    """Leave one volume of the study."""
    shutil.rmtree(study / "b")
    return "holds one volume that can be fused, 1 MR 'T1 axial' (22 x 20 x 6)"


def of_another(study):
    """Make the PET another patient's."""
    shutil.rmtree(study / "b")
    write_series(study / "b", "PT", 2, PatientID="P2", Units="CNTS")
    return f"{PATIENT} holds images of 2 patients; give a study of one."


@pytest.mark.parametrize("fault", [alone, of_another])
def test_what_cannot_be_fused_is_said_in_one_sentence(
    fault, study, run_application, unchanged, tmp_path
):
    reason = fault(study)
    is_unchanged = unchanged(study)
    ran = run_application("-i", study, "-o", tmp_path / "output")
    assert ran.returncode == 2, ran.stderr
    (sentence,) = said(ran)
    assert reason in sentence
    assert ran.stderr.splitlines()[-1] == sentence
    assert "--" not in sentence
    assert list((tmp_path / "output").iterdir()) == []
    assert is_unchanged()


def test_a_result_is_not_replaced_unasked(study, run_application, unchanged, tmp_path):
    earlier = tmp_path / "output" / "fused" / "report.txt"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("mine")
    ran = run_application("-i", study, "-o", tmp_path / "output")
    assert ran.returncode == 2
    (sentence,) = said(ran)
    assert sentence.endswith("is not empty; add overwrite: true or choose another name.")
    assert [path for path in tmp_path.joinpath("output").rglob("*") if path.is_file()] == [earlier]
