"""Bad input of the commands beside the library is one sentence."""

from __future__ import annotations

import pytest
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from training.publish_weights import publish
from training.refusals import refusals


def run(command, *words):
    app = Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("a.png is damaged."), "a.png is damaged."),
        (PermissionError(13, "Permission denied", "out"), "out cannot be used: permission denied."),
        (OSError(28, "No space left"), "A file cannot be used: the disk is full."),
    ],
)
def test_bad_input_and_unusable_files(error, sentence):
    @refusals()
    def command():
        raise error

    result = run(command)
    assert (result.exit_code, result.output) == (2, f"Error: {sentence}\n")


def test_other_errors_are_not_hidden():
    with pytest.raises(KeyError), refusals():
        raise KeyError


def test_publishing_what_is_not_there(tmp_path):
    result = run(publish, tmp_path / "absent.pt")
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
