"""The legend of a fused picture in two directions: value to the right, brightness upwards."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from mactfusion.transforms.color import chrominance_of, merge_colors
from mactfusion.transforms.color_names import FORMER_COLORS, GREY
from mactfusion.transforms.colormap import apply_color_table, table_of_stops

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SIZE = (64, 192)
"""Rows and columns."""
_IS_COLOR = re.compile("#[0-9a-f]{6}")


def colors_of(record: Mapping[str, Any]) -> str:
    """Return how brightness and colours met in a result, "" where colours were left out.

    Args:
        record: of the fusion.

    Returns:
        One of :data:`~mactfusion.transforms.color_names.COLORS`, or "".
    """
    options = record["options"]
    return "" if options.get("luminance") else str(options.get("colors", FORMER_COLORS))


def two_way_legend(partner: Mapping[str, Any], colors: str) -> NDArray[np.uint8] | None:
    """Return what each value of a partner looks like at each brightness of the fused picture.

    Args:
        partner: what the record says of it.
        colors: see :func:`colors_of`.

    Returns:
        ``(rows, columns, 3)``: from the lower end of its window at the left to the upper at the
        right, from full luminance at the top to none at the bottom. None of a grey result, and for
        a partner without a colour table: grey, or in colours of its own.
    """
    stops = partner["colors"]
    is_table = bool(stops) and all(map(_IS_COLOR.fullmatch, stops))
    if not colors or partner["colormap"] == GREY or not is_table:
        return None
    rows, columns = SIZE
    chrominance = chrominance_of(table_of_stops(stops).T, colors)
    along = apply_color_table(torch.linspace(0, 1, columns)[None], chrominance.T)
    luminance = torch.linspace(1, 0, rows)[None, None, :, None].expand(1, 1, rows, columns)
    rgb = merge_colors(luminance, along[:, None, None].expand(2, 1, rows, columns), colors)
    return (255 * rgb[:, 0]).round().byte().permute(1, 2, 0).numpy()


def legends_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the legend of each partner as a program that shows it needs it.

    Args:
        record: of a fusion.

    Returns:
        For each of its ``partners``: ``input``, its role; ``low`` and ``high``, the ends of its
        window; ``units``; ``png``, base64 of :func:`two_way_legend`, empty without one, as in a
        grey result.
    """
    colors = colors_of(record)
    legends = []
    for partner in record["partners"]:
        level, width = partner["level_width"]
        pixels = two_way_legend(partner, colors)
        legends.append(
            {
                "input": partner["input"],
                "low": level - width / 2,
                "high": level + width / 2,
                "units": partner["units"],
                "png": "" if pixels is None else as_png(pixels),
            }
        )
    return legends


def as_png(pixels: NDArray[np.uint8]) -> str:
    """Return pixels ``(rows, columns, 3)`` as base64 of a PNG."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")
