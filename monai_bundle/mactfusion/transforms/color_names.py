"""Colour tables as a user gives them: a name, or entries."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LARGEST_TABLE = 65536

DICOM_PALETTES = {
    "hot_iron": "hotiron.dcm",
    "pet": "pet.dcm",
    "hot_metal_blue": "hotmetalblue.dcm",
}
"""Well-known palettes of DICOM PS3.6 annex B, and pydicom's file of each."""

GREYS = ("grey", "gray")

IRONS = {"cool_iron": (2, 1, 0), "green_iron": (1, 0, 2)}
"""Hot iron with its red, green and blue exchanged: channels of hot iron that become them."""

METALS = ("hot_metal", "cool_metal", "green_metal")
"""Tables that say uptake at any lightness, see :mod:`mactfusion.transforms.metals`."""

COLORS = ("legible", "ycbcr")
"""How luminance and colours become one picture, see :mod:`mactfusion.transforms.color`."""

TINTS = ("none", "ct")
"""What may be tinted that has no uptake."""

TINTED_CT = "cool_tint"
"""Table of a CT that is tinted: its bright half grows bluish."""

GREY, OWN, GIVEN = "grey", "its own", "as given"
"""What a record calls the colours of a partner without a table, with colours of its own, and with
a table of entries."""

TABLES_OF_TRACERS = {"legible": METALS, "ycbcr": ("hot_iron", "cool_iron", "green_iron")}
"""Tables of "auto" by :data:`COLORS`: of the only tracer, and of further ones beside it, in
distinct hues."""


def check_color_table(name: str | ArrayLike) -> str | np.ndarray:
    """Check the choice of a colour table.

    Args:
        name: see :func:`~mactfusion.transforms.colormap.color_table`.

    Returns:
        The name of the table, or its entries ``(N, 3 or 4)``, float32 in [0, 1].

    Raises:
        InputError: unknown name; entries of another shape or range.
    """
    if not isinstance(name, str):
        return _checked_entries(name)
    own_name = name.strip().lower().replace("-", "_").replace(" ", "_")
    if own_name == "auto":
        return TABLES_OF_TRACERS[COLORS[0]][0]
    if own_name in (*METALS, TINTED_CT, *DICOM_PALETTES, *IRONS, *GREYS):
        return own_name
    import matplotlib as mpl

    if name in mpl.colormaps:
        return name
    known = [*METALS, TINTED_CT, *DICOM_PALETTES, *IRONS, *GREYS, *mpl.colormaps]
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(own_name, by_lower_case, n=3) or list(DICOM_PALETTES)
    raise InputError(
        f"Unknown colour table '{name}': did you mean "
        f"{' or '.join(by_lower_case[match] for match in close)}?"
    )


def _checked_entries(entries: ArrayLike) -> np.ndarray:
    try:
        table = np.asarray(entries, dtype=np.float32)
    except (TypeError, ValueError):  # texts, or rows of different length
        table = np.empty(0, np.float32)
    if table.ndim != 2 or not 2 <= len(table) <= LARGEST_TABLE or table.shape[1] not in (3, 4):
        raise InputError(
            f"A colour table needs 2 to {LARGEST_TABLE} rows of red, green, blue and, if wanted, "
            "alpha."
        )
    if not bool(((table >= 0) & (table <= 1)).all()):
        raise InputError("A colour table needs values from 0 to 1; scale them.")
    return table
