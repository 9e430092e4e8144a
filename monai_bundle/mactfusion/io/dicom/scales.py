"""How stored values become those that are fused, plane by plane, for who shows the series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pydicom

from mactfusion.errors import InputError
from mactfusion.io.dicom.origin import Scale
from mactfusion.io.dicom.place import first_item, rescale
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mactfusion.io.dicom.frame import Frame
    from mactfusion.io.dicom.listing import Series
    from mactfusion.io.dicom.origin import Origin

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


def impossible() -> str:
    """Begin a sentence on why no blending can be written."""
    return f"{option('blending_state', True)} is not possible"


def with_scales(origin: Origin, series: Series, frame: str, factor: float) -> Origin:
    """Add the scale of each plane that was read.

    Args:
        origin: of the series.
        series: as it was read.
        frame: which of several frames was read, from "1"; "mean" for all.
        factor: by what its values were multiplied, see :class:`~mactfusion.io.dicom.origin.Origin`.

    Raises:
        InputError: no image of the series shows what was read.
    """
    called = f"{impossible()}: the {series.modality} series"
    if len(series.moments) > 1 and not frame.isdigit():
        raise InputError(f"{called} was averaged over its frames; choose one frame.")
    planes = series.moments[int(frame) - 1 if len(series.moments) > 1 else 0]
    if len({plane.corner for plane in planes}) > 1:
        raise InputError(f"{called} is a mosaic, whose images viewers cannot place.")
    if len({plane.image.series for plane in planes}) > 1:
        raise InputError(f"{called} has a series identifier for each slice, not one.")
    if any(not (plane.slope is None or plane.slope > 0) for plane in planes):
        raise InputError(f"{called} has a rescale slope that is not above 0.")
    scales = [_scale(plane) for plane in planes]
    if not _are_shown(planes, scales):
        raise InputError(
            f"{called} was read by its real world values, which differ from the rescaled ones that "
            "viewers show."
        )
    return replace(origin, scales=scales, factor=factor)


def _scale(plane: Frame) -> Scale:
    return Scale(
        uid=plane.image.instance,
        frame=plane.number + 1 if len(plane.image.frames) > 1 else 0,
        slope=1.0 if plane.slope is None else plane.slope,
        intercept=plane.intercept,
    )


def _are_shown(planes: Sequence[Frame], scales: Sequence[Scale]) -> bool:
    """Tell whether planes with real world values have the same scale without them."""
    headers: dict[Path, pydicom.Dataset] = {}
    for plane, scale in zip(planes, scales, strict=True):
        path = plane.image.path
        if path not in headers:
            headers[path] = pydicom.dcmread(
                path, force=True, stop_before_pixels=True, specific_tags=[_SHARED, _PER_FRAME]
            )
        frames = headers[path].get(_PER_FRAME)
        groups = [frames[plane.number] if frames else None, first_item(headers[path], _SHARED)]
        there = [group for group in groups if group is not None]
        if not any("RealWorldValueMappingSequence" in group for group in there):
            continue
        found = (first_item(group, "PixelValueTransformationSequence") for group in there)
        values = next(filter(None, found), pydicom.Dataset())
        slope, intercept = rescale(values, "RescaleSlope"), rescale(values, "RescaleIntercept")
        shown = (1.0 if slope is None else slope, intercept or 0.0)
        if not np.allclose(shown, (scale.slope, scale.intercept), rtol=1e-6, atol=1e-9):
            return False
    return True
