"""What a user can choose: declared here once, for every way in.

The command line, :func:`mactfusion.fuse_volumes`, the worker, MONAI Label and the record ask this
table; ``configs/inference.yaml`` hands its values on to the steps. A new option is one entry here
and the step that uses it. Nothing here imports torch or MONAI, so that a wrong choice is refused at
once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.option_entry import Option
from mactfusion.option_values import (
    AXES,
    FORMATS,
    GRIDS,
    PRECISIONS,
    REGISTER,
    STORED_TYPES,
    TASKS,
    UNITS,
    checked_colormap,
    checked_frame,
    checked_model,
    checked_series,
    checked_template,
    checked_transform,
    checked_weights,
    checked_window,
)
from mactfusion.transforms.color_names import COLORS, DICOM_PALETTES, IRONS, METALS, TINTS
from mactfusion.transforms.windows import WINDOWS

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
        check=checked_window,
        for_each=True,
        is_remote=True,
    ),
    "anatomical_window": Option(
        default="auto",
        help="Of the anatomical volume: auto, level,width in its units, or for CT brain, bone, "
        "stroke, soft-tissue, lung. auto of a CT is 50,120 HU for a head and soft-tissue else.",
        group=SHOWN,
        suggests=tuple(WINDOWS),
        check=checked_window,
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
        check=checked_colormap,
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
        check=checked_series,
    ),
    "partner_series": Option(
        default="auto",
        help="Likewise the partner. Once for each partner.",
        group=FUSED,
        check=checked_series,
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
        check=checked_transform,
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
        check=checked_template,
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
        check=checked_model,
    ),
    "weights": Option(
        default=None,
        help="Weight file other than the model's own.",
        group=NETWORK,
        kind=Path,
        check=checked_weights,
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
