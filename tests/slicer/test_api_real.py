"""The list of the newest release against the parts of it that can be had here: real MRML."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from api.release import release

LEFT_OUT = {
    *("GetNodeReferenceProperties", "GetNthNodeReferenceProperties", "GetCompressionPresets"),
    *("GetNthControlPoint", "GetNthControlPointByID", "AddColorFile", "ApplyProperties"),
    *("ApplyProperty", "CreateViewFromAttributes", "GetViewFromAttributes", "RasToXy"),
    *("GetViewsFromAttributes", "GetSegmentDisplayProperties", "SetSegmentDisplayProperties"),
    *("GenerateMergedLabelmap", "GetDefaultModuleDescription", "SetDefaultModuleDescription"),
    *("SetTaskFunction", "PreRegisterArchetypeVolumeNodeSetFactory", "GetVolumeDisplayPreset"),
    "RegisterArchetypeVolumeNodeSetFactory",
}
"""What VTK's wrappers leave out for the types of arguments that are named elsewhere."""


def test_listed_names_of_nodes_and_logics_are_there():
    made = release("5.12")
    classes = [name for name in made.classes if name[:7] in ("vtkMRML", "vtkSlic")]
    real = {name: getattr(slicer, name) for name in classes if hasattr(slicer, name)}
    assert len(real) > 0.95 * len(classes)
    missing = {
        f"{name}.{each}"
        for name, kind in real.items()
        for each, member in made.own(name).items()
        if member.kind != "enum" and not hasattr(kind, each) and each not in LEFT_OUT
    }
    assert missing == set()


def test_names_of_nodes_that_panels_use_are_listed():
    made = release("5.12")
    for name in ("vtkMRMLSliceNode", "vtkMRMLScene", "vtkMRMLSliceLogic", "vtkMRMLLayoutNode"):
        names = {each for each in dir(getattr(slicer, name)) if each[0].isupper()}
        assert {each for each in names if made.member(name, each) is None} == set()
