"""How long a run takes, by the last run of its kind on its device; nothing where there was none."""

from __future__ import annotations

import json
from typing import Any

import qt

_RATES = "MACTFusion/SecondsPerVoxel"
_WHAT_TAKES_TIME = ("model", "weights", "precision", "register", "check", "provenance", "luminance")
_MOST = 50


def kind_of_run(device: dict | None, options: dict, partners: int) -> str:
    """Return a text that runs share which take the same time for each voxel.

    Args:
        device: of the worker, see :func:`MACTFusionLib.summary.device_used`; None where unknown.
        options: of ``mactfusion.fuse_volumes``.
        partners: how many are fused with the anatomical volume.

    Returns:
        "" where the device is not known.
    """
    if device is None:
        return ""
    named = [str(options.get(option, "")) for option in _WHAT_TAKES_TIME]
    return " ".join([device["name"], device["title"], str(partners), *named])


def learn(kind: str, voxels: int, seconds: float) -> None:
    """Take down how long a run took, for the next of its kind in this and later sessions.

    Args:
        kind: see :func:`kind_of_run`; "" is not taken down.
        voxels: of the result.
        seconds: from the first news of the run to its result.
    """
    if not kind or voxels <= 0:
        return
    rates = _rates()
    rates.pop(kind, None)  # the newest comes last
    rates[kind] = seconds / voxels
    kept = dict(list(rates.items())[-_MOST:])
    qt.QSettings().setValue(_RATES, json.dumps(kept))


def expected_seconds(kind: str, voxels: int) -> float | None:
    """Return how long a run will take, None where no run of its kind was seen yet."""
    rate = _rates().get(kind)
    return None if rate is None else rate * voxels


def _rates() -> dict[str, Any]:
    """Return seconds per voxel by kind; what somebody else wrote into the settings counts not."""
    try:
        rates = json.loads(str(qt.QSettings().value(_RATES, "") or "{}"))
    except ValueError:
        return {}
    if not isinstance(rates, dict):
        return {}
    return {kind: rate for kind, rate in rates.items() if isinstance(rate, float) and rate > 0}
