"""Named colour tables, and scalar volumes through them."""

from __future__ import annotations

import difflib

import matplotlib as mpl
import numpy as np
import torch
from pydicom import dcmread
from pydicom.data import get_palette_files

from mactfusion.errors import InputError
from mactfusion.transforms.volume import plain

TABLE_SIZE = 256

_DICOM_PALETTES = {
    "hot_iron": "hotiron.dcm",
    "pet": "pet.dcm",
    "hot_metal_blue": "hotmetalblue.dcm",
}
_GREYS = ("grey", "gray")


def color_table(name: str) -> torch.Tensor:
    """Return a colour table.

    Args:
        name: "hot_iron", "pet" or "hot_metal_blue" (well-known palettes of DICOM PS3.6 annex B,
            read from pydicom), "grey" or "gray", or any colour map of Matplotlib.

    Returns:
        ``(256, 3)``, RGB in [0, 1], float32.

    Raises:
        InputError: unknown name.
    """
    own_name = name.strip().lower().replace("-", "_").replace(" ", "_")
    if own_name in _GREYS:
        return torch.linspace(0, 1, TABLE_SIZE)[:, None].repeat(1, 3)
    if own_name in _DICOM_PALETTES:
        return _dicom_palette(_DICOM_PALETTES[own_name])
    if name in mpl.colormaps:
        colors = mpl.colormaps[name](np.linspace(0, 1, TABLE_SIZE))[:, :3]
        return torch.as_tensor(colors, dtype=torch.float32)
    known = [*_DICOM_PALETTES, *_GREYS, *mpl.colormaps]
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


def _dicom_palette(file_name: str) -> torch.Tensor:
    """Read one of pydicom's palettes, 256 entries of 8 bits a colour."""
    palette = dcmread(get_palette_files(file_name)[0])
    channels = [
        np.frombuffer(palette[f"{color}PaletteColorLookupTableData"].value, dtype=np.uint8)
        for color in ("Red", "Green", "Blue")
    ]
    return torch.as_tensor(np.stack(channels, axis=1), dtype=torch.float32) / 255
