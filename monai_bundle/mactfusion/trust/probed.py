"""What is known of one voxel of a fused volume: its sources, its colour, its shares, its flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.transforms.nearest import centre_of, nearest_voxel
from mactfusion.transforms.volume import is_picture, plain
from mactfusion.trust.decode import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.trust.decode import Decoded

Value = float | list[float]
"""Of a voxel: one number, or red, green and blue in [0, 1]."""

FULL_SHARE = 255
INVENTED = 128
"""On the map of what was lost; 1, 2, 4, … are what is lost of the sources."""
_MOST_SOURCES = 7
ALIKE = 0.02
"""Of full scale: sources that differ by less are equally bright."""


@dataclass(frozen=True)
class Probed:
    """What is known of a source at a point.

    Attributes:
        role: "anatomical", "partner", or of several "partner 1", …
        units: of its values, "" where they are unknown.
        value: of its voxel nearest to the point, on its own grid; None outside, where the source is
            not at hand, and where the voxel has no finite value.
        voxel: that voxel's index; None outside and where the source is not at hand.
        is_outside: the point lies outside its field of view.
        decoded: what the colour of the fused voxel says of it: its value, the lowest and the
            highest that look the same; the last two are None where they are an end of the window,
            beyond which every value looks so. None where that cannot be read.
        share: of it in the fused voxel, 0 to 1; None where that is not known or cannot be told.
    """

    role: str
    units: str
    value: Value | None = None
    voxel: tuple[int, int, int] | None = None
    is_outside: bool = False
    decoded: tuple[float, float | None, float | None] | None = None
    share: float | None = None


@dataclass(frozen=True)
class Probe:
    """What is known of a voxel of a fused volume.

    Attributes:
        voxel: its index.
        position_mm: the point that was asked for, RAS+; None in a picture.
        fused: its value, 0 to 1.
        sources: the anatomical volume, then each partner as in the record.
        flags: what the check of the result says of the place, one sentence each.
        notes: what cannot be told, and why.
    """

    voxel: tuple[int, int, int]
    position_mm: list[float] | None
    fused: Value | None
    sources: list[Probed]
    flags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """A fused volume with what lies beside it.

    Attributes:
        fused: ``(1 or 3, I, J, K)`` from 0 to ``full_scale``.
        record: see :mod:`mactfusion.record`; empty where there is none.
        sources: volumes in their units on their own grids, by their role; those at hand.
        shares: ``(sources, …)`` uint8, in the order of the record; None without.
        lost: ``(1, …)`` uint8, see :data:`INVENTED`; None without.
        full_scale: of the fused volume.
    """

    fused: MetaTensor
    record: Mapping[str, Any]
    sources: Mapping[str, MetaTensor]
    shares: MetaTensor | None = None
    lost: MetaTensor | None = None
    full_scale: float = 1.0


def probe_point(result: Result, point_mm: Sequence[float]) -> Probe | None:
    """Say what is known of the voxel that a point lies in; None outside the fused volume."""
    voxel = nearest_voxel(result.fused.affine, result.fused.shape[1:], point_mm)
    return None if voxel is None else _probed(result, voxel, np.asarray(point_mm, np.float64))


def probe_voxel(result: Result, voxel: Sequence[int]) -> Probe | None:
    """Say what is known of a voxel, and of its centre; None outside the fused volume."""
    sizes = result.fused.shape[1:]
    if any(not 0 <= place < size for place, size in zip(voxel, sizes, strict=True)):
        return None
    first, second, third = voxel
    return _probed(result, (first, second, third), centre_of(result.fused.affine, voxel))


def _probed(result: Result, voxel: tuple[int, int, int], point_mm: np.ndarray) -> Probe:
    fused = value_at(result.fused, voxel, result.full_scale)
    record, notes = result.record, []
    partners = record.get("partners", [])
    found: dict[str, Decoded] = {}
    if isinstance(fused, list):
        found, sentence = decode(fused, partners, record.get("options", {}).get("colors", "ycbcr"))
        notes += [sentence] if sentence else []
    shares = _shares_at(result, voxel)
    place = None if is_picture(result.fused) else [round(float(mm), 3) for mm in point_mm]
    sources = [_source(result, "anatomical", record, point_mm, shares)] if record else []
    for partner in partners:
        source = _source(result, partner["input"], partner, point_mm, shares)
        sources.append(_with_decoded(source, partner, found.get(partner["input"])))
    if shares == {}:
        notes.append("Which source the voxel came from cannot be told: nothing shows in it.")
    elif shares and _are_alike(sources, record):
        notes.append(
            "The sources are equally bright here: which of them the voxel came from cannot be told."
        )
    return Probe(
        voxel=voxel,
        position_mm=place,
        fused=fused,
        sources=sources,
        flags=_flags_at(result, voxel, [source.role for source in sources]),
        notes=notes,
    )


def _source(
    result: Result,
    role: str,
    recorded: Mapping[str, Any],
    point_mm: np.ndarray,
    shares: Mapping[str, float] | None,
) -> Probed:
    """Look a source up at a point of the anatomical volume, through the pose of the record."""
    units, share = str(recorded["units"]), (shares or {}).get(role)
    volume = result.sources.get(role)
    if volume is None:
        return Probed(role, units, share=share)
    pose = np.asarray(recorded.get("pose", np.eye(4)), np.float64)
    voxel = nearest_voxel(volume.affine, volume.shape[1:], (pose @ [*point_mm, 1.0])[:3])
    if voxel is None:
        return Probed(role, units, is_outside=True, share=share)
    return Probed(role, units, value_at(volume, voxel), voxel, share=share)


def _with_decoded(source: Probed, partner: Mapping[str, Any], found: Decoded | None) -> Probed:
    if found is None:
        return source
    level, width = partner["level_width"]
    value, low, high = (level + (place - 0.5) * width for place in found)
    ends = (None if found.low == 0 else low, None if found.high == 1 else high)
    return Probed(**{**vars(source), "decoded": (value, *ends)})


def value_at(volume: MetaTensor, voxel: Sequence[int], full_scale: float = 1.0) -> Value | None:
    """Return the value of a voxel, or its colour; None where it is not finite."""
    first, second, third = voxel
    values = [float(value) / full_scale for value in plain(volume)[:, first, second, third]]
    if not np.isfinite(values).all():
        return None
    return values[0] if len(values) == 1 else values


def _at_centre(
    result: Result, other: MetaTensor, voxel: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """Find the voxel of a volume beside a fused one; readers may turn one of the two."""
    if is_picture(result.fused):
        return voxel if other.shape[1:] == result.fused.shape[1:] else None
    point_mm = centre_of(result.fused.affine, voxel)
    return nearest_voxel(other.affine, other.shape[1:], point_mm)


def _shares_at(result: Result, voxel: tuple[int, int, int]) -> dict[str, float] | None:
    """Return the share of each role, none where no share can be told; None without shares."""
    known = result.record.get("provenance")
    if result.shares is None or not known:
        return None
    place = _at_centre(result, result.shares, voxel)
    if place is None:
        return None
    first, second, third = place
    values = plain(result.shares)[:, first, second, third].tolist()
    if not any(values):
        return {}
    return {role: value / FULL_SHARE for role, value in zip(known["sources"], values, strict=True)}


def _are_alike(sources: Sequence[Probed], record: Mapping[str, Any]) -> bool:
    """Tell whether the anatomical volume and its strongest partner are equally bright."""
    windows = [record["anatomical_level_width"]]
    windows += [partner["level_width"] for partner in record["partners"]]
    scaled = [
        float(np.clip((source.value - window[0]) / window[1] + 0.5, 0, 1))
        for source, window in zip(sources, windows, strict=True)
        if isinstance(source.value, float)
    ]
    is_known = len(scaled) == len(sources) > 1
    return is_known and abs(scaled[0] - max(scaled[1:])) < ALIKE


def _flags_at(result: Result, voxel: tuple[int, int, int], roles: Sequence[str]) -> list[str]:
    if result.lost is None:
        return []
    place = _at_centre(result, result.lost, voxel)
    code = 0 if place is None else int(plain(result.lost)[0][place])
    lost = [
        f"Structure of the {role}{' volume' if role == 'anatomical' else ''} is lost here."
        for number, role in enumerate(roles[:_MOST_SOURCES])
        if code >> number & 1
    ]
    return [*lost, "No source has the structure seen here."] if code & INVENTED else lost
