"""What the worker answers: the voxels of the library, progress, and one sentence when it cannot."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import nibabel
import numpy as np
import one_share
import pytest

from mactfusion import __version__, fuse_volumes
from mactfusion.bundle import bundle_root
from mactfusion.io.checksum import sha256_of
from mactfusion.io.write import stored_values
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS

WEIGHTS = bundle_root() / "models"

HOT = [[0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1]]

OPTIONS = {
    "automatic": {},
    "as shown": {"anatomical_window": [400, 700], "window": [3000, 5000], "colormap": HOT},
    "one window": {"window": [3000, 5000]},
    "coronal": {"axis": "coronal", "colormap": "pet"},
    "sagittal": {"axis": "sagittal", "anatomical_window": [400, 700], "window": [3000, 5000]},
    "grey": {"luminance": True},
    "isotropic": {"grid": "isotropic"},
    "the grid is its choice": {"grid": "auto"},
    "isotropic sagittal": {"grid": "isotropic", "axis": "sagittal"},
}


def turned(volume):
    """Stored with its axes permuted and two of them backwards, in the same place."""
    image = nibabel.Nifti1Image(*volume)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt("PSL")
    )
    image = image.as_reoriented(turn)
    return np.ascontiguousarray(image.dataobj), image.affine


@pytest.fixture
def loaded(worker, mr, pet):
    """Fields of a request that name both volumes."""
    return {"anatomical": worker.load(turned(mr)), "partner": worker.load(pet)}


@pytest.mark.parametrize("name", OPTIONS)
def test_preview_is_the_slice_of_the_fused_volume(name, worker, loaded, mr):
    options = {"task": "pet-mri", "device": "cpu", **OPTIONS[name]}
    result = worker.ask("fuse", **loaded, options=options)
    fused = worker.voxels(result)
    array, affine = turned(mr)
    if options.get("grid") == "isotropic":
        assert fused.shape[:3] == (28, 10, 24)  # 4 slices of 10 mm in cubes of 4 mm
        assert np.allclose(np.linalg.norm(np.array(result["affine"])[:3, :3], axis=0), 4)
        middles = [
            np.array(a) @ [*((np.array(n) - 1) / 2), 1]
            for a, n in ((result["affine"], fused.shape[:3]), (affine, array.shape))
        ]
        assert np.allclose(*middles)
    else:
        assert fused.shape[:3] == array.shape
        assert np.array_equal(result["affine"], affine)
    assert fused.dtype == (np.uint16 if name == "grey" else np.uint8)
    assert fused.std() > 5
    axis = {"axial": 1, "coronal": 0, "sagittal": 2}[options.get("axis", "axial")]
    for index in (0, fused.shape[axis] // 2, fused.shape[axis] - 1):
        preview = worker.ask("preview", **loaded, options=options, slice=index)
        assert preview["array_axis"] == axis
        assert np.array_equal(worker.voxels(preview), np.take(fused, [index], axis=axis))
        origin = np.eye(4)[3]
        origin[axis] = index
        assert np.allclose(np.array(preview["affine"])[:, 3], np.array(result["affine"]) @ origin)


@pytest.mark.parametrize("name", ["automatic", "as shown", "isotropic"])
def test_result_is_that_of_the_library(name, worker, loaded, mr, pet, tmp_path):
    options = {"task": "pet-mri", "device": "cpu", **OPTIONS[name]}
    expected = fuse_volumes(turned(mr), pet, **options)
    result = worker.ask("fuse", **loaded, options=options)
    assert np.array_equal(
        worker.voxels(result), stored_values(expected.fused, "uint8", tmp_path / "x.nrrd")
    )
    for key in ("task", "level_width", "coverage", "weights", "axis", "options", "notes"):
        assert result["record"][key] == expected.record[key]


@pytest.mark.parametrize("windows", [["auto", "auto"], [[40, 80], [3000, 5000]]])
def test_several_partners_are_those_of_the_library(windows, worker, mr, pet, tmp_path):
    ct = (np.where(mr[0] > 300, 900, -1000).astype(np.float32), mr[1])
    task = ["pet-mri", "ct-mri"]
    options = {"task": task, "window": windows[::-1], "anatomical_window": [400, 700]}
    options["device"] = "cpu"
    expected = fuse_volumes(mr, [pet, ct], **options)
    fields = {"anatomical": worker.load(mr), "partner": [worker.load(pet), worker.load(ct)]}
    result = worker.ask("fuse", **fields, options=options)
    fused = worker.voxels(result)
    assert np.array_equal(fused, stored_values(expected.fused, "uint8", tmp_path / "x.nrrd"))
    tasks = [partner["task"] for partner in result["record"]["partners"]]
    assert tasks == ["ct-mri", "pet-mri"]
    for index in (0, 2):
        preview = worker.ask("preview", **fields, options=options, slice=index)
        assert np.array_equal(worker.voxels(preview), fused[:, :, [index]])


def test_one_anatomical_and_four_partners_are_kept(worker, mr, pet, tmp_path):
    array, affine = mr
    ct = np.where(array > 300, 900, -1000).astype(np.float32)
    tracer, tracer_affine = pet
    partners = [pet, (ct, affine), (tracer**2, tracer_affine), (900 - array, affine)]
    options = {"task": ["pet-mri", "ct-mri", "spect-mri", "mr-mr"], "window": ["auto"] * 4}
    options["device"] = "cpu"
    keys = [worker.load(volume) for volume in [mr, *partners]]
    fields = {"anatomical": keys[0], "partner": keys[1:]}
    fused = worker.voxels(worker.ask("fuse", **fields, options=options))
    expected = fuse_volumes(mr, partners, **options)
    assert np.array_equal(fused, stored_values(expected.fused, "uint8", tmp_path / "x.nrrd"))
    preview = worker.ask("preview", **fields, options=options, slice=1)
    assert np.array_equal(worker.voxels(preview), fused[:, :, [1]])


def test_weights_are_those_of_the_recognised_task(start, tmp_path, mr, pet):
    folder = one_share.make_bundle(tmp_path)
    here = str(Path(one_share.__file__).parent)
    worker = start(
        before=f"import sys; sys.path.append({here!r})\nfrom pathlib import Path\n"
        f"import one_share; one_share.install(Path({str(folder)!r}))"
    )
    worker.hello()
    anatomical = worker.load(mr)
    options = {"model": one_share.NAME, "luminance": True, "device": "cpu"}
    for modality, task in {"PT": "pet-mri", "NM": "spect-mri", "CT": "ct-mri"}.items():
        fields = {"anatomical": anatomical, "partner": worker.load(pet, modality=modality)}
        result = worker.ask("fuse", **fields, options=options)
        assert result["record"]["task"] == task
        assert result["record"]["weights"]["name"] == f"share-{task}.pt"
        fused = worker.voxels(result)
        preview = worker.ask("preview", **fields, options=options, slice=2)
        assert preview["record"]["weights"] == result["record"]["weights"]
        assert np.array_equal(worker.voxels(preview), fused[:, :, [2]])
    several = {"anatomical": anatomical, "partner": [worker.load(pet, modality="PT")]}
    result = worker.ask("fuse", **several, options=options)
    assert result["record"]["weights"]["name"] == "share-pet-mri.pt"


def test_progress_has_stage_slice_rate_and_time_left(worker, loaded):
    request = worker.send("fuse", **loaded, options={"task": "pet-mri", "batch_size": 1})
    record = worker.last_reply(request)["record"]
    steps = worker.said(request, "progress")
    assert [(step["stage"], step["done"], step["total"]) for step in steps] == [
        ("prepare", None, None),
        *[("fuse", done, 4) for done in (1, 2, 3, 4)],
        ("write", None, None),
    ]
    assert all(step["slices_per_second"] > 0 for step in steps[1:-1])
    left = [step["seconds_left"] for step in steps[1:-1]]  # whole seconds, 0 when it is quick
    assert min(left) >= 0
    assert left[-1] == 0
    assert 0 <= record["seconds"]["prepare"] < record["seconds"]["total"]
    assert 0 < record["seconds"]["fuse"] <= record["seconds"]["total"]


def test_warnings_are_said_once_for_each_request(worker, mr, pet):
    array, affine = pet
    half = worker.load((array[:10], affine), name="half.nrrd")
    options = {"task": "pet-mri", "check": False}
    fields = {"anatomical": worker.load(mr), "partner": half, "options": options}
    for request in ("preview", "preview", "fuse"):
        asked = worker.send(request, **fields, slice=1)
        assert worker.last_reply(asked)["reply"] == "result"
        (warning,) = worker.said(asked, "warning")
        assert "half.nrrd covers 50.0 %" in warning["sentence"]


def test_hello_tells_version_devices_models_and_options(worker):
    reply = worker.hello()
    assert reply["protocol"] == 2
    assert reply["version"] == __version__
    assert reply["devices"][-1]["name"] == "cpu"
    assert 0 < reply["devices"][-1]["free_bytes"] <= reply["devices"][-1]["total_bytes"]
    models = {model["name"]: model for model in reply["models"]}
    assert sorted(models) == sorted(MODELS)
    assert [name for name, model in models.items() if model["is_default"]] == [DEFAULT_MODEL]
    for name, model in models.items():
        assert model["tasks"] == list(MODELS[name].tasks)
        here = [f for f in MODELS[name].weight_files() if (WEIGHTS / f).is_file()]
        assert [file["path"] for file in model["weights"]] == [str(WEIGHTS / f) for f in here]
    for file in models[DEFAULT_MODEL]["weights"]:
        assert file["sha256"] == sha256_of(file["path"])
        assert file["problem"] == ""
    served = [task for file in models[DEFAULT_MODEL]["weights"] for task in file["tasks"]]
    assert sorted(served) == sorted(models[DEFAULT_MODEL]["tasks"])
    assert reply["options"]["axis"] == "auto"
    assert reply["pid"] == worker.process.pid


def test_the_folder_is_private_and_volumes_do_not_stay_in_it(worker, loaded):
    assert stat.S_IMODE(worker.folder.stat().st_mode) == 0o700
    assert list(worker.folder.glob("volume*")) == []


def test_a_volume_is_known_by_its_content(worker, mr):
    array, affine = mr
    first = worker.load(mr)
    assert worker.load((array.copy(order="F"), affine)) == first
    others = {
        worker.load((array + 1, affine)),
        worker.load((array, affine * 2)),
        worker.load(mr, modality="MR"),
        worker.load((array.astype(np.float64), affine)),
    }
    assert len(others - {first}) == 4


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i2", "uint16", "float32", "float64"])
def test_voxels_of_any_type_come_through(dtype, worker, mr, pet):
    array, affine = mr
    array = (array / 4).astype(dtype)
    fields = {"anatomical": worker.load((array, affine)), "partner": worker.load(pet)}
    options = {"task": "pet-mri", "anatomical_window": [112, 225], "window": [3000, 5000]}
    preview = worker.voxels(worker.ask("preview", **fields, slice=2, options=options))
    native = array.astype(array.dtype.newbyteorder("="))
    expected = fuse_volumes((native, affine), pet, **options).fused
    assert np.array_equal(preview, stored_values(expected, "uint8", worker.folder)[:, :, [2]])


def test_a_volume_that_was_dropped_is_asked_for_again(worker, mr, pet):
    array, affine = mr
    first = worker.load(mr)
    partner = worker.load(pet)
    for offset in range(4):
        worker.load((array + offset + 1, affine))
    reply = worker.ask("preview", anatomical=first, partner=partner, slice=0)
    assert reply["code"] == "unknown-volume"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"no json", "bad-request"),
        (b"[1]", "bad-request"),
        (b'{"request": "hello"}', "bad-request"),
        (b'{"id": true, "request": "hello"}', "bad-request"),
        (b'{"id": 1, "request": "dance"}', "bad-request"),
        (b'{"id": 1, "request": "hello", "protocol": 99}', "protocol"),
        (b'{"id": 1, "request": "hello"}', "bad-request"),
        (b"[" * 100_000, "bad-request"),
        (b'{"id": 1, "request": "' + b"x" * 3_000_000 + b'"}', "bad-request"),
        (b"\xff\xfe", "bad-request"),
    ],
)
def test_nonsense_is_refused_and_the_worker_goes_on(worker, line, code):
    worker.write(line)
    reply = worker.next()
    assert (reply["reply"], reply["code"]) == ("error", code)
    assert "\n" not in reply["sentence"]
    assert worker.hello()["reply"] == "result"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"options": {"task": "brain"}}, "input"),
        ({"options": {"task": ["pet-mri", "ct-mri"]}}, "input"),
        ({"options": {"tasks": "pet-mri"}}, "bad-request"),
        ({"options": ["task"]}, "bad-request"),
        ({"options": {"task": "pet-mri", "window": 5}}, "input"),
        ({"options": {"task": "pet-mri", "batch_size": "many"}}, "input"),
        ({"options": {"task": "pet-mri", "grid": "partner"}}, "input"),
        ({"options": {"task": "pet-mri", "weights": "nowhere.pt"}}, "input"),
        ({"options": {"task": "pet-mri", "weights": 5}}, "input"),
        ({"options": {"task": "pet-mri", "colormap": "$exit(1)"}}, "input"),
        ({"options": {"task": "pet-mri", "colormap": [["$exit(1)", 0, 0]]}}, "input"),
        ({"options": {"task": "pet-mri", "colormap": [[0, 0, 0], [0, 0, 2]]}}, "input"),
        ({"options": {"task": "pet-mri", "dtype": "float32"}}, "input"),
        ({"slice": 4}, "input"),
        ({"slice": -1}, "input"),
        ({"slice": "0"}, "bad-request"),
        ({"slice": True}, "bad-request"),
        ({"anatomical": "0123"}, "unknown-volume"),
        ({"anatomical": None}, "bad-request"),
        ({"partner": []}, "input"),
        ({"partner": [5]}, "bad-request"),
        ({"partner": ["0123"]}, "unknown-volume"),
        ({"partner": ["0123"] * 5}, "bad-request"),
    ],
)
def test_impossible_previews_are_refused_in_a_sentence(worker, loaded, fields, code):
    request = {**loaded, "slice": 0, "options": {"task": "pet-mri"}, **fields}
    reply = worker.ask("preview", **request)
    assert (reply["reply"], reply.get("code")) == ("error", code)
    assert reply["sentence"]
    assert "\n" not in reply["sentence"]


@pytest.mark.parametrize(
    ("content", "affine", "code"),
    [
        (np.zeros((2, 2)), np.eye(4), "bad-volume"),
        (np.zeros((2, 2, 2, 2)), np.eye(4), "bad-volume"),
        (np.zeros((2, 2, 2), complex), np.eye(4), "bad-volume"),
        (np.array([[[None]]]), np.eye(4), "bad-volume"),
        (np.zeros((2, 2, 2)), np.eye(3), "bad-request"),
        (b"\x93NUMPY", np.eye(4), "bad-volume"),
        (b"", np.eye(4), "bad-volume"),
        (b"PK\x03\x04", np.eye(4), "bad-volume"),
    ],
)
def test_impossible_volumes_are_refused_and_removed(worker, content, affine, code):
    path = worker.folder / "volume.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    reply = worker.ask("load", file=path.name, affine=affine.tolist())
    assert (reply["reply"], reply.get("code")) == ("error", code)
    assert not path.exists()


@pytest.mark.parametrize("name", ["../outside.npy", "", ".", "absent.npy", "link.npy"])
def test_files_elsewhere_are_not_read(worker, name):
    outside = worker.folder.parent / "outside.npy"
    np.save(outside, np.zeros((2, 2, 2)))
    link = worker.folder / "link.npy"
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    for path in (name, str(outside)):
        reply = worker.ask("load", file=path, affine=np.eye(4).tolist())
        assert reply["code"] == "bad-request"
    assert outside.exists()


def test_output_is_written_by_the_library(worker, loaded, tmp_path):
    output = tmp_path / "fused.nrrd"
    options = {"task": "pet-mri", "output": str(output)}
    assert worker.ask("preview", **loaded, slice=0, options=options)["reply"] == "result"
    assert list(tmp_path.iterdir()) == []
    record = worker.ask("fuse", **loaded, options=options)["record"]
    assert output.is_file()
    assert json.loads((tmp_path / "fused.nrrd.json").read_text())["weights"] == record["weights"]
    assert worker.ask("fuse", **loaded, options=options)["code"] == "input"
