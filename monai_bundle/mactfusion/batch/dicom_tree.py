"""A folder tree of DICOM files, of one study or of an archive: pairs by study, or by patient."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom.config import disable_value_validation

from mactfusion.batch.plan import Study, name_from_id
from mactfusion.errors import InputError, inform
from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER, SeveralVolumesError, choose_pair
from mactfusion.io.dicom.listing import Listing, list_series
from mactfusion.io.dicom.source import files_of, looks_like_dicom

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.io.dicom.listing import Series

STUDY, PATIENT = "study", "patient"
GROUPS = (STUDY, PATIENT)
_TAGS = {STUDY: ["StudyInstanceUID"], PATIENT: ["PatientID", "PatientBirthDate"]}
"""What tells one from another; without the first a file counts for none."""
_SPEAK_EVERY, _SPEAK_EVERY_STUDY = 5000, 100
"""Files, and studies, between two sentences on how far a large tree is read."""


def grouped_files(root: Path, by: str = STUDY) -> dict[str, list[Path]]:
    """Find the DICOM files of each study, or of each patient, of a tree.

    Args:
        root: the folder.
        by: :data:`STUDY` or :data:`PATIENT`.

    Returns:
        Files in the order of their names, by what
        :func:`mactfusion.batch.plan.name_from_id` makes of the StudyInstanceUID, or of PatientID
        and birth date; files without one count for none.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    with files_of(root) as files, disable_value_validation():
        for number, path in enumerate(files, start=1):
            if number % _SPEAK_EVERY == 0:
                inform(f"{number} of {len(files)} files looked at, {len(groups)} found.")
            if name := _group_of(path, by):
                groups[name].append(path)
    return dict(groups)


def studies_of_tree(
    root: Path,
    by: str = STUDY,
    anatomical: Sequence[str] = (),
    partner: Sequence[str] = (),
) -> list[Study]:
    """Pair the volumes of each study, or of each patient, of a tree.

    Args:
        root: the folder.
        by: what belongs together, :data:`STUDY` or :data:`PATIENT`.
        anatomical: words of modality and description, from the first to the last that are tried;
            of several volumes with the same words the one of most voxels is taken.
        partner: likewise.

    Returns:
        A study each; left out where nothing says which volumes are meant, or one is missing.

    Raises:
        InputError: there is no DICOM file.
    """
    groups = grouped_files(root, by)
    if not groups:
        raise InputError(f"{root} holds no DICOM files that name their study.")
    below = _groups_below(groups)
    studies = []
    for number, name in enumerate(sorted(groups, key=lambda one: groups[one][0]), start=1):
        if number % _SPEAK_EVERY_STUDY == 0:
            inform(f"The series of {number} of {len(groups)} groups of files are listed.")
        files = groups[name]
        folder = Path(os.path.commonpath([path.parent for path in files]))
        is_alone = len(below[folder]) == 1
        with disable_value_validation():
            listing = list_series(files)
        pair, why_not = _pair(listing, folder, anatomical, partner)
        studies.append(
            Study(
                name,
                folder,
                options=_chosen(pair),
                group="" if is_alone else f"{by}:{name}",
                left_out=why_not,
                what=" + ".join(series.said() for series in pair),
                files=() if is_alone else tuple(files),
            )
        )
    return studies


def files_of_group(
    group: str, groups: Mapping[str, Mapping[str, Sequence[Path]]]
) -> tuple[Path, ...]:
    """Return the files of a study of a plan.

    Args:
        group: as :class:`mactfusion.batch.plan.Study` has it.
        groups: of the folder, by :data:`STUDY` and :data:`PATIENT`, what :func:`grouped_files`
            found.
    """
    by, _, name = group.partition(":")
    return tuple(groups.get(by, {}).get(name, ()))


def _group_of(path: Path, by: str) -> str:
    """Return the name of the group of a file; "" where it is of none."""
    tags = _TAGS[by]
    try:
        if not looks_like_dicom(path):
            return ""
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=tags)
        values = [str(header.get(tag) or "").strip() for tag in tags]
    except Exception:  # what is wrong with a file is said when its folder is read
        return ""
    return name_from_id("\n".join(values)) if values[0] else ""


def _groups_below(groups: Mapping[str, Sequence[Path]]) -> dict[Path, set[str]]:
    """Return the groups that have files in a folder or below it."""
    below: dict[Path, set[str]] = defaultdict(set)
    for name, files in groups.items():
        for folder in {path.parent for path in files}:
            for place in (folder, *folder.parents):
                below[place].add(name)
    return below


def _pair(
    listing: Listing, folder: Path, anatomical: Sequence[str], partner: Sequence[str]
) -> tuple[list[Series], str]:
    first = _preferred(listing, anatomical, None)
    second = _preferred(listing, partner, first)
    if anatomical and first is None:
        return [], f"no volume is called {' or '.join(anatomical)}"
    if partner and second is None:
        return [], f"no volume is called {' or '.join(partner)}"
    try:
        return choose_pair(
            listing,
            folder,
            "" if first is None else str(first.number),
            ["" if second is None else str(second.number)],
        ), ""
    except SeveralVolumesError:
        said = ", ".join(series.said() for series in listing.volumes)
        return [], (
            f"several volumes may be meant: {said}; --choose-anatomical and --choose-partner say "
            "which, by words of modality and description"
        )
    except InputError as error:
        reason = str(error).removeprefix(f"{folder} ")
        return [], reason


def _preferred(listing: Listing, rules: Sequence[str], taken: Series | None) -> Series | None:
    """Return the volume of the first rule that any has; of several the one of most voxels."""
    volumes = [series for series in listing.volumes if series is not taken]
    for rule in rules:
        words = rule.casefold().split()
        found = [
            series
            for series in volumes
            if all(word in f"{series.modality} {series.description}".casefold() for word in words)
        ]
        if found:
            return max(found, key=lambda one: one.matrix[0] * one.matrix[1] * one.slices)
    return None


def _chosen(pair: Sequence[Series]) -> dict[str, object]:
    """Name the two volumes by their numbers in the listing of their folder."""
    if len(pair) != 2:
        return {}
    return {
        f"{ANATOMICAL}_series": str(pair[0].number),
        f"{PARTNER}_series": [str(pair[1].number)],
    }
