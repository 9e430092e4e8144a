"""Sentences of the panel: what will happen, what is missing, how far a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from slicer.i18n import tr as _

from .display import has_threshold
from .grid import ANATOMICAL, reason_against, result_geometry, size_of
from .guess import can_tell_task, kind_of
from .volumes import Geometry, VolumeError, geometry_of, partners_in, voxels_of

if TYPE_CHECKING:
    import slicer

_SAMPLES_PER_AXIS = 24
_NAMES = {"MR": "MR", "CT": "CT", "PT": "PET", "NM": "SPECT"}


def reason_not_to_run(
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    output: slicer.vtkMRMLVolumeNode | None,
    task: str | list,
    grid: str = ANATOMICAL,
) -> str:
    """Say why these choices cannot be fused, "" where they can.

    Args:
        anatomical: volume node or None.
        partner: likewise, or a list of several.
        output: volume node to overwrite, or None for a new one.
        task: the library's name, or ``auto``; a list has one for each partner, a single name is
            the first one's.
        grid: the library's name.
    """
    partners = partners_in(partner)
    if anatomical is None and not partners:
        return _("Load two volumes of one patient, or try the sample data, and choose them above.")
    if anatomical is None:
        return _("Choose the anatomical volume, usually the MR.")
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
        reason = _reason_in_volumes(anatomical, partners, tasks_for(task, len(partners)))
        return reason or reason_against(geometry_of(anatomical), grid, anatomical.GetName())
    except VolumeError as error:
        return str(error)


def tasks_for(task: str | list, count: int) -> list:
    """Deal a task out to partners: a single name is the first one's, the others are automatic."""
    return list(task) if isinstance(task, list) else [task, *["auto"] * (count - 1)]


def _reason_in_volumes(anatomical: slicer.vtkMRMLVolumeNode, partners: list, tasks: list) -> str:
    grid = geometry_of(anatomical)
    others = [geometry_of(node) for node in partners]
    for node in (anatomical, *partners):
        voxels_of(node)
    if voxels_of(anatomical).ndim == 4:
        return _("The anatomical volume {name} is in colour; it must be grey.").format(
            name=anatomical.GetName()
        )
    for node, other in zip(partners, others):  # noqa: B905  Python 3.9
        if not covered_share(grid, other) > 0:
            return _(
                "{partner} and {anatomical} do not overlap: they are not registered to each other."
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


def plan(
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    display: str = "as-shown",
    grid: str = ANATOMICAL,
) -> str:
    """Say what a run does with volumes that can be fused.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
        display: ``as-shown`` or ``fixed``.
        grid: the library's name.
    """
    partners = partners_in(partner)
    sentences = [_plan_of(anatomical, node) for node in partners]
    own = geometry_of(anatomical)
    cubes = result_geometry(own, grid)
    if cubes is not own:
        edge_mm = np.linalg.norm(cubes.affine[:3, 0])
        template = _("the result has {size} cubic voxels of {edge} mm")
        sentences.append(template.format(size=size_of(cubes), edge=f"{edge_mm:.3g}"))
    if display == "as-shown":
        hidden = [node.GetName() for node in (anatomical, *partners) if has_threshold(node)]
        if hidden:
            template = _("not as shown: the threshold in the display of {names} is ignored")
            sentences.append(template.format(names=", ".join(hidden)))
    return "; ".join(sentences)


def _plan_of(anatomical: slicer.vtkMRMLVolumeNode, partner: slicer.vtkMRMLVolumeNode) -> str:
    grid, other = geometry_of(anatomical), geometry_of(partner)
    share = covered_share(grid, other)
    template = _("{partner} {partner_size} is resampled onto {anatomical} {size}, covers {share} %")
    if grid.shape == other.shape and np.allclose(grid.affine, other.affine, atol=1e-3):
        template = _("{partner} has the grid of {anatomical} {size} already")
    return template.format(
        partner=_title(partner),
        partner_size=size_of(other),
        anatomical=_title(anatomical),
        size=size_of(grid),
        share=round(100 * share),
    )


def covered_share(grid: Geometry, other: Geometry) -> float:
    """Estimate the share, 0 to 1, of a grid that lies within another volume, from sample points."""
    counts = [min(n, _SAMPLES_PER_AXIS) for n in grid.shape]
    axes = [(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(grid.shape, counts)]  # noqa: B905
    points = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(3, -1)
    to_other = np.linalg.inv(other.affine) @ grid.affine
    index = to_other[:3, :3] @ points + to_other[:3, 3:]
    upper = np.array(other.shape)[:, None] - 0.5
    return float(np.all((index >= -0.5) & (index <= upper), axis=0).mean())


def progress_text(news: dict) -> str:
    """Say how far a run is.

    Args:
        news: a ``progress`` reply.
    """
    if news["stage"] == "prepare":
        return _("Preparing the volumes")
    if news["stage"] == "write":
        return _("Finishing")
    text = _("Slice {done} of {total}").format(done=news["done"], total=news["total"])
    if news["slices_per_second"]:
        text += _(" · {rate} slices/s · {left} left").format(
            rate=round(news["slices_per_second"], 1), left=duration(news["seconds_left"])
        )
    return text


def duration(seconds: float) -> str:
    """Return a time as people say it, such as ``1 min 20 s``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    template = _("{minutes} min {rest} s") if minutes else _("{rest} s")
    return template.format(minutes=minutes, rest=rest)


def device_title(device: dict) -> str:
    """Return a device with its name and free memory, as the worker told them."""
    if device["free_bytes"] is None:
        return str(device["title"])
    free = device["free_bytes"] / 2**30
    kind = _("CPU, slow") if device["name"] == "cpu" else device["title"]
    return _("{title} · {free} GB free").format(title=kind, free=round(free, 1))


def device_note(chosen: str, devices: list) -> str:
    """Say plainly where the network runs."""
    if not devices:
        return ""
    used = next((d for d in devices if d["name"] == chosen), None)
    if used is None:  # what "auto" means to the worker
        used = next((d for d in devices if d["name"].startswith("cuda")), None)
        used = used or next(d for d in devices if d["name"] == "cpu")
    if used["name"] == "cpu":
        return _("Runs on the CPU: a whole volume takes minutes.")
    return _("Runs on {title}.").format(title=used["title"])


def _title(node: slicer.vtkMRMLVolumeNode) -> str:
    kind = _NAMES.get(kind_of(node), "")
    name = node.GetName()
    return name if not kind or kind.lower() in name.lower() else f"{kind} {name}"
