"""Named colour tables, and scalar volumes through them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from mactfusion.transforms.color_names import (
    DICOM_PALETTES,
    GREYS,
    IRONS,
    METALS,
    TINTED_CT,
    check_color_table,
)
from mactfusion.transforms.metals import metal_table, tint_table
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

LUMINANCE_WEIGHTS = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in luminance, ITU-R BT.601."""

TABLE_SIZE = 256
_STOPS = 17


def color_table(name: str | ArrayLike) -> torch.Tensor:
    """Return a colour table.

    Args:
        name: "hot_metal", "cool_metal" or "green_metal" (see
            :mod:`mactfusion.transforms.metals`, each entry as bright as hot iron's where sRGB has
            its colour there); "hot_iron", "pet" or "hot_metal_blue" (well-known palettes of DICOM
            PS3.6 annex B, read from pydicom); "cool_iron" or "green_iron" (hot iron in blue and in
            green, each entry as bright as hot iron's); "auto" (hot_metal); "grey" or "gray"; or
            any colour map of Matplotlib. Or the entries of a table, ``(N, 3)`` RGB or ``(N, 4)`` RGBA in [0, 1],
            N from 2 to 65536; an entry is black as far as it is transparent.

    Returns:
        ``(N, 3)``, N = 256 for a name, RGB in [0, 1], float32.

    Raises:
        InputError: unknown name; entries of another shape or range.
    """
    checked = check_color_table(name)
    if not isinstance(checked, str):
        return _table_of_entries(checked)
    if checked in METALS:
        return metal_table(checked, _brightness())
    if checked == TINTED_CT:
        return tint_table(torch.linspace(0, 1, TABLE_SIZE))
    if checked in IRONS:
        return _iron_of_other_hue(IRONS[checked])
    if checked in GREYS:
        return torch.linspace(0, 1, TABLE_SIZE)[:, None].repeat(1, 3)
    if checked in DICOM_PALETTES:
        return _dicom_palette(DICOM_PALETTES[checked])
    import matplotlib as mpl

    colors = mpl.colormaps[checked](np.linspace(0, 1, TABLE_SIZE))[:, :3]
    return torch.as_tensor(colors, dtype=torch.float32)


def apply_color_table(volume: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Look up colours, interpolating linearly between the entries of the table.

    Args:
        volume: ``(1, ...)`` in [0, 1].
        table: ``(N, C)``: entry 0 belongs to 0 and entry N - 1 to 1.

    Returns:
        ``(C, ...)``, float32, without meta.
    """
    position = plain(volume)[0].clamp(0, 1) * (len(table) - 1)
    lower = position.floor().clamp_(max=len(table) - 2).long()
    weight = position.sub_(lower)
    shape, lower = lower.shape, lower.flatten()
    upper, weight = lower + 1, weight.flatten()
    channels = [
        torch.lerp(channel.index_select(0, lower), channel.index_select(0, upper), weight)
        for channel in table.float().T
    ]
    return torch.stack(channels).reshape(-1, *shape)


def brightness_at(values: torch.Tensor) -> torch.Tensor:
    """Return how bright the network is shown uptake, whatever its colours: as hot iron has it.

    Args:
        values: ``(1, ...)`` in [0, 1].

    Returns:
        ``(1, ...)``, luminance in [0, 1].
    """
    return apply_color_table(values, _brightness()[:, None])


def stops_of(table: torch.Tensor) -> list[str]:
    """Return 17 evenly spaced colours of a table as ``#rrggbb``, from its lowest to its highest.

    Args:
        table: ``(N, 3)`` RGB in [0, 1].
    """
    colors = apply_color_table(torch.linspace(0, 1, _STOPS)[None], table).T
    return ["#" + "".join(f"{round(255 * float(part)):02x}" for part in color) for color in colors]


def table_of_stops(stops: Sequence[str]) -> torch.Tensor:
    """Return the table, ``(N, 3)`` RGB in [0, 1], of colours ``#rrggbb``."""
    return torch.tensor([list(bytes.fromhex(stop[1:])) for stop in stops]) / 255


@cache
def _brightness() -> torch.Tensor:
    """Return the luminance of hot iron, ``(256,)``."""
    return _dicom_palette(DICOM_PALETTES["hot_iron"]) @ torch.tensor(LUMINANCE_WEIGHTS)


def _table_of_entries(entries: np.ndarray) -> torch.Tensor:
    table = torch.as_tensor(entries)
    return table[:, :3] * table[:, 3:] if table.shape[1] == 4 else table.clone()


def _iron_of_other_hue(channels: tuple[int, int, int]) -> torch.Tensor:
    """Exchange hot iron's channels, then add white or black until each entry is as bright."""
    iron = _dicom_palette(DICOM_PALETTES["hot_iron"])
    table = iron[:, list(channels)]
    weights = torch.tensor(LUMINANCE_WEIGHTS)
    wanted, found = iron @ weights, table @ weights
    white = ((wanted - found) / (1 - found).clamp(min=1e-6)).clamp(0, 1)[:, None]
    black = (wanted / found.clamp(min=1e-6)).clamp(0, 1)[:, None]
    return torch.where((wanted > found)[:, None], table + (1 - table) * white, table * black)


def _dicom_palette(file_name: str) -> torch.Tensor:
    """Read one of pydicom's palettes, 256 entries of 8 bits a colour."""
    from pydicom import dcmread
    from pydicom.data import get_palette_files

    palette = dcmread(get_palette_files(file_name)[0])
    channels = [
        np.frombuffer(palette[f"{color}PaletteColorLookupTableData"].value, dtype=np.uint8)
        for color in ("Red", "Green", "Blue")
    ]
    return torch.as_tensor(np.stack(channels, axis=1), dtype=torch.float32) / 255
