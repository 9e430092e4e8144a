"""What lies beside a fused volume: how it was made, without patient data.

File names and names of nodes can name a patient. So the record calls a volume by its role
(``partner-2.nii.gz``) and keeps the start of its name's SHA-256, by which who has the file can find
it; with the option ``keep_names`` it keeps the name without its folder.
"""

from __future__ import annotations

import hashlib
import math
import platform
import shlex
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monai
import numpy as np
import torch

from mactfusion import __version__
from mactfusion.case import partner_roles
from mactfusion.errors import with_names
from mactfusion.io.checksum import sha256_of_files
from mactfusion.io.coerce import IN_MEMORY
from mactfusion.io.formats import (
    DICOM_EXTENSION,
    OUTPUT_EXTENSIONS,
    base_name,
    extension_of,
)
from mactfusion.option_values import is_automatic
from mactfusion.options import is_list_of_values, one_or_each
from mactfusion.transforms.volume import name_of
from mactfusion.transforms.windows import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.options import Options

_NAME_DIGITS = 16
"""Hexadecimal digits of a name's hash."""


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    return {
        "mactfusion": __version__,
        "monai": monai.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


class Record:
    """Writes the record of a case.

    Args:
        anatomical: the source as the user gave it: a path, or an object in memory.
        partners: likewise each, in the order in which they were given; None where the anatomical
            source is a study that holds it.
        options: what was chosen.
        output: the file that is written, if any.
        folder: where relative paths of the sources start.
        notes: sentences that the network's run leaves, beside the ``notes`` of the case.
    """

    def __init__(
        self,
        anatomical: Any,
        partners: Sequence[Any],
        options: Options,
        output: str | Path | None = None,
        folder: str | Path = ".",
        notes: list[str] | None = None,
    ) -> None:
        roles = partner_roles(len(partners))
        self.is_study = all(partner is None for partner in partners)
        partners = [anatomical if partner is None else partner for partner in partners]
        self.sources = {
            role: Path(folder) / source if isinstance(source, str | Path) else source
            for role, source in zip(("anatomical", *roles), (anatomical, *partners), strict=True)
        }
        given = dict(zip(roles, options.of_each(len(partners))["transform"], strict=True))
        self.transforms = {
            f"transform of the {role}": Path(file)
            for role, file in given.items()
            if not is_automatic(file)
        }
        self._given = {role: _transform_given(file, options) for role, file in given.items()}
        self.options = options
        self.output = None if output is None else Path(output)
        self.notes = [] if notes is None else notes

    def of(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of a finished case, ready for JSON.

        Args:
            case: with all that :class:`mactfusion.case.Case` has after the network.
        """
        finished = time.time()
        partners = [
            {
                **partner,
                "name": self._name(partner["input"], partner["name"]),
                "colors": partner["colors"] or [],  # MONAI's loader makes None of an empty list
                "transform": self._given[partner["input"]],
            }
            for partner in case["partners"]
        ]
        recorded = {
            **self.options.recorded(len(partners)),
            "model": case["model"],
            "device": str(self.options.device),
        }
        return {
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": self._command(),
            "task": case["task"],
            "task_reason": case["task_reason"],
            "inputs": {
                role: self._described(role, digest)
                for role, digest in zip(self.sources, case["sha256"], strict=True)
            },
            "options": {key: _plain(value) for key, value in recorded.items()},
            "axis": case["axis"],
            "units": case["units"],
            "anatomical_level_width": _plain(case["anatomical_level_width"]),
            "level_width": one_or_each([_plain(partner["level_width"]) for partner in partners]),
            "coverage": float(case["coverage"]),
            "partners": [{key: _plain(value) for key, value in one.items()} for one in partners],
            **_provenance(partners, case),
            "weights": {"name": Path(case["weights"]).name, "sha256": case["weights_sha256"]},
            "versions": versions(),
            "seconds": {
                "prepare": round(float(case["prepared"]) - float(case["started"]), 3),
                "fuse": round(float(case["fused"]) - float(case["prepared"]), 3),
                "total": round(finished - float(case["started"]), 3),
            },
            "lost": case.get("regions"),
            "notes": self._notes(case),
        }

    def _name(self, role: str, name: str) -> str:
        """Return what the record calls a volume."""
        if self.options.keep_names or name == IN_MEMORY:
            return name
        source = self.sources[role]
        extension = extension_of(source) if isinstance(source, Path) and source.is_file() else ""
        return role.replace(" ", "-") + extension

    def _described(self, role: str, sha256: str) -> dict[str, str]:
        """Return name and SHA-256; an object in memory is named by its type."""
        source = self.sources[role]
        if not isinstance(source, Path):
            return {"name": f"{type(source).__name__} in memory"}
        # A file name that is no UTF-8 has a hash too.
        digest = hashlib.sha256(source.name.encode("utf-8", "surrogateescape")).hexdigest()
        return {
            "name": self._name(role, base_name(source)),
            "name_sha256": digest[:_NAME_DIGITS],
            "sha256": sha256,
        }

    def _notes(self, case: Mapping[str, Any]) -> list[str]:
        """Return each note once, with the record's names of the volumes in place of their own."""
        called: dict[str, list[str]] = {}
        named = [("anatomical", name_of(case["image"]))]
        named += [(partner["input"], partner["name"]) for partner in case["partners"]]
        for role, name in named:
            called.setdefault(name, []).append(self._name(role, name))
        sentences = dict.fromkeys([*str(case["notes"]).splitlines(), *self.notes])
        return [
            with_names(sentence, lambda name: " or ".join(dict.fromkeys(called.get(name, []))))
            for sentence in sentences
        ]

    def _command(self) -> str:
        """Return the command that does the same, as far as it can be typed."""
        inputs = [
            self._name(role, base_name(source) if isinstance(source, Path) else role)
            for role, source in self.sources.items()
            if role == "anatomical" or not self.is_study
        ]
        words: list[str] = []
        if self.output is not None:
            is_folder = extension_of(self.output) not in (*OUTPUT_EXTENSIONS, DICOM_EXTENSION)
            name = "fused" if is_folder else f"fused{extension_of(self.output)}"
            words += ["-o", self.output.name if self.options.keep_names else name]
        chosen = self.options.chosen()
        if self.options.weights is not None:
            chosen["weights"] = self.options.weights.name
        if self.options.dicom_template is not None:
            template = self.options.dicom_template
            chosen["dicom_template"] = template.name if self.options.keep_names else "template"
        if self.transforms:
            files = self.options.of_each(len(self._given))["transform"]
            chosen["transform"] = [_name_of_transform(file, self.options) for file in files]
        for name, value in chosen.items():
            option = f"--{name.replace('_', '-')}"
            if name == "device":  # another machine has others
                continue
            if isinstance(value, bool):
                words.append(option if value else f"--no-{option[2:]}")
                continue
            for one in value if is_list_of_values(value) else [value]:
                words += [option, _as_typed(one)]
        if any(name.startswith("-") for name in inputs):
            return shlex.join(["mactfusion", "fuse", *words, "--", *inputs])
        return shlex.join(["mactfusion", "fuse", *inputs, *words])


def _provenance(partners: Sequence[Mapping[str, Any]], case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the shares of the sources are of, in their order, and how they were found."""
    if "shares" not in case:
        return {}
    sources = ["anatomical", *(partner["input"] for partner in partners)]
    return {"provenance": {"sources": sources, "from": case["shares_from"]}}


def _as_typed(value: Any) -> str:
    """Return an option's value as the command line takes it; a table cannot be typed."""
    if isinstance(value, list):
        return ",".join(repr(number).removesuffix(".0") for number in value)
    return str(value) if isinstance(value, str | int | float) else "TABLE"


def _name_of_transform(file: str | Path, options: Options) -> str:
    """Return what the record calls the file of a transform; "auto" where there is none."""
    if is_automatic(file):
        return "auto"
    path = Path(file)
    return path.name if options.keep_names else f"transform{extension_of(path)}"


def _transform_given(file: str | Path, options: Options) -> dict[str, str] | None:
    """Return name and SHA-256 of the transform that was given for a partner, if any."""
    if is_automatic(file):
        return None
    return {"name": _name_of_transform(file, options), "sha256": sha256_of_files([Path(file)])}


def _plain(value: Any) -> Any:
    """Turn a value into what JSON holds, which knows no number that is not finite."""
    if isinstance(value, torch.Tensor | np.ndarray):
        values = np.asarray(value, dtype=np.float64)
        return _plain(rounded(values) if values.ndim == 1 else values.round(6).tolist())
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no such number
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
