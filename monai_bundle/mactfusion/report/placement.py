"""Where the partners lie: a sentence and pictures of each, before and after it was moved."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK
import torch
from PIL import Image
from torch.nn import functional

from mactfusion.registration.linear import poses_of_moved
from mactfusion.report.grid import OrderedGrid, Plane, ordered, planes_of, slice_of, spacing_mm
from mactfusion.report.legend import kinds_of
from mactfusion.report.options import window_ends
from mactfusion.transforms.hottest import luminance_of
from mactfusion.transforms.middle import middle_planes
from mactfusion.transforms.volume import is_picture, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.result import FusionResult

PIXELS = 256
"""Of the longest side of a picture; all have one scale."""

SQUARES = 8
"""Of a checkerboard along that side."""

_WARM = np.array([1.0, 0.78, 0.56])
"""Squares of the partner have this hue, those of the anatomical volume none."""

_EDGE = np.array([0.31, 0.82, 0.76])
_SMOOTHED_PIXELS = 2.0
_STEEP = 85
"""Percentile of the slopes in a picture from which on they are edges."""
_LEAST_STEEP = 0.15
"""Of the steepest slope, likewise."""


def placements_of(result: FusionResult, native: Sequence[MetaTensor]) -> list[dict[str, Any]]:
    """Return what the report says and shows of the place of each partner.

    Args:
        result: of a fusion that kept its sources in their own units.
        native: these, see :attr:`mactfusion.FusionResult.native`.

    Returns:
        ``kind`` and ``name``; ``verdict``, a sentence; ``found`` and ``moved``, the same; and
        ``rows`` of pictures, each with ``name`` and ``planes``, which have ``source``, ``share``
        of the width of all, ``letters`` and ``name``. None of pictures, which have no place.
    """
    partners = result.record["partners"]
    moved = poses_of_moved(partners)
    anatomical = result.anatomical
    if is_picture(anatomical):
        return []
    placements = []
    for number, (kind, partner) in enumerate(zip(kinds_of(partners), partners, strict=True)):
        is_moved = partner["input"] in moved
        now = middle_planes(native[1 + number])
        states = {"Now": now}
        before = result.before[number]
        if before is not None:
            states = {"Before": before, "After": now}
        rows = [
            {"name": f"{name}: {how}", "planes": _pictures(anatomical, planes, partner, draw)}
            for name, planes in states.items()
            for how, draw in _DRAWN.items()
        ]
        placements.append(
            {
                "kind": kind,
                "name": partner["name"],
                "verdict": partner["register_verdict"],
                "found": _found(partner),
                "moved": _moved(partner, is_moved),
                "rows": rows,
            }
        )
    return placements


def _found(partner: Mapping[str, Any]) -> str:
    """Say how far a partner was off, as far as that is known."""
    if partner["off_mm"] is None:
        return ""
    off = f"{partner['off_mm']:.1f} mm and {partner['off_degrees']:.1f}° from there"
    return off if partner["is_sided"] else f"{off}; left and right cannot be told apart"


def _moved(partner: Mapping[str, Any], is_moved: bool) -> str:
    if not is_moved:
        return "left where it was"
    return "moved by the transform given" if partner["transform"] else "moved"


def _pictures(
    anatomical: MetaTensor, partner: Sequence[MetaTensor], about: Mapping[str, Any], draw: Any
) -> list[dict[str, Any]]:
    """Draw the planes that are more than a line.

    Args:
        anatomical: ``(1, I, J, K)`` in [0, 1].
        partner: its :func:`middle_planes` on that grid in its own values.
        about: what the record says of it.
        draw: makes a picture of two.
    """
    grid = OrderedGrid.of(anatomical)
    longest = float((grid.spacing_mm * grid.shape).max())
    shown = planes_of(grid.shape)
    pictures = []
    cut = zip(middle_planes(anatomical), partner, grid.turn[:, 0], strict=True)
    for below, above, through in cut:
        for plane in shown:
            if plane.through != through:
                continue
            scale = PIXELS / longest
            first = _slice(below, plane, scale)
            seen = _slice(with_voxels(above, plain(above).isfinite().float()), plane, scale)
            second = _slice(_in_window(above, about), plane, scale) * (seen > 0.5)
            pictures.append((plane, draw(first, second)))
    pictures.sort(key=lambda one: shown.index(one[0]))
    total = sum(pixels.shape[1] for _, pixels in pictures)
    return [
        {
            "source": _embedded(pixels),
            "share": pixels.shape[1] / total,
            "plane": plane,
            "name": plane.name,
        }
        for plane, pixels in pictures
    ]


def _in_window(volume: MetaTensor, about: Mapping[str, Any]) -> MetaTensor:
    """Return ``(1, …)`` in [0, 1]: the luminance, or values in the window of the result."""
    if len(volume) == 3:
        return with_voxels(volume, luminance_of(volume).nan_to_num()[None])
    low, high = window_ends(about["level_width"])
    values = (plain(volume) - low) / max(high - low, 1e-12)
    return with_voxels(volume, values.nan_to_num().clamp(0, 1))


def _slice(volume: MetaTensor, plane: Plane, scale: float) -> np.ndarray:
    """Return ``(rows, columns)`` of square pixels, radiological, ``scale`` of them a millimetre."""
    turned = ordered(volume)
    spacing = spacing_mm(turned)
    pixels = torch.from_numpy(np.ascontiguousarray(slice_of(turned, plane, 0)[..., 0])).float()
    size = [
        max(1, round(pixels.shape[place] * float(spacing[axis]) * scale))
        for place, axis in enumerate((plane.down, plane.across))
    ]
    found = functional.interpolate(pixels[None, None], size, mode="bilinear", align_corners=False)
    return found[0, 0].numpy().astype(np.float64)


def checkerboard(anatomical: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Return ``(rows, columns, 3)``: squares of the one and of the other, in turn."""
    edge = PIXELS // SQUARES
    rows, columns = (np.arange(size) // edge for size in anatomical.shape)
    is_partner = ((rows[:, None] + columns) % 2).astype(bool)
    return np.where(is_partner[..., None], partner[..., None] * _WARM, anatomical[..., None])


def edges(anatomical: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Return ``(rows, columns, 3)``: the anatomical volume with the edges of the partner on it."""
    picture = np.repeat(anatomical[..., None], 3, axis=2)
    image = SimpleITK.GetImageFromArray(partner.astype(np.float32))
    variance = [_SMOOTHED_PIXELS**2] * 2
    slopes = SimpleITK.GradientMagnitude(SimpleITK.DiscreteGaussian(image, variance))
    steepness = SimpleITK.GetArrayViewFromImage(slopes)
    # Of a partner that fills little of the picture most slopes are next to none.
    steep = float(max(np.percentile(steepness, _STEEP), _LEAST_STEEP * steepness.max()))
    if steep <= 0:
        return picture
    found = SimpleITK.CannyEdgeDetection(image, variance=variance)
    is_edge = (SimpleITK.GetArrayViewFromImage(found) > 0) & (steepness >= steep)
    picture[is_edge] = _EDGE
    return picture


_DRAWN = {"checkerboard": checkerboard, "edges of the partner": edges}


def _embedded(pixels: np.ndarray) -> str:
    """Return a picture as the address that a page shows it from."""
    stream = BytesIO()
    Image.fromarray(np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)).save(
        stream, "PNG", optimize=True
    )
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
