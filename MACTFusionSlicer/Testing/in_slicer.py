"""Test the module inside 3D Slicer and take pictures of its window: ``make test-slicer``.

    Slicer --testing --no-splash --additional-module-paths MACTFusionSlicer \
        --python-script MACTFusionSlicer/Testing/in_slicer.py OUTPUT

First every case of ``MACTFusionTest`` runs, then the panel is used as a reader would, on the sample
data, with a picture of the whole window after each step. OUTPUT gets the pictures and
``outcome.json``: versions, cases, steps, and what went wrong. Slicer ends with 0 if all cases and
all steps went well, with 1 otherwise. Needs a window: without a screen, run it under ``xvfb-run``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk

if str(Path(__file__).resolve().parents[1]) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from MACTFusionLib.self_test import MACTFusionTest

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (1500, 950)
PATIENCE_S = 300
_OFF_MM = 18.0


def main(arguments: list) -> int:
    """Run cases and steps as the command line says.

    Args:
        arguments: of the command line.

    Returns:
        0 if all went well, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="in_slicer.py", description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder for pictures and outcome.json")
    parser.add_argument("--only", default="", help="runs the cases whose names hold this")
    chosen = parser.parse_args(arguments)
    chosen.output.mkdir(parents=True, exist_ok=True)
    outcome: dict = {"slicer": slicer.app.applicationVersion, "python": sys.version.split()[0]}
    outcome["cases"] = run_cases(chosen.only)
    outcome["steps"] = Tour(chosen.output).run()
    text = json.dumps(outcome, indent=2)
    (chosen.output / "outcome.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text + "\n")
    failed = outcome["cases"]["failed"] or any(outcome["steps"].values())
    return 1 if failed or not outcome["cases"]["run"] else 0


def run_cases(only: str) -> dict:
    """Run the cases of the module's own test.

    Args:
        only: the cases whose names hold this.

    Returns:
        How many were ``run``, the reasons of those ``skipped``, and the names of those ``failed``.
    """
    loader = unittest.TestLoader()
    names = [name for name in loader.getTestCaseNames(MACTFusionTest) if only in name]
    suite = unittest.TestSuite(MACTFusionTest(name) for name in names)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    wrong = [case.id() for case, _text in result.failures + result.errors]
    wrong += [case.id() for case in result.unexpectedSuccesses]
    skipped = sorted({reason for _case, reason in result.skipped})
    return {"run": result.testsRun, "skipped": skipped, "failed": wrong}


class Tour:
    """Uses the panel step by step and takes a picture after each.

    Args:
        folder: for the pictures.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = b""
        self._panel: Any = None

    def run(self) -> dict:
        """Take every step, until one goes wrong.

        Returns:
            For each step that was begun "" or what went wrong.
        """
        slicer.mrmlScene.Clear(False)
        outcome = {}
        for name, step in (
            ("1_nothing_loaded", self._open),
            ("2_preview", self._preview),
            ("3_fused", self._fuse),
            ("4_side_by_side", self._compare),
            ("5_checkerboard", self._checkerboard),
            ("6_in_space", self._in_space),
            ("7_not_in_place", self._move),
            ("8_registered", self._register),
        ):
            outcome[name] = self._fault_of(name, step)
            if outcome[name]:
                break
        return outcome

    def _fault_of(self, name: str, step: Callable[[], None]) -> str:
        try:
            step()
            self._take(name)
        except Exception as error:
            traceback.print_exc()
            return f"{type(error).__name__}: {error}"
        return ""

    # ---- steps

    def _open(self) -> None:
        window = slicer.util.mainWindow()
        window.size = qt.QSize(*SIZE)
        slicer.util.selectModule("MACTFusion")
        self._panel = slicer.util.getModuleWidget("MACTFusion")
        self._ui.advancedSection.collapsed = True
        self._ui.previewCheckBox.checked = False

    def _preview(self) -> None:
        self._ui.sampleButton.click()
        slicer.util.resetSliceViews()
        self._ui.previewCheckBox.checked = True
        self._wait(lambda: self._panel.looking.preview.node is not None)
        self._wait(lambda: "lies where" in self._ui.placeLabel.text)

    def _fuse(self) -> None:
        self._ui.previewCheckBox.checked = False
        self._ui.applyButton.click()
        self._wait(lambda: not self._panel.logic.is_running)
        self._wait(lambda: self._panel.looking.fused is not None)

    def _compare(self) -> None:
        self._ui.compareButton.click()

    def _checkerboard(self) -> None:
        self._ui.checkerboardButton.click()

    def _in_space(self) -> None:
        self._ui.checkerboardButton.click()
        self._ui.compareButton.click()
        self._ui.spaceButton.click()

    def _move(self) -> None:
        self._ui.spaceButton.click()
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, _OFF_MM)
        moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
        moved.SetMatrixTransformToParent(matrix)
        partner = self._ui.partnerSelector.currentNode()
        partner.SetAndObserveTransformNodeID(moved.GetID())
        self._wait(lambda: self._ui.registerButton.visible and self._ui.registerButton.enabled)

    def _register(self) -> None:
        self._ui.registerButton.click()
        self._wait(lambda: "lies where" in self._ui.placeLabel.text)

    # ---- what steps need

    @property
    def _ui(self) -> Any:
        return self._panel.ui

    def _wait(self, condition: Callable[[], bool]) -> None:
        """Let events pass until something holds.

        Raises:
            TimeoutError: it did not; with what the panel says.
        """
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(self._ui.messageLabel.text or self._ui.gridLabel.text)
            slicer.app.processEvents()
            time.sleep(0.02)

    def _take(self, name: str) -> None:
        """Write a picture of the window.

        Raises:
            OSError: it cannot be written, or shows what the one before showed.
        """
        for _turn in range(20):  # layouts and labels settle in turns of the event loop
            slicer.app.processEvents()
        slicer.util.forceRenderAllViews()
        path = self._folder / f"{name}.png"
        if not slicer.util.mainWindow().grab().save(str(path)):
            raise OSError(f"{path} cannot be written")
        picture = path.read_bytes()
        if picture == self._last:
            raise OSError(f"{path} shows what the picture before it shows")
        self._last = picture


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except SystemExit as end:  # of argparse
        code = 1 if end.code else 0
    except BaseException:  # Slicer would stay open
        traceback.print_exc()
        code = 1
    slicer.util.exit(code)
