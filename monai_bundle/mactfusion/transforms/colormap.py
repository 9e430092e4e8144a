"""Named colour tables, and scalar volumes through them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import torch
from pydicom import dcmread
from pydicom.data import get_palette_files

from mactfusion.errors import InputError
from mactfusion.transforms.volume import plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LUMINANCE_WEIGHTS = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in luminance, ITU-R BT.601."""

TABLE_SIZE = 256
_LARGEST_TABLE = 65536

_DICOM_PALETTES = {
    "hot_iron": "hotiron.dcm",
    "pet": "pet.dcm",
    "hot_metal_blue": "hotmetalblue.dcm",
}
_GREYS = ("grey", "gray")
_IRONS = {"cool_iron": (2, 1, 0), "green_iron": (1, 0, 2)}
"""Hot iron with its red, green and blue exchanged: channels of hot iron that become them."""

TABLES_OF_TRACERS = ("hot_iron", "cool_iron", "green_iron")
"""Tables of "auto": of the only tracer, and of further ones beside it, in distinct hues."""


def color_table(name: str | ArrayLike) -> torch.Tensor:
    """Return a colour table.

    Args:
        name: "hot_iron", "pet" or "hot_metal_blue" (well-known palettes of DICOM PS3.6 annex B,
            read from pydicom); "cool_iron" or "green_iron" (hot iron in blue and in green, each
            entry as bright as hot iron's); "auto" (hot iron); "grey" or "gray"; or any colour map
            of Matplotlib. Or the entries of a table, ``(N, 3)`` RGB or ``(N, 4)`` RGBA in [0, 1],
            N from 2 to 65536; an entry is black as far as it is transparent.

    Returns:
        ``(N, 3)``, N = 256 for a name, RGB in [0, 1], float32.

    Raises:
        InputError: unknown name; entries of another shape or range.
    """
    if not isinstance(name, str):
        return _table_of_entries(name)
    own_name = name.strip().lower().replace("-", "_").replace(" ", "_")
    if own_name == "auto":
        own_name = TABLES_OF_TRACERS[0]
    if own_name in _IRONS:
        return _iron_of_other_hue(_IRONS[own_name])
    if own_name in _GREYS:
        return torch.linspace(0, 1, TABLE_SIZE)[:, None].repeat(1, 3)
    if own_name in _DICOM_PALETTES:
        return _dicom_palette(_DICOM_PALETTES[own_name])
    if name in mpl.colormaps:
        colors = mpl.colormaps[name](np.linspace(0, 1, TABLE_SIZE))[:, :3]
        return torch.as_tensor(colors, dtype=torch.float32)
    known = [*_DICOM_PALETTES, *_IRONS, *_GREYS, *mpl.colormaps]
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(own_name, by_lower_case, n=3) or list(_DICOM_PALETTES)
    raise InputError(
        f"Unknown colour table '{name}': did you mean "
        f"{' or '.join(by_lower_case[match] for match in close)}?"
    )


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
    channels = [
        torch.lerp(channel[lower], channel[lower + 1], weight) for channel in table.float().T
    ]
    return torch.stack(channels)


def _table_of_entries(entries: ArrayLike) -> torch.Tensor:
    try:
        table = torch.as_tensor(np.asarray(entries, dtype=np.float32))
    except (TypeError, ValueError):  # texts, or rows of different length
        table = torch.empty(0)
    if table.ndim != 2 or not 2 <= len(table) <= _LARGEST_TABLE or table.shape[1] not in (3, 4):
        raise InputError(
            f"A colour table needs 2 to {_LARGEST_TABLE} rows of red, green, blue and, if wanted, "
            "alpha."
        )
    if not bool(((table >= 0) & (table <= 1)).all()):
        raise InputError("A colour table needs values from 0 to 1; scale them.")
    return table[:, :3] * table[:, 3:] if table.shape[1] == 4 else table.clone()


def _iron_of_other_hue(channels: tuple[int, int, int]) -> torch.Tensor:
    """Exchange hot iron's channels, then add white or black until each entry is as bright."""
    iron = _dicom_palette(_DICOM_PALETTES["hot_iron"])
    table = iron[:, list(channels)]
    weights = torch.tensor(LUMINANCE_WEIGHTS)
    wanted, found = iron @ weights, table @ weights
    white = ((wanted - found) / (1 - found).clamp(min=1e-6)).clamp(0, 1)[:, None]
    black = (wanted / found.clamp(min=1e-6)).clamp(0, 1)[:, None]
    return torch.where((wanted > found)[:, None], table + (1 - table) * white, table * black)


def _dicom_palette(file_name: str) -> torch.Tensor:
    """Read one of pydicom's palettes, 256 entries of 8 bits a colour."""
    palette = dcmread(get_palette_files(file_name)[0])
    channels = [
        np.frombuffer(palette[f"{color}PaletteColorLookupTableData"].value, dtype=np.uint8)
        for color in ("Red", "Green", "Blue")
    ]
    return torch.as_tensor(np.stack(channels, axis=1), dtype=torch.float32) / 255
