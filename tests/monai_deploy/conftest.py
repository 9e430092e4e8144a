"""The MONAI Deploy application with the real App SDK.

Run in an environment of its own (``make test-deploy``); elsewhere nothing here is collected.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.io.dicom.dicom_made import classic, made

APP = Path(__file__).resolve().parents[2] / "monai_deploy"
HAS_SDK = importlib.util.find_spec("holoscan") is not None
PATIENT = "DOE_JANE"

if HAS_SDK:
    sys.path.insert(0, str(APP))
    # Of application and command line: threads that wait for each other are slow beside other work.
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header(config):
    return None if HAS_SDK else "MONAI Deploy: not collected here; run make test-deploy"


def write_series(folder, modality, seed, **tags):
    """Write a series of 6 slices of 20 x 22 pixels."""
    volume = made(slices=6, rows=20, columns=22, seed=seed)
    name = f"{modality}-{{:03d}}.dcm"
    classic(folder, volume, modality, name=name, PatientName="Doe^Jane", **tags)


@pytest.fixture
def study(tmp_path):
    """A folder that is named after a patient, with an MR and a PET of one study."""
    folder = tmp_path / PATIENT
    write_series(folder / "a", "MR", 1, SeriesDescription="T1 axial", SeriesNumber=1)
    write_series(folder / "b", "PT", 2, SeriesDescription="FDG", SeriesNumber=2, Units="CNTS")
    return folder


@pytest.fixture
def unchanged():
    """``unchanged(folder)`` returns what says, once called, whether it is as it was."""

    def watch(folder):
        def state():
            files = [path for path in folder.rglob("*") if path.is_file()]
            return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

        before = state()
        return lambda: state() == before

    return watch


@pytest.fixture
def run_application(tmp_path):
    """Run the application in an empty folder, as ``python monai_deploy``."""
    (tmp_path / "here").mkdir()

    def run(*words, **variables):
        environment = {name: value for name, value in os.environ.items() if "HOLOSCAN" not in name}
        return subprocess.run(
            [sys.executable, APP, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path / "here",
            env={**environment, **{name: str(value) for name, value in variables.items()}},
        )

    return run
