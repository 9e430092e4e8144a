"""Series of the DICOM database become volumes of the scene, by Slicer's own DICOM plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..nodes.from_dicom import instances_of
from ..nodes.guess import units_of
from ..nodes.result import ATTRIBUTE
from ..nodes.volumes import VolumeError

if TYPE_CHECKING:
    from .database import Series

_UNITS = "0054,1001"


def load_all(database: Any, chosen: list) -> tuple[list, list]:
    """Load series; what is in the scene already is not loaded again.

    Args:
        database: an open one.
        chosen: :class:`MACTFusionLib.dicom.database.Series` each.

    Returns:
        The volume of each series, and sentences on what has to be said.

    Raises:
        VolumeError: one cannot be loaded; those before it stay.
    """
    nodes, notes = [], []
    for series in chosen:
        there = _loaded(database, series.uid)
        found = there or _load(database, series)
        node = max(found, key=lambda each: len(instances_of(each)))
        if there:
            notes.append(
                _("{name} was loaded before, and is used as it is now.").format(name=node.GetName())
            )
        if len(found) > 1:
            notes.append(
                _(
                    "{name} is one of {count} volumes of its series: look whether it is the one."
                ).format(name=node.GetName(), count=len(found))
            )
        _keep_units(database, node)
        nodes.append(node)
    return nodes, notes


def _load(database: Any, series: Series) -> list:
    before = {node.GetID() for node in _volumes()}
    try:
        from DICOMLib import DICOMUtils

        DICOMUtils.loadSeriesByUID([series.uid])
    except Exception as error:  # whatever a plugin raises
        raise VolumeError(_why_not(series)) from error
    found = [node for node in _volumes() if node.GetID() not in before]
    if not found:
        raise VolumeError(_why_not(series))
    own = [node for node in found if _series_uid(database, node) == series.uid]
    return own or found


def _why_not(series: Series) -> str:
    return _(
        "The series {name} cannot be loaded; the module DICOM, Advanced, Examine, says why."
    ).format(name=series.description or series.kind)


def _loaded(database: Any, uid: str) -> list:
    """Return the volumes of the scene that were loaded from a series."""
    return [node for node in _volumes() if _series_uid(database, node) == uid]


def _volumes() -> list:
    return [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if not isinstance(node, slicer.vtkMRMLLabelMapVolumeNode)
        and node.GetAttribute(ATTRIBUTE + "Task") is None  # a result, whatever it was before
    ]


def _series_uid(database: Any, node: slicer.vtkMRMLVolumeNode) -> str:
    instances = instances_of(node)
    file = database.fileForInstance(instances[0]) if instances else ""
    return database.seriesForFile(file) if file else ""


def _keep_units(database: Any, node: slicer.vtkMRMLVolumeNode) -> None:
    """Tell a PET in Bq/ml from one without units, which Slicer's plugin does not."""
    instances = instances_of(node)
    file = database.fileForInstance(instances[0]) if instances else ""
    if not file or units_of(node) or node.GetVoxelValueUnits() is not None:
        return
    if database.fileValue(file, _UNITS).strip().upper() == "BQML":
        units = slicer.vtkCodedEntry()
        units.SetValueSchemeMeaning("Bq/ml", "UCUM", "Becquerels/milliliter")
        node.SetVoxelValueUnits(units)
