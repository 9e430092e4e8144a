# ruff: noqa: PT017, S101  unittest inside the application
"""The module's own test: the same cases in the application and in the project's test suite.

They drive the real worker with volumes of a few thousand voxels.
"""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from .dicom.self_test import DICOMCases
from .logic import MACTFusionLogic
from .made_volumes import GRIDS, SHAPE, add_volume, make_pair, put_under, turn
from .nodes.result import ATTRIBUTE
from .nodes.samples import load_samples
from .nodes.volumes import geometry_of, voxels_of
from .self_test_hospital import HospitalCases
from .worker import install
from .worker.conversation import WorkerError
from .worker.environment import external_python

__all__ = ["GRIDS", "SHAPE", "MACTFusionTest", "add_volume", "case_names", "make_pair"]

OPTIONS = {"device": "cpu", "task": "pet-mri"}
_REQUIREMENTS = Path(__file__).resolve().parents[1] / "Resources" / "requirements.txt"


class MACTFusionTest(HospitalCases, DICOMCases, ScriptedLoadableModuleTest):
    """Fuses tiny volumes and looks where they land.

    Slicer loads the cases by their names, or calls :meth:`runTest` for all of them.

    Attributes:
        logic: fuses; whoever runs a case may give it, so that the worker starts once.
    """

    logic: MACTFusionLogic | None = None

    @classmethod
    def setUpClass(cls) -> None:
        """Start no more than one worker for all cases."""
        cls.logic = MACTFusionLogic()

    @classmethod
    def tearDownClass(cls) -> None:
        """Leave no worker behind."""
        if cls.logic is not None:
            cls.logic.stop()
        cls.logic = None

    def setUp(self) -> None:
        """Begin with an empty scene, and with a logic of its own where nobody gave one."""
        slicer.mrmlScene.Clear(False)
        if self.logic is None:
            self.logic = MACTFusionLogic()
            self.addCleanup(self.logic.stop)
        self.logic.close_scene()

    def runTest(self) -> None:  # noqa: N802  Slicer
        """Run every case, as *Reload and Test* does; a case that cannot run here is said."""
        self.setUpClass()
        try:
            for name in case_names():
                self.delayDisplay(_("Testing {name}").format(name=name))
                self.setUp()
                try:
                    getattr(self, name)()
                except unittest.SkipTest as reason:
                    self.delayDisplay(str(reason))
        finally:
            self.tearDownClass()

    def fuse(self, *nodes: Any, **options: Any) -> slicer.vtkMRMLVolumeNode:
        """Fuse nodes on the CPU, or skip the case where the libraries are not installed."""
        self.need_libraries()
        return self.logic.fuse(*nodes, **{**OPTIONS, **options})

    def need_libraries(self) -> None:
        """Skip the case where no Python has the libraries that a fusion needs.

        Raises:
            SkipTest: it says what is missing.
        """
        obstacle = reason_not_to_fuse(self.logic.session.python)
        if obstacle:
            raise unittest.SkipTest(obstacle)

    def test_result_lies_on_the_anatomical_grid(self) -> None:
        """Oblique, mirrored, permuted and anisotropic grids keep their geometry."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = self.fuse(anatomical, partner)
            expected, found = geometry_of(anatomical), geometry_of(fused)
            assert found.shape == expected.shape, name
            assert np.allclose(found.affine, expected.affine), name

    def test_cubes_fill_the_field_of_view(self) -> None:
        """With the grid "isotropic" slices of 5 mm become cubes of 2 mm, around the same middle."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = self.fuse(anatomical, partner, grid="isotropic")
            found, source = geometry_of(fused), geometry_of(anatomical)
            assert sorted(found.shape) == [15, 20, 24], name
            assert np.allclose(np.linalg.norm(found.affine[:3, :3], axis=0), 2), name
            middles = [g.affine @ [*((np.array(g.shape) - 1) / 2), 1] for g in (found, source)]
            assert np.allclose(*middles), name

    def test_uptake_stays_on_its_side(self) -> None:
        """The hot corner is at the corner with index (0, 0, 0), whatever the grid."""
        for name, affine in GRIDS.items():
            anatomical, partner = make_pair(affine)
            fused = voxels_of(self.fuse(anatomical, partner)).astype(float)
            brightness = fused.sum(-1)[:, :, SHAPE[2] // 2]
            corners = [brightness[i, j] for i in (2, -3) for j in (2, -3)]
            assert corners[0] > 2 * max(corners[1:]), (name, corners)

    def test_parent_transform_is_respected(self) -> None:
        """The partner under a transform goes where the views show it; nothing is hardened."""
        anatomical, partner = make_pair()
        straight = voxels_of(self.fuse(anatomical, partner))
        before = slicer.util.arrayFromVolume(partner).copy()
        shift = np.eye(4)
        shift[:3, :3] = turn(25)
        shift[:3, 3] = (40, -10, 7)
        for node in (anatomical, partner):
            put_under(node, shift)
        moved = self.fuse(anatomical, partner)
        assert moved.GetParentTransformNode() is anatomical.GetParentTransformNode()
        assert np.allclose(geometry_of(moved).affine, geometry_of(anatomical).affine)
        difference = np.abs(voxels_of(moved).astype(int) - straight.astype(int))
        assert np.percentile(difference, 99) <= 2
        put_under(anatomical, np.eye(4))
        shift = np.eye(4)
        shift[0, 3] = -2000
        put_under(partner, shift)
        try:
            self.fuse(anatomical, partner)
        except WorkerError as error:
            assert "overlap" in str(error)
        else:
            raise AssertionError("volumes two metres apart were fused")
        assert np.array_equal(slicer.util.arrayFromVolume(partner), before)

    def test_sources_stay_and_result_says_where_it_is_from(self) -> None:
        """Inputs are unchanged; the node has a name, provenance and a display."""
        anatomical, partner = make_pair()
        before = [slicer.util.arrayFromVolume(node).copy() for node in (anatomical, partner)]
        fused = self.fuse(anatomical, partner)
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
        self.need_libraries()
        anatomical, partner = make_pair(shape=(64, 64, 40))
        count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
        ended: list = []
        options = self.logic.options_for(anatomical, partner, "fixed", OPTIONS)

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
        assert self.fuse(*make_pair()) is not None

    def test_samples_load(self) -> None:
        """The sample data are there and overlap."""
        anatomical, partner = load_samples()
        assert geometry_of(anatomical).shape != geometry_of(partner).shape


def case_names() -> list:
    """Return the names of the cases."""
    return sorted(name for name in dir(MACTFusionTest) if name.startswith("test_"))


def reason_not_to_fuse(python: str) -> str:
    """Say why nothing can be fused here, "" where a Python with the libraries is at hand.

    Args:
        python: an external interpreter that was named, or "".
    """
    if external_python(python):
        return ""
    return install.what_is_missing(_REQUIREMENTS)
