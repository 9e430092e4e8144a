"""Names of inputs and outputs, refused before anything long, without torch and MONAI."""

from __future__ import annotations

import os
import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.io.dicom.choices import check_beside_inputs, check_dicom_folder
from mactfusion.io.formats import (
    DICOM_EXTENSION,
    INPUT_EXTENSIONS,
    OUTPUT_EXTENSIONS,
    extension_of,
    is_dicom_output,
)
from mactfusion.io.guard import guarded
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_input(path: Path) -> None:
    """Refuse what is no file of a known kind, and no folder.

    Args:
        path: of a volume to read; what is in a folder is looked at when it is read.

    Raises:
        InputError: nothing there, an empty file, one of another kind, ...
    """
    with guarded(f"{path} cannot be read", prints=False):
        if not path.is_dir():
            _check_file(path)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path} does not exist")
    # a pipe or a device would keep the reader waiting for ever
    if not path.is_file():
        raise InputError(f"{path} is neither a file nor a folder")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)")
    if extension_of(path) in INPUT_EXTENSIONS:
        return
    from mactfusion.io.dicom.source import is_dicom_source

    if not is_dicom_source(path):
        raise InputError(
            f"{path} is of an unknown kind; use one of {', '.join(INPUT_EXTENSIONS)}, or DICOM: a"
            " folder, a file, a DICOMDIR or a ZIP"
        )


def check_output(
    path: str | Path,
    overwrite: bool,
    format: str = "auto",  # noqa: A002  the option's name
) -> None:
    """Refuse an output name before the long work begins.

    Args:
        path: the file to be written; its folder is made when it is missing. Of a DICOM series the
            folder.
        overwrite: whether it may exist already.
        format: see :data:`mactfusion.option_table.OPTIONS`.

    Raises:
        InputError: unknown extension, a folder that is write-protected or cannot be made, a folder
            of that name, or a file of that name without ``overwrite``.
    """
    path = Path(path)
    extension = extension_of(path)
    if extension != DICOM_EXTENSION and is_dicom_output(path, format):
        with guarded(f"{path} cannot be written", prints=False):
            check_dicom_folder(path, overwrite)
        check_folder(path.parent, f"{path} cannot be written")
        return
    if extension in (".jpg", ".jpeg"):
        raise InputError(f"{path} cannot be written: JPEG loses detail; use .png or .tif")
    if extension not in (*OUTPUT_EXTENSIONS, DICOM_EXTENSION):
        raise InputError(
            f"{path} cannot be written: the name must end in {', '.join(OUTPUT_EXTENSIONS)}, or"
            f" for DICOM in {DICOM_EXTENSION}; {option('format', 'dicom')} writes a folder"
        )
    check_place(path, overwrite, f"{path} cannot be written")


def check_place(path: Path, overwrite: bool, failure: str) -> None:
    """Refuse a file that cannot come into being, or would replace another.

    Args:
        path: the file.
        overwrite: whether it may exist already.
        failure: start of the sentence.

    Raises:
        InputError: see :func:`check_output`.
    """
    with guarded(failure, prints=False):
        if path.is_dir():
            raise InputError(f"{failure}: a folder has that name")
        if path.exists() and not overwrite:
            raise InputError(
                f"{path} exists already; add {option('overwrite', True)} or choose another name"
            )
    check_folder(path.parent, failure)


def check_folder(folder: Path, failure: str) -> None:
    """Refuse a folder that cannot be written to, or made where it is missing.

    Args:
        folder: the folder.
        failure: start of the sentence.

    Raises:
        InputError: it is a file, lies below one, or is write-protected.
    """
    with guarded(failure, prints=False):
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            raise InputError(f"{failure}: {folder} is no folder")
        if not os.access(folder, os.W_OK):
            raise InputError(f"{failure}: {folder} is write-protected")


def check_outputs(
    output: Path | None,
    overwrite: bool,
    inputs: Mapping[str, Any],
    format: str = "auto",  # noqa: A002  the option's name
) -> None:
    """Refuse the name of a fused volume and what lies beside it; see :func:`check_output`.

    That is its record, the transforms of partners that are moved, the map of what was lost, and the
    shares of the sources.

    Args:
        output: the file to be written; None for nothing.
        overwrite: whether they may exist already.
        inputs: see :func:`check_apart`.
        format: see :func:`check_output`.

    Raises:
        InputError: likewise.
    """
    if output is None:
        return
    if is_dicom_output(output, format):
        check_beside_inputs(output, inputs)
    check_output(output, overwrite, format)
    sidecar = sidecar_path(output)
    if sidecar.is_dir() or (sidecar.exists() and not overwrite):
        raise InputError(
            f"{sidecar}, where the record of the fusion belongs, exists already; add "
            f"{option('overwrite', True)} or choose another name."
        )
    outputs = {"fused volume": output, "record": sidecar}
    for what, paths in beside(output).items():
        for path in paths:
            if path.is_dir() or not overwrite:
                raise InputError(
                    f"{path}, where {what} belongs, exists already; add "
                    f"{option('overwrite', True)} or choose another name."
                )
            outputs[path.name] = path
    check_apart(outputs, inputs)


def check_apart(outputs: Mapping[str, Path], inputs: Mapping[str, Any]) -> None:
    """Refuse outputs that would replace an input or each other.

    Args:
        outputs: by what it is each file to be written.
        inputs: by what it is each source; those that are paths must not be overwritten.

    Raises:
        InputError: they would.
    """
    for path in outputs.values():
        for what, source in inputs.items():
            if _is_same_file(path, source):
                raise InputError(f"{path} is the {what}; write elsewhere.")
    for (what, path), (other, place) in combinations(outputs.items(), 2):
        first, second = path.resolve(), place.resolve()
        if first == second:
            raise InputError(f"{path} is named for the {what} and for the {other}; name two files.")
        if first in second.parents or second in first.parents:
            raise InputError(f"{path} and {place} cannot both be files; choose another name.")


def sidecar_path(output: str | Path) -> Path:
    """Name of the record beside a fused volume: ``fused.nii.gz`` has ``fused.nii.gz.json``."""
    output = Path(output)
    return output.with_name(f"{output.name}.json")


def transform_path(output: str | Path, role: str) -> Path:
    """Name of the transform of a partner beside a fused volume.

    Example:
        >>> [transform_path("f.mha", role).name for role in ("partner", "partner 2")]
        ['f.mha.tfm', 'f.mha.partner-2.tfm']
    """
    output = Path(output)
    which = "" if role == "partner" else f".{role.replace(' ', '-')}"
    return output.with_name(f"{output.name}{which}.tfm")


def lost_map_path(output: str | Path) -> Path:
    """Name of the map of what was lost: ``fused.nrrd`` has ``fused.nrrd.lost.nii.gz``."""
    output = Path(output)
    return output.with_name(f"{output.name}.lost.nii.gz")


def provenance_path(output: str | Path) -> Path:
    """Name of the shares of the sources beside a fused volume."""
    output = Path(output)
    return output.with_name(f"{output.name}.provenance.nii.gz")


def beside(output: Path) -> dict[str, list[Path]]:
    """Return what has the name of something beside a fused volume, but its record, by what it is.

    It belongs to a result of that name, whatever its partners and options.
    """
    maps = {
        "the map of what was lost": lost_map_path(output),
        "the share of each source": provenance_path(output),
    }
    with guarded(f"{output} cannot be written", prints=False):
        return {
            "the transform of a partner": transforms_beside(output),
            **{what: [path] if path.exists() else [] for what, path in maps.items()},
        }


def transforms_beside(output: Path) -> list[Path]:
    """Return what has the name of a transform beside a fused volume, whatever its partners."""
    known = re.compile(rf"{re.escape(output.name)}(\.partner-\d+)?\.tfm")
    with guarded(f"{output} cannot be written", prints=False):
        beside = output.parent.iterdir() if output.parent.is_dir() else ()
        return sorted(path for path in beside if known.fullmatch(path.name))


def _is_same_file(output: Path, source: Any) -> bool:
    """Tell whether an input would be overwritten."""
    return (
        isinstance(source, Path) and output.exists() and source.exists() and output.samefile(source)
    )
