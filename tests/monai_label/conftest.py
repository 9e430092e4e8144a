"""The MONAI Label app on the real server, on loopback.

Run in an environment of its own (``make test-label``); elsewhere nothing here is collected.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nibabel
import pytest
import torch
from patient import PATIENT, volumes

PATIENCE_S = 1800
"""For an answer that takes seconds, so that the tests also pass beside other work."""
APP = Path(__file__).resolve().parents[2] / "monai_label"
HAS_SERVER = importlib.util.find_spec("monailabel") is not None

if HAS_SERVER:
    import requests

    # Of server and command line: threads that wait for each other are slow beside other work.
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header(config):
    return None if HAS_SERVER else "MONAI Label: not collected here; run make test-label"


@dataclass
class Server:
    """A server under test.

    Attributes:
        address: of its root.
        app: folder of the app, a copy.
        studies: folder of its images.
        temporary: where it makes its temporary files.
        home: the home folder that it sees.
        log: file of all that it prints.
    """

    address: str
    app: Path
    studies: Path
    temporary: Path
    home: Path
    log: Path

    def fuse(self, image, output="image", model="pixel_weights", **params):
        """Ask for the fusion of images by their ids."""
        return self.post(f"/infer/{model}", {"image": image, "output": output}, json.dumps(params))

    def post(self, path, query, params, **more):
        """Send a request as MONAI Label's clients do."""
        files = {"params": (None, params), **more}
        return self.request("POST", path, params=query, files=files)

    def request(self, method, path, **more):
        """Send any request."""
        return requests.request(method, self.address + path, timeout=PATIENCE_S, **more)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server with three images of one patient and one that is damaged."""
    where = tmp_path_factory.mktemp("label")
    folders = {name: where / name for name in ("studies", "temporary", "home")}
    for folder in folders.values():
        folder.mkdir()
    app = where / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__", "model", "logs", "bin"))
    for name, image in volumes():
        nibabel.save(image, folders["studies"] / f"{PATIENT}_{name}.nii.gz")
    (folders["studies"] / "damaged.nii.gz").write_bytes(b"no volume")
    environment = {**os.environ, "TMPDIR": str(folders["temporary"]), "HOME": str(folders["home"])}
    for last in (False, False, True):  # another process may take the port before the server does
        port = _free_port()
        started = Server(f"http://127.0.0.1:{port}", app, log=where / "log.txt", **folders)
        command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", app]
        command += ["--studies", folders["studies"], "--host", "127.0.0.1", "--port", str(port)]
        command += ["--log_config", app / "logging.json"]
        with started.log.open("wb") as printed:
            process = subprocess.Popen(
                command, stdout=printed, stderr=printed, env=environment, cwd=where
            )
        if _answers_in_time(started, process):
            break
        process.kill()
        process.wait()
        if last or "address already in use" not in started.log.read_text():
            pytest.fail(f"the server does not answer:\n{started.log.read_text()}")
    try:
        yield started
    finally:
        process.terminate()
        code = process.wait(PATIENCE_S)
    assert code in (0, -15)  # newer releases of uvicorn end by the signal that they were sent


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _answers_in_time(started, process):
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        if _answers(started.address):
            return True
        time.sleep(0.2)
    return False


def _answers(address):
    try:
        requests.get(f"{address}/info/", timeout=PATIENCE_S)
    except (requests.ConnectionError, requests.Timeout):
        return False
    return True
