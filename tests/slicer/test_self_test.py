"""The cases that the module also runs inside the application, here in a scene without it."""

from __future__ import annotations

import unittest

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")
pytest.importorskip("pydicom", reason="needs pydicom: run make setup-panel")

import slicer
from MACTFusionLib import self_test
from MACTFusionLib.worker import install
from standins import dicom


@pytest.mark.parametrize("name", self_test.case_names())
def test_case(name, logic, monkeypatch, tmp_path):
    dicom.install(monkeypatch, tmp_path / "database")
    case = self_test.MACTFusionTest(name)
    case.logic = logic
    outcome = case.defaultTestResult()
    case.run(outcome)
    assert outcome.testsRun == 1
    assert not outcome.skipped
    assert outcome.wasSuccessful(), [text for _, text in outcome.errors + outcome.failures]


@pytest.fixture
def loaded(scene):
    """Cases as Slicer's own macro loads them: from the module by their names, without runTest."""
    from standins.application import MODULE

    assert (MODULE.parent / "MACTFusion.py").is_file()
    suite = unittest.TestLoader().loadTestsFromName("MACTFusion")
    kinds = {type(case) for group in suite for case in group}
    assert [kind.__name__ for kind in kinds] == ["MACTFusionTest"]
    return kinds.pop()


def run_by_name(kind, *names):
    suite = unittest.TestSuite(kind(name) for name in names)
    outcome = unittest.TestResult()
    suite.run(outcome)
    assert outcome.testsRun == len(names)
    assert outcome.wasSuccessful(), [text for _, text in outcome.errors + outcome.failures]
    return outcome


def test_cases_that_are_loaded_by_name_share_a_logic_and_end_it(loaded, monkeypatch):
    kind, stopped, used = self_test.MACTFusionLogic, [], []
    stop, close = kind.stop, kind.close_scene
    monkeypatch.setattr(kind, "stop", lambda logic: stopped.append(logic) or stop(logic))
    monkeypatch.setattr(kind, "close_scene", lambda logic: used.append(logic) or close(logic))
    run_by_name(loaded, "test_samples_load", "test_two_patients_are_never_put_together")
    assert len(used) == 2
    assert len(set(used)) == 1
    assert stopped == used[:1]
    assert loaded.logic is None


def test_a_case_alone_ends_its_worker_too(loaded, monkeypatch):
    stopped = []
    monkeypatch.setattr(self_test.MACTFusionLogic, "stop", lambda logic: stopped.append(logic))
    case = loaded("test_samples_load")
    outcome = unittest.TestResult()
    case.run(outcome)  # nobody calls setUpClass
    assert outcome.wasSuccessful()
    assert stopped == [case.logic]


def test_without_the_libraries_a_sentence_says_why_a_case_is_skipped(
    loaded, no_worker, monkeypatch
):
    monkeypatch.setattr(install, "too_old", lambda: "")
    monkeypatch.setattr(install, "has_torch", lambda: False)
    outcome = run_by_name(loaded, "test_far_from_the_origin", "test_samples_load")
    ((case, reason),) = outcome.skipped
    assert case.id().endswith("test_far_from_the_origin")
    assert reason == install.no_torch()
    monkeypatch.setattr(install, "has_torch", lambda: True)
    monkeypatch.setattr(install, "missing", lambda _path: [install.Library("monai==1", 5)])
    ((_case, reason),) = run_by_name(loaded, "test_names_are_no_markup").skipped
    assert reason.startswith("Libraries are missing (monai): press Apply")


def test_reload_and_test_goes_on_after_a_skipped_case(loaded, no_worker, monkeypatch):
    monkeypatch.setattr(install, "too_old", lambda: "too old")
    said = []
    monkeypatch.setattr(loaded, "delayDisplay", lambda _self, text, *_: said.append(text))
    loaded().runTest()
    assert said.count("too old") >= 5
    assert said[-2:] != ["too old", "too old"]
    assert {text for text in said if text.startswith("Testing ")} == {
        f"Testing {name}" for name in self_test.case_names()
    }
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
