"""Everything that changes what a preview would show: views, voxels, displays, transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
import vtk
from slicer.util import VTKObservationMixin

from .shown import shown_slices

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch(VTKObservationMixin):
    """Calls back when one of the nodes of interest changes.

    Args:
        changed: called without arguments, often.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed
        self._watched: list = []

    def follow(self, volumes: list) -> None:
        """Watch volumes and the slice views that can be seen, in the place of what was watched.

        Args:
            volumes: volume nodes; None is left out.
        """
        nodes = shown_slices()
        for volume in volumes:
            if volume is not None:
                nodes += [volume, volume.GetDisplayNode()]
        nodes = [node for node in nodes if node is not None]
        if nodes == self._watched:
            return
        self.removeObservers()
        self._watched = nodes
        for node in nodes:
            for event in _events_of(node):
                self.addObserver(node, event, self._tell)

    def stop(self) -> None:
        """Watch nothing any more."""
        self.removeObservers()
        self._watched = []

    def _tell(self, *_unused: Any) -> None:
        self._changed()


def _events_of(node: Any) -> list:
    events = [vtk.vtkCommand.ModifiedEvent]
    if isinstance(node, slicer.vtkMRMLVolumeNode):
        events += [node.ImageDataModifiedEvent, node.TransformModifiedEvent]
        events += [node.DisplayModifiedEvent]
    return events
