"""Which of several volumes is meant: by what the user said, or by what each can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.dicom.source import is_hidden
from mactfusion.io.formats import base_name
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.listing import Listing, Series

ANATOMICAL, PARTNER = "anatomical", "partner"
_MOST_NAMED = 12


class SeveralVolumesError(InputError):
    """A source holds several volumes, and nothing says which is meant.

    Args:
        sentence: for the user.
        listing: what there is.
    """

    def __init__(self, sentence: str, listing: Listing) -> None:
        super().__init__(sentence)
        self.listing = listing


def choose(listing: Listing, path: Path, wanted: str = "", role: str = "") -> Series:
    """Choose the one volume of a source for a role.

    Args:
        listing: what the source holds.
        path: of the source, for messages.
        wanted: number in the listing, or words of modality and description; "" for the only one
            that fits the role.
        role: "anatomical", "partner", or "" for any.

    Raises:
        InputError: there is none, or it cannot be fused.
        SeveralVolumesError: there are several.
    """
    if wanted:
        return _named(listing, path, wanted, role)
    candidates = listing.candidates
    if not candidates:
        raise InputError(_nothing(listing, path))
    fitting = _fitting(candidates, role)
    if len(fitting) != 1:
        raise _several(candidates, listing, path, (role,))
    return _fusable(fitting[0], path, is_only=len(candidates) == 1)


def choose_pair(
    listing: Listing, path: Path, anatomical: str, partners: Sequence[str]
) -> list[Series]:
    """Choose the anatomical volume and its partners from one study.

    Where nothing is said, the anatomical volume is the only MR, or without MR the only CT; the
    partner is the only other volume.

    Args:
        listing: what the study holds.
        path: of the study, for messages.
        anatomical: see ``wanted`` of :func:`choose`.
        partners: likewise for each.

    Returns:
        The anatomical volume, then the partners.

    Raises:
        InputError: one cannot be fused, or there is only one volume.
        SeveralVolumesError: nothing says which is meant.
    """
    named = [_named(listing, path, wanted, PARTNER) if wanted else None for wanted in partners]
    first = _named(listing, path, anatomical, ANATOMICAL) if anatomical else None
    taken = [series for series in (first, *named) if series is not None]
    left = [series for series in listing.candidates if series not in taken]
    if not listing.candidates:
        raise InputError(_nothing(listing, path))
    if first is None:
        if len(listing.candidates) == 1:
            _fusable(listing.candidates[0], path, is_only=True)
            raise InputError(
                f"{path} holds one volume that can be fused, {listing.candidates[0].said()}: name"
                " the anatomical volume first and its partner second"
            )
        fitting = _fitting(left, ANATOMICAL)
        if len(fitting) != 1 or fitting[0].modality not in ("MR", "CT"):
            raise _several(left, listing, path, (ANATOMICAL, PARTNER))
        first = _fusable(fitting[0], path, is_only=len(listing.candidates) == 1)
        left.remove(first)
    chosen = []
    for series in named:
        if series is not None:
            chosen.append(series)
            continue
        if not left:
            raise InputError(
                f"{path} holds no volume beside {first.said()}; name the partner's file or folder"
                " second"
            )
        if len(left) != 1:
            raise _several(left, listing, path, (PARTNER,))
        chosen.append(_fusable(left[0], path))
    return [first, *chosen]


def _fitting(volumes: Sequence[Series], role: str) -> list[Series]:
    """Return what a role takes first: MR, then CT for anatomy; what is no MR for a partner."""
    if role == ANATOMICAL:
        for modality in ("MR", "CT"):
            found = [series for series in volumes if series.modality == modality]
            if found:
                return found
    if role == PARTNER:
        found = [series for series in volumes if series.modality != "MR"]
        if found:
            return found
    return list(volumes)


def _named(listing: Listing, path: Path, wanted: str, role: str) -> Series:
    text = str(wanted).strip()
    number = int(text) if text.isascii() and text.isdigit() else 0
    found = [series for series in listing.series if series.number == number]
    if not found:
        found = _matching(listing.series, text.casefold())
    if not found:
        raise InputError(
            f"{path} holds no volume '{wanted}': {_all(listing.series)}. Choose one with"
            f" {_option(role)} by its number, or by words of its description."
        )
    if len(found) > 1:
        raise _several(found, listing, path, (role,))
    return _fusable(found[0], path)


def _fusable(series: Series, path: Path, *, is_only: bool = False) -> Series:
    if series.obstacle:
        which = "" if is_only else f"{series.said()}, "
        raise InputError(f"{path} cannot be fused: {which}{series.obstacle}")
    return series


def _matching(every: Sequence[Series], text: str) -> list[Series]:
    """Return those that are called so, else those with these words, else those with parts."""
    called = {
        series.number: f"{series.modality} {series.description}".casefold() for series in every
    }
    for fits in (
        lambda name: text in (name, name.partition(" ")[2]),
        lambda name: set(text.split()) <= set(name.replace(",", " ").split()),
        lambda name: all(word in name for word in text.split()),
    ):
        found = [series for series in every if fits(called[series.number])]
        if found:
            return [series for series in found if not series.obstacle] or found
    return []


def _several(
    volumes: Sequence[Series], listing: Listing, path: Path, roles: Sequence[str]
) -> SeveralVolumesError:
    options = " and ".join(_option(role) for role in roles)
    meant = "" if len(volumes) == len(listing.candidates) else " that may be meant"
    return SeveralVolumesError(
        f"{path} holds {len(volumes)} volumes{meant}: {_all(volumes)}; choose with {options}"
        " by number, or by words of the description",
        listing,
    )


def _option(role: str) -> str:
    first, second = option("anatomical_series"), option("partner_series")
    return {ANATOMICAL: first, PARTNER: second}.get(role, f"{first} or {second}")


def _all(volumes: Sequence[Series]) -> str:
    named = [_said(series) for series in volumes[:_MOST_NAMED]]
    more = f" and {len(volumes) - _MOST_NAMED} more" if len(volumes) > _MOST_NAMED else ""
    return ", ".join(named) + more


def _said(series: Series) -> str:
    return f"{series.said()} (not fusable: {series.obstacle})" if series.obstacle else series.said()


def _nothing(listing: Listing, path: Path) -> str:
    """Say why nothing can be fused: the reason where there is one, else what is there."""
    if len(listing.series) == 1:
        return f"{path} cannot be fused: {listing.series[0].obstacle}"
    if listing.series:
        reasons = "; ".join(
            f"{series.said()}: {series.obstacle}" for series in listing.series[:_MOST_NAMED]
        )
        return f"{path} holds no DICOM volume that can be fused: {reasons}"
    if listing.damaged:
        damaged, how = next(iter(listing.damaged.items()))
        return (
            f"{path} holds no DICOM images that can be read: {len(listing.damaged)} files are"
            f" damaged ({base_name(damaged)} {how}); copy them again"
        )
    if listing.archives:
        files = "1 ZIP" if listing.archives == 1 else f"{listing.archives} ZIP files"
        return (
            f"{path} holds no DICOM images but {files}, not opened there; give a ZIP by itself,"
            " taken out first if it lies in another one"
        )
    if path.is_dir() and any(is_hidden(each) for each in path.iterdir()):
        return (
            f"{path} holds no DICOM images but hidden files, whose names begin with a dot; they are"
            " read where one of them is given by itself"
        )
    return f"{path} holds no DICOM images; give a file, or a folder with DICOM images"
