"""`guarded`: silence, one sentence, and standard error as it was."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from mactfusion.errors import InputError
from mactfusion.io.guard import guarded


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("ITK ERROR: some\nlines"), "head.nii cannot be read: as a rule"),
        (PermissionError(13, "Permission denied"), "head.nii cannot be read: permission denied"),
        (MemoryError(), "not enough memory"),
        (EOFError("ended"), "ends early"),
        (InputError("own sentence"), "own sentence"),
    ],
)
def test_every_exception_becomes_one_sentence(error: Exception, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:  # noqa: SIM117
        with guarded("head.nii cannot be read", "as a rule"):
            raise error
    assert "\n" not in str(caught.value)


def test_interrupts_pass(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), guarded("x"):
        raise KeyboardInterrupt
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


def test_noise_is_kept_away_and_standard_error_comes_back(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    with guarded("x"), guarded("nested"):
        os.write(2, b"noise of a C library")
        warnings.warn("noise of a Python library", stacklevel=1)
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    assert len(recwarn) == 0


def test_threads_do_not_lose_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        for _ in range(50):
            with guarded("x"):
                os.write(2, b"noise")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
