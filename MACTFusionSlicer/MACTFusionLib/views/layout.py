"""The layout of the views, which Compare and 3-D change and give back."""

from __future__ import annotations

import slicer


def layout_node() -> slicer.vtkMRMLLayoutNode | None:
    """Return the layout of the scene, None where there are no views."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
