"""What may be asked of DICOM output, refused before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.io.dicom.folder import foreign_file
from mactfusion.io.formats import (
    DICOM_EXTENSION,
    INPUT_EXTENSIONS,
    extension_of,
    is_dicom_output,
)
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_dicom_choices(
    output: Path | None,
    *,
    format: str = "auto",  # noqa: A002  the option's name
    dtype: str = "auto",
    dicom_template: Path | None = None,
    anonymous: bool = False,
    blending_state: bool = False,
) -> None:
    """Refuse options of DICOM output that contradict each other or what is written.

    Args:
        output: the file or folder to be written; None for nothing, of which nothing is said.
        format: see :data:`mactfusion.option_table.OPTIONS`; likewise the others.
        dtype: likewise.
        dicom_template: likewise.
        anonymous: likewise.
        blending_state: likewise.

    Raises:
        InputError: they do.
    """
    if output is None:
        return
    if not is_dicom_output(output, format):
        chosen = {
            option("dicom_template"): dicom_template is not None,
            option("anonymous", True): anonymous,
        }
        for word, is_chosen in chosen.items():
            if is_chosen:
                raise InputError(
                    f"Only DICOM output takes {word}: add {option('format', 'dicom')}, or a name "
                    "that ends in .dcm; other formats hold no patient data."
                )
        if blending_state:
            raise InputError(
                f"{option('blending_state', True)} is for DICOM output: give a folder and add "
                f"{option('format', 'dicom')}."
            )
        return
    if dtype == "float32":  # uint8 and uint16 are refused once it is known whether there is colour
        raise InputError(
            "A DICOM image holds whole numbers, 16 bits of grey or 8 bits of each colour: leave "
            f"{option('dtype')} at auto."
        )
    if anonymous and dicom_template is not None:
        raise InputError(
            f"{option('anonymous', True)} takes nothing from any series, and "
            f"{option('dicom_template')} takes the patient from one: choose one of them."
        )
    if blending_state and anonymous:
        raise InputError(
            f"{option('blending_state', True)} names the patient's own series, and "
            f"{option('anonymous', True)} nothing of them: choose one of them."
        )
    if blending_state and extension_of(output) == DICOM_EXTENSION:
        raise InputError(
            f"{option('blending_state', True)} is a second file beside the images: give a folder "
            f"and {option('format', 'dicom')}."
        )


def check_dicom_folder(folder: Path, overwrite: bool) -> None:
    """Refuse a folder for a DICOM series that has a wrong name, or holds anything else.

    Args:
        folder: it is made where it is missing.
        overwrite: whether a series that this program wrote there may be replaced.

    Raises:
        InputError: see above.
    """
    if extension_of(folder) in INPUT_EXTENSIONS:
        raise InputError(
            f"{option('format', 'dicom')} writes a folder of slices, or one file whose name ends "
            f"in .dcm; {folder} is the name of neither."
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give the name of a new folder for the DICOM series.")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(
            f"{folder} exists already and is not empty; add {option('overwrite', True)} or choose "
            "another name."
        )
    if (other := foreign_file(folder)) is not None:
        raise InputError(
            f"{folder} holds {other}, which is no DICOM image that this program wrote; "
            "choose another folder."
        )


def check_beside_inputs(output: Path, inputs: Mapping[str, Any]) -> None:
    """Refuse DICOM output within a folder that is read, and a source within the output.

    Args:
        output: the file or folder to be written.
        inputs: by what it is each source.

    Raises:
        InputError: a series would be read together with its own result, or replaced.
    """
    place = output.resolve()
    for what, source in inputs.items():
        if not isinstance(source, Path):
            continue
        given = source.resolve()
        if given in place.parents and source.is_dir():
            raise InputError(f"{output} lies in the folder of the {what}; write elsewhere.")
        if place == given or place in given.parents:
            raise InputError(f"{output} holds the {what}; write elsewhere.")
