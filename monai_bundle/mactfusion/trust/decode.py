"""Uptake read back from the colour of a fused voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from mactfusion.errors import InputError
from mactfusion.transforms.color import (
    merge_chrominance,
    merge_colors,
    rgb_to_ycbcr,
    split_table,
)
from mactfusion.transforms.color_names import GREY, OWN
from mactfusion.transforms.colormap import apply_color_table, color_table
from mactfusion.transforms.oklab import srgb_to_oklab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS = 1025
"""Of a window that are told apart at most."""
ROUNDING = 0.75 / 255
"""Of a colour in 8 bits, with some room."""
_STRANGE = 4
"""Times the rounding: a colour farther from all of the table is none of it."""
_LUMINANCES = 129
"""So many are tried for the one that a fused voxel had."""
UNCLEAR = 0.25
"""Share of the window: levels that spread over more have the same colour."""


class Decoded(NamedTuple):
    """Where in a window a colour lies, from 0 to 1.

    Attributes:
        level: the nearest.
        low: the lowest that looks the same.
        high: the highest.
    """

    level: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether what looks the same lies close together."""
        return self.high - self.low <= UNCLEAR


def decoded(color: Tensor, table: Tensor, rounding: float) -> Decoded | None:
    """Find a colour in a table.

    Args:
        color: ``(C,)`` in any space of colours.
        table: ``(N, C)``, those of N levels, evenly spaced from the lower end of the window to the
            upper.
        rounding: how far the colour may be off along each axis.

    Returns:
        The levels whose colour it can be; None where it is none of the table's.
    """
    far = (table.double() - color.double()).abs().amax(dim=1)
    nearest = float(far.min())
    if nearest > _STRANGE * rounding:
        return None
    last = len(table) - 1
    alike = (far <= max(rounding, nearest)).nonzero()[:, 0] / last
    return Decoded(float(far.argmin()) / last, float(alike[0]), float(alike[-1]))


def decode(
    rgb: Sequence[float], partners: Sequence[Mapping[str, object]], colors: str
) -> tuple[dict[str, Decoded], str]:
    """Read uptake from the colour of a fused voxel.

    Args:
        rgb: in [0, 1].
        partners: what the record says of each, with ``input``, ``colormap`` and ``colors``.
        colors: "legible" or "ycbcr", how the colours were merged.

    Returns:
        The level of each partner whose colours can be read, by its role, and a sentence where there
        is a reason why one cannot, else "".
    """
    in_color = [partner for partner in partners if partner["colormap"] != GREY]
    if not in_color:
        return {}, ""
    if len(in_color) > 1:
        return {}, "The colours of several partners are mixed: none can be read by itself."
    partner = in_color[0]
    if partner["colormap"] == OWN or not partner["colors"]:
        return {}, "The partner keeps its own colours, whose scale is not known."
    color = torch.tensor(rgb, dtype=torch.float64)
    table = _table_of(partner)
    if table is None:
        return {}, "The table was given as entries, which the record does not hold."
    if colors == "legible":
        found = decoded(_hue(color), _as_shown(table, color), 2 * _rounding_of_hue(color))
    else:
        found = decoded(color, _merged(_levels(color_table(table)), color), 2 * ROUNDING)
    if found is None:
        return {}, "The colour is none of the table's."
    sentence = ""
    if not found.is_clear:
        sentence = (
            f"From {100 * found.low:.0f} to {100 * found.high:.0f} % of the window look the same "
            "here."
        )
    return {str(partner["input"]): found}, sentence


def _table_of(partner: Mapping[str, object]) -> str | None:
    """Return the name of a colour table; None of one that was given as entries."""
    name = str(partner["colormap"])
    try:
        color_table(name)
    except InputError:
        return None
    return name


def _as_shown(table: str, color: Tensor) -> Tensor:
    """Return a and b of each level where the picture is as light as a colour, ``(LEVELS, 2)``.

    Strong colours of some tables are no colours of a screen at every lightness: what is compared
    with has gone the way of the picture.
    """
    parts = _levels(split_table(table, "legible")).float()
    luminances = torch.linspace(0, 1, _LUMINANCES).reshape(1, 1, -1, 1)
    chroma = parts[:, 1:].T[:, None, None].expand(2, 1, _LUMINANCES, LEVELS)
    rgb = merge_colors(luminances.expand(1, 1, -1, LEVELS), chroma, "legible")
    lab = srgb_to_oklab(rgb[:, 0].double())
    nearest = (lab[0] - srgb_to_oklab(color)[0]).abs().argmin(dim=0)
    return lab[1:, nearest, torch.arange(LEVELS)].T


def _levels(table: Tensor) -> Tensor:
    """Return the entries ``(LEVELS, C)`` of evenly spaced levels."""
    return apply_color_table(torch.linspace(0, 1, LEVELS)[None], table).T.double()


def _merged(table: Tensor, color: Tensor) -> Tensor:
    """Return what each entry looks like at the luminance of a colour, ``(N, 3)``.

    Saturation that RGB cannot hold is taken away there, and a value of 0 has no colour.
    """
    luminance = rgb_to_ycbcr(color[:, None])[:1].expand(1, len(table))
    chrominance = rgb_to_ycbcr(table.T)[1:]
    chrominance[:, 0] = 0.5
    return merge_chrominance(luminance, *chrominance.split(1)).T


def _hue(rgb: Tensor) -> Tensor:
    """Return a and b of OKLab, ``(2, …)``."""
    return srgb_to_oklab(rgb)[1:]


def _rounding_of_hue(color: Tensor) -> float:
    """Return how far rounding of the colour in 8 bits can move its a and b."""
    moved = color + ROUNDING * torch.cartesian_prod(*[torch.tensor([-1.0, 0.0, 1.0])] * 3)
    return float((_hue(moved.clamp(0, 1).T).T - _hue(color)).abs().max())
