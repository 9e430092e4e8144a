"""What the server sends is what the command line writes, in the right place."""

from __future__ import annotations

import json
from email import message_from_bytes

import nibabel
import numpy as np
import pytest
from patient import PATIENT, SPOT_MM, positions_mm

MR, PET, CT = (f"{PATIENT}_{name}" for name in ("mr", "pet", "ct"))
OPTIONS = {
    "task": "pet-mri",
    "window": [3000, 6000],
    "grid": "isotropic",
    "axis": "coronal",
    "luminance": True,
}


def read(content, path):
    path.write_bytes(content)
    return nibabel.load(path)


@pytest.mark.parametrize("extension", [".nrrd", ".nii.gz", ".mha"])
def test_equals_the_command_line_byte_for_byte(extension, server, run_command, tmp_path):
    answer = server.fuse(MR, partner=PET, result_extension=extension, **OPTIONS)
    assert answer.status_code == 200, answer.text
    output = tmp_path / f"fused{extension}"
    sources = [server.studies / f"{name}.nii.gz" for name in (MR, PET)]
    words = ["--task", "pet-mri", "--window", "3000,6000", "--grid", "isotropic"]
    words += ["--axis", "coronal", "--luminance"]
    outcome = run_command("fuse", *sources, "-o", output, *words)
    assert outcome.code == 0, outcome.err
    assert answer.content == output.read_bytes()
    assert (
        json.loads(output.with_name(f"{output.name}.json").read_text())["options"]["grid"]
        == "isotropic"
    )
    assert f'filename="{output.name}"' in answer.headers["content-disposition"]


def test_result_lies_on_the_grid_of_the_mr_with_left_on_the_left(server, tmp_path):
    answer = server.fuse(MR, partner=PET, task="pet-mri", result_extension=".nii.gz")
    assert answer.status_code == 200, answer.text
    fused = read(answer.content, tmp_path / "fused.nii.gz")
    source = nibabel.load(server.studies / f"{MR}.nii.gz")
    assert fused.shape == source.shape
    np.testing.assert_allclose(fused.affine, source.affine, atol=1e-4)
    voxels = np.asarray(fused.dataobj)
    colour = np.stack([voxels[channel].astype(float) for channel in "RGB"], axis=-1)
    saturation = colour.max(axis=-1) - colour.min(axis=-1)
    hottest = np.unravel_index(saturation.argmax(), saturation.shape)
    where = positions_mm(fused.shape, fused.affine)
    assert np.linalg.norm(where[hottest] - SPOT_MM) < 16
    mirrored = np.linalg.norm(where - SPOT_MM * (-1, 1, 1), axis=-1).argmin()
    assert saturation.ravel()[mirrored] < saturation.max() / 3


def test_default_answer_holds_the_record_and_the_volume(server, tmp_path):
    answer = server.fuse(MR, output=None, partner=[CT, PET], task=["ct-mri", "pet-mri"])
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answer.content).get_payload()
    record = json.loads(parts[0].get_payload(decode=True))
    assert record["task"] == "ct-mri + pet-mri"
    assert record["options"]["model"] == "pixel_weights"
    assert parts[1].get_filename() == "fused.nrrd"
    assert parts[1].get_payload(decode=True).startswith(b"NRRD")
    assert str(server.studies) not in json.dumps(record)


def test_each_network_is_a_model(server):
    answer = server.fuse(MR, output="json", model="mactfusion", partner=CT)
    assert answer.status_code == 200, answer.text
    assert answer.json()["options"]["model"] == "mactfusion"
    assert answer.json()["task"] == "ct-mri"


def test_the_answer_says_where_the_partner_lies(server):
    """As JSON that every reader takes: what is not known is null."""
    asked = {"partner": PET, "task": "pet-mri", "register": "off", "accept_doubtful": True}
    answer = server.fuse(MR, output="json", **asked)
    assert answer.status_code == 200, answer.text
    record = json.loads(answer.text, parse_constant=lambda word: pytest.fail(word))
    assert (record["options"]["register"], record["options"]["accept_doubtful"]) == ("off", True)
    (partner,) = record["partners"]
    assert (partner["register_verdict"], partner["off_mm"]) == ("not checked", None)
    assert partner["pose"] == [[float(row == column) for column in range(4)] for row in range(4)]
    answer = server.fuse(MR, output="json", partner=PET, task="pet-mri")
    assert answer.status_code == 200, answer.text
    assert answer.json()["options"]["register"] == "check"
    assert answer.json()["partners"][0]["register_verdict"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"register": "bent"}, "Unknown register 'bent': choose check, rigid, affine, off."),
        ({"register": True}, "'register' has a wrong type"),
        ({"accept_doubtful": "yes"}, "'accept_doubtful' has a wrong type"),
        ({"transform": "/etc/passwd"}, "unknown field 'transform'"),
    ],
)
def test_where_it_lies_is_asked_for_in_words_of_the_table(server, asked, sentence):
    answer = server.fuse(MR, partner=PET, task="pet-mri", **asked)
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]
