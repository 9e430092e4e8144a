"""Half-lives of the nuclides of PET, in seconds (ENSDF), and how headers name the usual ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mactfusion.io.dicom.place import first_item

if TYPE_CHECKING:
    from pydicom import Dataset

HALF_LIVES_S = {
    "C-11": 1221.8,
    "N-13": 597.9,
    "O-15": 122.24,
    "F-18": 6586.2,
    "Na-22": 8.2106e7,
    "K-38": 458.2,
    "Sc-44": 14292.0,
    "Mn-52": 483062.0,
    "Co-55": 63108.0,
    "Cu-60": 1422.0,
    "Cu-61": 12020.0,
    "Cu-62": 580.2,
    "Cu-64": 45722.0,
    "Ga-66": 34164.0,
    "Ga-68": 4062.6,
    "Ge-68": 2.3411e7,
    "Br-76": 58320.0,
    "Rb-82": 75.5,
    "Y-86": 53064.0,
    "Zr-89": 282280.0,
    "Y-90": 230580.0,
    "Tc-94m": 3120.0,
    "I-124": 360806.0,
}

_TOLERANCE = 0.02
"""Share: headers round, and the tables of scanners differ; less than what tells two kinds apart."""

_ELEMENTS = {
    "C": "Carbon",
    "N": "Nitrogen",
    "O": "Oxygen",
    "F": "Fluorine",
    "Cu": "Copper",
    "Ga": "Gallium",
    "Rb": "Rubidium",
    "Y": "Yttrium",
    "Zr": "Zirconium",
    "I": "Iodine",
}

_OF_CODES = {
    "40565003": "C-11",
    "C-105A1": "C-11",
    "21576001": "N-13",
    "C-107A1": "N-13",
    "129504001": "O-15",
    "C-B1038": "O-15",
    "77004003": "F-18",
    "C-111A1": "F-18",
    "3932008": "Cu-64",
    "C-127A2": "Cu-64",
    "35337001": "Ga-68",
    "C-131A3": "Ga-68",
    "79197006": "Rb-82",
    "C-159A2": "Rb-82",
    "63360001": "Zr-89",
    "C-168A4": "Zr-89",
    "40937006": "I-124",
    "C-114A5": "I-124",
}
"""By the codes of CID 4020, as they are now and as they were in SNOMED RT."""


def nuclide_of(drug: Dataset) -> str:
    """Return the nuclide that a radiopharmaceutical names, such as ``F-18``; "" for none known.

    Args:
        drug: an item of RadiopharmaceuticalInformationSequence.
    """
    code = first_item(drug, "RadionuclideCodeSequence")
    if code is not None:
        named = _OF_CODES.get(str(code.get("CodeValue") or "").strip())
        if named or (named := _named(str(code.get("CodeMeaning") or ""))):
            return named
    return _named(str(drug.get("Radiopharmaceutical") or ""))


def fits(half_life_s: float, nuclide: str) -> bool:
    """Tell whether a half-life is that of a nuclide, or of any where ``nuclide`` is ""."""
    known = [HALF_LIVES_S[nuclide]] if nuclide else HALF_LIVES_S.values()
    return any(abs(half_life_s / each_s - 1) <= _TOLERANCE for each_s in known)


def _named(text: str) -> str:
    """Find forms such as ^18^Fluorine, F-18, 18F, Fluorodeoxyglucose F^18^."""
    found = set()
    for nuclide in HALF_LIVES_S:
        symbol, mass = nuclide.split("-")
        element = (
            f"(?:(?i:{_ELEMENTS[symbol]})|{symbol}(?![a-z]))" if symbol in _ELEMENTS else symbol
        )
        first = rf"(?<!\d){mass}[\W_]*{element}"
        last = rf"(?<![A-Za-z]){element}[\W_]*{mass}(?!\d)"
        if re.search(f"{first}|{last}", text):
            found.add(nuclide)
    return found.pop() if len(found) == 1 else ""
