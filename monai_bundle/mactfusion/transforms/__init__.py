"""The steps of the recipe between reading and writing, as functions and dictionary transforms."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "align": "AlignPartnerd align_to",
        "brightness": "SteadyBrightnessd steady_gain",
        "color": "MergeChrominanced SplitLuminanced merge_chrominance rgb_to_ycbcr",
        "color_names": "check_color_table",
        "color_notes": "NoteColorsd",
        "colormap": "apply_color_table color_table",
        "each": "EachPartnerd",
        "grid": "ChooseGridd isotropic",
        "hottest": "FindHottestd",
        "hounsfield": "judge_hounsfield",
        "intensity": "ScaleAnatomicald ScalePartnerd apply_window robust_window_mr "
        "robust_window_uptake",
        "join": "JoinPartnersd",
        "order": "OrderPartnersd",
        "padding": "LeaveOutPaddingd find_padding",
        "plan": "SayPland",
        "same": "refuse_same",
        "slices": "OrientToSlicesd RestoreOrientationd choose_axis cut_slice slice_axis",
        "task": "ResolveTaskd guess_modality recognised resolve_task",
        "windows": "WINDOWS parse_window",
    },
)
