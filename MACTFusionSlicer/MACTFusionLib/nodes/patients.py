"""The patients whose volumes are loaded, and doubts whether volumes are of one patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .from_dicom import instances_of, open_database, patient_of_images
from .guess import kind_of
from .whose import patient_name_of, patient_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import slicer

SURE, UNKNOWN, DIFFERENT = "sure", "unknown", "different"
"""Whether volumes are of one patient: recorded so, not recorded, or recorded otherwise."""

_ROLES = ("MR", "CT", "PT", "NM", "RTDOSE", "color", "")


@dataclass(frozen=True)
class Patient:
    """A patient with loaded volumes.

    Attributes:
        key: what the volumes share, see :func:`MACTFusionLib.nodes.whose.patient_of`; "" for
            volumes whose patient is not recorded: those may be of several people.
        name: as the module Data shows it, "" where it is not recorded.
        by_kind: volumes by what they are (``MR``, ``CT``, ``PT``, ``NM``, ``RTDOSE``, ``color`` or
            "" where nothing tells), in this order; each in the order of the scene.
    """

    key: str
    name: str
    by_kind: dict = field(compare=False)

    @property
    def volumes(self) -> list:
        """All volumes of the patient, by kind."""
        return [node for nodes in self.by_kind.values() for node in nodes]


def patients_of(nodes: Iterable[slicer.vtkMRMLVolumeNode]) -> list:
    """Return the patients of volumes, those that are recorded first, each :class:`Patient` once."""
    by_key: dict = {}
    for node in nodes:
        by_key.setdefault(patient_of(node), []).append(node)
    found = [_patient(key, own) for key, own in by_key.items()]
    return sorted(found, key=lambda patient: patient.key == "")


def relation(nodes: Iterable[slicer.vtkMRMLVolumeNode]) -> str:
    """Tell whether volumes are of one patient: ``SURE``, ``UNKNOWN`` or ``DIFFERENT``."""
    nodes = list(nodes)
    keys = {patient_of(node) for node in nodes}
    if len(keys - {""}) > 1 or _with_one_id(nodes):
        return DIFFERENT
    return UNKNOWN if "" in keys else SURE


def doubt(nodes: Iterable[slicer.vtkMRMLVolumeNode]) -> tuple:
    """Say why volumes may not be of one patient.

    Args:
        nodes: those that are to be fused with each other; None is left out.

    Returns:
        The sentence, "" where one patient is recorded for all of them, and whether it is a
        warning: two records may still be of one person, whose name was taken out of one of them.
    """
    chosen = [node for node in nodes if node is not None]
    if len(chosen) < 2 or relation(chosen) == SURE:
        return "", False
    known = {patient_of(node): node for node in reversed(chosen) if patient_of(node)}
    unknown = [node.GetName() for node in chosen if not patient_of(node)]
    if len(known) > 1:
        template = _("{name} is of {patient}")
        said = [
            template.format(name=node.GetName(), patient=_called(node))
            for node in reversed(list(known.values()))
        ]
        sentence = _(
            "More than one patient is recorded: {volumes}. Fuse them only if it is one person."
        )
        return "⚠ " + sentence.format(volumes=", ".join(said)), True
    namesakes = _with_one_id(chosen)
    if namesakes:
        sentence = _(
            "The DICOM database has {names} under more than one patient, all with the same ID. "
            "Fuse them only if it is one person."
        )
        return "⚠ " + sentence.format(names=", ".join(namesakes)), True
    if known:
        template = _("The patient of {names} is not recorded: make sure that it is {patient}.")
        patient = _called(next(iter(known.values())))
        return "⚠ " + template.format(names=", ".join(unknown), patient=patient), True
    sentence = _("No patient is recorded with these volumes: make sure that they are of one.")
    return "– " + sentence, False


def _with_one_id(nodes: Iterable[slicer.vtkMRMLVolumeNode]) -> list:
    """Return the names of volumes of one ID that the DICOM database has under several patients."""
    database, by_key = open_database(), {}
    for node in nodes:
        whose = patient_of_images(database, instances_of(node))
        if whose and patient_of(node):
            by_key.setdefault(patient_of(node), {}).setdefault(whose, []).append(node.GetName())
    several = next((own for own in by_key.values() if len(own) > 1), {})
    return [name for names in several.values() for name in names]


def _called(node: slicer.vtkMRMLVolumeNode) -> str:
    """Return the patient's name, with the ID where the name alone does not tell."""
    name, key = patient_name_of(node), patient_of(node)
    return name if key.startswith("#") or key in name else f"{name} ({key})"


def _patient(key: str, nodes: list) -> Patient:
    kinds = [(node, kind_of(node)) for node in nodes]
    by_kind = {role: [node for node, kind in kinds if kind == role] for role in _ROLES}
    name = patient_name_of(nodes[0]) if key else ""
    return Patient(key, name, {role: own for role, own in by_kind.items() if own})
