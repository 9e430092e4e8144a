"""The cases that the module also runs inside the application, here in a scene without it."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib import self_test


@pytest.mark.parametrize("name", self_test.case_names())
def test_case(name, logic):
    case = self_test.MACTFusionTest(name)
    case.logic = logic
    outcome = case.defaultTestResult()
    case.run(outcome)
    assert outcome.testsRun == 1
    assert outcome.wasSuccessful(), [text for _, text in outcome.errors + outcome.failures]
