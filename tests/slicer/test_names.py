"""Names of volumes and patients are shown as they are, whatever signs and scripts they are in."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import qt
import slicer
from MACTFusionLib.made_volumes import make_pair, put_in_study
from MACTFusionLib.nodes.legend import legend_text
from MACTFusionLib.nodes.patients import doubt
from MACTFusionLib.panel.allow import allow
from MACTFusionLib.plain import as_tip
from MACTFusionLib.self_test_hospital import MARKUP
from MACTFusionLib.views.layout import description
from PySide6 import QtGui
from results import fused_of

pytestmark = pytest.mark.usefixtures("scene", "no_worker")


def as_qt_reads(rich):
    """What Qt shows of a rich text, letter by letter."""
    document = QtGui.QTextDocument()
    document.setHtml(rich)
    return document.toPlainText()


@pytest.mark.parametrize("text", [MARKUP, "a <img src=x> b", "&lt;", "one\ntwo", "50 < 60 & 70"])
def test_a_tip_shows_what_it_was_given(text):
    tip = as_tip(text)
    assert QtGui.Qt.mightBeRichText(tip)
    assert as_qt_reads(tip) == text


def test_no_tip_is_no_tip():
    assert as_tip("") == ""


def test_legend_and_list_of_pairs_show_names_letter_by_letter(panel):
    mr, pet = make_pair()
    mr.SetName("MR " + MARKUP)
    pet.SetName("PET " + MARKUP)
    legend = {"input": "partner", "low": 0.0, "high": 8.0, "units": "<i>SUV</i>", "png": "eA=="}
    shown = as_qt_reads(legend_text(fused_of(mr, pet, legends=[legend])))
    assert shown.startswith(f"PET {MARKUP} (<i>SUV</i>)")
    put_in_study(MARKUP, "s", mr)
    assert MARKUP in doubt([mr, pet])[0]
    panel.ui.findPairsButton.click()
    assert panel.ui.pairList.count == 0
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene).RemoveAllItems(
        False
    )
    panel.ui.findPairsButton.click()
    item = panel.ui.pairList.item(0)
    assert item.text().startswith(f"MR {MARKUP} + PET {MARKUP}")
    assert as_qt_reads(item.toolTip()) == doubt([mr, pet])[0]


def test_titles_of_views_are_no_names():
    """They are the same whatever is loaded: a layout is kept by the application."""
    assert description(2).count("viewlabel") == 4


def test_a_reason_with_a_name_is_no_markup(scene):
    button = qt.QPushButton()
    button.toolTip = "Does it."
    allow(button, "<b>x</b> & y do not overlap.")
    assert button.toolTip == "<qt>&lt;b&gt;x&lt;/b&gt; &amp; y do not overlap.</qt>"
    allow(button)
    assert button.toolTip == "Does it."
