"""Which series of a patient belong together: those are offered first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Series

_KINDS = ("MR", "CT", "PT", "NM")
_UPTAKE = ("PT", "NM")
_FEW = 10
"""A series of fewer images is hardly a volume; an enhanced one has one file."""

PARTNERS = {"MR": ("PT", "NM", "CT", "MR"), "CT": ("PT", "NM")}
"""Kinds of anatomical series, and what each is fused with."""

_UNCORRECTED = re.compile(r"\b(nac|non?[ -]?ac|uncorrected|no[nt]?[ -]?corrected)\b", re.IGNORECASE)
_LOCALIZERS = re.compile(r"\b(scout|localizer|localiser|loc|survey|topogram)\b", re.IGNORECASE)


def in_order(series: list) -> list:
    """Order series for a list: studies that hold a pair first, the newest of them on top.

    Within a study come MR, CT, PET and SPECT, each with the best suited first.
    """
    studies: dict = {}
    for one in series:
        studies.setdefault(one.study, []).append(one)

    def rank(study: list) -> tuple:
        return bool(best_pair(study)), max(one.date for one in study)

    found = []
    for study in sorted(studies.values(), key=rank, reverse=True):
        found += sorted(study, key=lambda one: (_KINDS.index(one.kind), _flaws(one), -one.images))
    return found


def best_pair(series: list) -> tuple:
    """Return the anatomical series and the partner that are most likely meant; () without any.

    One study comes before several, one frame of reference before two, MR before CT, uptake before
    another kind.
    """
    return _best_of(series, series)


def best_partner(anatomical: Series, series: list) -> Series | None:
    """Return the partner that is most likely meant for an anatomical series, None without any."""
    pair = _best_of([anatomical], series)
    return pair[1] if pair else None


def _best_of(anatomicals: list, series: list) -> tuple:
    pairs = [
        (anatomical, partner)
        for anatomical in anatomicals
        for partner in series
        if partner.uid != anatomical.uid and partner.kind in PARTNERS.get(anatomical.kind, ())
    ]
    return min(pairs, key=_distance, default=())


def _distance(pair: tuple) -> tuple:
    anatomical, partner = pair
    has_one_frame = bool(anatomical.frame) and anatomical.frame == partner.frame
    return (
        anatomical.study != partner.study,
        partner.kind not in _UPTAKE,
        not has_one_frame,
        _KINDS.index(anatomical.kind),
        PARTNERS[anatomical.kind].index(partner.kind),
        _flaws(anatomical) + _flaws(partner),
        anatomical.date != partner.date,
        [-ord(letter) for letter in max(anatomical.date, partner.date)],  # the newest
        -anatomical.images,
        -partner.images,
    )


def _flaws(series: Series) -> int:
    """Count what makes a series an unlikely choice."""
    said = series.description
    return (
        4 * bool(_LOCALIZERS.search(said))
        + 2 * (1 < series.images < _FEW)
        + 2 * (series.kind in _UPTAKE and bool(_UNCORRECTED.search(said)))
        + series.is_derived
    )
