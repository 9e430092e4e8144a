"""A full disk and Ctrl-C: the command leaves everything as it was."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import nibabel
import numpy as np
import pytest

WITH_A_FULL_DISK = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from mactfusion.__main__ import start
start()
"""


@pytest.fixture(autouse=True)
def interruptible():
    """Listen to Ctrl-C even where the shell has switched it off, as for jobs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def old_result(files):
    """Check that the result of an earlier run is still there, and nothing new."""
    names = ("fused.nii.gz", "fused.nii.gz.json")
    for name in names:
        (files / name).write_text("old")
    before = sorted(files.iterdir())

    def is_untouched():
        return sorted(files.iterdir()) == before and all(
            (files / name).read_text() == "old" for name in names
        )

    return is_untouched


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the file size")
def test_full_disk_leaves_the_old_file(files, pet_mri, old_result):
    # The volume, of 4 bytes a voxel and noisy, is larger than its record.
    kind = ("--luminance", "--dtype", "float32")
    options = (*pet_mri, "-o", "fused.nii.gz", "--overwrite", "--no-check", *kind)
    ended = subprocess.run(
        [sys.executable, "-c", WITH_A_FULL_DISK, "6000", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: fused.nii.gz cannot be written")
    assert ended.stderr.count("\n") == 1
    assert old_result()


def test_record_that_cannot_be_written_leaves_the_old_file(fuse, old_result, monkeypatch):
    def fail(path, *_, **__):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.write_text", fail)
    outcome = fuse("-o", "fused.nii.gz", "--overwrite")
    assert outcome.refused("What belongs beside fused.nii.gz cannot be written")
    assert old_result()


@pytest.mark.parametrize("moment", ["mactfusion.inference.FusionInferer._fuse", "nibabel.save"])
def test_ctrl_c_leaves_nothing(moment, fuse, monkeypatch, nothing_left):
    def interrupt(*arguments):
        if moment == "nibabel.save":
            arguments[1].write_bytes(b"half a file")
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(moment, interrupt)
    outcome = fuse("-o", "fused.nii.gz", "--no-check")
    assert outcome.code == 130
    assert outcome.err == "Cancelled; no unfinished file was left.\n"
    assert nothing_left()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_from_the_terminal_stops_between_slices(files, pet_mri):
    array = np.random.default_rng(0).random((64, 64, 400)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), "mr.nii.gz")
    before = sorted(files.iterdir())
    ours, theirs = os.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "mactfusion", *pet_mri, "-o", "fused.nii.gz"],
        stderr=theirs,
        stdout=subprocess.PIPE,
    )
    os.close(theirs)
    shown = b""
    while b"slices/s" not in shown:
        shown += os.read(ours, 4096)  # ends with an error when the command does
    command.send_signal(signal.SIGINT)
    out, _ = command.communicate()
    assert command.returncode == 130
    assert b"fused.nii.gz: " not in out
    while b"Cancelled" not in shown:
        shown += os.read(ours, 4096)  # ends with an error where it is not said
    os.close(ours)
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("page", ["--report", "--picture"])
def test_a_page_that_fails_leaves_no_folder(page, fuse, files, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.replace", fail)
    name = {"--report": "new/deep/page.html", "--picture": "new/deep/page.png"}[page]
    outcome = fuse("-o", "new/deep/fused.nii.gz", page, name)
    assert outcome.code == 2
    assert not (files / "new").exists()


def test_folders_that_all_fail_leave_no_folder(run_command, files, nothing_left):
    for folder in ("first", "second"):
        (files / folder).mkdir()
        (files / folder / "a.nii").write_bytes(b"no volume")
    outcome = run_command("fuse", "first", "second", "-o", "out/deep", "--task", "mr-mr")
    assert outcome.code == 2
    assert not (files / "out").exists()
    outcome = run_command("fuse", "first", "second", "-o", "out/deep", "--window", "wide")
    assert outcome.refused("Unknown window 'wide'")


def test_ctrl_c_between_volume_and_record_leaves_neither(fuse, monkeypatch, nothing_left):
    def interrupt(self, target):
        os.replace(self, target)  # noqa: PTH105  that of Path is this function
        if str(target).endswith("fused.nii.gz"):
            raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    assert fuse("-o", "fused.nii.gz").code == 130
    assert nothing_left()
    assert fuse("-o", "out/deep/fused.nii.gz").code == 130
    assert nothing_left()
    assert not os.path.lexists("out")
