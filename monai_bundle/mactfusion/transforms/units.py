"""In which units a volume is, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.transforms.hounsfield import HU, judge_hounsfield

if TYPE_CHECKING:
    from monai.data import MetaTensor

_AS_WRITTEN = {"BQML": "Bq/ml", "CNTS": "counts", "GML": "SUV", "SUV": "SUV", "GY": "Gy"}
"""DICOM's defined terms of Units (PS3.3 C.8.9.1.1.3) and of Dose Units (C.8.8.3.2)."""


def units_of(volume: MetaTensor) -> str:
    """Return the units of a volume's native values, "" where nothing tells.

    Args:
        volume: ``(C, I, J, K)``, native values; of one that
            :func:`~mactfusion.transforms.task.recognised` made also in any scale.
    """
    recorded = str(volume.meta.get("units", "")).strip()
    if recorded:
        return _AS_WRITTEN.get(recorded.upper(), recorded)
    return HU if judge_hounsfield(volume)[0] else ""
