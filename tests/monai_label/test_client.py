"""The example of a client, and results as DICOM, against the real server."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import nibabel
import numpy as np
import pydicom
import pytest
from conftest import APP
from patient import PATIENT

sys.path.insert(0, str(APP))
import client

MR, PET, CT = (f"{PATIENT}_{name}" for name in ("mr", "pet", "ct"))


def run_client(server, *words):
    command = [sys.executable, APP / "client.py", server.address, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_writes_what_the_server_sends(server, tmp_path):
    output = tmp_path / "fused.nrrd"
    ran = run_client(server, MR, CT, PET, output, "--params", '{"task": ["ct-mri", "pet-mri"]}')
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{output}: ct-mri + pet-mri.")
    sent = server.fuse(MR, partner=[CT, PET], task=["ct-mri", "pet-mri"])
    assert output.read_bytes() == sent.content


def test_refusals_are_said_and_leave_nothing(server, tmp_path):
    ran = run_client(server, MR, "unknown", tmp_path / "fused.nrrd")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("An image of the request is not in the datastore")
    kept = tmp_path / "kept.nrrd"
    kept.write_bytes(b"")
    assert run_client(server, MR, PET, kept).returncode == 2
    assert kept.read_bytes() == b""
    assert list(tmp_path.iterdir()) == [kept]
    with pytest.raises(OSError, match="refused"):
        client.fuse("http://127.0.0.1:9", MR, PET, tmp_path / "fused.nrrd")


@pytest.fixture
def another_server():
    """Something else that answers, as a proxy or a portal does."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>Please log in</p>")

        def log_message(self, *_unused):
            """Print nothing."""

    other = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=other.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{other.server_address[1]}"
    other.shutdown()
    other.server_close()


def test_what_is_no_server_of_monai_label_is_said(another_server, tmp_path):
    command = [sys.executable, APP / "client.py", another_server, MR, PET, tmp_path / "fused.nrrd"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{another_server} does not answer as a MONAI Label server does.\n"
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_answers_that_is_said(tmp_path):
    words = ("http://127.0.0.1:9", MR, PET, tmp_path / "fused.nrrd")
    command = [sys.executable, APP / "client.py", *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("http://127.0.0.1:9 does not answer: ")


@pytest.mark.parametrize("params", ["[1]", "3", '{"image": "x"}', "{"])
def test_params_that_cannot_be_sent_are_refused(params, tmp_path):
    words = ("http://127.0.0.1:9", MR, PET, tmp_path / "fused.nrrd", "--params", params)
    command = [sys.executable, APP / "client.py", *map(str, words)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "--params" in ran.stderr.splitlines()[-1]


def assert_same_in_space(image, volume):
    """Every pixel of each frame is the voxel at its place, in RAS."""
    colours = np.asarray(volume.dataobj)
    shared, turn = image.SharedFunctionalGroupsSequence[0], np.array([-1, -1, 1])
    along = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    rows, columns = np.reshape(along, (2, 3)).astype(float) * turn
    down, right = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    r, c = np.mgrid[: image.Rows, : image.Columns][..., None]
    for frame, groups in zip(
        image.pixel_array, image.PerFrameFunctionalGroupsSequence, strict=True
    ):
        first = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float) * turn
        places = first + c * right * rows + r * down * columns
        to_voxels = np.linalg.inv(volume.affine)
        index = places @ to_voxels[:3, :3].T + to_voxels[:3, 3]
        i, j, k = np.moveaxis(np.rint(index).astype(int), -1, 0)
        assert np.abs(index - np.stack([i, j, k], -1)).max() < 1e-2
        expected = np.stack([colours[channel][i, j, k] for channel in "RGB"], -1)
        np.testing.assert_array_equal(frame, expected)


def test_a_dicom_object_names_nobody_and_lies_where_the_volume_does(server, tmp_path):
    options = {"task": "pet-mri", "register": "rigid", "accept_doubtful": True}
    files = [tmp_path / f"fused{extension}" for extension in (".nii.gz", ".dcm")]
    records = [client.fuse(server.address, MR, PET, file, **options) for file in files]
    assert [record["partners"][0]["pose"] for record in records[:1]] == [
        record["partners"][0]["pose"] for record in records[1:]
    ]
    image = pydicom.dcmread(files[1])
    assert image.PatientName == "Anonymous^Patient"
    assert PATIENT not in str(image)
    assert_same_in_space(image, nibabel.load(files[0]))
    assert json.dumps(records[1]).count(str(tmp_path)) == 0
