"""What the chosen volumes are, one line each: role, kind, units and voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from slicer.i18n import tr as _

from ..nodes.guess import kind_of
from ..nodes.volumes import VolumeError, geometry_of

if TYPE_CHECKING:
    import slicer

    from ..nodes.patients import Patient
    from ..parameters import MACTFusionParameters

_UPTAKE = ("PT", "NM", "RTDOSE")
_MOST_NAMES = 3


def kind_name(kind: str) -> str:
    """Return the name that readers use of a kind of volume, see :func:`~.nodes.guess.kind_of`."""
    names = {
        "MR": _("MR"),
        "CT": _("CT"),
        "PT": _("PET"),
        "NM": _("SPECT"),
        "RTDOSE": _("dose"),
        "color": _("in colour"),
    }
    return names.get(kind) or _("not known what it is")


def units_name(node: slicer.vtkMRMLVolumeNode, kind: str) -> str:
    """Return the units of the voxels, "" where none are meant.

    Args:
        node: the volume.
        kind: of the volume.
    """
    code = node.GetVoxelValueUnits()
    value = "" if code is None else code.GetCodeValue() or ""
    if value.startswith("{SUV"):
        return _("SUV ({what})").format(what=_suv_of(value))
    if value:
        return code.GetCodeMeaning() or value
    if kind == "CT":
        return _("HU")
    return _("units not recorded") if kind in _UPTAKE else ""


def voxels_text(shape: tuple, affine: np.ndarray) -> tuple:
    """Return how many voxels of which size there are, such as ``112×136×28`` and ``2×2×5.5 mm``.

    Args:
        shape: voxels along the axes.
        affine: 4x4, index to millimetres.
    """
    edges_mm = np.linalg.norm(affine[:3, :3], axis=0)
    edges = "×".join(f"{edge:.3g}" for edge in edges_mm)
    size = "×".join(str(n) for n in shape)
    return size, _("{edges}\u00a0mm").format(edges=edges)


def sources_text(chosen: MACTFusionParameters, patient: Patient | None) -> str:
    """Return a line for each chosen volume, and one for the other volumes of the patient.

    Args:
        chosen: the choices.
        patient: the patient of the chosen volumes, or None.
    """
    named = [
        (_("Anatomical"), chosen.anatomical),
        (_("Partner"), chosen.partner),
        (_("Second partner"), chosen.third),
        (_("Third partner"), chosen.fourth),
    ]
    lines = [_line(role, node) for role, node in named if node is not None]
    used = [node for _role, node in named if node is not None]
    return "\n".join([*lines, *_others(patient, used)])


def _line(role: str, node: slicer.vtkMRMLVolumeNode) -> str:
    kind = kind_of(node)
    said = [kind_name(kind), units_name(node, kind)]
    try:
        geometry = geometry_of(node)
    except VolumeError:  # why it cannot be fused is said below
        said.append(_("no voxels that can be fused"))
    else:
        said += voxels_text(geometry.shape, geometry.affine)
    return f"{role}: " + ", ".join(filter(None, said))


def _others(patient: Patient | None, used: list) -> list:
    """Return a line on loaded volumes of the patient that are not chosen, by kind; [] of none."""
    if patient is None or not used:
        return []
    found = []
    for kind, nodes in patient.by_kind.items():
        names = [node.GetName() for node in nodes if node not in used]
        if names:
            more = len(names) - _MOST_NAMES
            listed = ", ".join(names[:_MOST_NAMES])
            if more > 0:
                listed = _("{names} and {count} more").format(names=listed, count=more)
            found.append(f"{kind_name(kind)}: {listed}")
    template = _("Not chosen: {volumes}") if patient.key else _("Also loaded: {volumes}")
    return [template.format(volumes="; ".join(found))] if found else []


def _suv_of(value: str) -> str:
    """Name what a code of SUV divides by."""
    names = {
        "{SUVbw}g/ml": _("body weight"),
        "{SUVlbm}g/ml": _("lean body mass"),
        "{SUVbsa}cm2/ml": _("body surface"),
        "{SUVibw}g/ml": _("ideal body weight"),
    }
    return names.get(value, value)
