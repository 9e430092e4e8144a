# ruff: noqa: S101  unittest inside the application
"""Cases of the module's own test with what hospitals bring: far, tilted, of several patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .made_volumes import GRIDS, SHAPE, make_pair, put_in_study, tilted
from .nodes.guess import guess_pair
from .nodes.legend import legend_text
from .nodes.pairs import find_pairs
from .nodes.patients import doubt
from .nodes.volumes import geometry_of, voxels_of
from .views.align import AlignedViews
from .views.layout import is_compare_layout, layout_id, layout_node, register_layouts
from .views.planes import NoPlane, fused_axis, slice_shown
from .views.shown import fit, layout_manager, shown_slices

if TYPE_CHECKING:
    from collections.abc import Callable

FAR_MM = 600.0
MARKUP = "<b>x</b>& 頭部 $1$"
"""A name that is bold where somebody shows it as rich text."""


class HospitalCases:
    """Cases for :class:`MACTFusionLib.self_test.MACTFusionTest`, which fuses for them."""

    fuse: Callable[..., Any]

    def test_far_from_the_origin(self) -> None:
        """A volume 600 mm away, as scanners with a moved table write it, is fused and seen."""
        affine = GRIDS["left-posterior"].copy()
        affine[:3, 3] += FAR_MM
        anatomical, partner = make_pair(affine)
        fused = self.fuse(anatomical, partner)
        assert np.allclose(geometry_of(fused).affine, affine)
        brightness = voxels_of(fused).astype(float).sum(-1)[:, :, SHAPE[2] // 2]
        assert brightness[2, 2] > 2 * brightness[-3, -3]
        for view in _with_background(anatomical):
            fit(view)
            index = np.linalg.solve(affine, [*_middle_of(view), 1.0])[:3]
            assert np.all((index > -0.5) & (index < np.array(SHAPE) - 0.5)), view.GetName()

    def test_tilted_volumes(self) -> None:
        """Volumes that are tilted by 1.5° and 10° keep their place; the views can be aligned."""
        for degrees in (1.5, 10.0):
            affine = tilted(degrees, (2.0, 2.0, 1.0))  # thick slices are fine at 1.5°
            anatomical, partner = make_pair(affine)
            assert np.allclose(geometry_of(self.fuse(anatomical, partner)).affine, affine)
            if layout_manager() is None:
                continue
            geometry = geometry_of(anatomical)
            axis = fused_axis(geometry, "auto")
            before = [_directions(view) for view in _with_background(anatomical)]
            assert _raises_no_plane(geometry, axis), degrees
            views = AlignedViews()
            views.align(anatomical)
            assert 0 <= slice_shown(geometry, axis)[1] < SHAPE[axis]
            views.give_back()
            after = [_directions(view) for view in shown_slices()]
            assert np.allclose(before, after)

    def test_two_patients_are_never_put_together(self) -> None:
        """Neither the list of pairs nor *Detect* takes volumes of two patients."""
        anatomical, partner = make_pair()
        put_in_study("A", "1", anatomical)
        put_in_study("B", "1", partner)
        assert find_pairs() == []
        assert None in guess_pair([anatomical, partner])
        assert doubt([anatomical, partner])[1]
        put_in_study("A", "2", partner)  # another study of the first patient
        assert find_pairs() == [(anatomical, partner)]
        assert guess_pair([partner, anatomical]) == (anatomical, partner)
        assert doubt([anatomical, partner]) == ("", False)

    def test_names_are_no_markup(self) -> None:
        """A name with the signs of markup, in any script, stays as it is."""
        anatomical, partner = make_pair()
        anatomical.SetName("MR " + MARKUP)
        partner.SetName("PET " + MARKUP)
        fused = self.fuse(anatomical, partner)
        assert MARKUP in fused.GetName()
        legend = legend_text(fused)
        assert "&lt;b&gt;x&lt;/b&gt;&amp; 頭部" in legend
        assert "<b>" not in legend

    def test_frames_of_a_sequence(self) -> None:
        """The frame that is shown is fused, and belongs to the patient of its sequence."""
        logic = slicer.vtkSlicerSequencesLogic()
        logic.SetMRMLScene(slicer.mrmlScene)  # makes the kinds of nodes known
        anatomical, frame = make_pair()
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "PET over time")
        sequence.SetDataNodeAtValue(frame, "0")
        slicer.mrmlScene.RemoveNode(frame)
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        try:
            logic.UpdateProxyNodesFromSequences(browser)
            shown = browser.GetProxyNode(sequence)
            put_in_study("A", "1", anatomical, sequence)
            assert doubt([anatomical, shown]) == ("", False)
            assert geometry_of(self.fuse(anatomical, shown)).shape == SHAPE
        finally:
            logic.SetMRMLScene(None)

    def test_layouts_are_known_and_belong_to_nobody_else(self) -> None:
        """A scene keeps the number of a layout alone; another extension keeps its own number."""
        layout = layout_node()
        if layout is None:
            return
        register_layouts()
        numbers = [layout_id(count) for count in (1, 2, 3)]
        assert len(set(numbers)) == 3
        assert all(is_compare_layout(number) for number in numbers)
        assert not is_compare_layout(layout.SlicerLayoutFourUpView)

    def test_segment_editor_takes_the_fused_volume(self) -> None:
        """Segments lie on its voxels, also where it is in colour.

        The Segment Editor thresholds the first of several values, which is red: to threshold, fuse
        without colour.
        """
        anatomical, partner = make_pair()
        for luminance in (False, True):
            fused = self.fuse(anatomical, partner, luminance=luminance)
            brightness = voxels_of(fused)
            expected = brightness if luminance else brightness[..., 0]
            assert _threshold(fused) == int((expected > expected.max() // 2).sum())


def _threshold(fused: slicer.vtkMRMLVolumeNode) -> int:
    """Threshold a volume as the Segment Editor does, and return how many voxels are in the segment.

    The effect itself needs a window; what it works with is in the editor's logic, from Slicer 5.10
    on, and prepared like that by its widget before.
    """
    scene = slicer.mrmlScene
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLScene(scene)  # makes the kinds of nodes known
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(fused)
    editor = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.SetAndObserveSegmentationNode(segmentation)
    editor.SetAndObserveSourceVolumeNode(fused)
    assert editor.GetSourceVolumeNode() is fused
    segment = segmentation.GetSegmentation().AddEmptySegment("bright")
    image = _source_of(editor, fused)
    assert image.GetDimensions() == fused.GetImageData().GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars())
    mask = slicer.vtkOrientedImageData()
    mask.DeepCopy(image)
    is_in = (values > values.max() // 2).astype(np.uint8)
    scalars = numpy_to_vtk(is_in, deep=True)
    mask.GetPointData().SetScalars(scalars)
    assert segmentations.SetBinaryLabelmapToSegment(mask, segmentation, segment)
    found = segmentation.GetBinaryLabelmapInternalRepresentation(segment)
    to_world = vtk.vtkMatrix4x4()
    found.GetImageToWorldMatrix(to_world)
    spacing = np.linalg.norm(slicer.util.arrayFromVTKMatrix(to_world)[:3, :3], axis=0)
    assert np.allclose(spacing, np.linalg.norm(geometry_of(fused).affine[:3, :3], axis=0))
    return int(vtk_to_numpy(found.GetPointData().GetScalars()).sum())


def _source_of(editor: Any, fused: slicer.vtkMRMLVolumeNode) -> Any:
    """Return what the effects of the editor see of its source."""
    if hasattr(slicer, "vtkSlicerSegmentEditorLogic"):
        logic = slicer.vtkSlicerSegmentEditorLogic()
        logic.SetMRMLScene(slicer.mrmlScene)
        logic.SetSegmentEditorNode(editor)
        assert logic.UpdateAlignedSourceVolume()
        return logic.GetAlignedSourceVolume()
    first = vtk.vtkImageExtractComponents()
    first.SetInputData(fused.GetImageData())
    first.SetComponents(0)
    first.Update()
    image, to_world = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    image.DeepCopy(first.GetOutput())
    fused.GetIJKToRASMatrix(to_world)
    image.SetGeometryFromImageToWorldMatrix(to_world)
    return image


def _with_background(volume: slicer.vtkMRMLVolumeNode) -> list:
    """Show a volume in the slice views, on the axes of the patient, and return their nodes."""
    layout = layout_node()
    if layout_manager() is None or layout is None:
        return []
    layout.SetViewArrangement(layout.SlicerLayoutFourUpView)
    slicer.util.setSliceViewerLayers(background=volume, foreground=None)
    views = shown_slices()
    for view, name in zip(views, ("Axial", "Sagittal", "Coronal")):  # noqa: B905  Python 3.9
        view.SetOrientation(name)
    return views


def _middle_of(view: slicer.vtkMRMLSliceNode) -> np.ndarray:
    return slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 3]


def _directions(view: slicer.vtkMRMLSliceNode) -> np.ndarray:
    return slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3].copy()


def _raises_no_plane(geometry: Any, axis: int) -> bool:
    try:
        slice_shown(geometry, axis)
    except NoPlane as reason:
        return reason.is_tilted
    return False
