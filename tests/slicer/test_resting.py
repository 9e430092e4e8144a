"""What rests: timers while a scene is opened, and everything before the module is entered."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import qt
import slicer
from MACTFusionLib import widget
from MACTFusionLib.made_volumes import make_pair
from MACTFusionLib.timer import timer
from waiting import until

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def opening():
    """The state of a scene that is being opened; the value ends it."""
    scene = slicer.mrmlScene
    scene.StartState(scene.BatchProcessState)
    ended = []

    def end():
        if not ended:
            ended.append(1)
            scene.EndState(scene.BatchProcessState)

    yield end
    end()


def rings(is_single, end):
    """How often a timer acts before and after the scene is whole."""
    acted, rung = [], []
    made = timer(0, lambda: acted.append(1), is_single=is_single)
    made.timeout.connect(lambda: rung.append(1))
    made.start()
    until(lambda: len(rung) >= 3, slicer.app.processEvents)
    before = len(acted)
    end()
    until(lambda: acted, slicer.app.processEvents)
    made.stop()
    return before, len(acted), made


def test_a_timer_rings_again_when_the_scene_is_whole(opening):
    before, after, made = rings(True, opening)
    assert (before, after) == (0, 1)
    for _ in range(5):
        slicer.app.processEvents()
    assert not made.isActive()


def test_a_timer_that_goes_on_does_nothing_meanwhile(opening):
    before, after, _made = rings(False, opening)
    assert before == 0
    assert after >= 1


@pytest.fixture
def unseen(scene, library):
    """A panel that Slicer has made, and whose module nobody has opened yet."""
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    panel = widget.MACTFusionWidget(parent)
    panel.setup()
    yield panel
    panel.cleanup()


def test_nothing_starts_before_the_module_is_entered(unseen, monkeypatch):
    mr, pet = make_pair()
    unseen.setParameterNode(unseen.logic.getParameterNode())  # as a script may do
    unseen._parameters.anatomical, unseen._parameters.partner = mr, pet
    assert unseen._parameters.livePreview
    unseen._settled()
    assert not unseen.logic.session.is_alive
    assert unseen.watch.Observations == []
    assert unseen.under_mouse.Observations == []
    assert not unseen.placing._timer.isActive()
    began = []
    monkeypatch.setattr(
        unseen.looking.preview, "update", lambda *asked: began.append(asked[0].GetName())
    )
    unseen.looking.follow()
    assert began == []
    unseen.enter()
    unseen._settled()
    assert began == ["MR"]
    assert unseen.watch.Observations
    unseen.exit()
    assert unseen.watch.Observations == []
    unseen._settled()
    assert began == ["MR"]
