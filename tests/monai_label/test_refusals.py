"""What the server refuses, in a sentence, and that nothing stays behind."""

from __future__ import annotations

import json

import pytest
from patient import PATIENT

MR, PET = f"{PATIENT}_mr", f"{PATIENT}_pet"
NOT_THERE = "not in the datastore"


def sentence(answer, status=400):
    """The one sentence of a refusal, which names no folder."""
    assert answer.status_code == status, answer.text
    text = answer.json()["detail"]
    assert text
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_server_paths_are_no_images(server):
    path = str(server.studies / f"{MR}.nii.gz")
    assert NOT_THERE in sentence(server.fuse(path, partner=PET))
    assert NOT_THERE in sentence(server.fuse(MR, partner=path))
    assert NOT_THERE in sentence(server.fuse(f"../{server.studies.name}/{MR}", partner=PET))
    assert NOT_THERE in sentence(server.fuse(MR, partner=[f"./{PET}"]))
    assert NOT_THERE in sentence(server.fuse(f"{MR}.nii.gz", partner=PET))
    # The working folder of the server holds this one.
    assert NOT_THERE in sentence(server.fuse("log.txt", partner=PET))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"partner": "nobody"}, NOT_THERE),
        ({"partner": MR}, "named twice"),
        ({"partner": [PET, PET]}, "named twice"),
        ({}, "Name the partner"),
        ({"partner": 7}, NOT_THERE),
        ({"partner": PET, "weights": "/etc/passwd"}, "unknown field 'weights'"),
        ({"partner": PET, "output": "/tmp/x.nrrd"}, "unknown field 'output'"),
        ({"partner": PET, "image": MR}, "belongs into the address"),
        ({"partner": PET, "model": "mactfusion"}, "belongs into the address"),
        ({"partner": PET, "result_extension": ".png"}, "result_extension"),
        ({"partner": PET, "task": "nonsense"}, "Unknown task"),
        ({"partner": PET, "window": {"level": 1}}, "wrong type"),
        ({"partner": PET, "window": [10**400, 1]}, "finite level"),
        ({"partner": PET, "luminance": "false"}, "wrong type"),
        ({"partner": PET, "colormap": ["$print(1)"]}, "colour table"),
        ({"partner": PET, "axis": "$__import__('os').abort()"}, "Unknown axis"),
        ({"partner": PET, "task": "pet-mri", "dtype": "float32"}, "fused.nrrd cannot be written"),
        ({"partner": "damaged"}, "damaged.nii.gz cannot be read"),
    ],
)
def test_fields_that_cannot_be(params, reason, server):
    answer = server.post("/infer/pixel_weights", {"image": MR}, json.dumps(params))
    text = sentence(answer)
    assert reason in text
    assert str(server.studies) not in text
    assert str(server.temporary) not in text


@pytest.mark.parametrize("params", ["[1", "[]", "7", "[" * 100_000])
def test_params_that_are_no_object(params, server):
    answer = server.post("/infer/pixel_weights", {"image": MR}, params)
    assert "no JSON object" in sentence(answer)


def test_unknown_models_files_and_sessions(server):
    params = json.dumps({"partner": PET})
    assert "no such model" in sentence(server.fuse(MR, model="nothing", partner=PET))
    path = "/infer/pixel_weights"
    volume = (server.studies / f"{MR}.nii.gz").read_bytes()
    for name in ("file", "label"):
        answer = server.post(path, {"image": MR}, params, **{name: ("mr.nii.gz", volume)})
        assert f"unknown field '{name}'" in sentence(answer)
    answer = server.post(path, {"image": MR, "session_id": "1"}, params)
    assert "unknown field 'session_id'" in sentence(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/datastore/image?image=new"),
        ("DELETE", f"/datastore/image?id={MR}"),
        ("PUT", f"/datastore/label?image={MR}"),
        ("GET", f"/datastore/image/info?image={MR}"),
        ("PUT", "/session/"),
        ("POST", "/batch/infer/pixel_weights"),
        ("POST", "/infer/wsi/pixel_weights"),
        ("GET", "/logs/"),
        ("GET", "/proxy/dicom/"),
        ("POST", "/reload"),
    ],
)
def test_no_other_address_of_monai_label_is_served(method, path, server):
    volume = {"file": ("new.nii.gz", b"new")}
    answer = server.request(method, path, files=volume)
    assert answer.status_code in (404, 405)
    assert sorted(server.studies.glob("*.nii.gz")) == sorted(
        server.studies / f"{name}.nii.gz" for name in (MR, PET, f"{PATIENT}_ct", "damaged")
    )


def test_pages_of_elsewhere_are_refused(server):
    headers = {"Origin": "http://elsewhere.example"}
    answer = server.request("GET", "/datastore/", headers=headers)
    assert "may not use" in sentence(answer, status=403)
    answer = server.request("GET", "/datastore/")
    assert set(answer.json()["objects"]) == {MR, PET, f"{PATIENT}_ct", "damaged"}


def test_images_are_sent_by_id_only(server):
    answer = server.request("GET", "/datastore/image", params={"image": MR})
    assert answer.content == (server.studies / f"{MR}.nii.gz").read_bytes()
    answer = server.request("GET", "/datastore/image", params={"image": "/etc/passwd"})
    assert answer.status_code == 404


def test_nothing_stays_and_no_name_is_logged(server):
    before = {path: path.read_bytes() for path in server.studies.glob("*.nii.gz")}
    assert server.fuse(MR, partner=PET, task="pet-mri").status_code == 200
    assert server.fuse(MR, partner="damaged").status_code == 400
    assert list(server.temporary.iterdir()) == []
    assert not (server.home / ".cache" / "monailabel").exists()
    assert not [path for path in (server.app / "logs").iterdir() if path.stat().st_size]
    assert before == {path: path.read_bytes() for path in server.studies.glob("*.nii.gz")}
    log = server.log.read_text()
    assert "startup complete" in log
    for word in (PATIENT, "damaged", "Traceback"):
        assert word not in log


def test_faults_are_logged_without_their_message(server):
    """Without its folder for temporary files the server cannot make a result."""
    # it settles at its first result where that folder is
    assert server.fuse(MR, partner=PET, task="pet-mri").status_code == 200
    server.temporary.rmdir()
    try:
        answer = server.fuse(MR, partner=PET, task="pet-mri")
    finally:
        server.temporary.mkdir()
    assert "its log says where" in sentence(answer, status=500)
    log = server.log.read_text()
    assert "FileNotFoundError while fusing" in log
    assert "mkdtemp" in log
    assert f"{server.temporary}/mactfusion" not in log
