"""Sentences of the panel: what will happen, how far a run is, and where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from slicer.i18n import tr as _

from .nodes.display import has_threshold
from .nodes.grid import ANATOMICAL, covered_share, result_geometry, size_of
from .nodes.guess import kind_of
from .nodes.volumes import geometry_of, partners_in

if TYPE_CHECKING:
    import slicer

IN_PLACE, OFF, DOUBTFUL = "in place", "off", "cannot tell"
NO_MATCH, MIRRORED, NOT_CHECKED = "does not match", "mirrored", "not checked"
"""The worker's verdicts."""

_NAMES = {"MR": "MR", "CT": "CT", "PT": "PET", "NM": "SPECT"}


def plan(
    anatomical: slicer.vtkMRMLVolumeNode,
    partner: object,
    display: str = "as-shown",
    grid: str = ANATOMICAL,
    register: str = "check",
) -> str:
    """Say what a run does with volumes that can be fused.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
        display: ``as-shown`` or ``fixed``.
        grid: the library's name.
        register: likewise.
    """
    partners = partners_in(partner)
    is_moved = register in ("rigid", "affine")
    sentences = [_plan_of(anatomical, node, is_moved) for node in partners]
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


def _plan_of(
    anatomical: slicer.vtkMRMLVolumeNode, partner: slicer.vtkMRMLVolumeNode, is_moved: bool
) -> str:
    grid, other = geometry_of(anatomical), geometry_of(partner)
    share = covered_share(grid, other)
    template = _("{partner} {partner_size} is resampled onto {anatomical} {size}, covers {share} %")
    if is_moved:
        template = _(
            "{partner} {partner_size} is registered to and resampled onto {anatomical} {size}"
        )
    elif grid.shape == other.shape and np.allclose(grid.affine, other.affine, atol=1e-3):
        template = _("{partner} has the grid of {anatomical} {size} already")
    return template.format(
        partner=_title(partner),
        partner_size=size_of(other),
        anatomical=_title(anatomical),
        size=size_of(grid),
        share=round(100 * share),
    )


def place_sentence(name: str, on: str, place: dict) -> tuple[str, bool]:
    """Say where a partner lies.

    Args:
        name: of the partner.
        on: of the anatomical volume.
        place: what the worker says of the partner.

    Returns:
        The sentence after a mark, and whether it is a warning.
    """
    verdict, is_moved = place["verdict"], not np.array_equal(place["pose"], np.eye(4))
    is_warning = verdict not in (IN_PLACE, NOT_CHECKED) and not (verdict == OFF and is_moved)
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
    mark = "⚠" if is_warning else "–" if verdict == NOT_CHECKED else "✓"
    return f"{mark} {sentence}", is_warning


def progress_text(news: dict) -> str:
    """Say how far a run is.

    Args:
        news: a ``progress`` reply.
    """
    if news["stage"] == "prepare":
        return _("Preparing the volumes")
    if news["stage"] == "place":
        return _("Looking where the volumes lie") + step_text(news)
    if news["stage"] == "write" and news["total"]:
        return _("Image {done} of {total}").format(done=news["done"], total=news["total"])
    if news["stage"] == "write":
        return _("Finishing")
    if news["stage"] in ("hand over", "take over"):
        return _("Handing over {name}").format(name=news["name"] or _("the result"))
    if news["stage"] == "import":
        return _("Into the DICOM database: {percent} %").format(percent=news["done"])
    text = _("Slice {done} of {total}").format(done=news["done"], total=news["total"])
    if news["slices_per_second"]:
        text += _(" · {rate} slices/s · {left} left").format(
            rate=round(news["slices_per_second"], 1), left=duration(news["seconds_left"])
        )
    return text


def step_text(news: dict) -> str:
    """Say which step of a search is under way, after a sentence; "" where it has not begun.

    Args:
        news: a ``progress`` reply.
    """
    if news.get("total") is None:
        return ""
    return _(" · step {done} of {total}").format(done=news["done"], total=news["total"])


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
    kind = _("CPU") if device["name"] == "cpu" else device["title"]
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
        return _("Runs on the CPU.")
    return _("Runs on {title}.").format(title=used["title"])


def _title(node: slicer.vtkMRMLVolumeNode) -> str:
    kind = _NAMES.get(kind_of(node), "")
    name = node.GetName()
    return name if not kind or kind.lower() in name.lower() else f"{kind} {name}"
