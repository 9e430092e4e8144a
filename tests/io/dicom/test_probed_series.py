"""probe() of a result in DICOM by one of its images, and with a study that holds both sources."""

from __future__ import annotations

import shutil
import zipfile
from functools import partial

import nibabel
import numpy as np
import pytest
from dicom_made import classic, made
from pydicom import dcmread

from mactfusion import fuse_volumes, probe
from mactfusion.errors import InputError
from mactfusion.transforms.nearest import centre_of


@pytest.fixture
def study(tmp_path):
    """A folder of three MR series on one grid, each with values of its own."""
    for number, name in enumerate(("T1", "T2", "PD")):
        volume = made(slices=4, rows=16, columns=18, seed=number)
        classic(tmp_path / "study" / name, volume, "MR", SeriesDescription=name)
    return tmp_path / "study"


@pytest.fixture
def fuse(study, pixel_maximum):
    """Fuse the study's first two series."""
    chosen = {"anatomical_series": "T1", "partner_series": "T2", "task": "mr-mr", "register": "off"}
    return partial(fuse_volumes, study, weights=pixel_maximum, **chosen)


@pytest.fixture
def fused(study, fuse):
    """What they make, beside the study."""
    fuse(output=study.parent / "fused.nii.gz")
    return study.parent / "fused.nii.gz"


def values_of(found):
    return {source.role: source.value for source in found.sources}


def expected_at(voxel, affine):
    """Both sources' values at a voxel of the result, from how they were made."""
    x, y, z = centre_of(affine, voxel)
    values = {}
    for number, role in enumerate(("anatomical", "partner")):
        volume = made(slices=4, rows=16, columns=18, seed=number)
        column, row, place = np.rint(np.linalg.solve(volume.affine, [x, y, z, 1])[:3]).astype(int)
        values[role] = float(volume.values[place, row, column])
    return values


@pytest.mark.parametrize(
    "given",
    [(), ("anatomical",), ("partner",), ("anatomical", "partner")],
    ids=lambda given: " and ".join(given) or "beside",
)
def test_a_study_that_holds_both_sources(given, study, fused):
    found = probe(fused, 5, 6, 2, voxel=True, **dict.fromkeys(given, study))
    assert found.notes == []
    assert values_of(found) == expected_at((5, 6, 2), nibabel.load(fused).affine)


def test_a_study_elsewhere_is_asked_for_and_found(study, fused):
    elsewhere = study.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.move(study, elsewhere / "study")
    assert [note.split(":")[0] for note in probe(fused, 5, 6, 2, voxel=True).notes] == [
        "The anatomical volume is not at hand",
        "The partner is not at hand",
    ]
    both = dict.fromkeys(("anatomical", "partner"), elsewhere / "study")
    assert probe(fused, 5, 6, 2, voxel=True, **both).notes == []


@pytest.mark.parametrize("given", ["anatomical", "partner"])
def test_one_study_is_given_once_for_all_that_it_holds(given, study, fused):
    elsewhere = study.parent / "elsewhere"
    shutil.move(study, elsewhere)
    found = probe(fused, 5, 6, 2, voxel=True, **{given: elsewhere})
    assert found.notes == []
    assert values_of(found) == expected_at((5, 6, 2), nibabel.load(fused).affine)


def other_names(study, folder):
    """The same images under names of another order, as a server may send them."""
    for series in study.iterdir():
        (folder / f"z{series.name}").mkdir(parents=True)
        for number, path in enumerate(sorted(series.iterdir(), reverse=True)):
            shutil.copy(path, folder / f"z{series.name}" / f"{number}.dcm")
    return folder


def test_a_series_is_the_same_in_a_zip_and_under_other_names(study, fused):
    """By its content, whatever the order of its files."""
    renamed = other_names(study, study.parent / "renamed")
    archive = study.parent / "sent.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(renamed.rglob("*.dcm"), reverse=True):
            opened.write(path, path.relative_to(renamed))
    before = archive.read_bytes()
    study.rename(study.parent / "gone")
    for source in (archive, renamed):
        found = probe(fused, 5, 6, 2, voxel=True, partner=source)
        assert found.notes == []
        assert values_of(found) == expected_at((5, 6, 2), nibabel.load(fused).affine)
    assert archive.read_bytes() == before
    for path in (renamed / "zT2").iterdir():  # other content is other content
        image = dcmread(path)
        image.PixelData = image.PixelData[::-1]
        image.save_as(path)
    with pytest.raises(InputError, match="renamed is not the partner that was fused"):
        probe(fused, 5, 6, 2, voxel=True, partner=renamed)


def test_a_study_is_evaluated_by_the_series_that_are_named(study, fused, run_command):
    """What was recorded counts, and without a record what the command says."""
    words = ("evaluate", fused, study, study, "--metrics", "SCD", "--jobs", "1")
    recorded = run_command(*words)
    assert recorded.code == 0
    (fused.parent / "fused.nii.gz.json").unlink()
    refused = run_command(*words)
    assert refused.code == 2
    named = [word for word in refused.err.split() if word.startswith("--")]
    assert named
    assert set(named) <= {"--anatomical-series", "--partner-series"}
    told = ("--anatomical-series", "T1", "--partner-series", "T2", "--task", "mr-mr")
    done = run_command(*words, *told)
    assert (done.err, done.out) == ("", recorded.out)
    other = run_command(*words, *told[:-4], "--partner-series", "PD", "--task", "mr-mr")
    assert other.code == 0
    assert other.out != recorded.out


@pytest.fixture
def series(study, fuse):
    """The same as a series of DICOM."""
    return fuse(provenance=True, output=study.parent / "out", format="dicom")


def test_one_image_of_a_result_finds_the_record_of_the_series(series, study, monkeypatch):
    out = study.parent / "out"
    point_mm = centre_of(series.fused.affine, (5, 6, 2))
    whole = probe(out, *point_mm)
    assert values_of(whole) == expected_at((5, 6, 2), series.fused.affine)
    said = "slice-0001.dcm is part of the series out: the voxel is one of that."
    one = probe(out / "slice-0001.dcm", *point_mm)
    assert one.notes == [said, *whole.notes]
    assert vars(one) == {**vars(whole), "notes": one.notes}
    monkeypatch.chdir(out)
    assert probe("slice-0001.dcm", *point_mm) == one
    monkeypatch.chdir(study.parent)
    assert probe("out/slice-0001.dcm", *point_mm) == one


def test_an_image_of_no_result_has_no_record(study):
    image = next((study / "T1").iterdir())
    (note,) = probe(image, 5, 6, 0, voxel=True).notes
    assert "no record" in note


def test_images_that_were_renamed_are_the_same_and_changed_ones_are_not(series, study):
    out = study.parent / "out"
    for path in sorted(out.glob("slice-*.dcm"), reverse=True):
        path.rename(out / f"{ord('z') - int(path.stem[-1])}.dcm")
    assert not any("not as it was" in note for note in probe(out, 5, 6, 2, voxel=True).notes)
    path = next(out.iterdir())
    image = dcmread(path)
    pixels = image.pixel_array.copy()
    pixels[0, 0] ^= 1
    image.PixelData = pixels.tobytes()
    image.save_as(path)
    assert any(
        note.startswith("out is not as it was when it was fused")
        for note in probe(out, 5, 6, 2, voxel=True).notes
    )
