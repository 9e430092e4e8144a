"""What the studies of a run come from: a table, a DICOM tree, a BIDS data set, two folders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mactfusion.batch.bids import DERIVATIVES, DESCRIPTION, studies_of_bids
from mactfusion.batch.folders import studies_of_folders
from mactfusion.batch.plan import checked_plan
from mactfusion.batch.table import check_table, is_table, studies_of_table
from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mactfusion.batch.plan import Plan, Study


def make_plan(
    source: Path,
    partner: Path | None = None,
    *,
    by: str = "study",
    choose_anatomical: Sequence[str] = (),
    choose_partner: Sequence[str] = (),
    common: Mapping[str, Any],
) -> Plan:
    """Find the studies of a source.

    Args:
        source: a table (``.csv``, ``.parquet``), a DICOM tree, a BIDS data set, or a folder of
            files.
        partner: the folder of their partners; None for the others.
        by: of a DICOM tree what belongs together, "study" or "patient".
        choose_anatomical: which volume of a study is the anatomical one, from the first to the
            last that is tried: of DICOM words of modality and description, of BIDS suffixes.
        choose_partner: likewise the partner.
        common: options of all studies.

    Raises:
        InputError: it cannot be read, holds no study, or is a plan that cannot be done.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist.")
    has_rules = bool(choose_anatomical or choose_partner or by != "study")
    if partner is not None:
        for folder in (source, partner):
            if not folder.is_dir():
                raise InputError(f"{folder} is no folder: of two, both are folders of files.")
        _refuse_rules(has_rules, "two folders, whose files are paired by their names")
        return checked_plan(studies_of_folders(source, partner), common)
    if source.is_file() and is_table(source):
        check_table(source)
        _refuse_rules(has_rules, "a table, which names the volumes")
        return checked_plan(_with_files(studies_of_table(source)), common)
    if not source.is_dir():
        raise InputError(
            f"{source} is no source of studies: give a table (.csv, .parquet), a folder with DICOM "
            "files, a BIDS data set, or two folders of files."
        )
    if source.joinpath(DESCRIPTION).is_file():
        if by != "study":
            raise InputError("--pair-by is for DICOM; of a BIDS data set sessions are paired.")
        return checked_plan(studies_of_bids(source, choose_anatomical, choose_partner), common)

    from mactfusion.batch.dicom_tree import studies_of_tree

    return checked_plan(studies_of_tree(source, by, choose_anatomical, choose_partner), common)


def check_outside(output: Path, source: Path) -> None:
    """Refuse results among sources, for which they would be taken the next time.

    Raises:
        InputError: they would lie there, and not in the ``derivatives`` of a BIDS data set.
    """
    place, folder = output.resolve(), source.resolve()
    if not place.is_relative_to(folder):
        return
    is_bids = source.joinpath(DESCRIPTION).is_file()
    if is_bids and place.relative_to(folder).parts[:1] == (DERIVATIVES,):
        return
    raise InputError(
        f"{output} lies within {source}, so that results would be taken for sources: choose a "
        "folder elsewhere."
    )


def _refuse_rules(has_rules: bool, source: str) -> None:
    if has_rules:
        raise InputError(
            "--pair-by, --choose-anatomical and --choose-partner say which volumes of a DICOM tree "
            f"or a BIDS data set are meant, and not of {source}."
        )


def _with_files(studies: Sequence[Study]) -> list[Study]:
    """Find the files of the studies that share their folder with others; each folder once."""
    shared = {study.anatomical for study in studies if study.group and not study.left_out}
    if not shared:
        return list(studies)

    from mactfusion.batch.dicom_tree import files_of_group, grouped_files

    kinds = {(study.anatomical, study.group.partition(":")[0]) for study in studies if study.group}
    groups: dict[Path, dict[str, Any]] = {}
    for folder, by in kinds:
        if folder in shared and folder is not None:
            groups.setdefault(folder, {})[by] = grouped_files(folder, by)
    found = []
    for study in studies:
        if study.left_out or not study.group or study.anatomical is None:
            found.append(study)
            continue
        files = files_of_group(study.group, groups[study.anatomical])
        if not files:
            raise InputError(f"{study.name}: {study.anatomical} holds no file of it any more.")
        found.append(replace(study, files=files))
    return found
