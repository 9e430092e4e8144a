"""Why volumes cannot be fused with each other, in one sentence that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .grid import ANATOMICAL, covered_share, reason_against
from .guess import can_tell_task
from .volumes import VolumeError, geometry_of, partners_in, voxels_of

if TYPE_CHECKING:
    import slicer


def reason_not_to_run(
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    output: slicer.vtkMRMLVolumeNode | None,
    task: str | list,
    grid: str = ANATOMICAL,
    register: str = "check",
) -> str:
    """Say why these choices cannot be fused, "" where they can.

    Args:
        anatomical: volume node or None.
        partner: likewise, or a list of several.
        output: volume node to overwrite, or None for a new one.
        task: the library's name, or ``auto``; a list has one for each partner, a single name is
            the first one's.
        grid: the library's name.
        register: likewise; what is registered may lie elsewhere now.
    """
    partners = partners_in(partner)
    if anatomical is None and not partners:
        return _("Load two volumes of one patient, or try the sample data, and choose them above.")
    if anatomical is None:
        return _("Choose the anatomical volume: MR or CT.")
    if not partners:
        return _("Choose the partner: CT, PET, SPECT or a second MR.")
    if anatomical in partners:
        return _("Anatomical volume and partner are the same volume; choose two.")
    twice = [node.GetName() for node in partners if partners.count(node) > 1]
    if twice:
        return _("{name} is chosen twice; choose each volume once.").format(name=twice[0])
    if output is not None and output in (anatomical, *partners):
        return _("The output is one of the inputs, which are never changed; choose another.")
    try:
        is_moved = register in ("rigid", "affine")
        tasks = tasks_for(task, len(partners))
        reason = _reason_in_volumes(anatomical, partners, tasks, is_moved)
        return reason or reason_against(geometry_of(anatomical), grid, anatomical.GetName())
    except VolumeError as error:
        return str(error)


def tasks_for(task: str | list, count: int) -> list:
    """Deal a task out to partners: a single name is the first one's, the others are automatic."""
    return list(task) if isinstance(task, list) else [task, *["auto"] * (count - 1)]


def _reason_in_volumes(
    anatomical: slicer.vtkMRMLVolumeNode, partners: list, tasks: list, is_moved: bool
) -> str:
    grid = geometry_of(anatomical)
    others = [geometry_of(node) for node in partners]
    for node in (anatomical, *partners):
        voxels_of(node)
    if voxels_of(anatomical).ndim == 4:
        return _("The anatomical volume {name} is in colour; it must be grey.").format(
            name=anatomical.GetName()
        )
    for node, other in zip(partners, others):  # noqa: B905  Python 3.9
        if not is_moved and not covered_share(grid, other) > 0:
            return _(
                "{partner} and {anatomical} do not overlap: choose volumes of one patient, or "
                "Rigid under Advanced, Registration."
            ).format(partner=node.GetName(), anatomical=anatomical.GetName())
    for number, node in enumerate(partners):
        if tasks[number] == "auto" and not can_tell_task(anatomical, node):
            if number:
                return _(
                    "What {name} is cannot be told from its data: choose it as the first partner "
                    "and choose its task, or put CT, PET or SPECT into its name."
                ).format(name=node.GetName())
            return _("What {name} is cannot be told from its data: choose the task.").format(
                name=node.GetName()
            )
    return ""
