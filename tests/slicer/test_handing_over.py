"""Volumes on their way: the same bytes, the window alive between pieces, nothing left behind."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.nodes.memory import empty_voxels, image_of
from MACTFusionLib.nodes.volumes import Geometry, fill, voxels_of
from MACTFusionLib.self_test import make_pair
from MACTFusionLib.worker import arrays, carriers, environment
from MACTFusionLib.worker.arrays import Arriving, pieces_of
from MACTFusionLib.worker.carriers import SharedFolder
from MACTFusionLib.worker.conversation import WorkerError
from MACTFusionLib.worker.transfer import fetch_file, hand_over, send_file, take_over

RNG = np.random.default_rng(5)
ARRAYS = {
    "grey": RNG.integers(-900, 900, (7, 6, 5), np.int16),
    "colour": RNG.integers(0, 255, (7, 6, 5, 3), np.uint8),
    "without opacity": RNG.integers(0, 255, (7, 6, 5, 4), np.uint8)[..., :3],
    "thick": RNG.random((2, 40, 30)),
    "one voxel": np.ones((1, 1, 1), np.float32),
}


def run(steps):
    """Run steps that need no worker; returns the outcome and the news."""
    news = []
    try:
        while True:
            news.append(next(steps).news)
    except StopIteration as end:
        return end.value, news


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("largest", [64, 1000, 10**6])
def test_pieces_are_the_file(name, largest, monkeypatch):
    monkeypatch.setattr(arrays, "_FIRST", 32)
    array = ARRAYS[name]
    pieces = [bytes(piece) for piece in pieces_of(lambda: array, largest)]
    assert np.array_equal(np.load(io.BytesIO(b"".join(pieces))), array)
    assert max(len(piece) for piece in pieces[1:] or [b""]) <= largest
    assert len(pieces[0]) <= 128 + 32


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("largest", [256, 10**6])
def test_a_folder_brings_what_was_handed_over(name, largest, tmp_path, monkeypatch):
    carrier, array = SharedFolder(tmp_path), ARRAYS[name]
    monkeypatch.setattr(carrier, "largest", largest)
    _, told = run(hand_over(carrier, "a.npy", lambda: array, "MR"))
    back, told_back = run(take_over(carrier, "a.npy"))
    assert np.array_equal(back, array)
    assert list(tmp_path.iterdir()) == []
    is_long = array.nbytes > largest
    assert bool(told) == bool(told_back) == is_long  # a small one needs no second look
    if is_long:
        assert told[-1]["done"] == told[-1]["total"]
        assert told[-1]["name"] == "MR"


def test_half_a_volume_is_removed(tmp_path, monkeypatch):
    carrier = SharedFolder(tmp_path)
    monkeypatch.setattr(carrier, "largest", 100)
    steps = hand_over(carrier, "a.npy", lambda: ARRAYS["grey"])
    next(steps)
    assert (tmp_path / "a.npy").exists()
    steps.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00\xff\xff{"])
def test_what_is_no_array_is_said(content, tmp_path):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(WorkerError, match="damaged on its way"):
        run(take_over(SharedFolder(tmp_path), "a.npy"))
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_ends_too_soon_is_said(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((9, 9, 9)))
    (tmp_path / "a.npy").write_bytes(buffer.getvalue()[:-8])
    with pytest.raises(WorkerError, match="damaged on its way"):
        run(take_over(SharedFolder(tmp_path), "a.npy"))


def test_python_objects_are_never_made():
    buffer = io.BytesIO()
    np.save(buffer, np.array([[[None]]]), allow_pickle=True)
    with pytest.raises(ValueError, match="O"):
        Arriving(buffer.getvalue())


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(WorkerError, match="cannot be written to"):
        run(hand_over(SharedFolder(tmp_path / "gone"), "a.npy", lambda: ARRAYS["grey"]))


def test_any_file_goes_there_and_back(tmp_path):
    carrier, source, target = SharedFolder(tmp_path), tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content" * 100)
    run(send_file(carrier, "there", source))
    assert (tmp_path / "there").read_bytes() == source.read_bytes()
    run(fetch_file(carrier, "there", target))
    assert target.read_bytes() == source.read_bytes()
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 3, 2, 3)])
def test_a_large_result_is_the_memory_of_its_node(dtype, shape, scene):
    voxels = empty_voxels(shape, np.dtype(dtype))
    voxels[:] = RNG.integers(0, 200, shape)
    kind = "vtkMRMLVectorVolumeNode" if len(shape) == 4 else "vtkMRMLScalarVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(kind)
    order = (2, 1, 0, *range(3, len(shape)))
    fill(node, voxels.transpose(order), Geometry((2, 3, 4), np.eye(4), np.eye(4), ""))
    assert np.shares_memory(slicer.util.arrayFromVolume(node), voxels)
    expected = voxels.copy()
    del voxels
    assert np.array_equal(slicer.util.arrayFromVolume(node), expected)
    assert node.GetImageData().GetDimensions() == (2, 3, 4)


def test_the_memory_of_others_is_copied():
    assert image_of(np.zeros((2, 2, 2))) is None
    assert image_of(empty_voxels((4, 4, 4), np.dtype("u1"))[:2]) is None


def test_a_large_result_is_read_in_pieces_and_is_the_same(logic, monkeypatch):
    mr, pet = make_pair(shape=(40, 32, 12))
    options = {"device": "cpu", "task": "pet-mri", "display": "fixed"}
    once, news = logic.fuse(mr, pet, **options), []
    monkeypatch.setattr(carriers.SharedFolder, "largest", 3000)
    again = logic.fuse(mr, pet, on_news=news.append, **options)
    assert np.array_equal(voxels_of(once), voxels_of(again))
    stages = [step["stage"] for step in news if step["reply"] == "progress"]
    assert stages[0] == "hand over"
    assert stages[-1] == "take over"
    assert list(Path(logic.session.hello["folder"]).iterdir()) == []


def test_paths_are_named_as_from_here(logic, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    mr, pet = make_pair()
    with pytest.raises(WorkerError) as refusal:
        logic.fuse(mr, pet, device="cpu", task="pet-mri", weights="my weights.pt")
    assert str(tmp_path / "my weights.pt") in str(refusal.value)


def test_no_module_beside_the_worker_is_imported(logic):
    folder = environment.work_folder()
    assert folder.is_dir()
    assert not list(folder.glob("*.py"))
    assert environment.worker_environment("")["PYTHONSAFEPATH"] == "1"
    assert environment.worker_environment("/x/python")["PYTHONSAFEPATH"] == "1"


@pytest.mark.skipif(os.name == "nt", reason="Windows cuts the line itself")
def test_a_command_is_cut_as_by_a_shell_and_no_shell_reads_it():
    line = "ssh -i '/a folder/key' gpu-server /opt/python -m mactfusion.worker; $HOME"
    words = ["ssh", "-i", "/a folder/key", "gpu-server", "/opt/python", "-m"]
    assert environment.remote_command(line) == [*words, "mactfusion.worker;", "$HOME"]
