"""Names of reports and previews are refused before the long work, each in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mactfusion
from mactfusion.errors import InputError
from mactfusion.report.names import check_picture, check_report

KINDS = [(check_report, "report", ".html"), (check_picture, "picture", ".png")]


@pytest.mark.parametrize(("check", "kind", "extension"), KINDS)
def test_another_ending_is_refused(check, kind, extension, tmp_path):
    sentence = f"The {kind} .*a.jpg must have a name that ends in {extension}"
    with pytest.raises(InputError, match=sentence):
        check(tmp_path / "a.jpg", overwrite=True)


@pytest.mark.parametrize(("check", "kind", "extension"), KINDS)
def test_what_exists_is_kept_and_the_remedy_named(check, kind, extension, tmp_path):
    there = tmp_path / f"a{extension}"
    there.write_text("mine")
    with pytest.raises(
        InputError, match=r"exists already; add --overwrite or choose another name$"
    ):
        check(there, overwrite=False)
    check(there, overwrite=True)


@pytest.mark.parametrize(("check", "kind", "extension"), KINDS)
def test_a_folder_of_that_name_is_refused(check, kind, extension, tmp_path):
    folder = tmp_path / f"a{extension}"
    folder.mkdir()
    with pytest.raises(
        InputError, match=f"The {kind} .* cannot be written: a folder has that name"
    ):
        check(folder, overwrite=True)


@pytest.mark.parametrize(("check", "kind", "extension"), KINDS)
def test_a_folder_that_can_be_made_may_be_missing(check, kind, extension, tmp_path, monkeypatch):
    check(tmp_path / "new" / "folder" / f"a{extension}", overwrite=False)
    monkeypatch.chdir(tmp_path)
    check(f"a{extension}", overwrite=False)
    check(f"new/a{extension}", overwrite=False)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=f"The {kind} .* cannot be written: .*file is no folder"):
        check(tmp_path / "file" / "below" / f"a{extension}", overwrite=False)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(("check", "kind", "extension"), KINDS)
def test_a_folder_that_is_read_only_is_refused(check, kind, extension, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *arguments: False)
    with pytest.raises(InputError, match=f"The {kind} .* cannot be written: .* is write-protected"):
        check(tmp_path / "new" / f"a{extension}", overwrite=False)


def test_checking_a_name_imports_nothing_heavy():
    code = (
        "import sys, mactfusion.report.names; "
        "print(*{'torch', 'monai', 'matplotlib', 'numpy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment())
    assert ran.stdout.strip() == ""


def _environment():
    return {**os.environ, "PYTHONPATH": str(Path(mactfusion.__file__).parents[1])}
