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
from mactfusion.transforms.color_names import DICOM_PALETTES, IRONS, check_color_table
from mactfusion.transforms.windows import WINDOWS, parse_window

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = ("ct-mri", "pet-mri", "spect-mri", "mr-mr", "gfp-pc")
GRIDS = ("anatomical", "isotropic", "auto")
AXES = ("axial", "coronal", "sagittal")
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
STORED_TYPES = ("uint8", "uint16", "float32")


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


def _weights(path: Any) -> Path:
    try:
        is_there = isinstance(path, str | Path) and Path(path).is_file()
    except OSError:  # a name that no file can have
        is_there = False
    if not is_there:
        raise InputError(f"The weights {path} do not exist; give a file with --weights.")
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


FUSED, SHOWN, RESULT, NETWORK = "What is fused", "How it is shown", "Result", "Network"

OPTIONS: dict[str, Option] = {
    "output": Option(
        default=None,
        help="File to write: .nii.gz, .nrrd, .mha, .png, .tif; or, of folders, a folder.",
        group=RESULT,
        kind=Path,
        flag="-o",
        is_recorded=False,
    ),
    "task": Option(
        default="auto",
        help="What is fused; auto tells by HU range, colour and DICOM tags. Once for all partners, "
        "or once for each.",
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
        help="Of the anatomical volume: auto or level,width.",
        group=SHOWN,
        check=_window,
        is_remote=True,
    ),
    "colormap": Option(
        default="auto",
        help="Colours of scalar PET and SPECT: hot_iron, cool_iron, green_iron, pet, "
        "hot_metal_blue, grey, or any Matplotlib name; auto is hot_iron, and for several "
        "distinct hues. Once for all partners, or once for each.",
        group=SHOWN,
        suggests=("auto", *DICOM_PALETTES, *IRONS, "grey"),
        check=_colormap,
        for_each=True,
        for_all=True,
        is_remote=True,
    ),
    "luminance": Option(default=False, help="Grey result.", group=SHOWN, kind=bool, is_remote=True),
    "grid": Option(
        default="anatomical",
        help="Of the result: the anatomical volume's, or its field of view in cubic voxels of its "
        "finest spacing, for a CT that is finer than the slices of the MR; auto takes these for a "
        "CT over twice as fine.",
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
