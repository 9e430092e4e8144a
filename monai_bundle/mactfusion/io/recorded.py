"""The sources of a fused volume, found again and read again by what its record says of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError, listening
from mactfusion.io.checksum import sha256_of_set
from mactfusion.io.coerce import as_volume
from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER
from mactfusion.io.dicom.source import is_dicom_source
from mactfusion.io.dicom.study import Studies
from mactfusion.io.formats import base_name
from mactfusion.io.load import digests_of
from mactfusion.io.volume import keeping_non_finite
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from monai.data import MetaTensor


def _called(role: str) -> str:
    return "anatomical volume" if role == "anatomical" else role


def why_missing(role: str, recorded: Mapping[str, str]) -> str:
    """Say why there is no value of a source, and what to do."""
    if "sha256" not in recorded:
        return (
            f"The {_called(role)} was in memory when it was fused: no file can be told to be the "
            "same, and its value here is not known."
        )
    given = "anatomical" if role == "anatomical" else "partner"
    return f"The {_called(role)} is not at hand: give it with {option(given)}."


def find_given(
    sources: Sequence[Path], record: Mapping[str, Any], has_anatomical: bool
) -> dict[str, Path]:
    """Return each given source by the role that the record has for its content.

    Raises:
        InputError: it was not fused.
    """
    found: dict[str, Path] = {}
    for number, source in enumerate(sources):
        digests = digests_of(source)
        is_anatomical = has_anatomical and number == 0
        inputs = record["inputs"]
        roles = [role for role, about in inputs.items() if about.get("sha256") in digests]
        named = [role for role in roles if (role == "anatomical") == is_anatomical]
        if not named:
            raise InputError(_why_another(source, is_anatomical, bool(roles), inputs))
        # A DICOM study that was given as one of the sources may hold the others too.
        found = dict.fromkeys(roles, source) | found | dict.fromkeys(named, source)
    return found


def _why_another(
    source: Path, is_anatomical: bool, has_role: bool, inputs: Mapping[str, Mapping[str, str]]
) -> str:
    """Say why a source is not what it was given as."""
    place = "anatomical volume" if is_anatomical else "partner"
    if has_role:
        return (
            f"{base_name(source)} is not the {place} that was fused: the record has another place "
            "for it."
        )
    asked = [about for role, about in inputs.items() if (role == "anatomical") == is_anatomical]
    if any("sha256" not in about for about in asked):
        return (
            f"{base_name(source)} cannot be told to be the {place}, which was in memory when it "
            "was fused: leave it out."
        )
    return (
        f"{base_name(source)} is not the {place} that was fused: the record has other content for "
        "that."
    )


def find_beside(
    fused: Path, record: Mapping[str, Any], found: Mapping[str, Path], notes: list[str]
) -> dict[str, Path]:
    """Look for the sources that were not given where the fused volume is, by name and content.

    Several may have one name: from folders of their own, or of one DICOM study.
    """
    wanted = {
        role: about
        for role, about in (record.get("inputs") or {}).items()
        if role not in found and "name_sha256" in about
    }
    beside: dict[str, Path] = {}
    for path in sorted(fused.parent.iterdir()) if wanted else ():
        digest = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()
        roles = [role for role in wanted if digest.startswith(wanted[role]["name_sha256"])]
        if not roles or path == fused:
            continue
        try:
            digests = digests_of(path)
        except (InputError, OSError):
            digests = set()
        same = [role for role in roles if wanted[role]["sha256"] in digests]
        beside |= dict.fromkeys(same, path)
        if not same:
            named = " and ".join(_called(role) for role in roles)
            notes.append(
                f"{path.name} has the name of the {named}, but is not what was fused, and is left "
                "out."
            )
    return beside


def read_again(source: Path, record: Mapping[str, Any], role: str) -> MetaTensor:
    """Read a source as it was read then: the same series, frame and units."""
    options, kind = record["options"], PARTNER
    if role == "anatomical":
        frame, units, kind = options["anatomical_frame"], "auto", ANATOMICAL
    else:
        frame, units = (_of(options[name], role) for name in ("frame", "units"))
    with listening(lambda _: None), keeping_non_finite():
        if not is_dicom_source(source):
            return as_volume(source, frame=frame, role=kind)
        with Studies() as studies:
            series = next(
                series
                for series in studies.listing(source).volumes
                if sha256_of_set(series.files) == record["inputs"][role]["sha256"]
            )
            return studies.read(source, series, frame, units, kind)


def _of(value: Any, role: str) -> Any:
    """Return what was chosen for a partner, of a list in the order in which they were given."""
    if not isinstance(value, list):
        return value
    return value[int(role.rpartition(" ")[2]) - 1]
