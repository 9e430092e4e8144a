"""What a run over an archive would do: a study a line, and what is left out with the reason."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LONGEST_NAME = 150
"""Bytes of the name of a study, which becomes that of a folder."""

_ID_DIGITS = 12


@dataclass(frozen=True)
class Study:
    """The volumes of one patient that become one fused volume.

    Attributes:
        name: of the folder of its result.
        anatomical: its path: file, or DICOM folder, file, DICOMDIR or ZIP.
        partners: likewise each; none where the DICOM study ``anatomical`` holds the partner too.
        options: what was chosen for this study alone, by the names of
            :data:`mactfusion.option_table.OPTIONS`.
        group: "study:" or "patient:" and what :mod:`mactfusion.batch.dicom_tree` calls it, where
            the folder ``anatomical`` holds others too; "" else.
        left_out: why it is not to be done; "" where it is.
        what: what it holds, in words for who reads the plan.
        files: those of ``group``; not part of a saved plan.
    """

    name: str
    anatomical: Path | None
    partners: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    left_out: str = ""
    what: str = ""
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Studies in the order in which they are done.

    Attributes:
        studies: also those that are left out.
    """

    studies: tuple[Study, ...]

    @property
    def to_do(self) -> list[Study]:
        """The studies that are not left out."""
        return [study for study in self.studies if not study.left_out]

    @property
    def left_out(self) -> list[Study]:
        """Those that are, each with its reason."""
        return [study for study in self.studies if study.left_out]


def checked_plan(studies: Iterable[Study], common: Mapping[str, Any]) -> Plan:
    """Refuse a plan whose results would have one name, or whose options cannot be.

    Args:
        studies: in their order.
        common: what was chosen for all of them.

    Raises:
        InputError: a name that no folder can have or that two studies have, or a wrong value.
    """
    plan = Plan(tuple(studies))
    names: dict[str, str] = {}
    for study in plan.to_do:
        check_name(study.name)
        same = names.setdefault(study.name.casefold(), study.name)
        if same is not study.name:
            raise InputError(
                f"Two studies are called {study.name}: give each a name of its own, as it is that "
                "of the folder of its result."
            )
        try:
            options_of(study, common)
        except InputError as error:
            raise InputError(f"{study.name}: {error}") from error
    return plan


def options_of(study: Study, common: Mapping[str, Any]) -> Options:
    """Return what is chosen for a study, without an output.

    Raises:
        InputError: values that cannot be, or that contradict each other.
    """
    options = Options(**{**common, **study.options, "output": None, "overwrite": False})
    options.of_each(partner_count(study, options))
    return options


def partner_count(study: Study, options: Options) -> int:
    """Return how many partners a study has: files, or series of the study, of which one is named.

    Args:
        study: the study.
        options: its own.
    """
    series = options.partner_series
    return len(study.partners) or (len(series) if isinstance(series, list) else 1)


def check_name(name: str) -> None:
    """Refuse what is no name of a folder on every system.

    Raises:
        InputError: it is none.
    """
    is_printable = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if (
        not is_printable
        or not name
        or name != name.strip(" ")
        or len(os.fsencode(name)) > LONGEST_NAME
    ):
        raise InputError(
            f"A study cannot be called '{name}': its name is that of a folder, without any of "
            f'/ \\ : * ? " < > | and of no more than {LONGEST_NAME} bytes.'
        )
    if name.startswith(".") or name.endswith("."):
        raise InputError(f"A study cannot be called '{name}': a dot stands at an end of its name.")


def without(study: Study, reason: str) -> Study:
    """Return a study that is left out."""
    return replace(study, left_out=reason)


def name_from_id(identifier: str) -> str:
    """Name a study after an identifier that may name a patient: by the start of its SHA-256.

    Example:
        >>> name_from_id("1.2.840.99")
        'study-0a90ed7e2360'
    """
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogateescape")).hexdigest()
    return f"study-{digest[:_ID_DIGITS]}"
