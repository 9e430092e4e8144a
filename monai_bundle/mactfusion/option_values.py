"""The values that options take: names to choose from, and checks of all else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.networks.registry import find_model
from mactfusion.transforms.color_names import check_color_table
from mactfusion.transforms.windows import parse_window
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = ("ct-mri", "pet-mri", "spect-mri", "pet-ct", "spect-ct", "mr-mr", "gfp-pc")
GRIDS = ("anatomical", "isotropic", "auto")
AXES = ("axial", "coronal", "sagittal")
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
UNITS = ("auto", "suv", "native")
REGISTER = ("check", "rigid", "affine", "off")
STORED_TYPES = ("uint8", "uint16", "float32")
FORMATS = ("auto", "dicom")


def is_automatic(value: Any) -> bool:
    """Tell whether a value leaves the choice to the recipe."""
    return isinstance(value, str) and value.strip().lower() == "auto"


def checked_model(name: Any) -> str:
    """Take "auto", or the name of a network.

    Raises:
        InputError: there is no such network.
    """
    if name != "auto":
        find_model(str(name))
    return str(name)


def _is_there(path: Any, test: Callable[[Path], bool]) -> bool:
    try:
        return isinstance(path, str | Path) and test(Path(path))
    except OSError:  # a name that nothing can have
        return False


def checked_weights(path: Any) -> Path:
    """Take a file.

    Raises:
        InputError: it is not there.
    """
    if not _is_there(path, Path.is_file):
        raise InputError(f"The weights {path} do not exist; give a file with {option('weights')}.")
    return Path(path)


def checked_template(path: Any) -> Path:
    """Take a folder.

    Raises:
        InputError: it is not there.
    """
    if not _is_there(path, Path.is_dir):
        raise InputError(
            f"The DICOM template {path} is no folder; give that of one series with "
            f"{option('dicom_template')}."
        )
    return Path(path)


def checked_transform(path: Any) -> str | Path:
    """Take "auto", or a file.

    Raises:
        InputError: it is not there.
    """
    if is_automatic(path):
        return "auto"
    if not _is_there(path, Path.is_file):
        raise InputError(
            f"The transform {path} does not exist; give a file with {option('transform')}."
        )
    return Path(path)


def checked_window(window: Any) -> str | list[float]:
    """Take "auto", level and width, or the name of a preset, which is kept for the record.

    Raises:
        InputError: it is none of them.
    """
    values = parse_window(window)
    if is_automatic(window):
        return "auto"
    return window if isinstance(window, str) else [float(value) for value in values]


def checked_colormap(colormap: Any) -> Any:
    """Take "auto", entries, or the name of a table, which is kept for the record.

    Raises:
        InputError: it is none of them.
    """
    table = check_color_table(colormap)
    if is_automatic(colormap):
        return "auto"
    return colormap if isinstance(colormap, str) else table


def checked_series(series: Any) -> str:
    """Take "auto", a number or words, as text.

    Raises:
        InputError: it is none of them.
    """
    is_number = isinstance(series, int) and not isinstance(series, bool)
    if not (is_number or isinstance(series, str)) or not str(series).strip():
        raise InputError(
            f"A series cannot be {series!r}: give its number, or words of its description."
        )
    return "auto" if is_automatic(series) else str(series).strip()


def checked_frame(frame: Any) -> str:
    """Take a number from 1, "mean" or "auto", as text.

    Raises:
        InputError: it is none of them.
    """
    text = str(frame).strip().lower()
    if isinstance(frame, bool) or not (text in ("auto", "mean") or _is_count(text)):
        raise InputError(f"Unknown frame '{frame}': give its number from 1, or mean.")
    return text


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0
