"""Sentences of the panel: what will happen, where partners lie, and where the network runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from slicer.i18n import tr as _

from .nodes.display import has_threshold
from .nodes.grid import ANATOMICAL, covered_share, result_geometry
from .nodes.shares import percent
from .nodes.volumes import geometry_of, partners_in
from .panel.sources import voxels_text
from .panel.verdict import BAD, GOOD, UNKNOWN, UNSURE

if TYPE_CHECKING:
    import slicer

IN_PLACE, OFF, DOUBTFUL = "in place", "off", "cannot tell"
NO_MATCH, MIRRORED, NOT_CHECKED = "does not match", "mirrored", "not checked"
"""The worker's verdicts."""

_MOST_OF_IT = 0.5
"""A partner that covers less of the result is pointed out."""


def grid_sentence(
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    display: str = "as-shown",
    grid: str = ANATOMICAL,
) -> str:
    """Say which voxels the result will have, of volumes that can be fused.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
        display: ``as-shown`` or ``fixed``.
        grid: the library's name.
    """
    own = geometry_of(anatomical)
    made = result_geometry(own, grid)
    template = _("Result on the grid of {name}: {voxels}.")
    if made is not own:
        template = _("Result in cubic voxels in the place of {name}: {voxels}.")
    size, edges = voxels_text(made.shape, made.affine)
    voxels = _("{size} voxels of {edges}").format(size=size, edges=edges)
    sentences = [template.format(name=anatomical.GetName(), voxels=voxels)]
    hidden = [node.GetName() for node in (anatomical, *partners_in(partner)) if has_threshold(node)]
    if display == "as-shown" and hidden:
        template = _("Not as shown: the threshold in the display of {names} is ignored.")
        sentences.append(template.format(names=", ".join(hidden)))
    return " ".join(sentences)


def coverage_sentence(
    anatomical: slicer.vtkMRMLVolumeNode, partner: slicer.vtkMRMLVolumeNode, is_named: bool
) -> tuple[str, str]:
    """Say how much of the result a partner covers as it lies.

    Args:
        anatomical: volume node.
        partner: volume node.
        is_named: whether the sentence names the partner, or follows one that does.

    Returns:
        The sentence, and its level.
    """
    share = covered_share(geometry_of(anatomical), geometry_of(partner))
    level = GOOD if share >= _MOST_OF_IT else UNSURE
    template = (
        _("{name} covers {share} of {on}.") if is_named else _("It covers {share} of the result.")
    )
    names = {"name": partner.GetName(), "on": anatomical.GetName()}
    return template.format(share=percent(share), **names), level


def place_sentence(name: str, on: str, place: dict) -> tuple[str, str]:
    """Say where a partner lies.

    Args:
        name: of the partner.
        on: of the anatomical volume.
        place: what the worker says of the partner.

    Returns:
        The sentence, and its level.
    """
    verdict, is_moved = place["verdict"], not np.array_equal(place["pose"], np.eye(4))
    levels = {IN_PLACE: GOOD, NOT_CHECKED: UNKNOWN, NO_MATCH: BAD, MIRRORED: BAD}
    level = GOOD if verdict == OFF and is_moved else levels.get(verdict, UNSURE)
    templates = {
        IN_PLACE: _("{name} lies where {on} is."),
        OFF: _("{name} is off {on} by about {mm} mm and {degrees}°."),
        DOUBTFUL: _(
            "Whether {name} lies where {on} is cannot be told from the images: compare them."
        ),
        NO_MATCH: _("{name} does not match {on}: is it the same patient and part of the body?"),
        MIRRORED: _("{name} matches {on} better with left and right swapped."),
        NOT_CHECKED: _("Whether {name} lies where {on} is was not checked: {reason}."),
    }
    template = templates[verdict]
    if is_moved and verdict == DOUBTFUL:
        template = _("{name} is moved onto {on}; whether that is right cannot be told: compare.")
    elif is_moved:
        template = _("{name} is moved by about {mm} mm and {degrees}° onto {on}.")
    sentence = template.format(
        name=name,
        on=on,
        mm=round(place["off_mm"] or 0),
        degrees=round(place["off_degrees"] or 0),
        reason=place["reason"],
    )
    if verdict in (IN_PLACE, OFF) and not place["is_sided"]:
        sentence += " " + _("Whether left and right are swapped cannot be told.")
    return sentence, level


def device_title(device: dict) -> str:
    """Return a device with its name and free memory, as the worker told them."""
    if device["free_bytes"] is None:
        return str(device["title"])
    free = device["free_bytes"] / 2**30
    kind = _("CPU") if device["name"] == "cpu" else device["title"]
    return _("{title} · {free} GB free").format(title=kind, free=round(free, 1))


def device_used(chosen: str, devices: list) -> dict | None:
    """Return the device that the network will run on, None while none is known."""
    used = next((d for d in devices if d["name"] == chosen), None)
    if used is None:  # what "auto" means to the worker
        used = next((d for d in devices if d["name"].startswith("cuda")), None)
        used = used or next((d for d in devices if d["name"] == "cpu"), None)
    return used


def device_note(chosen: str, devices: list) -> str:
    """Say plainly where the network runs."""
    used = device_used(chosen, devices)
    if used is None:
        return ""
    if used["name"] == "cpu":
        return _("Runs on the CPU.")
    return _("Runs on {title}.").format(title=used["title"])
