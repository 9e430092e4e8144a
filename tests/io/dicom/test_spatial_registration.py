"""The Spatial Registration object: where a partner that was moved lies, in DICOM's words."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_made import classic, made
from test_blending import suv
from test_output import errors_of

from mactfusion import fuse_volumes
from mactfusion.errors import InputError, informing

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

POINTS = np.random.default_rng(0).normal(0, 20, (5, 3))
"""Of the anatomical volume, LPS."""

RIGID = SimpleITK.Euler3DTransform((1.0, 2.0, 3.0), 0.04, -0.03, 0.05, (1.5, -2.0, 0.5))


def affine() -> SimpleITK.Transform:
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix([1.03, 0.02, 0, -0.02, 0.98, 0.01, 0, 0, 1.01])
    transform.SetTranslation((1.0, -0.5, 0.3))
    return transform


def of_frame(uid: str) -> Any:
    def change(index: int, dataset: Any) -> None:
        suv(index, dataset)
        if uid:
            dataset.FrameOfReferenceUID = uid
        else:
            del dataset.FrameOfReferenceUID

    return change


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Path]:
    """MR and CT of one frame of reference, PET of its own, PET of the MR's, PET of none."""
    folder = tmp_path / "study"
    kinds = {
        "MR": ("MR", None),
        "CT": ("CT", None),
        "PT": ("PT", of_frame("1.2.99")),
        "PT of one": ("PT", suv),
        "PT of none": ("PT", of_frame("")),
    }
    return {
        name: classic(
            folder / name, made(6, 24, 20, seed=seed), modality, change=change, SeriesNumber=3
        )
        for seed, (name, (modality, change)) in enumerate(kinds.items())
    }


@pytest.fixture
def transform(tmp_path: Path) -> Path:
    path = tmp_path / "t.tfm"
    SimpleITK.WriteTransform(RIGID, str(path))
    return path


def fused(anatomical: Any, partner: Any, output: Path, weights: Path, **options: Any) -> Any:
    options = {"task": "pet-mri", "register": "off", "format": "dicom", **options}
    return fuse_volumes(anatomical, partner, output=output, weights=weights, **options)


def matrix_of(item: Dataset) -> tuple[np.ndarray, str]:
    (registration,) = item.MatrixRegistrationSequence
    (one,) = registration.MatrixSequence
    matrix = np.array(one.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    assert matrix[3].tolist() == [0, 0, 0, 1]
    return matrix, one.FrameOfReferenceTransformationMatrixType


def uids(folder: Path) -> set[str]:
    return {str(pydicom.dcmread(path).SOPInstanceUID) for path in folder.iterdir()}


def named(item: Dataset) -> set[str]:
    return {str(each.ReferencedSOPInstanceUID) for each in item.ReferencedImageSequence}


@pytest.mark.parametrize(("make", "kind"), [(lambda: RIGID, "RIGID"), (affine, "AFFINE")])
def test_it_leads_from_the_partner_to_the_frame_of_the_result(
    study: dict[str, Path], tmp_path: Path, make: Any, kind: str, pixel_maximum: Path
) -> None:
    """PS3.3 C.20.2.1.1: a matrix registers the source's coordinates to those of the object."""
    file, output = tmp_path / "t.h5", tmp_path / "o"
    SimpleITK.WriteTransform(make(), str(file))
    fused(study["MR"], study["PT"], output, pixel_maximum, transform=file)
    made_ = pydicom.dcmread(output / "registration.dcm")
    source = pydicom.dcmread(next(study["MR"].iterdir()))
    image = pydicom.dcmread(output / "slice-0001.dcm")
    assert made_.SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.1"
    assert made_.Modality == "REG"
    assert made_.SeriesInstanceUID not in (image.SeriesInstanceUID, source.SeriesInstanceUID)
    for keyword in ("FrameOfReferenceUID", "StudyInstanceUID", "PatientID", "PatientName"):
        assert made_[keyword].value == image[keyword].value == source[keyword].value
    anatomical, partner = made_.RegistrationSequence
    identity, first_kind = matrix_of(anatomical)
    np.testing.assert_array_equal(identity, np.eye(4))
    assert first_kind == "RIGID"
    assert anatomical.FrameOfReferenceUID == made_.FrameOfReferenceUID
    assert named(anatomical) == uids(study["MR"])
    matrix, its_kind = matrix_of(partner)
    assert its_kind == kind
    assert partner.FrameOfReferenceUID == "1.2.99"
    assert named(partner) == uids(study["PT"])
    for point in POINTS:
        of_partner = make().TransformPoint(point.tolist())
        np.testing.assert_allclose((matrix @ [*of_partner, 1])[:3], point, atol=1e-9)
    listed = {
        str(each.ReferencedSOPInstanceUID)
        for series in made_.ReferencedSeriesSequence
        for each in series.ReferencedInstanceSequence
    }
    assert listed == uids(study["MR"]) | uids(study["PT"])


def test_images_of_the_same_frame_are_named_without_it(
    study: dict[str, Path], tmp_path: Path, transform: Path, pixel_maximum: Path
) -> None:
    """A frame of reference is where it is: a matrix from it to itself would contradict it."""
    for name in ("PT of one", "PT of none"):
        output = tmp_path / name
        fused(study["MR"], study[name], output, pixel_maximum, transform=transform)
        _, partner = pydicom.dcmread(output / "registration.dcm").RegistrationSequence
        assert "FrameOfReferenceUID" not in partner
        assert named(partner) == uids(study[name])


def test_only_partners_that_were_moved_are_in_it(
    study: dict[str, Path], tmp_path: Path, transform: Path, pixel_maximum: Path
) -> None:
    partners, output = [study["CT"], study["PT"]], tmp_path / "o"
    options = {"task": ["ct-mri", "pet-mri"], "window": [(40, 400), "auto"]}
    fused(study["MR"], partners, output, pixel_maximum, transform=["auto", transform], **options)
    items = pydicom.dcmread(output / "registration.dcm").RegistrationSequence
    assert [named(item) for item in items] == [uids(study["MR"]), uids(study["PT"])]
    fused(study["MR"], partners, output, pixel_maximum, overwrite=True, **options)
    assert not (output / "registration.dcm").exists()


def test_without_images_to_name_there_is_none_and_that_is_said(
    study: dict[str, Path], tmp_path: Path, transform: Path, pixel_maximum: Path
) -> None:
    volume, said = made(6, 24, 20, seed=3), []
    in_memory = (volume.values.T.astype(np.float32), volume.affine)
    with informing(said.append):
        fused(study["MR"], in_memory, tmp_path / "o", pixel_maximum, transform=transform)
    assert any("because it is no DICOM series; the transform file" in one for one in said)
    said.clear()
    output = tmp_path / "a"
    with informing(said.append):
        fused(study["MR"], study["PT"], output, pixel_maximum, transform=transform, anonymous=True)
    assert any("an anonymous result names no images of the patient" in one for one in said)
    for folder in (tmp_path / "o", output):
        assert not (folder / "registration.dcm").exists()
        assert folder.with_name(f"{folder.name}.tfm").is_file()


def test_with_a_template_it_leads_to_the_frame_of_that(
    study: dict[str, Path], tmp_path: Path, transform: Path, pixel_maximum: Path
) -> None:
    volume, output = made(6, 24, 20, seed=3), tmp_path / "o"
    in_memory = (volume.values.T.astype(np.float32), volume.affine)
    options = {"transform": transform, "dicom_template": study["MR"]}
    fused(in_memory, study["PT"], output, pixel_maximum, **options)
    made_ = pydicom.dcmread(output / "registration.dcm")
    (partner,) = made_.RegistrationSequence
    assert (made_.FrameOfReferenceUID, partner.FrameOfReferenceUID) == ("1.2.9", "1.2.99")


@pytest.mark.parametrize("study_uid", ["1.2.3", "1.2.4"])
def test_a_blending_state_names_it(
    study: dict[str, Path], tmp_path: Path, transform: Path, study_uid: str, pixel_maximum: Path
) -> None:
    """PS3.3 C.11.33: required where the frame of an input is not that of the state."""
    for path in study["PT"].iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID = study_uid
        dataset.save_as(path)
    output = tmp_path / "o"
    options = {"task": ["ct-mri", "pet-mri"], "window": [(40, 400), "auto"]}
    fused(
        study["MR"], [study["CT"], study["PT"]], output, pixel_maximum,
        transform=["auto", transform], blending_state=True, **options,
    )  # fmt: skip
    registration = pydicom.dcmread(output / "registration.dcm")
    state = pydicom.dcmread(output / "blending-state.dcm")
    mr, ct, pet = state.AdvancedBlendingSequence
    assert "ReferencedSpatialRegistrationSequence" not in mr
    assert "ReferencedSpatialRegistrationSequence" not in ct
    (of_study,) = pet.ReferencedSpatialRegistrationSequence
    assert of_study.StudyInstanceUID == registration.StudyInstanceUID
    (series,) = of_study.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == registration.SeriesInstanceUID
    (one,) = series.ReferencedSOPSequence
    assert one.ReferencedSOPClassUID == registration.SOPClassUID
    assert one.ReferencedSOPInstanceUID == registration.SOPInstanceUID
    known = {each.SeriesInstanceUID for each in state.ReferencedSeriesSequence}
    assert registration.SeriesInstanceUID in known
    if study_uid != "1.2.3":
        (other,) = registration.StudiesContainingOtherReferencedInstancesSequence
        assert other.StudyInstanceUID == study_uid


def test_a_blending_state_of_a_partner_that_was_not_moved_is_refused(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    with pytest.raises(InputError, match="do not share a frame of reference"):
        fused(study["MR"], study["PT"], tmp_path / "o", pixel_maximum, blending_state=True)
    assert not (tmp_path / "o").exists()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("partner", ["PT", "PT of one", "PT of none"])
@pytest.mark.parametrize("body_part", ["HEAD", "ARM"])
def test_the_objects_are_valid(
    study: dict[str, Path],
    tmp_path: Path,
    transform: Path,
    partner: str,
    body_part: str,
    pixel_maximum: Path,
) -> None:
    for path in study["MR"].iterdir():
        dataset = pydicom.dcmread(path)
        dataset.BodyPartExamined, dataset.Laterality = body_part, ""
        dataset.save_as(path)
    output = tmp_path / "o"
    options = {"transform": transform, "blending_state": True}
    fused(study["MR"], study[partner], output, pixel_maximum, **options)
    path = output / "registration.dcm"
    words = ["dciodvfy", "-new", str(path)]
    printed = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    kind, *lines = printed.splitlines()
    assert kind == "SpatialRegistration"
    assert [line for line in lines if line.startswith("Error")] == []
    # The side of an arm may be unknown, which the validator cannot know.
    assert [line for line in lines if "Laterality" not in line and "Warning" in line] == []
    assert errors_of(output / "blending-state.dcm") == []
    if shutil.which("dcmftest") is not None:
        done = subprocess.run(["dcmftest", str(path)], check=False, capture_output=True)
        assert done.returncode == 0
