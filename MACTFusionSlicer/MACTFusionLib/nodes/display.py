"""What the slice views show of a volume, as options of the fusion; and how a fused volume looks."""

from __future__ import annotations

import slicer

from .volumes import partners_in

TABLE_SIZE = 256
"""Rows: the slice views map a window to 256 values before they look colours up."""


def options_as_shown(anatomical: slicer.vtkMRMLVolumeNode, partner: object) -> dict:
    """Return the windows and the colour table of the display nodes.

    A volume in colour has neither: it is fused as it is. Where a volume has no display node the
    library's automatic choice stays. Of several partners each has its own.
    """
    options: dict = {}
    if isinstance(partner, (list, tuple)):
        window = window_of(anatomical)
        if window is not None:
            options["anatomical_window"] = window
        partners = partners_in(partner)
        options["window"] = [window_of(node) or "auto" for node in partners]
        options["colormap"] = [color_rows_of(node) or "auto" for node in partners]
        return options
    for option, node in (("anatomical_window", anatomical), ("window", partner)):
        window = window_of(node)
        if window is not None:
            options[option] = window
    table = color_rows_of(partner)
    if table is not None:
        options["colormap"] = table
    return options


def window_of(node: slicer.vtkMRMLVolumeNode) -> list | None:
    """Return ``[level, width]`` of the display, or None where there is no usable one."""
    display = _scalar_display(node)
    if display is None or not display.GetWindow() > 0:
        return None
    return [display.GetLevel(), display.GetWindow()]


def color_rows_of(node: slicer.vtkMRMLVolumeNode) -> list | None:
    """Return the colour table of the display, :data:`TABLE_SIZE` rows of RGB in [0, 1].

    A grey table is None: it is no colour of uptake, and the library's own table is used.
    """
    display = _scalar_display(node)
    colors = None if display is None else display.GetColorNode()
    scale = None if colors is None else colors.GetScalarsToColors()
    if scale is None:
        return None
    low, high = scale.GetRange()
    rows, rgb = [], [0.0, 0.0, 0.0]
    for index in range(TABLE_SIZE):
        scale.GetColor(low + (high - low) * index / (TABLE_SIZE - 1), rgb)
        rows.append([round(value, 6) for value in rgb])
    # Slicer 5.8 cannot turn a table round.
    is_inverted = getattr(display, "GetInvertDisplayScalarRange", bool)
    if is_inverted():
        rows.reverse()
    is_grey = all(max(row) - min(row) < 1e-3 for row in rows)
    return None if is_grey else rows


def has_threshold(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether the views hide voxels by a threshold; a fusion does not."""
    display = _scalar_display(node)
    return display is not None and bool(display.GetApplyThreshold())


def show_at_once(node: slicer.vtkMRMLVolumeNode) -> None:
    """Give a fused volume a display: colours as they are, grey over the full range."""
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = _scalar_display(node)
    if display is not None:
        high = node.GetImageData().GetScalarTypeMax()
        if node.GetImageData().GetScalarTypeAsString() in ("float", "double"):
            high = 1.0
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(high, high / 2)
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")


def _scalar_display(node: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLScalarVolumeDisplayNode | None:
    display = node.GetDisplayNode()
    is_scalar = isinstance(display, slicer.vtkMRMLScalarVolumeDisplayNode)
    is_vector = isinstance(display, slicer.vtkMRMLVectorVolumeDisplayNode)
    image = node.GetImageData()
    is_grey = image is not None and image.GetNumberOfScalarComponents() == 1
    return display if is_scalar and not is_vector and is_grey else None
