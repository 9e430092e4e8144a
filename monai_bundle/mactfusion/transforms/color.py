"""Luminance and chrominance: apart before the network, together after it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.errors import InputError
from mactfusion.transforms.color_names import (
    COLORS,
    GIVEN,
    GREY,
    OWN,
    TABLES_OF_TRACERS,
    TINTED_CT,
)
from mactfusion.transforms.colormap import (
    LUMINANCE_WEIGHTS,
    TABLE_SIZE,
    apply_color_table,
    brightness_at,
    color_table,
    stops_of,
)
from mactfusion.transforms.legible import merge_legible
from mactfusion.transforms.oklab import oklab_to_srgb, srgb_to_oklab
from mactfusion.transforms.slabs import by_slabs, slabs
from mactfusion.transforms.volume import new_voxels, plain, with_voxels
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor
    from numpy.typing import ArrayLike

RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT = LUMINANCE_WEIGHTS

BACKGROUND = 0.02
"""Share of full scale below which the sources show air and its noise."""

NEUTRAL = {"legible": 0.0, "ycbcr": 0.5}
"""Both chrominances of grey, by :data:`~mactfusion.transforms.color_names.COLORS`."""

_COLORED = 0.01
"""Chroma above which the first entry of a table has a colour."""
_COLORED_FROM = 0.05
"""Share of the window from which such a table has all its colour."""
_TINY = 1e-30
_HALVINGS = 18
"""Of [0, 1] until the lightness of a colour is found."""
_CR_RANGE = 2 * (1 - RED_WEIGHT)
_CB_RANGE = 2 * (1 - BLUE_WEIGHT)
TASKS_WITH_UPTAKE = ("pet-mri", "spect-mri", "pet-ct", "spect-ct")


def rgb_to_ycbcr(rgb: torch.Tensor) -> torch.Tensor:
    """Convert RGB to luminance and chrominance (ITU-R BT.601, full range).

    ``Y = 0.299 R + 0.587 G + 0.114 B``, ``Cb = (B - Y) / 1.772 + 0.5``,
    ``Cr = (R - Y) / 1.402 + 0.5``.

    Args:
        rgb: ``(3, ...)`` in [0, 1].

    Returns:
        ``(3, ...)``: Y, Cb, Cr in [0, 1], without meta; a grey voxel has Cb = Cr = 0.5.
    """
    red, green, blue = plain(rgb)
    luminance = RED_WEIGHT * red + GREEN_WEIGHT * green + BLUE_WEIGHT * blue
    return torch.stack(
        [luminance, (blue - luminance) / _CB_RANGE + 0.5, (red - luminance) / _CR_RANGE + 0.5]
    )


def merge_chrominance(luminance: torch.Tensor, cb: torch.Tensor, cr: torch.Tensor) -> torch.Tensor:
    """Give a luminance colour, and take away as much saturation as RGB cannot hold.

    The differences of R, G and B from Y are multiplied by the largest factor, at most 1, that
    keeps all three in [0, 1]. Hue and luminance stay; clipping channel by channel would change
    both.

    Args:
        luminance: ``(1, ...)`` in [0, 1].
        cb: ``(1, ...)``, 0.5 is neutral.
        cr: ``(1, ...)``, 0.5 is neutral.

    Returns:
        ``(3, ...)``, RGB in [0, 1], without meta.
    """
    luminance, cb, cr = plain(luminance)[0], plain(cb)[0], plain(cr)[0]
    differences = _color_differences(cb, cr)
    factor = torch.ones_like(luminance)
    for difference in differences:
        room = difference.sign().clamp_(min=0).sub_(luminance).abs_()  # 1 - luminance, or luminance
        # Without a difference the quotient is huge, and there is no limit.
        torch.minimum(factor, room.div_(difference.abs().clamp_(min=_TINY)), out=factor)
    return differences.mul_(factor).add_(luminance).clamp_(0, 1)


def merge_colors(
    luminance: torch.Tensor, chrominance: torch.Tensor, colors: str = COLORS[0]
) -> torch.Tensor:
    """Give a luminance the colours of a partner.

    Args:
        luminance: ``(1, slices, rows, columns)`` in [0, 1].
        chrominance: ``(2, slices, rows, columns)``: of "ycbcr" Cb and Cr, 0.5 neutral; of "legible"
            a and b of OKLab, 0 neutral.
        colors: one of :data:`~mactfusion.transforms.color_names.COLORS`.

    Returns:
        ``(3, slices, rows, columns)``, RGB in [0, 1], without meta.
    """
    if colors == "legible":
        return merge_legible(luminance, chrominance)
    return merge_chrominance(luminance, *chrominance.split(1))


def merge_as_given(luminance: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
    """Return the colours that have a luminance, as BT.601 has it, and an a and b.

    So a partner with colours of its own is shown as it was.

    Args:
        luminance: ``(1, slices, rows, columns)`` in [0, 1], that of the colours.
        chroma: ``(2, slices, rows, columns)``, a and b of OKLab, those of the colours.

    Returns:
        ``(3, slices, rows, columns)``, sRGB in [0, 1], without meta.
    """
    luminance, chroma = plain(luminance)[0], plain(chroma)
    low, high = torch.zeros_like(luminance), torch.ones_like(luminance)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = rgb_to_ycbcr(oklab_to_srgb(torch.stack([middle, *chroma])))[0]
        is_below = found < luminance
        low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
    return oklab_to_srgb(torch.stack([low, *chroma]))


def color_partner(
    luminance: torch.Tensor, chrominance: torch.Tensor, colormap: str, colors: str
) -> torch.Tensor:
    """Return a partner as a picture of it, without the anatomical volume.

    Args:
        luminance: see :func:`merge_colors`.
        chrominance: likewise.
        colormap: what the record calls its colours.
        colors: see :func:`merge_colors`.

    Returns:
        ``(3, slices, rows, columns)``, RGB in [0, 1], without meta.
    """
    if colormap == OWN and colors == "legible":
        return merge_as_given(luminance, chrominance)
    return merge_colors(luminance, chrominance, colors)


class SplitLuminanced(Transform):
    """Split ``partner`` into ``luminance`` (1, ...) and, where it has colour, ``chrominance``.

    A scalar PET or SPECT volume gets its colours from the table; a colour volume keeps its own;
    CT, MR and other scalar partners are luminance alone, or a CT is tinted. ``is_color`` says
    whether there is ``chrominance`` (2, ...), see :func:`merge_colors`. Where the partner is 0, and
    outside ``field_of_view``, there is no luminance and no colour. ``colormap`` and ``colors``
    say for the record which colours it has, and ``table`` is the one they come from.

    Of "ycbcr" a table's luminance is that of its entries. Of "legible" it is that of hot iron
    whatever the table, so that the choice of a table changes colours alone.

    Args:
        colormap: see :func:`~mactfusion.transforms.colormap.color_table`; with "auto" the number
            ``tracer`` of the data, 0 where there is none, chooses among
            :data:`~mactfusion.transforms.color_names.TABLES_OF_TRACERS`.
        colors: see :func:`merge_colors`.
        tint: "ct" gives a CT beside an MR a tint.

    Raises:
        InputError: unknown colour table.
    """

    def __init__(
        self, colormap: str | ArrayLike = "auto", colors: str = COLORS[0], tint: str = "none"
    ) -> None:
        self.colormap = colormap
        self.colors = colors
        self.tint = tint
        color_table(colormap)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Split the partner.

        Raises:
            InputError: more tracers than there are distinct hues.
        """
        result = dict(data)
        partner = data["partner"]
        is_scalar = partner.shape[0] == 1
        is_tinted = is_scalar and self.tint == "ct" and data["task"] == "ct-mri"
        result["is_color"] = not is_scalar or is_tinted or data["task"] in TASKS_WITH_UPTAKE
        if not result["is_color"]:
            return {
                **result,
                "luminance": partner,
                "colormap": GREY,
                "colors": stops_of(color_table(GREY)),
            }
        if is_scalar:
            colormap = TINTED_CT if is_tinted else self._colormap_of(data.get("tracer", 0))
            result["colormap"] = colormap if isinstance(colormap, str) else GIVEN
            result["table"] = color_table(colormap)
            result["colors"] = stops_of(shown_table(colormap, self.colors))
            table = split_table(colormap, self.colors)
        else:
            table = None
            result["colormap"], result["colors"] = OWN, []
        luminance, chrominance = _split(partner, table, data.get("field_of_view"), self.colors)
        result["luminance"] = with_voxels(partner, luminance)
        result["chrominance"] = with_voxels(partner, chrominance)
        return result

    def _colormap_of(self, tracer: int) -> str | ArrayLike:
        if not isinstance(self.colormap, str) or self.colormap != "auto":
            return self.colormap
        tables = TABLES_OF_TRACERS[self.colors]
        if tracer >= len(tables):
            raise InputError(
                f"There are distinct colours for {len(tables)} PET and SPECT volumes; "
                f"give {option('colormap')} once for each partner, or fuse fewer."
            )
        return tables[tracer]


class MergeChrominanced(Transform):
    """Give the network's result the colours of the partner; the way back of SplitLuminanced.

    The result is clipped to [0, 1] first. Where both channels of ``image``, the sources, are 0 it
    is background, 0. The network lifts noise in air to a grey haze; so the result fades to
    background where the brighter source falls below :data:`BACKGROUND`.

    Args:
        key: the network's result, ``(1, ...)`` on the grid of ``image``; replaced by
            ``(3, ...)`` RGB, or ``(1, ...)`` where the partner has no colour.
        luminance_only: leave the colours out.
        colors: see :func:`merge_colors`.
    """

    def __init__(
        self, key: str = "pred", luminance_only: bool = False, colors: str = COLORS[0]
    ) -> None:
        self.key = key
        self.luminance_only = luminance_only
        self.colors = colors

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the result with the chrominance."""
        image: MetaTensor = data["image"]
        volumes = [plain(data[self.key]).to(image.device), plain(image)]
        if data["is_color"] and not self.luminance_only:
            volumes.append(plain(data["chrominance"]))
        merged = by_slabs(partial(_merged, colors=self.colors), *volumes)
        return {**data, self.key: with_voxels(image, merged)}


def chrominance_of(rgb: torch.Tensor, colors: str = COLORS[0]) -> torch.Tensor:
    """Return the chrominance, ``(2, ...)``, of colours ``(3, ...)``, see :func:`merge_colors`."""
    convert = srgb_to_oklab if colors == "legible" else rgb_to_ycbcr
    return convert(rgb.float())[1:]


def split_table(colormap: str | ArrayLike, colors: str = COLORS[0]) -> torch.Tensor:
    """Return what becomes of the entries of a colour table.

    Args:
        colormap: see :func:`~mactfusion.transforms.colormap.color_table`.
        colors: see :func:`merge_colors`.

    Returns:
        ``(N, 3)``: luminance and both chrominances.
    """
    table = color_table(colormap)
    values = torch.linspace(0, 1, max(len(table), TABLE_SIZE))[None]
    if colors == "ycbcr":  # linear: what lies between entries may be converted before or after
        parts = rgb_to_ycbcr(table.T)
        values = values[:, : len(table)]
    else:
        parts = _with_brightness(srgb_to_oklab(apply_color_table(values, table)), values)
    if isinstance(colormap, str) and colormap == TINTED_CT:
        parts[:1] = values
    return parts.T


def shown_table(colormap: str | ArrayLike, colors: str = COLORS[0]) -> torch.Tensor:
    """Return a colour table as it looks where the partner alone is bright, ``(N, 3)`` RGB."""
    if colors == "ycbcr":
        return color_table(colormap)
    parts = split_table(colormap, colors).T[:, None, None]
    return merge_colors(parts[:1], parts[1:], colors)[:, 0, 0].T


def _with_brightness(lab: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Put the brightness of uptake in the place of the lightness of a table's entries ``(3, N)``.

    A table whose first entry has a colour would colour air, whose noise is uptake too: it comes to
    its colours within the first part of the window.
    """
    chroma = lab[1:]
    if chroma[:, 0].norm() > _COLORED:
        chroma = chroma * (values / _COLORED_FROM).clamp(max=1)
    return torch.cat([brightness_at(values), chroma])


def _split(
    partner: MetaTensor, table: torch.Tensor | None, field_of_view: MetaTensor | None, colors: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return luminance ``(1, ...)`` and chrominance ``(2, ...)`` of a partner.

    Args:
        partner: ``(1, ...)`` in [0, 1], or RGB.
        table: of a scalar partner, see :func:`split_table`.
        field_of_view: where it was seen; everywhere without one.
        colors: see :func:`merge_colors`.
    """
    shape = partner.shape[1:]
    luminance, chrominance = new_voxels((1, *shape)), new_voxels((2, *shape))
    for slab in slabs(shape):
        voxels = plain(partner)[:, slab]
        parts = _parts(voxels, colors) if table is None else apply_color_table(voxels, table)
        # Some tables give a colour to 0; without uptake there is nothing to show.
        empty = (voxels == 0).all(dim=0)
        if field_of_view is not None:
            empty |= plain(field_of_view)[0, slab] == 0
        luminance[0, slab] = parts[0].masked_fill_(empty, 0)
        chrominance[:, slab] = parts[1:].masked_fill_(empty, NEUTRAL[colors])
    return luminance, chrominance


def _parts(rgb: torch.Tensor, colors: str) -> torch.Tensor:
    """Return luminance and both chrominances, ``(3, ...)``, of a partner in colour."""
    parts = rgb_to_ycbcr(rgb)
    if colors == "legible":
        parts[1:] = chrominance_of(rgb, colors)
    return parts


def _merged(
    fused: torch.Tensor,
    image: torch.Tensor,
    chrominance: torch.Tensor | None = None,
    colors: str = COLORS[0],
) -> torch.Tensor:
    """Fade a result ``(1, ...)`` to background, and give it its colours, if any."""
    fused = fused.float().clamp(0, 1)
    fused *= (image.amax(dim=0, keepdim=True) / BACKGROUND).clamp_(max=1)
    return fused if chrominance is None else merge_colors(fused, chrominance, colors)


def _color_differences(cb: torch.Tensor, cr: torch.Tensor) -> torch.Tensor:
    """Return R - Y, G - Y and B - Y as ``(3, ...)``; weighted, they add up to 0."""
    red = (cr - 0.5) * _CR_RANGE
    blue = (cb - 0.5) * _CB_RANGE
    green = -(RED_WEIGHT * red + BLUE_WEIGHT * blue) / GREEN_WEIGHT
    return torch.stack([red, green, blue])
