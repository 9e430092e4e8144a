"""Why a file cannot be read or written: true of each cause, and never a guess."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from mactfusion.errors import InputError
from mactfusion.io.guard import one_sentence
from mactfusion.io.page import write_page
from mactfusion.io.reasons import NOT_SAID, cannot_be_used, reason_of


def system(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (system(errno.ENOSPC), "the disk is full"),
        (system(errno.EDQUOT), "the quota of this disk is used up"),
        (system(errno.EFBIG), "the file is larger than this disk, or a limit of this system, all"),
        (system(errno.EROFS), "the disk is read-only"),
        (system(errno.EACCES), "permission denied"),
        (system(errno.EPERM), "permission denied"),
        (system(errno.EIO), os.strerror(errno.EIO).lower()),
        (system(errno.ENAMETOOLONG), os.strerror(errno.ENAMETOOLONG).lower()),
        (OSError("Encoder error -2"), "encoder error -2"),
        (OSError(), NOT_SAID),
        (RuntimeError("itk::ERROR: could not write"), NOT_SAID),
    ],
    ids=str,
)
def test_each_cause_has_its_own_words(error, reason):
    assert reason_of(error).startswith(reason)
    is_full = getattr(error, "errno", None) == errno.ENOSPC
    assert ("disk is full" in reason_of(error)) == is_full


@pytest.mark.parametrize(
    ("error", "reason"),
    [(system(errno.EROFS), "the disk is read-only"), (RuntimeError("itk::ERROR"), NOT_SAID)],
    ids=str,
)
def test_a_guarded_writer_says_them_too(error, reason):
    with (
        pytest.raises(InputError) as refused,
        one_sentence("a cannot be written", NOT_SAID),
    ):
        raise error
    assert str(refused.value) == f"a cannot be written: {reason}"


def test_a_sentence_names_the_file():
    error = PermissionError(errno.EACCES, "Permission denied", "a.nii")
    assert cannot_be_used(error) == "a.nii cannot be used: permission denied"
    assert cannot_be_used(system(errno.ENOSPC)) == "A file cannot be used: the disk is full"


def test_a_limit_of_the_system_is_no_full_disk(tmp_path):
    """The real one, of this process for a moment."""
    resource = pytest.importorskip("resource")
    template = tmp_path / "a.jinja"
    template.write_text("{{ text }}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(InputError, match=r"a\.html: the file is larger than this disk, or"):
            write_page(tmp_path / "a.html", template, text="x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == [template]
