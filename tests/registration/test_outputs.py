"""What a partner that was moved leaves beside the result, and what the record says of it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.io.names import transform_path
from mactfusion.registration.linear import read_transform, write_transform


@pytest.fixture
def given(head, moved_by):
    """A file that puts PET and SPECT in place."""
    write_transform(moved_by, head / "Smith.tfm")
    return head / "Smith.tfm"


def fuse(*names, weights, **options):
    anatomical, *partners = [f"{name}.nii.gz" for name in names]
    options = {"register": "off", "weights": weights, **options}
    return fuse_volumes(anatomical, partners, **options)


def beside(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("fused"))


def test_the_transform_found_does_the_same_when_it_is_given(head, moved_by, pixel_maximum):
    options = {"task": "pet-mri", "weights": pixel_maximum}
    found = fuse("T1", "PET", output="fused.nii.gz", register="rigid", **options)
    assert beside(head) == ["fused.nii.gz", "fused.nii.gz.json", "fused.nii.gz.tfm"]
    pose = read_transform(head / "fused.nii.gz.tfm")
    centre = np.array([0, 6, 12, 1.0])
    assert np.linalg.norm((pose @ centre - moved_by @ centre)[:3]) < 2
    record = json.loads((head / "fused.nii.gz.json").read_text())
    np.testing.assert_allclose(record["partners"][0]["pose"], pose, atol=1e-5)
    given = fuse("T1", "PET", transform="fused.nii.gz.tfm", **options)
    np.testing.assert_allclose(given.fused.numpy(), found.fused.numpy(), rtol=0, atol=1e-6)


def test_nothing_lies_beside_a_partner_that_was_left(head, pixel_maximum):
    fuse("T1", "CT", output="fused.nii.gz", task="ct-mri", weights=pixel_maximum)
    assert beside(head) == ["fused.nii.gz", "fused.nii.gz.json"]


def test_of_several_partners_each_that_was_moved_has_its_own(head, given, moved_by, pixel_maximum):
    result = fuse(
        "T1", "CT", "PET",
        output="fused.nrrd", transform=["auto", given], weights=pixel_maximum,
        task=["ct-mri", "pet-mri"],
    )  # fmt: skip
    assert beside(head) == ["fused.nrrd", "fused.nrrd.json", "fused.nrrd.partner-2.tfm"]
    found = read_transform(head / "fused.nrrd.partner-2.tfm")
    np.testing.assert_allclose(found, moved_by, atol=1e-9)
    by_role = {one["input"]: one for one in result.record["partners"]}
    assert by_role["partner 1"]["transform"] is None
    digest = hashlib.sha256(given.read_bytes()).hexdigest()
    assert by_role["partner 2"]["transform"] == {"name": "transform.tfm", "sha256": digest}
    assert "Smith" not in json.dumps(result.record)
    assert "--transform auto --transform transform.tfm" in result.record["command"]


def test_the_name_of_a_given_transform_is_kept_on_demand(head, given, pixel_maximum):
    result = fuse(
        "T1", "PET", transform=given, keep_names=True, weights=pixel_maximum, task="pet-mri"
    )
    assert result.record["partners"][0]["transform"]["name"] == "Smith.tfm"
    assert "--transform Smith.tfm" in result.record["command"]


def test_a_record_is_json_that_every_reader_takes(head, pixel_maximum):
    """What was not checked has no numbers, which JSON has no word for."""
    result = fuse("T1", "CT", output="fused.nii.gz", task="ct-mri", weights=pixel_maximum)
    (partner,) = result.record["partners"]
    assert partner["register_verdict"] == "not checked"
    assert partner["off_mm"] is None
    text = (head / "fused.nii.gz.json").read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(word))


def test_existing_transforms_are_refused_or_replaced(head, given, moved_by, pixel_maximum):
    options = {"output": "fused.nii.gz", "weights": pixel_maximum, "task": "pet-mri"}
    stale = [head / "fused.nii.gz.tfm", head / "fused.nii.gz.partner-2.tfm"]
    other = head / "fused.nii.gz.partner-2.tfm.txt"
    for path in (*stale, other):
        path.write_text("old")
    with pytest.raises(InputError, match=r"partner-2\.tfm, where the transform of a partner bel"):
        fuse("T1", "PET", transform=given, **options)
    assert all(path.read_text() == "old" for path in stale)
    fuse("T1", "PET", transform=given, overwrite=True, **options)
    np.testing.assert_allclose(read_transform(stale[0]), moved_by, atol=1e-9)
    assert not stale[1].exists()
    # A result without a moved partner does not keep the transform of the one before.
    fuse("T1", "PET", overwrite=True, **options)
    assert beside(head) == ["fused.nii.gz", "fused.nii.gz.json", other.name]


def test_a_folder_with_the_name_of_the_transform_is_refused(head, given, pixel_maximum):
    (head / "fused.nii.gz.tfm").mkdir()
    with pytest.raises(InputError, match="exists already"):
        fuse("T1", "PET", output="fused.nii.gz", overwrite=True, weights=pixel_maximum)


@pytest.mark.parametrize("output", ["fused.nii.gz", "fused"])
def test_the_given_transform_is_not_replaced(head, given, output, pixel_maximum):
    path = given.rename(head / f"{output}.tfm")
    content = path.read_bytes()
    more = {} if output != "fused" else {"format": "dicom", "anonymous": True}
    with pytest.raises(InputError, match=r"is the transform of the partner; write elsewhere"):
        fuse(
            "T1", "PET",
            transform=path, output=output, overwrite=True, weights=pixel_maximum, **more,
        )  # fmt: skip
    assert path.read_bytes() == content


def test_the_command_line_does_not_replace_it_by_a_page(head, given, run_command):
    words = ["fuse", "T1.nii.gz", "PET.nii.gz", "-o", "fused.nii.gz", "--transform", given]
    outcome = run_command(*words, "--picture", given, "--overwrite")
    assert outcome.code == 2
    page = given.rename(head / "t.png")
    outcome = run_command(*words[:-1], page, "--picture", page, "--overwrite")
    assert outcome.refused("t.png is the transform 1; write elsewhere")


def test_nothing_is_left_where_the_transform_cannot_be_written(
    head, given, monkeypatch, pixel_maximum
):
    def full(*_):
        raise OSError(28, "No space left on device")

    options = {"weights": pixel_maximum, "task": "pet-mri"}
    before = sorted(head.iterdir())
    monkeypatch.setattr("mactfusion.io.save.write_transform", full)
    with pytest.raises(InputError, match="the disk is full"):
        fuse("T1", "PET", output="fused.nii.gz", transform=given, **options)
    assert sorted(head.iterdir()) == before


def test_nothing_is_left_where_the_volume_cannot_be_written(
    head, given, monkeypatch, pixel_maximum
):
    def broken(*_, **__):
        raise KeyboardInterrupt

    options = {"weights": pixel_maximum, "task": "pet-mri"}
    before = sorted(head.iterdir())
    monkeypatch.setattr("mactfusion.io.save.write_volume", broken)
    with pytest.raises(KeyboardInterrupt):
        fuse("T1", "PET", output="fused.nii.gz", transform=given, **options)
    assert sorted(head.iterdir()) == before


def test_a_file_that_is_half_written_is_noticed(tmp_path, monkeypatch):
    """ITK's writer reports no full disk."""
    monkeypatch.setattr(
        "SimpleITK.WriteTransform", lambda _, path: (tmp_path / path).write_text("#Insight")
    )
    with pytest.raises(OSError, match="does not say why; check folder"):
        write_transform(np.eye(4), tmp_path / "t.tfm")


def test_names_of_transforms(tmp_path):
    assert transform_path("a/f.nii.gz", "partner").as_posix() == "a/f.nii.gz.tfm"
    assert transform_path("a/f", "partner 12").as_posix() == "a/f.partner-12.tfm"


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        ("missing.tfm", "The transform missing.tfm does not exist"),
        (["auto", "auto", "auto"], "transform is given 3 times for 2 partners"),
        ("T1.nii.gz", r"T1\.nii\.gz cannot be read as a transform"),
    ],
)
def test_what_is_refused(head, transform, sentence, pixel_maximum):
    names = ("T1", "CT", "PET") if isinstance(transform, list) else ("T1", "PET")
    with pytest.raises(InputError, match=sentence):
        fuse(*names, transform=transform, weights=pixel_maximum, task="pet-mri")


def test_a_picture_is_not_moved(head, given, pixel_maximum):
    from PIL import Image

    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 255, (20, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(name)
    with pytest.raises(InputError, match=r"b\.png is a picture without a place in the patient"):
        fuse_volumes("a.png", "b.png", transform=given, weights=pixel_maximum, task="mr-mr")
