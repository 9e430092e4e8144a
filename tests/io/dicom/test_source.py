"""Folder trees, single files, DICOMDIR and ZIP: one volume, and nothing left behind."""

from __future__ import annotations

import os
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from dicom_made import assert_same_volume, classic, made
from pydicom.fileset import FileSet

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.names import check_input
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked in this test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))
    return archive


def test_a_tree_of_folders(tmp_path: Path) -> None:
    volume = made()
    classic(tmp_path / "PAT" / "STU" / "SER", volume, "MR", name="I{:04d}")
    (tmp_path / "AUTORUN.INF").write_text("viewer")
    (tmp_path / ".hidden").mkdir()
    classic(tmp_path / ".hidden", made(seed=1), "CT")
    assert_same_volume(read_volume(tmp_path), volume)


def test_one_file_stands_for_its_series_alone(tmp_path: Path) -> None:
    first, second = made(seed=1), made(seed=2)
    classic(tmp_path, first, "MR", name="a{}.dcm")
    classic(tmp_path, second, "CT", name="b{}")
    assert_same_volume(read_volume(tmp_path / "a3.dcm"), first)
    assert_same_volume(read_volume(tmp_path / "b0"), second)
    (tmp_path / "deep").mkdir()
    assert read_volume(tmp_path / "b5").meta["modality"] == "CT"


def test_a_zip_is_read_and_nothing_of_it_stays(tmp_path: Path, private_folder: Path) -> None:
    volume = made()
    classic(tmp_path / "in" / "Nobody^Real" / "S1", volume, "MR")
    archive = zipped(tmp_path / "in", tmp_path / "study.zip")
    before = archive.read_bytes()
    check_input(archive)
    seen: list[str] = []
    with Studies() as studies:
        series = studies.series(archive)
        seen += [str(path) for path in private_folder.rglob("*")]
        assert_same_volume(studies.read(archive, series), volume)
    assert len(seen) == 8
    assert not any("Nobody" in path for path in seen)
    assert list(private_folder.iterdir()) == []
    assert archive.read_bytes() == before
    assert_same_volume(read_volume(archive), volume)


def test_no_path_of_a_zip_leads_out_of_the_private_folder(
    tmp_path: Path, private_folder: Path
) -> None:
    volume = made()
    folder = classic(tmp_path / "in", volume, "MR")
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number, path in enumerate(sorted(folder.iterdir())):
            opened.write(path, f"../../../{path.name}" if number % 2 else f"/{path.name}")
    before = set(tmp_path.rglob("*"))
    with Studies() as studies:
        studies.listing(archive)
        added = set(tmp_path.rglob("*")) - before
        assert added
        assert all(private_folder in path.parents for path in added)
    assert_same_volume(read_volume(archive), volume)


@pytest.mark.parametrize("what", ["cut", "locked", "empty", "no DICOM"])
def test_a_zip_that_cannot_be_used_is_refused(
    tmp_path: Path, private_folder: Path, what: str
) -> None:
    archive = zipped(classic(tmp_path / "in", made(), "MR"), tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    if what == "cut":
        content[80:200] = bytes(120)
    elif what == "locked":  # the flag of encryption in every local and central header
        for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = content.find(sign)
            while start >= 0:
                content[start + place] |= 1
                start = content.find(sign, start + 4)
    archive.write_bytes(content)
    if what in ("empty", "no DICOM"):
        with zipfile.ZipFile(archive, "w") as opened:
            if what != "empty":
                opened.writestr("notes.txt", "hello")
    reason = {"cut": "damaged", "locked": "password"}.get(what, "no DICOM images")
    with pytest.raises(InputError, match=reason):
        read_volume(archive)
    assert list(private_folder.iterdir()) == []


def burnt(folder: Path, **series: Any) -> Path:
    """A CD with an index, as pydicom writes it."""
    disc = FileSet()
    for name, (volume, modality) in series.items():
        source = classic(folder / "in" / name, volume, modality)
        for path in sorted(source.iterdir()):
            disc.add(path)
    disc.write(folder / "cd")
    return folder / "cd"


def test_a_disc_by_its_index(tmp_path: Path) -> None:
    magnetic, tomographic = made(seed=1), made(seed=2)
    disc = burnt(tmp_path, a=(magnetic, "MR"), b=(tomographic, "CT"))
    for source in (disc, disc / "DICOMDIR"):
        check_input(source)
        with Studies() as studies:
            found = studies.pair(source, "", [""])
            assert_same_volume(studies.read(source, found[0]), magnetic)
            assert_same_volume(studies.read(source, found[1]), tomographic)


def test_images_that_only_the_index_knows_are_missed(tmp_path: Path) -> None:
    disc = burnt(tmp_path, a=(made(), "MR"))
    files = sorted(path for path in disc.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    with Studies() as studies:
        last = studies.series(disc).moments[0][-1].image.path
    assert last in files
    last.unlink()
    with pytest.raises(InputError, match="1 of its images are named in the DICOMDIR and not"):
        read_volume(disc)


def test_files_without_content_beside_a_series_are_counted(tmp_path: Path) -> None:
    volume = made(8)
    folder = classic(tmp_path / "s", volume, "MR")
    (folder / "006.dcm").write_bytes(b"")
    (folder / "007.dcm").write_bytes((folder / "005.dcm").read_bytes()[:100])
    with pytest.raises(InputError, match=r"2 of 8 files .*006\.dcm has 0 bytes"):
        read_volume(folder)
    for name in ("006.dcm", "007.dcm"):  # as the message says
        (folder / name).unlink()
    assert read_volume(folder).shape[-1] == 6


def test_a_damaged_file_elsewhere_is_said(tmp_path: Path) -> None:
    volume = made()
    classic(tmp_path / "a", volume, "MR")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.dcm").write_bytes((tmp_path / "a" / "001.dcm").read_bytes()[:300])
    with pytest.warns(FusionWarning, match=r"1 damaged file was passed over \(x\.dcm"):
        assert_same_volume(read_volume(tmp_path), volume)


@pytest.mark.parametrize("content", [b"hello", b"\x08\x00" + bytes(20), b"DICM", bytes(200)])
def test_a_file_that_is_no_dicom_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scan"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"unknown kind|holds no|damaged|header"):
        read_volume(path)


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume, "MR", name="I{:03d}.img")
    check_input(folder / "I002.img")
    assert_same_volume(read_volume(folder / "I002.img"), volume)


def test_a_folder_that_may_not_be_opened_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    classic(tmp_path / "a", made(), "MR")
    (tmp_path / "b").mkdir()
    scandir = os.scandir

    def forbidding(path: Any) -> Any:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidding)
    with pytest.raises(InputError, match="permission denied"):
        read_volume(tmp_path)


def test_a_disc_with_other_file_names_misses_nothing(tmp_path: Path) -> None:
    volume = made()
    disc = burnt(tmp_path, a=(volume, "MR"))
    files = [path for path in disc.rglob("*") if path.is_file() and path.name != "DICOMDIR"]
    for path in files:
        path.rename(path.with_name(f"{path.name}.dcm"))
    assert_same_volume(read_volume(disc), volume)
    assert_same_volume(read_volume(zipped(disc, tmp_path / "disc.zip")), volume)


def test_a_zip_of_a_disc_misses_what_the_disc_misses(tmp_path: Path) -> None:
    disc = burnt(tmp_path, a=(made(), "MR"))
    with Studies() as studies:
        studies.series(disc).moments[0][-1].image.path.unlink()
    with pytest.raises(InputError, match="1 of its images are named in the DICOMDIR and not"):
        read_volume(zipped(disc, tmp_path / "disc.zip"))


def test_a_hidden_file_that_is_named_is_read_with_those_beside_it(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume, "MR", name=".{:03d}.dcm")
    assert_same_volume(read_volume(folder / ".002.dcm"), volume)
    with pytest.raises(InputError, match="no DICOM images but hidden files"):
        read_volume(folder)
    classic(folder, made(2, 9, 9), "MR")
    with Studies() as studies:
        assert_same_volume(studies.read(folder, studies.series(folder / ".000.dcm")), volume)
        assert studies.series(folder / "000.dcm").matrix == (9, 9)


def test_a_zip_within_a_folder_or_a_zip_is_named(tmp_path: Path) -> None:
    volume = made()
    (tmp_path / "s").mkdir()
    inner = zipped(classic(tmp_path / "in", volume, "MR"), tmp_path / "s" / "a.zip")
    outer = zipped(tmp_path / "s", tmp_path / "b.zip")
    for source in (tmp_path / "s", outer):
        with pytest.raises(InputError, match="no DICOM images but 1 ZIP, not opened there"):
            read_volume(source)
    assert_same_volume(read_volume(inner), volume)  # as the message says
    classic(tmp_path / "s", volume, "MR")
    with Studies() as studies:
        assert studies.listing(tmp_path / "s").passed_in_words == "1 ZIP that was not opened"


@pytest.mark.parametrize("same_time", [True, False])
def test_a_file_that_changed_after_the_listing_is_refused(tmp_path: Path, same_time: bool) -> None:
    folder = classic(tmp_path / "s", made(), "MR")
    with Studies() as studies:
        series = studies.series(folder)
        before = (folder / "003.dcm").stat().st_mtime_ns
        classic(folder, made(seed=1), "MR", keep=[3])
        changed = before if same_time else before + 10**9
        os.utime(folder / "003.dcm", ns=(changed, changed))
        with pytest.raises(InputError, match=r"003\.dcm was changed while it was read"):
            studies.read(folder, series)
