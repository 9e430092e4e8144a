"""The worker writes a fused volume that it is handed as a DICOM series of its sources' study."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor

from mactfusion.errors import FusionCancelled
from mactfusion.io.itk_image import affine_of
from mactfusion.worker.jobs import Job
from mactfusion.worker.protocol import Channel, Request
from mactfusion.worker.series import SeriesWriter

sys.path.append(str(Path(__file__).resolve().parents[2] / "MACTFusionSlicer"))
from MACTFusionLib.dicom.made_study import PATIENT, turned, write_series

OPTIONS = {"task": "pet-mri", "device": "cpu", "check": False, "register": "off"}
SHAPES = {"MR": (20, 24, 6), "PT": (16, 18, 8)}
PLACES = {
    "straight": turned(),
    "tilted": turned(10.0),
    "mirrored": turned(1.5, mirrored=True),
}


def made(shape, affine, seed):
    """A volume in which no two voxels are equal, and no plane is like its mirror image."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(count).reshape(shape) + 1, affine


@pytest.fixture(scope="module")
def study_at(worker, tmp_path_factory):
    """Return MR and PET that lie in some way, as files, loaded and fused, once each."""
    made_already = {}

    def study_at(place):
        if place not in made_already:
            folder, affine = tmp_path_factory.mktemp("study"), PLACES[place]
            pet_affine = affine @ np.diag([1.2, 1.3, 0.7, 1.0])
            volumes = [made(SHAPES["MR"], affine, 0), made(SHAPES["PT"], pet_affine, 1)]
            sources = [
                [str(path) for path in write_series(folder / modality, volume, modality)]
                for modality, volume in zip(("MR", "PT"), volumes, strict=True)
            ]
            made_already[place] = Fused(worker, volumes, sources)
        return made_already[place]

    return study_at


@pytest.fixture
def study(study_at):
    return study_at("tilted")


class Fused:
    """A result as the panel keeps it: voxels, affine, record and hash."""

    def __init__(self, worker, volumes, sources, **options):
        self.worker, self.volumes, self.sources = worker, volumes, sources
        keys = [worker.load((array.astype(np.int16), affine)) for array, affine in volumes]
        fields = {"anatomical": keys[0], "partner": keys[1]}
        self.reply = worker.ask("fuse", **fields, options={**OPTIONS, **options})
        self.voxels = worker.voxels(self.reply)
        self.affine = np.array(self.reply["affine"])

    def ask(self, output=None, voxels=None, affine=None, **changed):
        voxels = self.voxels if voxels is None else voxels
        affine = self.affine if affine is None else affine
        fields = {
            "volume": self.worker.load((voxels, affine)),
            "voxels_sha256": self.reply["voxels_sha256"],
            "record": self.reply["record"],
            "sources": self.sources,
            "output": None if output is None else str(output),
        }
        fields = {**fields, **changed}
        return self.worker.ask("export", **{k: v for k, v in fields.items() if v is not None})


def images_of(reply, output):
    return [pydicom.dcmread(output / name) for name in reply["files"] if "slice" in name]


def assert_same_in_space(output, voxels, affine):
    """Every voxel is where it was, within a thousandth of a millimetre, as GDCM finds it."""
    find = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames
    image = SimpleITK.ReadImage(find(str(output)) if output.is_dir() else str(output))
    theirs = SimpleITK.GetArrayFromImage(image)
    index = np.stack(np.meshgrid(*map(np.arange, voxels.shape[:3]), indexing="ij"), -1)
    to_theirs = np.linalg.inv(affine_of(image)) @ affine
    found = index @ to_theirs[:3, :3].T + to_theirs[:3, 3]
    rounded = np.rint(found).astype(int)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    assert np.abs((found - rounded) * spacing).max() < 1e-3
    expected = theirs[rounded[..., 2], rounded[..., 1], rounded[..., 0]]
    np.testing.assert_array_equal(expected.reshape(voxels.shape), voxels)


def errors_of(path):
    """What dciodvfy finds wrong."""
    words = ["dciodvfy", "-new", str(path)]
    printed = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    return [line for line in printed.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("place", PLACES)
def test_the_series_is_the_volume_in_the_study_of_its_sources(study_at, tmp_path, place):
    study = study_at(place)
    output = tmp_path / "series"
    reply = study.ask(output)
    assert reply["reply"] == "result", reply
    assert study.worker.said(reply["id"], "warning") == []
    assert_same_in_space(output, study.voxels, study.affine)
    images = images_of(reply, output)
    named = {each.ReferencedSOPInstanceUID for one in images for each in one.SourceImageSequence}
    for image in images:
        for keyword, value in PATIENT.items():
            assert image.get(keyword) == value
        assert image.SeriesInstanceUID == reply["series"]
        assert image.StudyInstanceUID == reply["study"]
    assert reply["array_axis"] == 2
    by_uid = {image.SOPInstanceUID: image for image in images}
    for index, uid in enumerate(reply["instances"]):
        first = study.affine @ (0, 0, index, 1)  # a corner of the slice, which its plane holds
        position = np.array(by_uid[uid].ImagePositionPatient, float) * (-1, -1, 1)
        assert abs((first[:3] - position) @ np.cross(*study.affine[:3, :2].T)) < 1e-2
    of_anatomical = {pydicom.dcmread(path).SOPInstanceUID for path in study.sources[0]}
    of_partner = {pydicom.dcmread(path).SOPInstanceUID for path in study.sources[1]}
    assert of_anatomical <= named
    assert named & of_partner
    assert "not for diagnos" in images[0].SeriesDescription.lower()
    assert study.reply["record"]["weights"]["sha256"] in images[0].DerivationDescription


def test_progress_counts_the_images(study, tmp_path):
    reply = study.ask(tmp_path / "series")
    said = study.worker.said(reply["id"], "progress")
    steps = [(each["done"], each["total"]) for each in said if each["stage"] == "write"]
    assert steps == [(number, len(reply["files"])) for number in range(1, len(reply["files"]) + 1)]


@pytest.mark.parametrize("name", ["series", "object.dcm"])
@pytest.mark.parametrize("is_anonymous", [False, True])
def test_objects_are_valid(study, tmp_path, name, is_anonymous):
    output = tmp_path / name
    reply = study.ask(output, anonymous=is_anonymous)
    assert reply["reply"] == "result", reply
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    assert [file.name for file in files] == reply["files"]
    if name == "object.dcm":
        assert_same_in_space(output, study.voxels, study.affine)
    for file in files[:2]:
        if shutil.which("dciodvfy") is not None:
            assert errors_of(file) == []
        text = file.read_bytes()
        for secret in (b"Nobody^Real", b"19700101", b"1.2.826.0.1.1", b"1.2.826.0.1.9"):
            assert (secret in text) != is_anonymous


@pytest.mark.parametrize("place", PLACES)
def test_grey_and_cubes_and_a_second_series(study_at, tmp_path, place):
    """Another grid of the same field of view is in the same place; each export is a new series."""
    study = study_at(place)
    fused = Fused(study.worker, study.volumes, study.sources, luminance=True, grid="isotropic")
    assert fused.voxels.dtype == np.uint16
    assert fused.voxels.shape != study.voxels.shape[:3]
    replies = [fused.ask(tmp_path / name) for name in ("one", "two")]
    assert [reply["reply"] for reply in replies] == ["result", "result"]
    assert_same_in_space(tmp_path / "one", fused.voxels, fused.affine)
    assert replies[0]["series"] != replies[1]["series"]
    assert replies[0]["study"] == replies[1]["study"]
    assert not set(replies[0]["instances"]) & set(replies[1]["instances"])


def test_edited_voxels_are_refused(study, tmp_path):
    edited = study.voxels.copy()
    edited[3, 3, 3] ^= 1
    reply = study.ask(tmp_path / "series", voxels=edited)
    assert reply["code"] == "input"
    assert "changed after the fusion" in reply["sentence"]
    assert list(tmp_path.iterdir()) == []


def shifted(affine, mm):
    moved = np.eye(4)
    moved[0, 3] = mm
    return moved @ affine


def rotated(affine, shape):
    """Turned about the middle by a degree."""
    middle = affine @ [*((np.array(shape[:3]) - 1) / 2), 1]
    turn = turned(1.0, (1, 1, 1), (0, 0, 0)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    turn[:3, 3] = middle[:3] - turn[:3, :3] @ middle[:3]
    return turn @ affine


@pytest.mark.parametrize("how", ["shifted", "rotated", "stretched", "mirrored"])
def test_moved_volumes_are_in_no_place_of_the_frame_of_reference(study, tmp_path, how):
    affine, shape = study.affine, study.voxels.shape
    moved = {
        "shifted": shifted(affine, 0.2),
        "rotated": rotated(affine, shape),
        "stretched": affine @ np.diag([1.05, 1.0, 1.0, 1.0]),
        "mirrored": np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine,
    }[how]
    reply = study.ask(tmp_path / "series", affine=moved)
    assert reply["code"] == "input"
    assert "frame of reference" in reply["sentence"]
    assert list(tmp_path.iterdir()) == []
    reply = study.ask(tmp_path / "nobody", affine=moved, anonymous=True)
    assert reply["reply"] == "result"
    assert_same_in_space(tmp_path / "nobody", study.voxels, moved)
    assert images_of(reply, tmp_path / "nobody")[0].FrameOfReferenceUID != "1.2.826.0.1.9"


def test_where_a_partner_was_moved_is_told(study, tmp_path):
    pose = np.eye(4)
    pose[:3, 3] = (4.0, 0.0, -2.0)
    output = tmp_path / "series"
    reply = study.ask(output, poses=[pose.tolist()])
    assert reply["files"][0] == "registration.dcm"
    told = pydicom.dcmread(output / "registration.dcm")
    assert reply["others"] == [told.SeriesInstanceUID]
    matrix = told.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    found = np.array(matrix.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert np.allclose(lps @ found @ lps, np.linalg.inv(pose))


def test_partner_that_was_moved_before_is_said(study, tmp_path):
    places = [
        {"affine": affine.tolist(), "shape": list(array.shape)} for array, affine in study.volumes
    ]
    reply = study.ask(tmp_path / "right", places=places)
    assert study.worker.said(reply["id"], "warning") == []
    places[1]["affine"] = shifted(study.volumes[1][1], 3.0).tolist()
    reply = study.ask(tmp_path / "moved", places=places)
    (said,) = study.worker.said(reply["id"], "warning")
    assert (
        "The partner does not lie where the images of its own series lie (3 mm apart)"
        in said["sentence"]
    )
    assert reply["reply"] == "result"


def test_several_patients_are_said(study, tmp_path):
    mr, pet = study.sources
    for path in pet:
        image = pydicom.dcmread(path)
        image.PatientID = "P2"
        (tmp_path / "other").mkdir(exist_ok=True)
        image.save_as(tmp_path / "other" / path.rpartition("/")[2])
    others = [str(path) for path in sorted((tmp_path / "other").iterdir())]
    reply = study.ask(tmp_path / "series", sources=[mr, others])
    sentences = [each["sentence"] for each in study.worker.said(reply["id"], "warning")]
    assert reply["reply"] == "result"
    assert any("different patients" in sentence for sentence in sentences)
    assert images_of(reply, tmp_path / "series")[0].PatientID == "P1"


def test_partner_that_is_no_dicom_is_not_named(study, tmp_path):
    reply = study.ask(tmp_path / "series", sources=[study.sources[0], []])
    of_partner = {pydicom.dcmread(path).SOPInstanceUID for path in study.sources[1]}
    for image in images_of(reply, tmp_path / "series"):
        named = {each.ReferencedSOPInstanceUID for each in image.SourceImageSequence}
        assert named
        assert not named & of_partner


def test_nobody_owns_a_result_without_an_anatomical_series(study, tmp_path):
    reply = study.ask(tmp_path / "series", sources=[[], study.sources[1]])
    assert reply["code"] == "input"
    assert "to which patient" in reply["sentence"]
    assert list(tmp_path.iterdir()) == []
    reply = study.ask(tmp_path / "series", sources=[[], study.sources[1]], anonymous=True)
    assert reply["reply"] == "result"


def test_folder_of_others_is_not_touched(study, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    reply = study.ask(tmp_path)
    assert reply["code"] == "input"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_cancelled_export_leaves_nothing(study, tmp_path):
    worker = study.worker
    fields = {
        "volume": worker.load((study.voxels, study.affine)),
        "voxels_sha256": study.reply["voxels_sha256"],
        "record": study.reply["record"],
        "sources": study.sources,
    }
    outputs = [{**fields, "output": str(tmp_path / name)} for name in ("one", "two")]
    first, second = worker.send_together("export", *outputs)
    assert worker.ask("cancel", target=second)["found"]
    assert worker.last_reply(second)["code"] == "cancelled"
    assert worker.last_reply(first)["reply"] == "result"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_cancel_in_the_middle_leaves_nothing(study, tmp_path):
    """In this process, where the moment is certain: after the third image."""

    class Ending(Channel):
        def send(self, reply, request, **fields):
            if fields.get("done") == 3:
                assert len(list(next(tmp_path.glob(".mactfusion-*")).iterdir())) == 3
                job.ended_by = "cancelled"

    affine = torch.from_numpy(study.affine)
    held = MetaTensor(torch.from_numpy(np.moveaxis(study.voxels, -1, 0)), affine=affine)
    volumes = SimpleNamespace(get=lambda _key: held)
    fields = {
        "volume": "key",
        "voxels_sha256": study.reply["voxels_sha256"],
        "record": study.reply["record"],
        "sources": study.sources,
        "output": str(tmp_path / "series"),
    }
    job = Job(Request(1, "export", fields))
    private = tmp_path / "private"
    private.mkdir()
    with pytest.raises(FusionCancelled):
        SeriesWriter(private, volumes, Ending(io.BytesIO())).work(job)
    assert list(tmp_path.rglob("*")) == [private]


@pytest.mark.parametrize(
    "changed",
    [
        {"record": {}},
        {"record": {"task": "pet-mri"}},
        {"sources": [["relative.dcm"], []]},
        {"sources": [[1], []]},
        {"sources": [[]]},
        {"poses": [[1, 2]]},
        {"poses": [np.zeros((4, 4)).tolist()]},
        {"poses": []},
        {"places": []},
        {"places": [{"affine": np.eye(4).tolist(), "shape": [1, 2]}] * 2},
        {"places": [{"affine": [1], "shape": [1, 2, 3]}] * 2},
        {"output": "relative"},
        {"voxels_sha256": 3},
    ],
)
def test_what_cannot_be_understood_is_a_bad_request(study, tmp_path, changed):
    assert study.ask(**{"output": tmp_path / "series", **changed})["code"] == "bad-request"
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_gone_are_said(study, tmp_path):
    gone = [[str(tmp_path / "gone.dcm")], study.sources[1]]
    reply = study.ask(tmp_path / "series", sources=gone)
    assert reply["code"] == "input"
    assert "cannot be read" in reply["sentence"]


def headers_of(sources, path):
    """Pack what the worker needs of files that it cannot see; returns how many bytes that is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, files in enumerate(sources):
            for index, name in enumerate(files):
                with Path(name).open("rb") as file:
                    pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["Rows"])
                    end = file.tell() + 12
                    file.seek(0)
                    packed.writestr(f"{number}/{index}", file.read(end))
        sizes = [[Path(name).stat().st_size for name in files] for files in sources]
        packed.writestr("sizes.json", json.dumps(sizes))


@pytest.mark.parametrize("name", ["fused", "fused.dcm"])
def test_headers_go_in_and_files_come_out(study, tmp_path, name):
    folder = study.worker.folder
    headers_of(study.sources, folder / "headers.zip")
    reply = study.ask(sources=None, headers="headers.zip", name=name)
    assert reply["reply"] == "result", reply
    with zipfile.ZipFile(folder / reply["file"]) as packed:
        assert packed.namelist() == reply["files"]
        packed.extractall(tmp_path / "series")
    (folder / reply["file"]).unlink()
    assert list(folder.iterdir()) == []
    local = study.ask(tmp_path / "local")
    assert local["study"] == reply["study"] == PATIENT["StudyInstanceUID"]
    if name == "fused":
        assert_same_in_space(tmp_path / "series", study.voxels, study.affine)
        for theirs, ours in zip(
            images_of(reply, tmp_path / "series"), images_of(local, tmp_path / "local"), strict=True
        ):
            assert theirs.SourceImageSequence == ours.SourceImageSequence
            assert theirs.PixelData == ours.PixelData
            assert theirs.ImagePositionPatient == ours.ImagePositionPatient
    else:
        assert_same_in_space(tmp_path / "series" / name, study.voxels, study.affine)


def test_moved_volume_is_refused_by_headers_alone(study):
    folder = study.worker.folder
    headers_of(study.sources, folder / "headers.zip")
    place = {"affine": shifted(study.affine, 0.2), "headers": "headers.zip"}
    reply = study.ask(sources=None, **place)
    assert "frame of reference" in reply["sentence"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no ZIP", "sizes", "name", "more"])
def test_headers_that_are_none_are_a_bad_request(study, content):
    folder = study.worker.folder
    path = folder / "headers.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("../../0/0" if content == "name" else "0/0", b"x")
            packed.writestr("sizes.json", '[["x"], []]' if content == "sizes" else "[[1], []]")
            if content == "more":
                packed.writestr("0/1", b"x")
    reply = study.ask(sources=None, headers="headers.zip")
    assert reply["code"] == "bad-request"
    assert list(folder.iterdir()) == []
    assert not (folder.parents[1] / "0").exists()
