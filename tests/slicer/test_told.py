"""What the panel tells of a result: the legend of its colours, and what was lost."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import qt
import slicer
from MACTFusionLib.nodes.legend import legend_text
from MACTFusionLib.nodes.lost import lost_line
from MACTFusionLib.nodes.volumes import voxels_of
from MACTFusionLib.self_test import SHAPE, make_pair
from results import fused_of
from waiting import wait

PNG = (  # one red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
GREY = np.zeros(SHAPE, np.uint16)
NOTHING = "✓ MR + PET fused: No structure of a source is lost, and none is invented."
UNCHECKED = "– MR + PET fused: It was not checked whether structure of a source is lost."


def legend(role="partner", low=0.0, high=12.5, units="SUV", png=PNG):
    return {"input": role, "low": low, "high": high, "units": units, "png": png}


def region(kind="lost", source="partner", position=(10.4, -20.0, 5.6)):
    return {"kind": kind, "source": source, "position": list(position), "size": 9.0, "unit": "mm"}


@pytest.fixture
def pair(panel, chosen, volumes):
    """The chosen MR with its PET alone."""
    chosen.third = None
    return volumes[:2]


@pytest.mark.usefixtures("no_worker")
class TestStored:
    """Without a worker: of nodes as a run leaves them."""

    def test_legend_of_the_chosen_result_is_shown_and_comes_back(self, panel, chosen, pair):
        ui = panel.ui
        assert ui.legendLabel.isHidden()
        fused = fused_of(*pair, legends=[legend()])
        panel._settled()
        assert not ui.legendLabel.isHidden()
        assert ui.legendLabel.text == legend_text(fused)
        words = re.sub(r"<[^>]+>|&nbsp;", "|", ui.legendLabel.text).split("|")
        assert list(filter(None, words)) == ["PET (SUV)", "0.0", "12.5"]
        chosen.partner = None
        panel._settled()
        assert ui.legendLabel.isHidden()
        chosen.partner = pair[1]
        panel._settled()
        assert not ui.legendLabel.isHidden()

    def test_picture_of_the_legend_is_drawn(self, panel, pair):
        fused_of(*pair, legends=[legend()])
        panel._settled()
        drawn = panel.ui.legendLabel.grab().toImage()
        colors = {
            qt.QColor(drawn.pixel(x, y)).name()
            for x in range(drawn.width())
            for y in range(drawn.height())
        }
        assert "#ff0000" in colors

    def test_grey_has_no_legend_and_overwriting_takes_it_away(self, panel, pair):
        grey = fused_of(*pair, voxels=GREY, legends=[legend()])
        assert legend_text(grey) == ""
        assert legend_text(fused_of(*pair, legends=[legend(png="")])) == ""
        fused = fused_of(*pair, legends=[legend()], lost=[])
        panel._settled()
        assert not panel.ui.legendLabel.isHidden()
        assert panel.ui.lostLabel.text.startswith("✓")
        assert fused_of(*pair, output=fused, lost=None) is fused
        panel._settled()
        assert panel.ui.legendLabel.isHidden()
        assert panel.ui.lostLabel.text.startswith("–")

    def test_legends_are_called_by_role_and_not_by_order(self, volumes):
        mr, pet, ct = volumes
        ct.SetName("CT <1>")
        told = [legend("partner 2", -10, 110, "HU"), legend("partner 1", 5e-6, 8991.9, "")]
        text = legend_text(fused_of(mr, [pet, ct], legends=told))
        assert text.index("CT &lt;1&gt; (HU)") < text.index(">PET<")
        assert "-10&nbsp;" in text
        assert "&nbsp;110" in text
        assert ">0&nbsp;" in text
        assert "&nbsp;8992" in text

    @pytest.mark.parametrize(
        ("regions", "line"),
        [
            ([], NOTHING),
            (
                [region(source="anatomical"), region(), region(position=(0, 0, 0))],
                "⚠ MR + PET fused: Structure of MR, PET is lost, most at R, A, S 10, -20, 6 mm.",
            ),
            (
                [region("averaged away"), region(source="anatomical", position=(1, 2, 3))],
                "⚠ MR + PET fused: Structure of MR, PET is lost, most at R, A, S 1, 2, 3 mm.",
            ),
            (
                [region("invented", "fused")],
                "⚠ MR + PET fused: Structure that no source has is shown, most at R, A, S 10, -20, "
                "6 mm.",
            ),
        ],
    )
    def test_lost_line_says_it(self, panel, pair, regions, line):
        fused_of(*pair, lost=regions)
        panel._settled()
        assert panel.ui.lostLabel.text == line
        assert bool(panel.ui.lostLabel.styleSheet) == bool(regions)
        assert not panel.ui.lostLabel.isHidden()

    def test_line_says_that_nothing_was_checked(self, panel, pair):
        assert lost_line(fused_of(*pair, lost=None)) == (UNCHECKED, False)
        panel._settled()
        assert panel.ui.lostLabel.text == UNCHECKED
        assert not panel.ui.lostLabel.styleSheet

    def test_no_line_of_a_volume_of_an_earlier_version(self, panel, pair):
        fused = fused_of(*pair, lost=[])
        fused.SetAttribute("MACTFusion.Lost", None)
        panel._settled()
        assert lost_line(fused) == ("", False)
        assert panel.ui.lostLabel.isHidden()

    def test_both_come_back_with_a_saved_scene(self, panel, pair, saved_and_opened):
        fused = fused_of(*pair, legends=[legend()], lost=[])
        before = legend_text(fused)
        saved_and_opened()
        back = slicer.util.getNode("MR + PET fused")
        assert back is not fused
        assert legend_text(back) == before
        assert lost_line(back) == (NOTHING, False)


def test_preview_has_a_legend_of_its_own(warm_panel):
    chosen, ui = warm_panel._parameters, warm_panel.ui
    chosen.anatomical, chosen.partner = make_pair()
    slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode").SetSliceOffset(-2.0)
    chosen.livePreview = True
    wait(warm_panel, lambda: not ui.legendLabel.isHidden())
    assert ui.legendLabel.text == legend_text(warm_panel.looking.preview.node)
    assert "PET" in ui.legendLabel.text
    chosen.livePreview = False
    wait(warm_panel, lambda: ui.legendLabel.isHidden())


def test_result_of_a_run_has_a_legend(warm_panel):
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    warm_panel.ui.applyButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    assert not warm_panel.ui.legendLabel.isHidden()
    assert legend_text(warm_panel.runs.fused) == warm_panel.ui.legendLabel.text
    chosen.luminance = True
    warm_panel.ui.applyButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    assert warm_panel.ui.legendLabel.isHidden()


def test_without_the_check_the_line_says_so_and_the_picture_is_the_same(warm_panel):
    chosen, ui = warm_panel._parameters, warm_panel.ui
    chosen.anatomical, chosen.partner = make_pair()
    assert ui.lostCheckBox.checked
    lines, volumes = [], []
    for is_checked in (True, False):
        ui.lostCheckBox.checked = is_checked
        ui.applyButton.click()
        wait(warm_panel, lambda: not warm_panel.logic.is_running)
        lines.append(ui.lostLabel.text.partition(" ")[0])
        volumes.append(voxels_of(warm_panel.runs.fused))
    assert lines[0] in {"✓", "⚠"}
    assert lines[1] == "–"
    assert np.array_equal(*volumes)


def test_another_wish_to_check_leaves_the_fused_volume_in_view(warm_panel):
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode").SetSliceOffset(-2.0)
    warm_panel.ui.applyButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    chosen.livePreview = True
    warm_panel.ui.lostCheckBox.checked = False
    warm_panel._settled()
    assert warm_panel.looking.preview.node is None
    assert not warm_panel.looking.preview.is_under_way
