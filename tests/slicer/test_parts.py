"""The parts behind the panel: conversations, guesses, planes, colours, comparison, processes."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from MACTFusionLib.nodes.display import color_rows_of, options_as_shown
from MACTFusionLib.nodes.grid import covered_share
from MACTFusionLib.nodes.guess import can_tell_task, guess_pair, kind_of, task_of
from MACTFusionLib.nodes.obstacles import reason_not_to_run
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.panel.progress import duration
from MACTFusionLib.self_test import GRIDS, add_volume, make_pair
from MACTFusionLib.views.planes import NoPlane, fused_axis, slice_shown
from MACTFusionLib.views.squares import checkered
from MACTFusionLib.worker import install
from MACTFusionLib.worker.process import WorkerProcess
from waiting import has_ended, until

STUBBORN = """
import json, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(json.dumps({"reply": "result", "id": 1, "child": child.pid}), flush=True)
time.sleep(600)
"""


def test_stop_kills_the_whole_tree():
    replies = []
    process = WorkerProcess([sys.executable, "-c", STUBBORN], {})
    process.request("hello", replies.append)
    until(lambda: replies, process.pump)
    process.stop(grace_s=0.2)
    assert not process.is_alive
    assert has_ended(replies[0]["child"])


def test_end_of_the_worker_answers_what_is_open():
    replies = []
    process = WorkerProcess([sys.executable, "-c", "input(); input()"], {})
    process.request("hello", replies.append)
    process.request("fuse", replies.append)
    until(lambda: len(replies) == 2, process.pump)
    assert {reply["code"] for reply in replies} == {"ended"}
    assert not process.is_busy


@pytest.mark.parametrize(
    ("name", "kind"),
    [("t1_mprage", "MR"), ("FDG-PET", "PT"), ("CT bone", "CT"), ("HMPAO SPECT", "NM"), ("x", "")],
)
def test_kind_by_name(name, kind, scene):
    node = add_volume(name, np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    assert kind_of(node) == kind


def test_kind_by_tag_beats_name_and_hounsfield_units_tell(scene):
    node = add_volume("PET", np.zeros((3, 4, 5), np.int16), np.eye(4))
    node.SetAttribute("DICOM.Modality", "CT")
    assert kind_of(node) == "CT"
    voxels = np.full((10, 10, 10), -1000, np.int16)
    voxels[:5] = 40
    assert kind_of(add_volume("Series 4", voxels, np.eye(4))) == "CT"


def test_guess_and_task(scene):
    mr, pet = make_pair()
    assert guess_pair([pet, mr]) == (mr, pet)
    assert guess_pair([mr]) == (mr, None)
    assert task_of(mr, pet) == "pet-mri"
    pet.SetAttribute("DICOM.Modality", "PT")
    assert task_of(mr, pet) == "auto"  # the library sees the tag itself


def test_without_an_mr_the_ct_goes_first(scene):
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    pet, ct, spect = (add_volume(name, voxels, np.eye(4)) for name in ("PET", "CT", "SPECT"))
    assert guess_pair([pet, ct]) == (ct, pet)
    assert (task_of(ct, pet), task_of(ct, spect)) == ("pet-ct", "spect-ct")
    assert can_tell_task(ct, pet)
    assert guess_pair([ct]) == (None, ct)
    mr = add_volume("T1", voxels, np.eye(4))
    assert guess_pair([ct, pet, mr]) == (mr, ct)
    assert not can_tell_task(ct, mr)
    assert (task_of(mr, ct), task_of(ct, mr)) == ("ct-mri", "auto")


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("axis", ["auto", "axial", "coronal", "sagittal"])
def test_view_of_the_volume_shows_the_expected_slice(name, axis, scene):
    geometry = geometry_of(add_volume("MR", np.zeros((24, 20, 6), np.int16), GRIDS[name]))
    array_axis = fused_axis(geometry, axis)
    if axis == "auto":
        assert array_axis == 2  # the thick one
    index = geometry.shape[array_axis] // 2
    place = np.array([*((np.array(geometry.shape) - 1) / 2), 1.0])
    place[array_axis] = index
    view = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    for other in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        _turn_view(other, _tilted())
    _turn_view(view, _looking(geometry.affine, array_axis, place))
    assert slice_shown(geometry, array_axis) == (view, index)
    _turn_view(view, _tilted())
    with pytest.raises(NoPlane, match="No slice view"):
        slice_shown(geometry, array_axis)


def _turn_view(view, matrix):
    view.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(matrix))
    view.UpdateMatrices()


def _looking(affine, axis, place):
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    matrix = np.eye(4)
    matrix[:3, 2] = unit[:, axis]
    matrix[:3, 0], matrix[:3, 1] = (unit[:, other] for other in range(3) if other != axis)
    matrix[:3, 3] = (affine @ place)[:3]
    return matrix


def _tilted():
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(np.array([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]]))[0]
    return matrix


def test_colours_are_those_of_the_display_pipeline(scene):
    """Looked up by the display's own pipeline for a ramp of 256 values."""
    ramp = np.arange(256, dtype=np.int16).reshape(256, 1, 1)
    for color in ("vtkMRMLColorTableNodeIron", "vtkMRMLColorTableNodeRainbow"):
        node = add_volume("PET", ramp, np.eye(4))
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(255, 127.5)
        display.SetAndObserveColorNodeID(color)
        pipeline = display.GetImageDataConnection()
        pipeline.GetProducer().Update()
        shown = pipeline.GetProducer().GetOutputDataObject(0).GetPointData().GetScalars()
        shown = vtk.util.numpy_support.vtk_to_numpy(shown)[:, :3] / 255
        assert np.abs(np.array(color_rows_of(node)) - shown).max() < 0.02, color
        assert options_as_shown(node, node)["window"] == [127.5, 255]


def test_a_grey_table_is_no_colour(scene):
    mr, pet = make_pair()
    assert "colormap" not in options_as_shown(mr, pet)


def test_coverage(scene):
    half = np.diag([2.0, 2.0, 5.0, 1.0])
    grid = geometry_of(add_volume("MR", np.zeros((20, 20, 6), np.int16), half))
    shifted = half.copy()
    shifted[0, 3] = 20
    other = geometry_of(add_volume("PET", np.zeros((20, 20, 6), np.int16), shifted))
    assert covered_share(grid, grid) == 1
    assert covered_share(grid, other) == pytest.approx(0.5, abs=0.03)


def test_curved_transform_is_refused_in_one_sentence(scene):
    mr, pet = make_pair()
    bent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    spline = vtk.vtkThinPlateSplineTransform()
    bent.SetAndObserveTransformToParent(spline)
    pet.SetAndObserveTransformNodeID(bent.GetID())
    assert "not linear" in reason_not_to_run(mr, pet, None, "pet-mri")


def test_checkerboard_takes_turns():
    first, second = np.zeros((16, 16, 4, 3), np.uint8), np.full((16, 16, 4, 3), 9, np.uint8)
    mixed = checkered(first, second)
    assert mixed[0, 0, 0, 0] == 0
    assert mixed[2, 0, 0, 0] == 9
    assert mixed[2, 2, 0, 0] == 0
    assert mixed.mean() == pytest.approx(4.5)


def test_requirements_are_readable_and_never_what_slicer_brings():
    from standins.application import MODULE

    libraries = install.required(MODULE.parent / "Resources" / "requirements.txt")
    names = [library.requirement for library in libraries]
    assert any(name.startswith("monai") for name in names)
    kept = ("torch", "numpy", "simpleitk", "requests")
    assert not [name for name in names if name.lower().startswith(kept)]


@pytest.mark.parametrize(("seconds", "text"), [(5.4, "5 s"), (80, "1 min 20 s")])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_a_small_share_is_not_called_nothing():
    from MACTFusionLib.nodes.shares import percent

    shares = (0, 0.001, 0.01, 0.5, 0.994, 1)
    assert [percent(share) for share in shares] == [
        "0 %",
        "less than 1 %",
        "1 %",
        "50 %",
        "more than 99 %",
        "100 %",
    ]
