"""What a user can choose: declared here once, for every way in.

The command line, :func:`mactfusion.fuse_volumes`, the worker, MONAI Label and the record ask this
table; ``configs/inference.yaml`` hands its values on to the steps. A new option is one entry here
and the step that uses it. Nothing here imports torch or MONAI, so that a wrong choice is refused at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS, find_model
from mactfusion.transforms.color_names import (
    COLORS,
    DICOM_PALETTES,
    IRONS,
    METALS,
    TINTS,
    check_color_table,
)
from mactfusion.transforms.windows import WINDOWS, parse_window
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


@dataclass(frozen=True)
class Option:
    """One thing to choose.

    Attributes:
        default: its value when nothing is chosen.
        help: one or two sentences that the command line shows.
        group: heading of the help that it stands under.
        kind: type of its value; ``None`` as a value is possible where it is the default.
        choices: the only values, if there are only some.
        suggests: values worth offering where others are possible too.
        least: the smallest number.
        check: returns the value as the steps take it.
        for_each: a list has one value for each partner.
        for_all: one value is for all partners; else only "auto" is.
        flag: short name on the command line.
        is_remote: may be chosen by who is not at this machine: it names no file and no device.
        is_recorded: the record holds it.
    """

    default: Any
    help: str
    group: str
    kind: type = str
    choices: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    least: int | None = None
    check: Callable[[Any], Any] | None = None
    for_each: bool = False
    for_all: bool = False
    flag: str = ""
    is_remote: bool = False
    is_recorded: bool = True

    def checked(self, name: str, value: Any) -> Any:
        """Return one value as the steps take it.

        Raises:
            InputError: it cannot be.
        """
        if value is None and self.default is None:
            return None
        if self.choices and not (isinstance(value, str) and value in self.choices):
            raise InputError(f"Unknown {name} '{value}': choose {', '.join(self.choices)}.")
        if self.check is not None:
            return self.check(value)
        called = name.replace("_", " ")
        is_possible = isinstance(value, _TAKES[self.kind])
        if not is_possible or isinstance(value, bool) != (self.kind is bool):
            raise InputError(f"The {called} cannot be {value!r}: it is {_CALLED[self.kind]}.")
        if self.least is not None and value < self.least:
            raise InputError(f"The {called} must be {self.least} or more, not {value}.")
        return self.kind(value)


_TAKES: dict[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    Path: (str, Path),
}
"""Types of the values that an option of each kind takes."""

_CALLED = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "the path of a file",
}


def is_automatic(value: Any) -> bool:
    """Tell whether a value leaves the choice to the recipe."""
    return isinstance(value, str) and value.strip().lower() == "auto"


def _model(name: Any) -> str:
    if name != "auto":
        find_model(str(name))
    return str(name)


def _is_there(path: Any, test: Callable[[Path], bool]) -> bool:
    try:
        return isinstance(path, str | Path) and test(Path(path))
    except OSError:  # a name that nothing can have
        return False


def _weights(path: Any) -> Path:
    if not _is_there(path, Path.is_file):
        raise InputError(f"The weights {path} do not exist; give a file with {option('weights')}.")
    return Path(path)


def _template(path: Any) -> Path:
    if not _is_there(path, Path.is_dir):
        raise InputError(
            f"The DICOM template {path} is no folder; give that of one series with "
            f"{option('dicom_template')}."
        )
    return Path(path)


def _transform(path: Any) -> str | Path:
    if is_automatic(path):
        return "auto"
    if not _is_there(path, Path.is_file):
        raise InputError(
            f"The transform {path} does not exist; give a file with {option('transform')}."
        )
    return Path(path)


def _window(window: Any) -> str | list[float]:
    """Keep the name of a preset, for the record."""
    values = parse_window(window)
    if is_automatic(window):
        return "auto"
    return window if isinstance(window, str) else [float(value) for value in values]


def _colormap(colormap: Any) -> Any:
    """Keep a name as it was given, for the record."""
    table = check_color_table(colormap)
    if is_automatic(colormap):
        return "auto"
    return colormap if isinstance(colormap, str) else table


def _series(series: Any) -> str:
    """Take a number or words."""
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


FUSED, PLACE, SHOWN = "What is fused", "Where it lies", "How it is shown"
RESULT, NETWORK = "Result", "Network"

OPTIONS: dict[str, Option] = {
    "output": Option(
        default=None,
        help="File to write: .nii.gz, .nrrd, .mha, .png, .tif, .dcm; or, of folders or with "
        "--format dicom, a folder.",
        group=RESULT,
        kind=Path,
        flag="-o",
        is_recorded=False,
    ),
    "task": Option(
        default="auto",
        help="What is fused; auto tells by HU, colour, units and DICOM tags. Once for all "
        "partners, or once for each.",
        group=FUSED,
        choices=("auto", *TASKS),
        for_each=True,
        for_all=True,
        is_remote=True,
    ),
    "window": Option(
        default="auto",
        help="Of the partner: auto, level,width in its units, or for CT brain, bone, stroke, "
        "soft-tissue, lung. Once for each partner.",
        group=SHOWN,
        suggests=tuple(WINDOWS),
        check=_window,
        for_each=True,
        is_remote=True,
    ),
    "anatomical_window": Option(
        default="auto",
        help="Of the anatomical volume: auto, level,width in its units, or for CT brain, bone, "
        "stroke, soft-tissue, lung. auto of a CT is 50,120 HU for a head and soft-tissue else.",
        group=SHOWN,
        suggests=tuple(WINDOWS),
        check=_window,
        is_remote=True,
    ),
    "colormap": Option(
        default="auto",
        help="Colours of scalar PET and SPECT: hot_metal, cool_metal, green_metal, hot_iron, "
        "cool_iron, green_iron, pet, hot_metal_blue, grey, or any Matplotlib name; auto is "
        "hot_metal, of the colours ycbcr hot_iron, and for several distinct hues; 'mactfusion "
        "colors' says what can be read from each. Once for all partners, or once for each.",
        group=SHOWN,
        suggests=("auto", *METALS, *DICOM_PALETTES, *IRONS, "grey"),
        check=_colormap,
        for_each=True,
        for_all=True,
        is_remote=True,
    ),
    "colors": Option(
        default="legible",
        help="How brightness and colours meet: legible has the partner's colours say its value "
        "whatever the brightness; ycbcr, that of the literature, loses them where it is bright.",
        group=SHOWN,
        choices=COLORS,
        is_remote=True,
    ),
    "tint": Option(
        default="none",
        help="ct gives the bright half of a CT beside an MR a bluish tint, so that bone and "
        "calcification are told from bright MR.",
        group=SHOWN,
        choices=TINTS,
        is_remote=True,
    ),
    "anatomical_series": Option(
        default="auto",
        help="Which volume of a DICOM study is the anatomical one: its number in 'mactfusion "
        "info', or words of its description.",
        group=FUSED,
        check=_series,
    ),
    "partner_series": Option(
        default="auto",
        help="Likewise the partner. Once for each partner.",
        group=FUSED,
        check=_series,
        for_each=True,
    ),
    "anatomical_frame": Option(
        default="auto",
        help="Which of several frames (points of time, phases) of a DICOM series or a 4-D file: "
        "its number, or mean.",
        group=FUSED,
        check=checked_frame,
    ),
    "frame": Option(
        default="auto",
        help="Likewise of the partner, for example a dynamic PET. Once for each partner.",
        group=FUSED,
        check=checked_frame,
        for_each=True,
    ),
    "units": Option(
        default="auto",
        help="Of a DICOM PET: auto is SUV by body weight where the header suffices, suv refuses "
        "where it does not, native leaves the values.",
        group=SHOWN,
        choices=UNITS,
        for_each=True,
        for_all=True,
    ),
    "register": Option(
        default="check",
        help="check says whether the partner lies where the anatomical volume is; rigid and affine "
        "put it there, where it is clear that they are right; off does nothing. Once for all "
        "partners, or once for each.",
        group=PLACE,
        choices=REGISTER,
        for_each=True,
        for_all=True,
        is_remote=True,
    ),
    "accept_doubtful": Option(
        default=False,
        help="With --register rigid or affine: apply it also where it cannot be told whether it is "
        "right.",
        group=PLACE,
        kind=bool,
        is_remote=True,
    ),
    "transform": Option(
        default="auto",
        help="Linear transform of ITK or 3D Slicer (.tfm, .txt, .h5) that puts the partner in "
        "place; auto is none. Once for each partner.",
        group=PLACE,
        kind=Path,
        check=_transform,
        for_each=True,
        is_recorded=False,
    ),
    "luminance": Option(default=False, help="Grey result.", group=SHOWN, kind=bool, is_remote=True),
    "grid": Option(
        default="anatomical",
        help="Of the result: the anatomical volume's, or its field of view in cubic voxels of its "
        "finest spacing, for a CT that is finer than the slices of the MR; auto takes these for a "
        "CT or second MR over twice as fine, and never for PET or SPECT.",
        group=RESULT,
        choices=GRIDS,
        is_remote=True,
    ),
    "axis": Option(
        default="auto",
        help="Slices that the network sees; auto takes the acquisition's.",
        group=NETWORK,
        choices=("auto", *AXES),
        is_remote=True,
    ),
    "dtype": Option(
        default="auto",
        help="Stored type; auto is 8 bits for colour and 16 for grey.",
        group=RESULT,
        choices=("auto", *STORED_TYPES),
        is_remote=True,
    ),
    "format": Option(
        default="auto",
        help="auto goes by the name; dicom writes a folder with one DICOM image a slice, or, of a "
        "name that ends in .dcm, one multi-frame object.",
        group=RESULT,
        choices=FORMATS,
    ),
    "dicom_template": Option(
        default=None,
        help="Folder of a DICOM series of the patient, for DICOM output where the anatomical "
        "volume is none: patient, study and frame of reference are taken from it.",
        group=RESULT,
        kind=Path,
        check=_template,
        is_recorded=False,
    ),
    "anonymous": Option(
        default=False,
        help="DICOM output that names nobody: nothing of the sources but voxels.",
        group=RESULT,
        kind=bool,
    ),
    "blending_state": Option(
        default=False,
        help="With a folder of DICOM also an Advanced Blending Presentation State, by which viewers"
        " that know it blend the series that were fused; these must share a frame of reference.",
        group=RESULT,
        kind=bool,
    ),
    "check": Option(
        default=True,
        help="Compare the result with its sources, and say what of them it shows no more.",
        group=RESULT,
        kind=bool,
        is_remote=True,
    ),
    "provenance": Option(
        default=False,
        help="Also find the share of each source in each voxel, and write it beside the result as "
        "NAME.provenance.nii.gz; the report shows it.",
        group=RESULT,
        kind=bool,
        is_remote=True,
    ),
    "lost_map": Option(
        default=False,
        help="Also write where that is, beside the result as .lost.nii.gz: 1 is the anatomical "
        "volume, 2, 4, 8 the partners, 128 what no source shows; they add up.",
        group=RESULT,
        kind=bool,
    ),
    "overwrite": Option(
        default=False,
        help="Replace existing files.",
        group=RESULT,
        kind=bool,
        is_recorded=False,
    ),
    "keep_names": Option(
        default=False,
        help="Keep the inputs' file names, which may name a patient, in record and report.",
        group=RESULT,
        kind=bool,
    ),
    "model": Option(
        default="auto",
        help="Network, of those that 'mactfusion models' lists; auto is the one of --weights, else "
        f"{DEFAULT_MODEL}.",
        group=NETWORK,
        suggests=("auto", *MODELS),
        check=_model,
    ),
    "weights": Option(
        default=None,
        help="Weight file other than the model's own.",
        group=NETWORK,
        kind=Path,
        check=_weights,
        is_recorded=False,
    ),
    "device": Option(
        default="auto", help="auto, cpu, cuda, mps.", group=NETWORK, check=lambda name: name
    ),
    "precision": Option(
        default="float32",
        help="Of the network. tf32 is for NVIDIA GPUs; elsewhere it is float32, which is said.",
        group=NETWORK,
        choices=PRECISIONS,
    ),
    "batch_size": Option(default=None, help="Slices at a time.", group=NETWORK, kind=int, least=1),
}
"""Every option by its name, in the order of the help."""


def defaults() -> dict[str, Any]:
    """Return the value of every option when nothing is chosen."""
    return {name: option.default for name, option in OPTIONS.items()}
