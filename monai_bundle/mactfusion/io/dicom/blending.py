"""An Advanced Blending Presentation State: how the series that were fused are shown as one.

The quantities stay in the originals, and a viewer that knows such objects (PS3.3 A.33.7) blends
them by itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from mactfusion.case import partner_roles
from mactfusion.errors import InputError
from mactfusion.io.dicom.derived import decimal, own_object
from mactfusion.io.dicom.pixels import srgb_profile
from mactfusion.io.dicom.references import add_references, named_images, reference
from mactfusion.io.dicom.scales import impossible
from mactfusion.io.dicom.spatial_registration import as_named
from mactfusion.transforms.color_names import GIVEN, GREY, OWN
from mactfusion.transforms.colormap import TABLE_SIZE, color_table
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from mactfusion.io.dicom.derived import Making
    from mactfusion.io.dicom.origin import Image, Origin, Scale

ADVANCED_BLENDING = UID("1.2.840.10008.5.1.4.1.1.11.8")

_OPACITY = 0.5
"""Of the partners over the anatomical series."""

_LONGEST_EXPLANATION = 64


def check_blendable(origins: Sequence[Origin | None]) -> None:
    """Refuse sources that such an object cannot blend.

    Args:
        origins: the series of the anatomical volume and of each partner, None where it is none.

    Raises:
        InputError: one is no DICOM series, or holds what such an object cannot show.
    """
    roles = ["anatomical", *partner_roles(len(origins) - 1)]
    for role, origin in zip(roles, origins, strict=True):
        if origin is None:
            raise InputError(f"{impossible()}: the {role} volume is no DICOM series.")
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
            if not origin.header.get(keyword):
                raise InputError(f"{impossible()}: the {role} series has no valid {keyword}.")
        if {scale.uid for scale in origin.scales} - {image.uid for image in origin.images}:
            raise InputError(f"{impossible()}: an image of the {role} series has no valid UID.")
        if origin.is_inverted:
            raise InputError(
                f"{impossible()}: the {role} series stores white as its smallest value "
                "(MONOCHROME1)."
            )


def check_one_place(origins: Sequence[Origin | None], moved: Collection[str]) -> None:
    """Refuse series of which nothing says how they lie to each other.

    Args:
        origins: see :func:`check_blendable`.
        moved: roles of the partners that were moved, which a registration object relates.

    Raises:
        InputError: one that was not moved has another frame of reference.
    """
    anatomical, *partners = [
        str(origin.header.get("FrameOfReferenceUID") or "") if origin is not None else ""
        for origin in origins
    ]
    roles = partner_roles(len(partners))
    apart = [
        role
        for role, frame in zip(roles, partners, strict=True)
        if role not in moved and frame != anatomical
    ]
    if apart or not anatomical:
        raise InputError(
            f"{impossible()}: the series do not share a frame of reference, so that a viewer could "
            "not lay one over the other without a registration object, which is written where "
            f"{option('register', 'rigid')} or {option('transform')} moves a partner."
        )


def blending_state(
    making: Making, registration: Dataset | None = None, moved: Collection[str] = ()
) -> Dataset:
    """Make the object over the series that were fused, with the windows and colours of the result.

    Args:
        making: how they were; every source is a DICOM series.
        registration: the Spatial Registration object of the partners that were moved.
        moved: their roles.
    """
    description = "Series blended as they were fused, not for diagnosis"
    state = own_object(making, ADVANCED_BLENDING, "PR", "FUSION", description)
    state.PresentationCreationDate, state.PresentationCreationTime = making.date, making.time
    record, (anatomical, *partners) = making.record, making.sources
    first = _input(1, anatomical, record["anatomical_level_width"], record["units"])
    first.GeometryForDisplay = "TRUE"
    state.AdvancedBlendingSequence = [first]
    roles = partner_roles(len(partners))
    shown = {one["input"]: one for one in record["partners"]}
    for number, (role, origin) in enumerate(zip(roles, partners, strict=True), 2):
        one = shown[role]
        item = _input(number, origin, one["level_width"], one["units"])
        if one["colormap"] not in (GREY, OWN):
            item.PaletteColorLookupTableSequence = [_palette(_table(one))]
        if registration is not None and role in moved:
            item.ReferencedSpatialRegistrationSequence = _registered_by(registration)
        state.AdvancedBlendingSequence.append(item)
    state.PixelPresentation = "TRUE_COLOR"
    state.BlendingDisplaySequence = _steps(len(partners))
    state.ICCProfile = srgb_profile()
    others = [image for origin in making.sources for image in named_images(origin, _used(origin))]
    # They are also named in one list: validators look for references nowhere else.
    state.ReferencedImageSequence = [reference(one.sop_class, one.uid) for one in others]
    if registration is not None:
        others.append(as_named(registration))
    add_references(state, others)
    return state


def _used(origin: Origin) -> list[Image]:
    """Return the images that hold the planes which were read."""
    used = {scale.uid for scale in origin.scales}
    return [image for image in origin.images if image.uid in used]


def _registered_by(registration: Dataset) -> list[Dataset]:
    """Name the object that relates a series to the state's frame (PS3.3 Table C.17-3)."""
    series = Dataset()
    series.SeriesInstanceUID = registration.SeriesInstanceUID
    series.ReferencedSOPSequence = [
        reference(registration.SOPClassUID, registration.SOPInstanceUID)
    ]
    study = Dataset()
    study.StudyInstanceUID = registration.StudyInstanceUID
    study.ReferencedSeriesSequence = [series]
    return [study]


def _steps(partners: int) -> list[Dataset]:
    """Blend several partners to equal parts, then what is blended over the anatomical series."""
    over, steps = 2, []
    if partners > 1:
        over = partners + 2
        equal = Dataset()
        equal.BlendingMode = "EQUAL"
        equal.BlendingDisplayInputSequence = _numbered(range(2, over))
        equal.BlendingInputNumber = over
        steps.append(equal)
    last = Dataset()
    last.BlendingMode = "FOREGROUND"
    last.RelativeOpacity = _OPACITY
    last.BlendingDisplayInputSequence = _numbered((over, 1))
    return [*steps, last]


def _numbered(numbers: Iterable[int]) -> list[Dataset]:
    items = []
    for number in numbers:
        item = Dataset()
        item.BlendingInputNumber = number
        items.append(item)
    return items


def _input(number: int, origin: Origin, level_width: Sequence[float], units: str) -> Dataset:
    """Return an item of Advanced Blending Sequence (PS3.3 C.11.33).

    Where all planes have one scale it is repeated, and the window is in the values of the series.
    The object has no place for a scale of each plane: then it says that stored values are shown as
    they are, and has a window for each scale.
    """
    item = Dataset()
    item.BlendingInputNumber = number
    item.StudyInstanceUID = str(origin.header.StudyInstanceUID)
    item.SeriesInstanceUID = str(origin.header.SeriesInstanceUID)
    item.ReferencedImageSequence = _images(origin, origin.scales)
    groups: dict[tuple[float, float], list[Scale]] = defaultdict(list)
    for scale in origin.scales:
        groups[scale.slope, scale.intercept].append(scale)
    is_one = len(groups) == 1
    slope, intercept = next(iter(groups)) if is_one else (1.0, 0.0)
    item.RescaleIntercept, item.RescaleSlope = decimal(intercept), decimal(slope)
    item.RescaleType = "US"
    level, width = (float(value) / origin.factor for value in level_width)
    windows = []
    for (own_slope, own_intercept), scales in groups.items():
        window = Dataset()
        stored = (level - own_intercept) / own_slope
        window.WindowCenter = decimal(stored * slope + intercept)
        window.WindowWidth = decimal(width / own_slope * slope)
        window.WindowCenterWidthExplanation = _explained(level_width, units)
        window.VOILUTFunction = "LINEAR_EXACT"
        if not is_one:
            window.ReferencedImageSequence = _images(origin, scales)
        windows.append(window)
    item.SoftcopyVOILUTSequence = windows
    return item


def _explained(level_width: Sequence[float], units: str) -> str:
    """Say what a window shows in the units that were fused, such as "0 to 7.5 SUV"."""
    level, width = (float(value) for value in level_width)
    digits = max(0, 3 - math.floor(math.log10(width)))
    ends = (round(level + side * width / 2, digits) + 0.0 for side in (-1, 1))  # and no "-0"
    low, high = (f"{end:.{digits}f}" for end in ends)
    if digits > 0:
        low, high = (text.rstrip("0").rstrip(".") for text in (low, high))
    return f"{low} to {high} {units}".strip()[:_LONGEST_EXPLANATION]


def _images(origin: Origin, scales: Sequence[Scale]) -> list[Dataset]:
    """Name each image of some planes once, with their numbers where they are frames of it."""
    sop_classes = {image.uid: image.sop_class for image in origin.images}
    frames: dict[str, list[int]] = defaultdict(list)
    for scale in scales:
        frames[scale.uid].append(scale.frame)
    items = []
    for uid, numbers in frames.items():
        item = reference(sop_classes[uid], uid)
        if numbers != [0]:
            item.ReferencedFrameNumber = sorted(numbers)
        items.append(item)
    return items


def _table(partner: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the colours of a partner, ``(256, 3)`` in [0, 1], from its record."""
    if partner["colormap"] != GIVEN:
        return color_table(partner["colormap"]).double().numpy()
    stops = [[int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)] for color in partner["colors"]]
    given = np.array(stops)
    places = np.linspace(0, len(given) - 1, TABLE_SIZE)
    parts = [np.interp(places, np.arange(len(given)), given[:, part]) for part in range(3)]
    return np.stack(parts, axis=1)


def _palette(table: NDArray[np.float64]) -> Dataset:
    """Return a table of colours as DICOM holds it, in 16 bits (PS3.3 C.7.6.3.1.5)."""
    palette = Dataset()
    for part, name in enumerate(("Red", "Green", "Blue")):
        levels = (table[:, part] * 65535).round().astype("<u2").tobytes()
        setattr(palette, f"{name}PaletteColorLookupTableDescriptor", [len(table), 0, 16])
        setattr(palette, f"{name}PaletteColorLookupTableData", levels)
    return palette
