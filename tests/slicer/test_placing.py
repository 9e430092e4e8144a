"""Where the partners lie: the line before Apply, the button, and the transform that it makes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib import summary
from MACTFusionLib.made_volumes import make_pair, put_under, turn
from MACTFusionLib.nodes.samples import load_samples
from MACTFusionLib.nodes.transforms import put_in_place
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.panel.verdict import BAD, GOOD, UNKNOWN, UNSURE
from MACTFusionLib.parameters import Register
from MACTFusionLib.summary import place_sentence
from waiting import wait

POSE = np.eye(4)
POSE[:3, :3] = turn(8)
POSE[:3, 3] = (12, -9, 5)
TILT = np.eye(4)
TILT[:3, :3] = turn(-30, 0)
TILT[:3, 3] = (-4, 70, 20)


def place(verdict, pose=None, is_sided=True, off_mm=12.4, reason=""):
    """What the worker says of a partner."""
    return {
        "verdict": verdict,
        "is_sided": is_sided,
        "off_mm": off_mm,
        "off_degrees": None if off_mm is None else 7.6,
        "pose": (np.eye(4) if pose is None else pose).tolist(),
        "reason": reason,
    }


# ---- the sentence


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (place("in place"), GOOD, "PET lies where MR is."),
        (place("in place", is_sided=False), GOOD, "swapped cannot be told"),
        (place("off"), UNSURE, "PET is off MR by about 12 mm and 8°."),
        (place("off", POSE), GOOD, "PET is moved by about 12 mm and 8° onto MR."),
        (place("cannot tell"), UNSURE, "cannot be told from the images"),
        (place("cannot tell", POSE), UNSURE, "whether that is right cannot be told"),
        (place("does not match"), BAD, "PET does not match MR"),
        (place("mirrored"), BAD, "left and right swapped"),
        (
            place("not checked", off_mm=None, reason="PET has only 2 slices"),
            UNKNOWN,
            "only 2 slices.",
        ),
    ],
)
def test_each_verdict_has_its_sentence_and_level(found, level, words):
    sentence, said = place_sentence("PET", "MR", found)
    assert words in sentence
    assert said == level
    assert "\n" not in sentence


# ---- the transform


@pytest.fixture
def pair(scene):
    return make_pair()


def world(node):
    return geometry_of(node).affine


def test_a_new_transform_puts_the_partner_in_place(pair):
    mr, pet = pair
    true = world(pet)
    own = slicer.util.arrayFromVTKMatrix(pet_matrix(pet))
    put_under(pet, POSE)  # a point of the MR shows in the PET where the pose puts it
    former = pet.GetParentTransformNode()
    node = put_in_place(pet, mr, POSE)
    assert node.GetClassName() == "vtkMRMLLinearTransformNode"
    assert node.GetName() == "PET to MR"
    assert np.allclose(world(pet), true)
    assert pet.GetParentTransformNode() is former
    assert former.GetParentTransformNode() is node
    assert np.array_equal(slicer.util.arrayFromVTKMatrix(pet_matrix(pet)), own)
    slicer.mrmlScene.RemoveNode(node)  # that is how a user undoes it
    assert np.allclose(world(pet), POSE @ true)


def pet_matrix(node):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def test_a_partner_without_a_transform_gets_one(pair):
    mr, pet = pair
    before = world(pet)
    node = put_in_place(pet, mr, POSE)
    assert pet.GetParentTransformNode() is node
    assert node.GetParentTransformNode() is None
    assert np.allclose(world(pet), np.linalg.inv(POSE) @ before)
    again = put_in_place(pet, mr, POSE)
    assert (again.GetName(), node.GetParentTransformNode()) == ("PET to MR_1", again)


def test_what_shares_a_transform_with_the_partner_stays(pair):
    """The MR and the PET, which has a transform of its own, lie under one transform."""
    mr, pet = pair
    put_under(mr, TILT)
    shared = mr.GetParentTransformNode()
    put_under(pet, POSE)
    own = pet.GetParentTransformNode()
    own.SetAndObserveTransformNodeID(shared.GetID())
    mr_before, pet_before = world(mr), world(pet)
    node = put_in_place(pet, mr, POSE)
    assert np.allclose(world(mr), mr_before)
    assert np.allclose(world(pet), np.linalg.inv(POSE) @ pet_before)
    assert pet.GetParentTransformNode() is own
    assert own.GetParentTransformNode() is node
    assert node.GetParentTransformNode() is shared


# ---- the panel, with a worker that answers what a test says


class Worker:
    """Stands for the logic's talk with the worker: keeps what is asked, answers when told to."""

    def __init__(self, panel, monkeypatch):
        self.asked, self.registered = [], []
        monkeypatch.setattr(panel.logic, "start_check", self.start_check)
        monkeypatch.setattr(panel.logic, "start_registration", self.start_registration)
        monkeypatch.setattr(type(panel.runs), "is_ready", True)
        monkeypatch.setattr(panel.runs, "_install", lambda: True)
        monkeypatch.setattr(panel.looking.preview, "update", lambda *_: self.previews.append(1))
        self.previews = []

    def start_check(self, anatomical, partner, options, on_end, on_news):
        conversation = SimpleNamespace(is_over=False, is_abandoned=False)
        conversation.abandon = lambda: vars(conversation).update(is_over=True, is_abandoned=True)
        self.asked.append((options, on_end, conversation))
        self.tell = on_news
        return conversation

    def start_registration(self, anatomical, partner, options, on_end, on_news):
        self.registered.append((options, on_end))
        self.tell = on_news

    def answer(self, *places, error=None):
        _options, on_end, conversation = self.asked[-1]
        conversation.is_over = True
        on_end(None if error else list(places), error)


@pytest.fixture
def worker(panel, monkeypatch):
    return Worker(panel, monkeypatch)


@pytest.fixture
def shown(panel, worker):
    """The panel with a pair, its place asked for."""
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    settle(panel)
    return panel


def step(done, total):
    """What the worker says between the steps of a search."""
    unknown = {"slices_per_second": None, "seconds_left": None}
    return {"reply": "progress", "stage": "place", "done": done, "total": total, **unknown}


def level_of(ui):
    """What the icon says."""
    return ui.verdictLabel.accessibleDescription


def settle(panel):
    panel._settled()
    if panel.placing._timer.isActive():
        panel.placing._timer.stop()
        panel.placing._begin()


def test_the_verdict_is_shown_before_apply(shown, worker):
    ui = shown.ui
    assert "Looking whether" in ui.placeLabel.text
    assert worker.asked[0][0] == {
        "task": "pet-mri",
        "register": "check",
        "accept_doubtful": False,
        "device": "auto",
    }
    worker.tell(step(7, 20))
    assert ui.placeLabel.text.endswith(" · step 7 of 20")
    worker.answer(place("in place"))
    assert ui.placeLabel.text == "PET lies where MR is. It covers 100 % of the result."
    assert level_of(ui) == GOOD
    assert ui.registerButton.isHidden()
    settle(shown)
    assert len(worker.asked) == 1  # once for a pair


@pytest.mark.parametrize("verdict", ["off", "cannot tell", "does not match", "mirrored"])
def test_what_is_not_in_place_is_a_warning(verdict, shown, worker):
    worker.answer(place(verdict))
    bad = verdict in ("does not match", "mirrored")
    assert level_of(shown.ui) == (BAD if bad else UNSURE)
    assert "color" in shown.ui.placeLabel.styleSheet
    assert shown.ui.registerButton.isHidden() == (verdict != "off")
    assert shown.ui.applyButton.enabled  # who reads images decides
    shown._parameters.acceptDoubtful = True
    settle(shown)
    worker.answer(place(verdict))
    assert shown.ui.registerButton.isHidden() == (verdict not in ("off", "cannot tell"))


def test_a_volume_that_moved_is_looked_at_anew(shown, worker):
    worker.answer(place("in place"))
    put_under(shown._parameters.partner, POSE)
    shown.refresh()
    assert "not known yet" in shown.ui.placeLabel.text  # the verdict was of another place
    settle(shown)
    assert len(worker.asked) == 2
    shown._parameters.partner.GetParentTransformNode().SetMatrixTransformToParent(
        slicer.util.vtkMatrixFromArray(np.linalg.inv(POSE))
    )
    settle(shown)
    assert worker.asked[1][2].is_abandoned
    assert len(worker.asked) == 3


def test_the_check_waits_for_the_preview(panel, worker, monkeypatch):
    under_way = [True]
    monkeypatch.setattr(type(panel.looking.preview), "is_under_way", property(lambda _: under_way))
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    settle(panel)
    assert worker.asked == []
    assert panel.placing._timer.isActive()
    under_way.clear()
    settle(panel)
    assert len(worker.asked) == 1
    assert worker.previews


def test_a_preview_waits_for_the_registration_that_it_shows(shown, worker):
    worker.answer(place("off"))
    shown._parameters.register = Register.RIGID
    worker.previews.clear()
    settle(shown)
    assert worker.previews == []
    assert worker.asked[-1][0]["register"] == "rigid"
    assert shown.ui.registerButton.isHidden()
    worker.answer(place("off", POSE))
    settle(shown)
    assert worker.previews
    assert "is moved by about 12 mm" in shown.ui.placeLabel.text


def test_a_registration_that_is_refused_is_said_and_not_previewed(shown, worker):
    shown._parameters.register = Register.RIGID
    settle(shown)
    worker.previews.clear()
    worker.answer(error=summary_error("PET was not registered to MR: they do not match."))
    settle(shown)
    assert shown.ui.placeLabel.text == "PET was not registered to MR: they do not match."
    assert worker.previews == []
    assert len(worker.asked) == 2  # not again and again


def summary_error(sentence):
    from MACTFusionLib.worker.conversation import WorkerError

    return WorkerError("input", sentence)


def test_far_apart_volumes_can_be_registered_and_not_fused_as_they_lie(panel, worker):
    chosen = panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    far = np.eye(4)
    far[0, 3] = 500
    put_under(chosen.partner, far)
    settle(panel)
    assert "do not overlap" in panel.ui.gridLabel.text
    assert "Rigid" in panel.ui.gridLabel.text
    assert not panel.ui.applyButton.enabled
    assert worker.asked == []
    chosen.register = Register.RIGID
    settle(panel)
    assert panel.ui.applyButton.enabled
    assert panel.ui.gridLabel.text.startswith("Result on the grid of MR")
    assert "covers" not in panel.ui.placeLabel.text  # as it lies, which does not count
    assert len(worker.asked) == 1
    worker.answer(place("off", far))
    settle(panel)
    assert worker.previews


def test_switched_off_nothing_is_asked_or_shown(panel, worker):
    panel._parameters.register = Register.OFF
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    settle(panel)
    assert worker.asked == []
    assert worker.previews
    assert "is not checked" in panel.ui.placeLabel.text
    assert level_of(panel.ui) == UNKNOWN


def test_without_a_preview_no_worker_is_started_for_a_check(panel, worker):
    panel._parameters.livePreview = False
    panel._parameters.anatomical, panel._parameters.partner = make_pair()
    settle(panel)
    assert worker.asked == []


def test_the_button_registers_those_that_are_off(panel, worker, volumes):
    chosen = panel._parameters
    chosen.anatomical, chosen.partner, chosen.third = volumes
    settle(panel)
    worker.answer(place("in place"), place("off"))
    assert panel.ui.placeLabel.text.splitlines() == [
        "✓ PET lies where MR is. It covers 100 % of the result.",
        "⚠ CT is off MR by about 12 mm and 8°. It covers 100 % of the result.",
    ]
    panel.ui.registerButton.click()
    ((options, on_end),) = worker.registered
    assert options["register"] == ["off", "rigid"]
    assert panel.ui.progressLabel.text == "Looking where the volumes lie"
    assert panel.ui.progressBar.maximum == 0
    worker.tell(step(3, 21))
    assert panel.ui.progressLabel.text == "Looking where the volumes lie · step 3 of 21"
    assert (panel.ui.progressBar.value, panel.ui.progressBar.maximum) == (3, 21)
    assert panel.ui.cancelButton.enabled
    on_end([put_in_place(chosen.third, chosen.anatomical, POSE)], None)
    assert (
        panel.ui.messageLabel.text == "In place by the transform CT to MR; remove it to undo that."
    )
    assert not panel.ui.cancelButton.enabled
    settle(panel)
    assert len(worker.asked) == 2  # what lies elsewhere now is looked at again


def test_words_for_verdicts_are_the_librarys():
    from pathlib import Path

    library = Path(__file__).resolve().parents[2] / "monai_bundle" / "mactfusion"
    text = (library / "registration" / "verdict.py").read_text("utf-8")
    names = ("IN_PLACE", "OFF", "DOUBTFUL", "NO_MATCH", "MIRRORED", "NOT_CHECKED")
    for name in names:
        assert f'"{getattr(summary, name)}"' in text, name


# ---- with the worker


def test_the_sample_is_put_back_in_place(warm_panel):
    """The PET of the sample, turned and moved: said, registered by Apply, and by the button."""
    mr, pet = load_samples()
    true = world(pet)
    options = {"device": "cpu", "display": "fixed"}
    expected = voxels_of(warm_panel.logic.fuse(mr, pet, register="off", **options))
    put_under(pet, POSE)
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = mr, pet
    wait(warm_panel, lambda: "is off" in warm_panel.ui.placeLabel.text)
    moved = world(pet)
    fused = voxels_of(warm_panel.logic.fuse(mr, pet, register="rigid", **options))
    assert np.array_equal(world(pet), moved)  # Apply moves nothing in the scene
    put_back = difference(fused, expected)
    assert put_back < 2
    as_it_lies = voxels_of(warm_panel.logic.fuse(mr, pet, register="off", **options))
    assert difference(as_it_lies, expected) > 2 * put_back
    warm_panel.refresh()  # the console started those runs
    warm_panel.ui.registerButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    node = pet.GetParentTransformNode().GetParentTransformNode()
    assert node.GetName() in warm_panel.ui.messageLabel.text
    assert off_mm(world(pet), true, geometry_of(pet).shape) < 2
    wait(warm_panel, lambda: "lies where" in warm_panel.ui.placeLabel.text)
    slicer.mrmlScene.RemoveNode(node)
    assert np.allclose(world(pet), POSE @ true)


def difference(first, second):
    return np.abs(first.astype(float) - second).mean()


def off_mm(affine, other, shape):
    """Mean distance of the corners of a field of view in two places."""
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in shape])).reshape(3, -1)
    points = np.vstack([corners, np.ones(8)])
    return np.linalg.norm(((affine - other) @ points)[:3], axis=0).mean()
