"""A data set after the Brain Imaging Data Structure: pairs by subject and session.

What a file is stands in its name: entities ``key-value`` and a suffix with ``_`` between them
(BIDS 1.10, "Filenames"), ``sub-01_ses-2_run-1_T1w.nii.gz``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mactfusion.batch.plan import Study
from mactfusion.errors import InputError
from mactfusion.io.formats import NIFTI_EXTENSIONS, extension_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DESCRIPTION = "dataset_description.json"
DERIVATIVES = "derivatives"
"""Folder of a data set where results belong."""
ANATOMICAL_SUFFIXES = ("T1w", "T2w", "FLAIR", "PDw")
"""From the first to the last that is taken where nothing is said."""
PARTNER_SUFFIXES = ("pet", "ct", "spect")
_ENTITY = re.compile(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)")
_DATA_TYPE_FOLDERS = ("anat", "pet", "ct", "spect")


@dataclass(frozen=True)
class _File:
    path: Path
    suffix: str
    entities: tuple[tuple[str, str], ...]


def studies_of_bids(
    root: Path, anatomical: Sequence[str] = (), partner: Sequence[str] = ()
) -> list[Study]:
    """Pair the images of each subject and session.

    Args:
        root: the data set; ``derivatives`` are left alone.
        anatomical: suffixes from the first to the last that is taken; those of
            :data:`ANATOMICAL_SUFFIXES` where nothing is said.
        partner: likewise, :data:`PARTNER_SUFFIXES`.

    Returns:
        A study for each session, or subject without sessions, that has any of the images; left out
        where one is missing, or where several are meant.

    Raises:
        InputError: there is no subject.
    """
    subjects = sorted(path for path in root.glob("sub-*") if path.is_dir())
    if not subjects:
        raise InputError(f"{root} has a {DESCRIPTION}, and no folder of a subject (sub-...).")
    studies = []
    for subject in subjects:
        sessions = sorted(path for path in subject.glob("ses-*") if path.is_dir())
        for place in sessions or [subject]:
            name = subject.name if place == subject else f"{subject.name}_{place.name}"
            study = _study(name, place, anatomical, partner)
            if study is not None:
                studies.append(study)
    return studies


def _study(
    name: str, place: Path, anatomical: Sequence[str], partner: Sequence[str]
) -> Study | None:
    files = _images(place)
    anatomical, partner = anatomical or ANATOMICAL_SUFFIXES, partner or PARTNER_SUFFIXES
    wanted = {suffix.casefold() for suffix in (*anatomical, *partner)}
    if not any(file.suffix.casefold() in wanted for file in files):
        return None
    first, why_not = _taken(files, anatomical)
    second, why_no_partner = _taken(files, partner)
    reasons = "; ".join(filter(None, (why_not, why_no_partner)))
    what = " + ".join(file.suffix for file in (first, second) if file is not None)
    return Study(
        name,
        None if first is None else first.path,
        () if second is None else (second.path,),
        left_out=reasons,
        what=what,
    )


def _images(place: Path) -> list[_File]:
    found = []
    for folder in _DATA_TYPE_FOLDERS:
        for path in sorted(place.joinpath(folder).glob("sub-*")):
            if extension_of(path) not in NIFTI_EXTENSIONS or not path.is_file():
                continue
            *parts, suffix = path.name[: -len(extension_of(path))].split("_")
            matches = [_ENTITY.fullmatch(part) for part in parts]
            if all(matches):
                entities = tuple((match[1], match[2]) for match in matches if match)
                found.append(_File(path, suffix, entities))
    return found


def _taken(files: Sequence[_File], suffixes: Sequence[str]) -> tuple[_File | None, str]:
    """Return the only image of the first suffix that there is, or why there is none."""
    for suffix in suffixes:
        of_kind = [file for file in files if file.suffix.casefold() == suffix.casefold()]
        if len(of_kind) == 1:
            return of_kind[0], ""
        if of_kind:
            names = ", ".join(file.path.name for file in of_kind)
            return None, f"{len(of_kind)} images {suffix} may be meant ({names})"
    return None, f"no image {' or '.join(suffixes)}"
