"""What the pictures of the window are made of: the places of the views, and what they show."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")
pytest.importorskip("PIL", reason="needs Pillow: run make test-panel")

import render_window
import slicer
from MACTFusionLib.views.compare import CompareViews
from PySide6.QtCore import QRect


def placed_now():
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    root = ET.fromstring(layout.GetCurrentLayoutDescription())
    return list(render_window.placed(root, QRect(10, 0, 900, 600)))


def pixels_of(node, size=(200, 150)):
    view = slicer.app.layoutManager().viewWidget(node).sliceView()
    former = view.renderWindow().GetSize()
    view.renderWindow().SetSize(*size)
    view._resize()
    image = render_window.image_of(view.renderWindow())
    view.renderWindow().SetSize(*former)
    view._resize()
    assert (image.width(), image.height()) == size
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(size[1], -1)
    return rows[:, : 3 * size[0]].copy()  # those of the image go with it


def test_views_lie_beside_each_other_as_the_layout_says(volumes):
    mr, pet, ct = volumes
    for partners, count in (([pet], 3), ([pet, ct], 4)):
        views = CompareViews()
        views.enter(mr, partners)
        places = [place for _node, place in placed_now()]
        assert len(places) == count
        assert sum(place.width() * place.height() for place in places) > 0.98 * 900 * 600
        for number, place in enumerate(places):
            assert QRect(10, 0, 900, 600).contains(place)
            assert not any(place.intersects(other) for other in places[:number])
        views.leave()


def test_a_view_shows_what_its_slice_logic_blends(volumes):
    mr, _pet, _ct = volumes
    (node,) = [node for node, _place in placed_now() if node.GetName() == "Red"]
    assert pixels_of(node).max() < 40  # nothing but a black view
    slicer.util.setSliceViewerLayers(background=mr, fit=True)
    shown = pixels_of(node)
    assert shown.max() > 200
    assert shown[shown.shape[0] // 2].max() > 100
