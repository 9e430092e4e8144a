"""`atomic_path`: all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mactfusion.io.atomic import atomic_path

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["fused.nii.gz", "report.html", "model.pt", "no_extension"])
def test_success_replaces(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith("".join(path.suffixes))
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "fused.nii"
    path.write_text("old")

    def fail_halfway() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failing_rename_leaves_no_temporary_file(tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(OSError, match="taken"), atomic_path(folder) as temporary:
        temporary.write_text("new")
    assert list(tmp_path.iterdir()) == [folder]
