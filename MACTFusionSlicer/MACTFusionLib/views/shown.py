"""The slice views that the layout shows, what is in them, and how a volume is fitted into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

if TYPE_CHECKING:
    import numpy as np


def layout_manager() -> Any:
    """Return what has the views of the application, None where there is no main window."""
    application = getattr(slicer, "app", None)
    return None if application is None else application.layoutManager()


def shown_slices() -> list:
    """Return the nodes of the slice views that can be seen.

    Those of other layouts stay in the scene: nobody looks at what they would show.
    """
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    return [node for node in nodes if node.IsMappedInLayout()]


def composite_of(view: slicer.vtkMRMLSliceNode) -> slicer.vtkMRMLSliceCompositeNode | None:
    """Return the node that says which volumes a slice view shows."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetLayoutName() == view.GetLayoutName():
            return composite
    return None


def widget_of(view: slicer.vtkMRMLSliceNode) -> Any:
    """Return the widget of a slice view, None where there is none."""
    manager = layout_manager()
    return None if manager is None else manager.sliceWidget(view.GetLayoutName())


def fit(view: slicer.vtkMRMLSliceNode) -> None:
    """Show a whole slice from the middle of the volumes of a view.

    New views look at the origin of the world, where a volume need not be. Volumes and directions
    must be set before.
    """
    widget = widget_of(view)
    if widget is not None:
        widget.sliceLogic().FitSliceToBackground()


def show_in_front(anatomical: Any, fused: Any = None) -> None:
    """Show a volume in all slice views, with another one before it.

    The views stay where they are if they showed the anatomical volume before; else it is fitted
    into them: a new volume may lie anywhere.

    Args:
        anatomical: volume node.
        fused: volume node, or None.
    """
    composites = [composite_of(view) for view in shown_slices()]
    before = {None if each is None else each.GetBackgroundVolumeID() for each in composites}
    is_new = anatomical is not None and before != {anatomical.GetID()}
    slicer.util.setSliceViewerLayers(
        background=anatomical, foreground=fused, foregroundOpacity=1.0, fit=is_new
    )


def centre_of(view: slicer.vtkMRMLSliceNode) -> np.ndarray:
    """Return the point in the middle of a slice view, RAS millimetres."""
    return slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, 3].copy()


def turn(view: slicer.vtkMRMLSliceNode, directions: np.ndarray) -> None:
    """Turn a slice view about the point in its middle.

    Args:
        view: node of the view.
        directions: 3x3, columns to the right, upwards, and to the reader, in RAS.
    """
    matrix = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
    matrix[:3, :3] = directions
    slicer.util.updateVTKMatrixFromArray(view.GetSliceToRAS(), matrix)
    view.UpdateMatrices()
