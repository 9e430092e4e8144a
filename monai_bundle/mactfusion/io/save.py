"""Last step of the recipe: the fused volume, and beside it a record of how it was made."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monai
import numpy as np
import torch
from monai.transforms import Transform

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.checksum import sha256_of
from mactfusion.io.formats import extension_of
from mactfusion.io.write import check_output, stored_type, write_volume

if TYPE_CHECKING:
    from collections.abc import Mapping


def sidecar_path(output: str | Path) -> Path:
    """Name of the record beside a fused volume: ``fused.nii.gz`` has ``fused.json``."""
    output = Path(output)
    return output.with_name(output.name[: -len(extension_of(output))] + ".json")


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    return {
        "mactfusion": __version__,
        "monai": monai.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


class CheckFormatd(Transform):
    """Refuse a format that cannot hold the result before the network's long work begins.

    Args:
        output: the file to write; None for nothing.
        dtype: stored type.
        luminance_only: the result will be grey.
    """

    def __init__(
        self, output: str | Path | None, dtype: str = "auto", luminance_only: bool = False
    ) -> None:
        self.output = output
        self.dtype = dtype
        self.luminance_only = luminance_only

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check ``is_color`` and ``grid_shape`` against the name and the type.

        Raises:
            InputError: colour in a type for scalars, several slices in a picture, ...
        """
        if self.output is not None:
            is_colour = bool(data["is_color"]) and not self.luminance_only
            stored_type(self.output, self.dtype, is_colour, data["grid_shape"].tolist())
        return dict(data)


class SaveFusiond(Transform):
    """Write ``pred`` and its record; without an output name write nothing.

    The record (JSON) holds the inputs' file names and SHA-256, the task and why, every option,
    the windows that were applied, coverage, each of several partners, the weights' SHA-256,
    versions, times and notes, and no patient data. ``record`` is added to the data either way.

    Args:
        output: the file to write; see :func:`~mactfusion.io.write_volume`.
        inputs: the sources as the user gave them, to name and hash those that are files.
        options: everything the user chose, by the names of the options.
        weights: the weight file.
        folder: where relative paths of the inputs start.
        dtype: stored type.
        overwrite: replace a file of that name.
        notes: sentences that the network's run left, beside the ``notes`` of the data.
    """

    def __init__(
        self,
        output: str | Path | None,
        inputs: Mapping[str, Any],
        options: Mapping[str, Any],
        weights: str | Path,
        folder: str | Path = ".",
        dtype: str = "auto",
        overwrite: bool = False,
        notes: list[str] | None = None,
    ) -> None:
        self.output = Path(output) if output is not None else None
        self.inputs = {
            key: Path(folder) / source if isinstance(source, str | Path) else source
            for key, source in inputs.items()
        }
        if self.output is not None:
            check_output(self.output, overwrite)
            _check_sidecar(sidecar_path(self.output), overwrite)
            for key, source in self.inputs.items():
                if _is_same_file(self.output, source):
                    raise InputError(f"{self.output} is the {key} volume; write elsewhere.")
        self.options = options
        self.weights = Path(weights)
        self.dtype = dtype
        self.notes = notes if notes is not None else []

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write the result.

        Raises:
            InputError: it cannot be written; then neither file is left.
        """
        result = dict(data)
        record = self._record(data)
        result["record"] = record
        if self.output is None:
            return result
        sidecar = sidecar_path(self.output)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        try:
            with atomic_path(sidecar) as temporary:
                # A file name that is no UTF-8 keeps its bytes in JSON's own notation.
                temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
                write_volume(
                    data["pred"],
                    self.output,
                    dtype=self.dtype,
                    description=f"MACTFusion {data['task']}",
                )
        except OSError as error:
            raise InputError(f"{sidecar} cannot be written ({error.strerror}).") from error
        return result

    def _record(self, data: Mapping[str, Any]) -> dict[str, Any]:
        finished = time.time()
        sentences = str(data["notes"]).splitlines() + self.notes
        return {
            "task": data["task"],
            "task_reason": data["task_reason"],
            "inputs": {key: _describe(source) for key, source in self.inputs.items()},
            "options": {key: _plain(value) for key, value in self.options.items()},
            "axis": data["axis"],
            "anatomical_level_width": _plain(data["anatomical_level_width"]),
            "level_width": _plain(data["level_width"]),
            "coverage": float(data["coverage"]),
            **({"partners": data["partners"]} if "partners" in data else {}),
            "weights": {"name": self.weights.name, "sha256": sha256_of(self.weights)},
            "versions": versions(),
            "seconds": {
                "prepare": round(float(data["prepared"]) - float(data["started"]), 3),
                "fuse": round(float(data["fused"]) - float(data["prepared"]), 3),
                "total": round(finished - float(data["started"]), 3),
            },
            "notes": sentences,
        }


class Timestampd(Transform):
    """Keep the time, in seconds since 1970, under a key."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Add the time."""
        return {**data, self.key: time.time()}


def _check_sidecar(sidecar: Path, overwrite: bool) -> None:
    """Refuse to replace what has the record's name."""
    if sidecar.is_dir() or (sidecar.exists() and not overwrite):
        raise InputError(
            f"{sidecar}, where the record of the fusion belongs, exists already; allow overwriting "
            "or choose another name."
        )


def _is_same_file(output: Path, source: Any) -> bool:
    """Tell whether an input would be overwritten."""
    return (
        isinstance(source, Path) and output.exists() and source.exists() and output.samefile(source)
    )


def _describe(source: Any) -> dict[str, str]:
    """File name (without its folder) and SHA-256; an object in memory is named by its type."""
    if isinstance(source, Path):
        return {"name": source.name, "sha256": sha256_of(source)}
    return {"name": f"{type(source).__name__} in memory"}


def _plain(value: Any) -> Any:
    """Turn a value into what JSON holds."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return np.asarray(value, dtype=np.float64).round(6).tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
