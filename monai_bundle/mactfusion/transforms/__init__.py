"""The steps of the recipe between reading and writing, as functions and dictionary transforms."""

from mactfusion.transforms.align import AlignPartnerd, align_to
from mactfusion.transforms.brightness import SteadyBrightnessd, steady_gain
from mactfusion.transforms.color import (
    MergeChrominanced,
    SplitLuminanced,
    merge_chrominance,
    rgb_to_ycbcr,
)
from mactfusion.transforms.colormap import apply_color_table, color_table
from mactfusion.transforms.grid import GRIDS, ChooseGridd, isotropic
from mactfusion.transforms.intensity import (
    WINDOWS,
    ScaleIntensityd,
    apply_window,
    parse_window,
    robust_window_mr,
    robust_window_uptake,
)
from mactfusion.transforms.same import refuse_same
from mactfusion.transforms.slices import (
    OrientToSlicesd,
    RestoreOrientationd,
    choose_axis,
    cut_slice,
    slice_axis,
)
from mactfusion.transforms.task import TASKS, ResolveTaskd, guess_modality, resolve_task

__all__ = [
    "GRIDS",
    "TASKS",
    "WINDOWS",
    "AlignPartnerd",
    "ChooseGridd",
    "MergeChrominanced",
    "OrientToSlicesd",
    "ResolveTaskd",
    "RestoreOrientationd",
    "ScaleIntensityd",
    "SplitLuminanced",
    "SteadyBrightnessd",
    "align_to",
    "apply_color_table",
    "apply_window",
    "choose_axis",
    "color_table",
    "cut_slice",
    "guess_modality",
    "isotropic",
    "merge_chrominance",
    "parse_window",
    "refuse_same",
    "resolve_task",
    "rgb_to_ycbcr",
    "robust_window_mr",
    "robust_window_uptake",
    "slice_axis",
    "steady_gain",
]
