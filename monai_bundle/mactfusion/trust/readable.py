"""What the colours of a table promise: can uptake be read from them, whatever the brightness?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mactfusion.transforms.color import merge_colors, split_table
from mactfusion.transforms.colormap import apply_color_table
from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.trust.color_vision import DEFICIENCIES, as_seen

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEAST_RANK = 0.98
MOST_ERROR, MOST_ERROR_95 = 0.01, 0.03
LEAST_DIFFERENCE = 0.02
"""What a table must keep to be readable: see :class:`Reading`."""

APART = 10
"""Per cent of the window between two values that must differ."""

_VALUES = torch.linspace(0, 1, 101)
_LUMINANCES = torch.linspace(0.1, 1, 19)
"""Of the fused picture, where there is anything to see."""


@dataclass(frozen=True)
class Reading:
    """How well one kind of reader reads values from colours alone, a and b of OKLab in 8 bits.

    Attributes:
        rank: Spearman correlation of what is read with the value, least of all luminances.
        error: median of what is read minus the value, as a share of the window.
        error_95: 95 % of them are at most this.
        difference: least ΔE_OK, in all of L, a and b, of two values 10 % of the window apart at
            one luminance.
        confused: two values, 0 to 1, of which one was read as the other: those farthest apart.
    """

    rank: float
    error: float
    error_95: float
    difference: float
    confused: tuple[float, float]

    @property
    def is_right(self) -> bool:
        """Whether values are read in their order and to about 1 % of the window."""
        is_close = self.error <= MOST_ERROR and self.error_95 <= MOST_ERROR_95
        return self.rank >= LEAST_RANK and is_close

    @property
    def is_ordered(self) -> bool:
        """Whether values are read in their order."""
        return self.rank >= LEAST_RANK


@dataclass(frozen=True)
class Promise:
    """What the colours of a table promise.

    Attributes:
        readings: by reader: "normal", and :data:`~mactfusion.trust.color_vision.DEFICIENCIES`.
        brightness: least difference in lightness between a luminance of 0.1 and of 1 at any value:
            how much of the anatomy is left where the table has its strongest colours.
    """

    readings: dict[str, Reading]
    brightness: float

    @property
    def is_kept(self) -> bool:
        """Whether uptake can be read from the colours."""
        normal = self.readings["normal"]
        return normal.is_right and normal.difference >= LEAST_DIFFERENCE

    @property
    def sentence(self) -> str:
        """What to expect, for a reader of pictures."""
        normal = self.readings["normal"]
        if not normal.is_right:
            low, high = sorted(round(100 * value) for value in normal.confused)
            return (
                f"does not say uptake: {low} % and {high} % of the window can have the same colour"
            )
        if not self.is_kept:
            return "says uptake, but in steps of colour that are hard to see"
        unsafe = [name for name in DEFICIENCIES if not self.readings[name].is_ordered]
        if "protan" in unsafe or "deutan" in unsafe:
            return "says uptake at any brightness, but not to readers with red-green blindness"
        return "says uptake at any brightness, also to readers with red-green blindness"


def promise_of(colormap: str | ArrayLike, colors: str = "legible") -> Promise:
    """Measure what the colours of a table promise.

    All values meet all luminances, and the colours are rounded to 8 bits.

    Args:
        colormap: see :func:`~mactfusion.transforms.colormap.color_table`.
        colors: see :func:`~mactfusion.transforms.color.merge_colors`.

    Raises:
        InputError: unknown colour table.
    """
    chrominance = apply_color_table(_VALUES[None], split_table(colormap, colors))[1:]
    size = (len(_LUMINANCES), len(_VALUES))
    luminance = _LUMINANCES[None, None, :, None].expand(1, 1, *size)
    rgb = merge_colors(luminance, chrominance[:, None, None].expand(2, 1, *size), colors)
    rgb = (255 * rgb[:, 0]).round() / 255
    readings = {"normal": _read(rgb)}
    readings |= {name: _read(as_seen(rgb, name)) for name in DEFICIENCIES}
    lightness = srgb_to_oklab(rgb)[0]
    return Promise(readings, float((lightness[-1] - lightness[0]).min()))


def read_values(chroma: torch.Tensor, curve: torch.Tensor) -> torch.Tensor:
    """Read values from colours: each is that of the nearest place of a table.

    Args:
        chroma: ``(2, N)``, a and b.
        curve: ``(2, M)``, those of evenly spaced values from 0 to 1.

    Returns:
        ``(N,)`` in [0, 1].
    """
    nearest = [
        torch.cdist(part.T[None], curve.T[None])[0].argmin(dim=1)
        for part in chroma.split(2**14, dim=1)
    ]
    return torch.cat(nearest) / (curve.shape[1] - 1)


def rank_correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return Spearman's correlation of two rows; 0 where one of them is constant."""
    ranks = torch.stack([_ranks(first), _ranks(second)])
    ranks -= ranks.mean(dim=1, keepdim=True)
    spread = ranks.norm(dim=1).prod()
    return float(ranks.prod(dim=0).sum() / spread) if spread > 0 else 0.0


def _ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the rank of each value; equal ones share the mean of theirs."""
    _, place, count = values.unique(return_inverse=True, return_counts=True)
    return (count.cumsum(0) - (count - 1) / 2.0)[place].double()


def _read(rgb: torch.Tensor) -> Reading:
    """Read colours ``(3, luminances, values)``."""
    lab = srgb_to_oklab(rgb)
    curve = lab[1:].mean(dim=1)
    read = read_values(lab[1:].flatten(1), curve).reshape(lab.shape[1:])
    error = (read - _VALUES).abs()
    worst = int(error.argmax())
    difference = (lab[:, :, APART:] - lab[:, :, :-APART]).norm(dim=0)
    return Reading(
        rank=min(rank_correlation(row, _VALUES) for row in read),
        error=float(error.median()),
        error_95=float(error.flatten().quantile(0.95)),
        difference=float(difference.min()),
        confused=(float(_VALUES[worst % len(_VALUES)]), float(read.flatten()[worst])),
    )
