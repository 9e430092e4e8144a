"""What the worker is asked for when a fused node becomes DICOM, or why it cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from slicer.i18n import tr as _

from ..nodes.from_dicom import patient_of_images
from ..nodes.result import sources_of
from ..nodes.volumes import VolumeError, geometry_of
from .files import files_of
from .kept import kept_of

if TYPE_CHECKING:
    import slicer

_MOVED_MM = 1e-3


def why_not(fused: slicer.vtkMRMLVolumeNode | None) -> str:
    """Say why a node cannot become DICOM whatever is chosen; "" where it can."""
    if fused is None:
        return _("Nothing is fused yet that could be saved as DICOM.")
    if kept_of(fused) is None:
        return _(
            "{name} does not say how it was fused, as an earlier version of this module left it: "
            "fuse again, and save that as DICOM."
        ).format(name=fused.GetName())
    return ""


def request_for(
    fused: slicer.vtkMRMLVolumeNode, database: Any, is_anonymous: bool
) -> tuple[dict, list]:
    """Return the fields of the request ``export`` but for the volume, and what has to be said.

    Args:
        fused: a node that :func:`why_not` has nothing against.
        database: the open DICOM database, or None.
        is_anonymous: nothing of the patient goes into the result.

    Raises:
        VolumeError: it cannot be made; the text says why and what to do.
    """
    kept = kept_of(fused)
    if kept is None:
        raise VolumeError(why_not(fused))
    names = _names(fused, len(kept["sources"]))
    files = [[] if database is None else files_of(database, own) for own in kept["sources"]]
    notes = []
    if not is_anonymous:
        _refuse_moved(fused, names[0])
        if not files[0]:
            raise VolumeError(_why_nobody(names[0], bool(kept["sources"][0]), database is not None))
        missing = [name for name, own in zip(names, files) if not own]  # noqa: B905  Python 3.9
        if missing:
            notes.append(
                _("The series does not name {names} as a source, which has no DICOM files.").format(
                    names=", ".join(missing)
                )
            )
    fields = {
        "record": kept["record"],
        "voxels_sha256": kept["voxels_sha256"],
        "sources": files,
        "places": kept["places"],
        "poses": kept["poses"],
        "anonymous": is_anonymous,
    }
    return fields, notes


def strangers(fused: slicer.vtkMRMLVolumeNode, database: Any) -> list:
    """Return the names of sources that belong to another patient than the anatomical volume.

    Args:
        fused: see :func:`request_for`.
        database: the open DICOM database.
    """
    kept = kept_of(fused)
    patients = [patient_of_images(database, own) for own in kept["sources"]]
    names = _names(fused, len(patients))
    return [
        name
        for name, patient in zip(names, patients)  # noqa: B905  Python 3.9
        if patient and patients[0] and patient != patients[0]
    ]


def _names(fused: slicer.vtkMRMLVolumeNode, count: int) -> list:
    """Return how sentences call the sources; those that are gone by their roles."""
    anatomical, partners = sources_of(fused)
    if anatomical is not None and len(partners) == count - 1:
        return [node.GetName() for node in (anatomical, *partners)]
    role = _("partner {number}")
    return [_("the anatomical volume"), *(role.format(number=n) for n in range(1, count))]


def _why_nobody(name: str, is_dicom: bool, is_open: bool) -> str:
    if not is_dicom:
        return _(
            "{name} was not loaded from DICOM, so nothing says to which patient and study the "
            "result belongs: choose 'Without patient data', or load it from DICOM and fuse again."
        ).format(name=name)
    if not is_open:
        return _(
            "The DICOM database that {name} was loaded from is not open: open it in the module "
            "DICOM, or choose 'Without patient data'."
        ).format(name=name)
    return _(
        "The DICOM files of {name} are not in the database that is open: import them again in the "
        "module DICOM, or choose 'Without patient data'."
    ).format(name=name)


def _refuse_moved(fused: slicer.vtkMRMLVolumeNode, name: str) -> None:
    """Refuse a volume under a transform: its series could not say where it is shown.

    Raises:
        VolumeError: see above.
    """
    geometry = geometry_of(fused)
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    places = geometry.ijk_to_ras @ (corners * [*geometry.shape, 1]).T
    if np.abs(geometry.parent_to_world @ places - places).max() > _MOVED_MM:
        raise VolumeError(
            _(
                "{fused} lies under a transform, and so not where the DICOM images of {name} lie: "
                "take the transform off both, fuse again, and move the partner instead; or choose "
                "'Without patient data', which has a place of its own."
            ).format(fused=fused.GetName(), name=name)
        )
