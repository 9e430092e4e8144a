# ruff: noqa: PT017, S101  unittest inside the application
"""The module's own test: the same cases in the application and in the project's test suite.

They drive the real worker with volumes of a few thousand voxels.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from .dicom.self_test import DICOMCases
from .logic import MACTFusionLogic
from .nodes.result import ATTRIBUTE
from .nodes.samples import load_samples
from .nodes.volumes import geometry_of, voxels_of
from .worker.conversation import WorkerError

SHAPE = (24, 20, 6)
_OPTIONS = {"device": "cpu", "task": "pet-mri"}


def _turn(degrees: float, axis: int = 2) -> np.ndarray:
    """Return the 3x3 rotation about a world axis."""
    angle, turn = np.deg2rad(degrees), np.eye(3)
    first, second = [other for other in range(3) if other != axis]
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn


def _oblique() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = _turn(14, 0) @ _turn(-9, 1) @ _turn(20) @ np.diag([-2.0, -2.0, 5.0])
    affine[:3, 3] = (31, 12, -55)
    return affine


GRIDS = {
    "left-posterior": np.array([[-2.0, 0, 0, 23], [0, -2, 0, 19], [0, 0, 5, -12], [0, 0, 0, 1]]),
    "right-anterior": np.array([[2.0, 0, 0, -23], [0, 2, 0, -19], [0, 0, 5, -12], [0, 0, 0, 1]]),
    "upside-down": np.array([[-2.0, 0, 0, 23], [0, 2, 0, -19], [0, 0, -5, 12], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 5.0, -12], [-2, 0, 0, 23], [0, -2, 0, 19], [0, 0, 0, 1]]),
    "oblique": _oblique(),
}


def add_volume(name: str, voxels: np.ndarray, affine: np.ndarray) -> slicer.vtkMRMLScalarVolumeNode:
    """Add a scalar volume to the scene.

    Args:
        name: of the node.
        voxels: ``(I, J, K)``.
        affine: 4x4, voxel index to RAS millimetres.
    """
    matrix = slicer.util.vtkMatrixFromArray(affine)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    node.SetIJKToRASMatrix(matrix)
    node.CreateDefaultDisplayNodes()
    return node


def make_pair(affine: np.ndarray = GRIDS["left-posterior"], shape: tuple = SHAPE) -> tuple:
    """Add an MR, and a PET on a coarser grid with one hot corner at index (0, 0, 0) of the MR."""
    rng = np.random.default_rng(3)
    index = np.indices(shape)
    middle = (np.array(shape)[:, None, None, None] - 1) / 2
    inside = (((index - middle) / (middle * 0.9 + 1e-9)) ** 2).sum(0) < 1
    anatomical = (inside * 600 + rng.random(shape) * 60).astype(np.int16)
    halved = tuple(-(-n // 2) for n in shape[:2]) + shape[2:]
    uptake = np.full(halved, 50, np.int16)
    uptake[: halved[0] // 3, : halved[1] // 3] = 9000
    coarse = affine @ np.diag([2.0, 2.0, 1.0, 1.0])
    coarse[:3, 3] = affine[:3, 3] + affine[:3, :2].sum(1) * 0.5
    return add_volume("MR", anatomical, affine), add_volume("PET", uptake, coarse)


class MACTFusionTest(DICOMCases, ScriptedLoadableModuleTest):
    """Fuses tiny volumes and looks where they land.

    Attributes:
        logic: fuses; whoever runs a case gives it, so that the worker starts once.
    """

    logic: MACTFusionLogic

    def setUp(self) -> None:
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear(False)

    def runTest(self) -> None:  # noqa: N802  Slicer
        """Run every case."""
        self.logic = MACTFusionLogic()
        try:
            for name in case_names():
                self.delayDisplay(_("Testing {name}").format(name=name))
                self.setUp()
                getattr(self, name)()
        finally:
            self.logic.stop()

    def test_result_lies_on_the_anatomical_grid(self) -> None:
        """Oblique, mirrored, permuted and anisotropic grids keep their geometry."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = self.logic.fuse(anatomical, partner, **_OPTIONS)
            expected, found = geometry_of(anatomical), geometry_of(fused)
            assert found.shape == expected.shape, name
            assert np.allclose(found.affine, expected.affine), name

    def test_cubes_fill_the_field_of_view(self) -> None:
        """With the grid "isotropic" slices of 5 mm become cubes of 2 mm, around the same middle."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = self.logic.fuse(anatomical, partner, grid="isotropic", **_OPTIONS)
            found, source = geometry_of(fused), geometry_of(anatomical)
            assert sorted(found.shape) == [15, 20, 24], name
            assert np.allclose(np.linalg.norm(found.affine[:3, :3], axis=0), 2), name
            middles = [g.affine @ [*((np.array(g.shape) - 1) / 2), 1] for g in (found, source)]
            assert np.allclose(*middles), name

    def test_uptake_stays_on_its_side(self) -> None:
        """The hot corner is at the corner with index (0, 0, 0), whatever the grid."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = voxels_of(self.logic.fuse(anatomical, partner, **_OPTIONS)).astype(float)
            brightness = fused.sum(-1)[:, :, SHAPE[2] // 2]
            corners = [brightness[i, j] for i in (2, -3) for j in (2, -3)]
            assert corners[0] > 2 * max(corners[1:]), (name, corners)

    def test_parent_transform_is_respected(self) -> None:
        """The partner under a transform goes where the views show it; nothing is hardened."""
        anatomical, partner = make_pair()
        straight = voxels_of(self.logic.fuse(anatomical, partner, **_OPTIONS))
        before = slicer.util.arrayFromVolume(partner).copy()
        shift = np.eye(4)
        shift[:3, :3] = _turn(25)
        shift[:3, 3] = (40, -10, 7)
        for node in (anatomical, partner):
            _put_under(node, shift)
        moved = self.logic.fuse(anatomical, partner, **_OPTIONS)
        assert moved.GetParentTransformNode() is anatomical.GetParentTransformNode()
        assert np.allclose(geometry_of(moved).affine, geometry_of(anatomical).affine)
        difference = np.abs(voxels_of(moved).astype(int) - straight.astype(int))
        assert np.percentile(difference, 99) <= 2
        _put_under(anatomical, np.eye(4))
        shift = np.eye(4)
        shift[0, 3] = -2000
        _put_under(partner, shift)
        try:
            self.logic.fuse(anatomical, partner, **_OPTIONS)
        except WorkerError as error:
            assert "overlap" in str(error)
        else:
            raise AssertionError("volumes two metres apart were fused")
        assert np.array_equal(slicer.util.arrayFromVolume(partner), before)

    def test_sources_stay_and_result_says_where_it_is_from(self) -> None:
        """Inputs are unchanged; the node has a name, provenance and a display."""
        anatomical, partner = make_pair()
        before = [slicer.util.arrayFromVolume(node).copy() for node in (anatomical, partner)]
        fused = self.logic.fuse(anatomical, partner, **_OPTIONS)
        after = [slicer.util.arrayFromVolume(node) for node in (anatomical, partner)]
        assert all(np.array_equal(a, b) for a, b in zip(before, after))  # noqa: B905  Python 3.9
        assert "MR" in fused.GetName()
        assert "PET" in fused.GetName()
        assert fused.GetAttribute(ATTRIBUTE + "Task") == "pet-mri"
        assert len(fused.GetAttribute(ATTRIBUTE + "WeightsSHA256")) == 64
        assert fused.GetDisplayNode() is not None
        assert fused.GetClassName() == "vtkMRMLVectorVolumeNode"

    def test_cancel_leaves_nothing(self) -> None:
        """A cancelled run makes no node, and the next one runs."""
        anatomical, partner = make_pair(shape=(64, 64, 40))
        count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
        ended: list = []
        options = self.logic.options_for(anatomical, partner, "fixed", _OPTIONS)

        def cancel(news: dict) -> None:
            if news.get("done"):
                self.logic.cancel()

        self.logic.start_fusion(
            anatomical, partner, None, options, lambda *end: ended.append(end), cancel
        )
        self.logic.wait(lambda: bool(ended))
        assert ended[0][0] is None
        assert ended[0][1].code == "cancelled"
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == count
        assert self.logic.fuse(*make_pair(), **_OPTIONS) is not None

    def test_samples_load(self) -> None:
        """The sample data are there and overlap."""
        anatomical, partner = load_samples()
        assert geometry_of(anatomical).shape != geometry_of(partner).shape


def case_names() -> list:
    """Return the names of the cases."""
    return sorted(name for name in dir(MACTFusionTest) if name.startswith("test_"))


def _put_under(node: slicer.vtkMRMLVolumeNode, matrix: np.ndarray) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    to_parent = vtk.vtkMatrix4x4()
    slicer.util.updateVTKMatrixFromArray(to_parent, matrix)
    transform.SetMatrixTransformToParent(to_parent)
    node.SetAndObserveTransformNodeID(transform.GetID())
