"""probe() finds the sources by content, and says truly what it cannot tell of them."""

from __future__ import annotations

import json
import shutil

import nibabel
import numpy as np
import pytest

from mactfusion import fuse_volumes, probe
from mactfusion.errors import InputError
from mactfusion.io.checksum import sha256_of


@pytest.fixture
def same_names(files, pixel_maximum):
    """Both sources are ``image.nii.gz`` in folders of their own; the result lies in a third."""
    for name in ("mr", "pet"):
        (files / name).mkdir()
        (files / f"{name}.nii.gz").rename(files / name / "image.nii.gz")
    fuse_volumes(
        "mr/image.nii.gz", "pet/image.nii.gz", task="pet-mri", output="out/fused.nii.gz",
        weights=pixel_maximum,
    )  # fmt: skip
    return files


def at_hand(found):
    return [source.role for source in found.sources if source.value is not None]


def missing(role, option):
    return f"The {role} is not at hand: give it with the option {option}."


@pytest.mark.parametrize(
    ("beside", "role", "note"),
    [
        ("mr", "anatomical", missing("partner", "partner")),
        ("pet", "partner", missing("anatomical volume", "anatomical")),
    ],
)
def test_one_of_two_sources_of_one_name_lies_beside(beside, role, note, same_names):
    shutil.copy(same_names / beside / "image.nii.gz", same_names / "out" / "image.nii.gz")
    found = probe("out/fused.nii.gz", 0, 0, 0)
    assert at_hand(found) == [role]
    assert found.notes == [note]
    both = {"anatomical": "mr/image.nii.gz", "partner": "pet/image.nii.gz"}
    found = probe("out/fused.nii.gz", 0, 0, 0, **both)
    assert at_hand(found) == ["anatomical", "partner"]
    assert found.notes == []
    with pytest.raises(InputError, match="the record has another place for it"):
        probe("out/fused.nii.gz", 0, 0, 0, anatomical="pet/image.nii.gz")


def test_a_third_of_that_name_is_called_neither(same_names, mr):
    array, affine = mr
    nibabel.save(nibabel.Nifti1Image(array + 1, affine), "out/image.nii.gz")
    found = probe("out/fused.nii.gz", 0, 0, 0)
    assert at_hand(found) == []
    assert found.notes[0] == (
        "image.nii.gz has the name of the anatomical volume and partner, but is not what was "
        "fused, and is left out."
    )


def test_what_was_in_memory_is_not_asked_for(files, mr, pet, pixel_maximum):
    fuse_volumes(mr, "pet.nii.gz", task="pet-mri", output="f.nii.gz", weights=pixel_maximum)
    found = probe("f.nii.gz", 0, 0, 0)
    assert at_hand(found) == ["partner"]
    assert found.notes == [
        "The anatomical volume was in memory when it was fused: no file can be told to be the "
        "same, and its value here is not known."
    ]
    with pytest.raises(InputError, match="which was in memory when it was fused: leave it out"):
        probe("f.nii.gz", 0, 0, 0, anatomical="mr.nii.gz")
    fuse_volumes("mr.nii.gz", pet, task="pet-mri", output="g.nii.gz", weights=pixel_maximum)
    with pytest.raises(InputError, match="which was in memory when it was fused: leave it out"):
        probe("g.nii.gz", 0, 0, 0, partner="pet.nii.gz")


def test_the_command_names_its_own_options(fuse, files, run_command):
    assert fuse("-o", "out/fused.nii.gz").code == 0
    told = " ".join(run_command("probe", "out/fused.nii.gz", "0", "0", "0").out.split())
    assert "give it with --anatomical." in told
    assert "give it with --partner." in told


@pytest.mark.parametrize("name", ["f.nii.gz", "f.nii", "f.nrrd", "f.mha", "f.dcm"])
def test_a_result_that_was_changed_is_said_to_be(name, files, pixel_maximum):
    options = {"format": "dicom", "anonymous": True} if name.endswith("dcm") else {}
    result = fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", output=name, weights=pixel_maximum, **options
    )
    record = json.loads((files / f"{name}.json").read_text())
    assert record["result"] == result.record["result"] == {"sha256": sha256_of(name)}
    assert probe(name, 0, 0, 0).notes == []
    other = f"other-{name}"
    fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", window=(500, 1000), output=other,
        weights=pixel_maximum, **options,
    )  # fmt: skip
    shutil.copy(other, name)
    (note,) = probe(name, 0, 0, 0).notes
    assert note.startswith(f"{name} is not as it was when it was fused: its values may be others")
    del record["result"]
    (files / f"{name}.json").write_text(json.dumps(record))
    assert probe(name, 0, 0, 0).notes == []


def test_a_result_that_is_not_written_has_no_hash(mr, pet, pixel_maximum):
    result = fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum)
    assert "result" not in result.record


def test_a_record_that_cannot_be_completed_leaves_what_was_there(
    files, mr, pixel_maximum, monkeypatch
):
    def fuse():
        return fuse_volumes(
            "mr.nii.gz", "pet.nii.gz", task="pet-mri", output="f.nii.gz", weights=pixel_maximum,
            overwrite=True,
        )  # fmt: skip

    fuse()
    array, affine = mr
    nibabel.save(nibabel.Nifti1Image(np.sqrt(array), affine), "mr.nii.gz")
    before = {path: path.read_bytes() for path in files.iterdir()}

    def full(_files):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mactfusion.io.save.sha256_of_set", full)
    with pytest.raises(InputError, match=r"f\.nii\.gz cannot be written"):
        fuse()
    assert {path: path.read_bytes() for path in files.iterdir()} == before
