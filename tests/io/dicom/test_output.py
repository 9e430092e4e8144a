"""The result as DICOM: in its place, in its colours, valid, the patient's or nobody's."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_made import classic, made
from pydicom.datadict import dictionary_VR

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.io.itk_image import affine_of

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = ("Nobody", "Real", "P1", "19700101", "1.2.3", "1.2.9")


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Path]:
    """MR, CT and PET of one patient; Japanese is in the patient's name."""

    def change(index: int, dataset: Any) -> None:
        dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
        dataset.Manufacturer, dataset.BodyPartExamined = "MAKER", "BRAIN"
        dataset.add_new((0x0011, 0x0010), "LO", "PRIVATE")
        dataset.add_new((0x0011, 0x1001), "LO", "Nobody^Real")

    folder = tmp_path / "study"
    return {
        modality: classic(
            folder / modality, made(6, 24, 20, seed=number), modality, change=change, SeriesNumber=3
        )
        for number, modality in enumerate(("MR", "CT", "PT"))
    }


def read_back(output: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels ``(K, J, I[, 3])`` and RAS affine, as GDCM finds them in a folder or an object."""
    is_folder = output.is_dir()
    find = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames
    image = SimpleITK.ReadImage(find(str(output)) if is_folder else str(output))
    return SimpleITK.GetArrayFromImage(image), affine_of(image)


def assert_same_in_space(
    voxels: np.ndarray, affine: np.ndarray, fused: Any, full_scale: int
) -> None:
    """Compare at the place of every voxel of the result."""
    values, own = fused.numpy(), fused.affine.numpy()
    index = np.stack(np.meshgrid(*map(np.arange, values.shape[1:]), indexing="ij"), -1)
    to_theirs = np.linalg.inv(affine) @ own
    found = index @ to_theirs[:3, :3].T + to_theirs[:3, 3]
    rounded = np.rint(found).astype(int)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    assert np.abs((found - rounded) * spacing).max() < 1e-3  # millimetres
    theirs = voxels[rounded[..., 2], rounded[..., 1], rounded[..., 0]]
    expected = np.rint(np.moveaxis(values, 0, -1) * full_scale)
    np.testing.assert_array_equal(theirs.reshape(expected.shape), expected)


def anonymous(output: Path, affine: np.ndarray, weights: Path, **options: Any) -> Any:
    rng = np.random.default_rng(0)
    shape = (12, 11, 10)
    mr = rng.random(shape) * 900
    pet = rng.random(shape) * 8e3
    return fuse_volumes(
        (mr, affine),
        (pet, affine),
        weights=weights,
        output=output,
        format="auto" if output.suffix else "dicom",
        anonymous=True,
        **options,
    )


def turned(order: tuple[int, ...], signs: tuple[int, ...], degrees: float = 0.0) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ (np.eye(3)[:, order] * signs) * (1.1, 1.3, 2.7)
    affine[:3, 3] = (-31.2345678, 17.5, -612.75)
    return affine


@pytest.mark.parametrize("name", ["out", "out.dcm"])
@pytest.mark.parametrize("luminance", [True, False])
@pytest.mark.parametrize(
    "affine",
    [
        turned((0, 1, 2), (1, 1, 1)),
        turned((0, 1, 2), (-1, -1, 1)),
        turned((0, 1, 2), (-1, 1, 1)),
        turned((0, 1, 2), (1, 1, -1), 17.0),
        turned((2, 0, 1), (1, -1, 1)),
        turned((1, 2, 0), (-1, -1, -1), -29.0),
    ],
)
def test_every_voxel_is_in_its_place(
    tmp_path: Path, affine: np.ndarray, luminance: bool, name: str, pixel_maximum: Path
) -> None:
    output = tmp_path / name
    result = anonymous(output, affine, pixel_maximum, task="pet-mri", luminance=luminance)
    assert_same_in_space(*read_back(output), result.fused, 65535 if luminance else 255)


@pytest.mark.parametrize("luminance", [True, False])
@pytest.mark.parametrize("name", ["out", "out.dcm"])
def test_on_ct_too(tmp_path: Path, luminance: bool, name: str, pixel_maximum: Path) -> None:
    """There they are secondary captures, whose place other attributes tell."""
    output, affine = tmp_path / name, turned((0, 1, 2), (-1, -1, 1), 17.0)
    options = {"task": "pet-ct", "luminance": luminance, "anatomical_window": (450, 900)}
    result = anonymous(output, affine, pixel_maximum, **options)
    assert_same_in_space(*read_back(output), result.fused, 65535 if luminance else 255)


def test_the_colour_profile_tells_no_time() -> None:
    """It is as valid as the one it is made from, and does not depend on the clock."""
    from PIL import ImageCms

    from mactfusion.io.dicom.pixels import srgb_profile

    profile = srgb_profile()
    assert ImageCms.ImageCmsProfile(BytesIO(profile)).profile.profile_description
    # Pillow before 13 cannot read a month of January.
    created = [int.from_bytes(profile[at : at + 2], "big") for at in range(24, 36, 2)]
    assert created == [2000, 1, 1, 0, 0, 0]
    assert profile[12:16] == b"scnr"
    assert int.from_bytes(profile[:4], "big") == len(profile)


def patient_of(path: Path) -> tuple[str, ...]:
    header = pydicom.dcmread(path)
    keywords = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientBirthDate")
    return (*(str(header.get(word)) for word in keywords), str(header.PatientName))


@pytest.mark.parametrize("name", ["out", "out.dcm"])
@pytest.mark.parametrize("partner", ["CT", "PT"])
def test_the_result_belongs_to_the_patient_of_the_anatomical_series(
    study: dict[str, Path], tmp_path: Path, partner: str, name: str, pixel_maximum: Path
) -> None:
    output = tmp_path / name
    form = "dicom" if name == "out" else "auto"
    options = {"weights": pixel_maximum, "window": (200, 400), "units": "native"}
    fuse_volumes(study["MR"], study[partner], output=output, format=form, **options)
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    source = pydicom.dcmread(next(study["MR"].iterdir()))
    for file in files:
        header = pydicom.dcmread(file)
        assert patient_of(file) == patient_of(next(study["MR"].iterdir()))
        assert header.SeriesInstanceUID != source.SeriesInstanceUID
        assert "not for diagnos" in header.SeriesDescription
        assert header.SpecificCharacterSet == "ISO_IR 192"
        assert not [element for element in header if element.tag.is_private]
        assert header.BurnedInAnnotation == "NO"
    assert len({pydicom.dcmread(file).SOPInstanceUID for file in files}) == len(files)
    record = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert record["task"] == ("pet-mri" if partner == "PT" else "ct-mri")
    for secret in ("Yamada", "P1", "19700101"):
        assert secret not in json.dumps(record)


def fused(anatomical: Path, partner: Path, output: Path, weights: Path, **options: Any) -> Any:
    form = "auto" if output.suffix else "dicom"
    usual = {"task": "pet-mri", "units": "native", "window": (200, 400)}
    return fuse_volumes(
        anatomical, partner, output=output, format=form, weights=weights, **{**usual, **options}
    )


def images_of(output: Path) -> list[Path]:
    return [output] if output.is_file() else sorted(output.iterdir())


def test_what_some_slices_do_not_tell_the_others_do(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientName = "" if index == 0 else "Müller^Jörg"
        dataset.PatientID = "" if index in (0, 4) else "P1"

    mr = classic(tmp_path / "mr", made(6, 24, 20), "MR", change=change)
    fused(mr, study["PT"], tmp_path / "o", pixel_maximum)
    for file in images_of(tmp_path / "o"):
        header = pydicom.dcmread(file)
        assert (header.PatientID, str(header.PatientName)) == ("P1", "Müller^Jörg")


@pytest.mark.parametrize("name", ["o", "o.dcm"])
@pytest.mark.parametrize("uid", [None, "", "1.2.03.abc"])
def test_a_result_of_sources_without_valid_uids_is_valid(
    tmp_path: Path, name: str, uid: str | None, pixel_maximum: Path
) -> None:
    def change(index: int, dataset: Any) -> None:
        for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "SeriesInstanceUID"):
            setattr(dataset, keyword, uid)
            if uid is None:
                delattr(dataset, keyword)

    folders = [
        classic(tmp_path / kind, made(6, 24, 20, seed=seed), kind, change=change)
        for seed, kind in enumerate(("MR", "PT"))
    ]
    result = fused(*folders, tmp_path / name, pixel_maximum)
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        sentence = f"The anatomical series has no valid {keyword}: the result gets a new one"
        assert any(said.startswith(sentence) for said in result.warnings)
    for file in images_of(tmp_path / name):
        header = pydicom.dcmread(file)
        assert header.StudyInstanceUID not in ("", uid)
    if shutil.which("dciodvfy") is not None:
        assert errors_of(images_of(tmp_path / name)[0]) == []


INVALID = {
    "PatientSex": "female",
    "PatientBirthDate": "1970-01-01",
    "PatientAge": "80",
    "StudyDate": "1999.12.31",
    "StudyTime": "11:22",
    "StudyID": "x" * 17,
    "Manufacturer": "x" * 65,
}


@pytest.mark.parametrize("name", ["o", "o.dcm"])
def test_values_that_dicom_does_not_allow_are_left_out_and_said(
    study: dict[str, Path], tmp_path: Path, name: str, pixel_maximum: Path
) -> None:
    def change(index: int, dataset: Any) -> None:
        for keyword, value in INVALID.items():
            dataset.add(pydicom.DataElement(keyword, dictionary_VR(keyword), value, False))

    with pydicom.config.disable_value_validation():
        mr = classic(tmp_path / "mr", made(6, 24, 20), "MR", change=change)
    result = fused(mr, study["PT"], tmp_path / name, pixel_maximum)
    said = next(each for each in result.warnings if "DICOM does not allow" in each)
    assert set(said.rsplit(": ", 1)[1].rstrip(".").split(", ")) == set(INVALID)
    header = pydicom.dcmread(images_of(tmp_path / name)[0])
    assert not any(header.get(keyword) for keyword in INVALID if keyword != "Manufacturer")
    assert header.PatientID == "P1"
    if shutil.which("dciodvfy") is not None:
        assert errors_of(images_of(tmp_path / name)[0]) == []


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName"])
def test_a_patient_who_would_be_lost_is_refused(
    study: dict[str, Path], tmp_path: Path, keyword: str, pixel_maximum: Path
) -> None:
    with pydicom.config.disable_value_validation():
        mr = classic(tmp_path / "mr", made(6, 24, 20), "MR", **{keyword: "x" * 80})
    with pytest.raises(InputError, match=f"has a {keyword} that DICOM does not allow"):
        fused(mr, study["PT"], tmp_path / "o", pixel_maximum)
    fused(mr, study["PT"], tmp_path / "o", pixel_maximum, anonymous=True)  # as it says


def test_sources_are_named(study: dict[str, Path], tmp_path: Path, pixel_maximum: Path) -> None:
    options = {"weights": pixel_maximum, "units": "native"}
    fuse_volumes(study["MR"], study["PT"], output=tmp_path / "o", format="dicom", **options)
    known = {
        pydicom.dcmread(file).SOPInstanceUID
        for name in ("MR", "PT")
        for file in study[name].iterdir()
    }
    for file in (tmp_path / "o").iterdir():
        header = pydicom.dcmread(file)
        named = {item.ReferencedSOPInstanceUID for item in header.SourceImageSequence}
        assert named
        assert named <= known
        assert header.ContributingEquipmentSequence[-1].ManufacturerModelName == "MACTFusionSlicer"
        assert "weights SHA-256" in header.DerivationDescription


@pytest.mark.parametrize("name", ["out", "out.dcm"])
def test_anonymous_output_holds_nobody(
    study: dict[str, Path], tmp_path: Path, name: str, pixel_maximum: Path
) -> None:
    output = tmp_path / name
    fuse_volumes(
        study["MR"],
        study["PT"],
        output=output,
        format="dicom" if name == "out" else "auto",
        anonymous=True,
        weights=pixel_maximum,
        units="native",
    )
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    for file in files:
        content = file.read_bytes()
        for secret in ("Yamada", "山田", "19700101", "MAKER"):
            assert secret.encode() not in content
        assert datetime.now().strftime("%Y%m%d").encode() not in content
        header = pydicom.dcmread(file)
        assert header.PatientIdentityRemoved == "YES"
        for word in ("StudyInstanceUID", "FrameOfReferenceUID", "SeriesInstanceUID"):
            assert str(header.get(word)).startswith("2.25.")
        assert "P1" not in str(header.PatientID)
        assert "SourceImageSequence" not in header


def test_without_a_patient_a_template_or_nobody_is_asked_for(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    rng = np.random.default_rng(0)
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    pair = (rng.random((12, 12, 4)) * 900, affine), (rng.random((12, 12, 4)) * 8e3, affine)
    options = {"task": "pet-mri", "weights": pixel_maximum, "output": tmp_path / "o"}
    with pytest.raises(InputError, match=r"option dicom_template .* or anonymous=True"):
        fuse_volumes(*pair, format="dicom", **options)
    assert not (tmp_path / "o").exists()
    result = fuse_volumes(*pair, format="dicom", dicom_template=study["MR"], **options)
    assert any("from the template" in sentence for sentence in result.warnings)
    file = next((tmp_path / "o").iterdir())
    assert patient_of(file) == patient_of(next(study["MR"].iterdir()))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"output": "o.nii.gz", "anonymous": True}, "Only DICOM output takes anonymous=True"),
        ({"output": "o.nii.gz", "format": "dicom"}, "is the name of neither"),
        ({"output": "o", "format": "dicom", "dtype": "float32"}, "whole numbers"),
        ({"output": "o"}, "must end in"),
    ],
)
def test_options_that_contradict_each_other_are_refused_at_once(
    study: dict[str, Path], tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    chosen = {**options, "output": tmp_path / options["output"]}
    with pytest.raises(InputError, match=reason):
        fuse_volumes(study["MR"], study["PT"], **chosen)
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_only_what_this_program_wrote_is_replaced(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    output = tmp_path / "o"
    options = {"output": output, "format": "dicom", "weights": pixel_maximum, "units": "native"}
    fuse_volumes(study["MR"], study["PT"], **options)
    first = {path.name: path.read_bytes() for path in output.iterdir()}
    with pytest.raises(InputError, match="is not empty; add overwrite=True"):
        fuse_volumes(study["MR"], study["PT"], **options)
    fuse_volumes(study["MR"], study["PT"], overwrite=True, **options)
    assert set(first) == {path.name for path in output.iterdir()}
    (output / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt, which is no DICOM image that this program"):
        fuse_volumes(study["MR"], study["PT"], overwrite=True, **options)
    assert (output / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="lies in the folder of the"):
        fuse_volumes(
            study["MR"], study["PT"], output=study["MR"] / "o", format="dicom", units="native"
        )


def test_a_failure_leaves_nothing(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mactfusion.io.dicom import export

    written = export.write_dataset
    count = []

    def failing(dataset: Any, path: Path) -> None:
        count.append(path)
        if len(count) > 3:
            raise OSError(28, "No space left on device")
        written(dataset, path)

    monkeypatch.setattr(export, "write_dataset", failing)
    with pytest.raises(InputError, match="the disk is full"):
        fuse_volumes(
            study["MR"],
            study["PT"],
            output=tmp_path / "o",
            format="dicom",
            weights=pixel_maximum,
            units="native",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_images_share_nothing_that_changes(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None has what belongs to the one before it, as the list of its sources."""
    from mactfusion.io.dicom import export

    written = []
    write = export.write_dataset

    def write_and_keep(dataset: pydicom.Dataset, path: Path) -> None:
        write(dataset, path)
        written.append(dataset)

    monkeypatch.setattr(export, "write_dataset", write_and_keep)
    options = {"weights": pixel_maximum, "units": "native"}
    fuse_volumes(study["MR"], study["PT"], output=tmp_path / "o", format="dicom", **options)
    assert [image.InstanceNumber for image in written] == [1, 2, 3, 4, 5, 6]
    assert len({image.SOPInstanceUID for image in written}) == 6
    first, last = written[0], written[-1]
    del first.SourceImageSequence
    assert "SourceImageSequence" in last


def errors_of(path: Path) -> list[str]:
    """What dciodvfy finds wrong."""
    words = ["dciodvfy", "-new", str(path)]
    printed = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    return [line for line in printed.splitlines() if line.startswith("Error")]


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("anatomical", ["MR", "CT"])
@pytest.mark.parametrize("name", ["o", "o.dcm"])
@pytest.mark.parametrize("options", [{}, {"luminance": True}, {"anonymous": True}])
def test_objects_are_valid(
    study: dict[str, Path],
    tmp_path: Path,
    anatomical: str,
    name: str,
    options: dict[str, Any],
    pixel_maximum: Path,
) -> None:
    output = tmp_path / name
    fuse_volumes(
        study[anatomical],
        study["PT"],
        output=output,
        format="dicom" if name == "o" else "auto",
        weights=pixel_maximum,
        task="pet-mri" if anatomical == "MR" else "pet-ct",
        window=(200, 400),
        anatomical_window=(200, 400),
        units="native",
        **options,
    )
    for file in [output] if output.is_file() else sorted(output.iterdir())[:2]:
        assert errors_of(file) == []
        if shutil.which("dcmftest") is not None:
            done = subprocess.run(["dcmftest", str(file)], capture_output=True, check=False)
            assert done.returncode == 0


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("luminance", [True, False])
@pytest.mark.parametrize("anatomical", ["MR", "CT"])
@pytest.mark.parametrize("name", ["o", "o/alone.dcm"])
def test_an_independent_reader_finds_it_in_its_place(
    study: dict[str, Path],
    tmp_path: Path,
    luminance: bool,
    anatomical: str,
    name: str,
    pixel_maximum: Path,
) -> None:
    options = {"weights": pixel_maximum, "units": "native", "luminance": luminance}
    options |= {"task": "pet-mri" if anatomical == "MR" else "pet-ct"}
    options |= {"anatomical_window": (1440, 2880), "format": "dicom" if name == "o" else "auto"}
    result = fuse_volumes(study[anatomical], study["PT"], output=tmp_path / name, **options)
    (tmp_path / "n").mkdir()
    words = ["dcm2niix", "-f", "x", "-x", "n", "-o", str(tmp_path / "n"), str(tmp_path / "o")]
    subprocess.run(words, capture_output=True, check=True)
    image = nibabel.load(next((tmp_path / "n").glob("*.nii")))
    voxels = np.asarray(image.dataobj)
    if not luminance:
        voxels = np.stack([voxels[part] for part in "RGB"], axis=-1)
    turned_over = np.moveaxis(voxels, (0, 1, 2), (2, 1, 0))
    assert_same_in_space(turned_over, image.affine, result.fused, 65535 if luminance else 255)


@pytest.mark.parametrize("name", ["out", "out.dcm"])
def test_anonymous_output_does_what_its_list_says(
    study: dict[str, Path], tmp_path: Path, name: str, pixel_maximum: Path
) -> None:
    from mactfusion.io.dicom.anonymous import ACTIONS

    output = tmp_path / name
    options = {"anonymous": True, "weights": pixel_maximum, "units": "native"}
    form = "dicom" if name == "out" else "auto"
    fuse_volumes(study["MR"], study["PT"], output=output, format=form, **options)
    written = pydicom.dcmread(next(output.iterdir()) if output.is_dir() else output)
    source = pydicom.dcmread(next(study["MR"].iterdir()))
    for keyword, action in ACTIONS.items():
        value = written.get(keyword)
        if action == "absent":
            assert keyword not in written or not value, keyword
        elif action == "empty":
            assert not value, keyword
        else:
            assert value is None or value != source.get(keyword), keyword
