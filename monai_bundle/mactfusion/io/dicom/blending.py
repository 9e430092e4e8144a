"""An Advanced Blending Presentation State: how two series are shown as one, in the standard's way.

The quantities stay in the originals; a viewer that knows such objects fuses by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.io.dicom.derived import MANUFACTURER, MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mactfusion.io.dicom.derived import Making
    from mactfusion.io.dicom.origin import Origin

_OPACITY = 0.5
_LEVELS = 256
_PARTS = ("red", "green", "blue")
_SERIES_AFTER = 1


def check_blendable(origins: Sequence[Origin | None]) -> None:
    """Refuse sources that such an object cannot blend.

    Args:
        origins: the series of the anatomical volume and of each partner, None where it is none.

    Raises:
        InputError: more than two, no DICOM, other studies or frames of reference.
    """
    start = "--presentation-state cannot be written:"
    if len(origins) != 2:
        raise InputError(f"{start} it blends the anatomical volume with one partner, not several.")
    if None in origins:
        raise InputError(f"{start} both volumes must be DICOM series.")
    headers = [origin.header for origin in origins if origin is not None]
    for keyword, what in {
        "StudyInstanceUID": "belong to one study",
        "FrameOfReferenceUID": "have one frame of reference",
    }.items():
        values = {str(header.get(keyword, "")) for header in headers}
        if len(values) > 1 or "" in values:
            raise InputError(f"{start} both series must {what}, and these do not.")
    for origin in origins:
        if origin is not None and len({(one.rows, one.columns) for one in origin.images}) > 1:
            raise InputError(f"{start} the images of one series differ in size.")


def presentation_state(making: Making) -> Dataset:
    """Make the object over the two series that were fused.

    Args:
        making: how they were; its windows and colours are taken.
    """
    from highdicom import PaletteColorLUT, PaletteColorLUTTransformation
    from highdicom.pr import (
        AdvancedBlending,
        AdvancedBlendingPresentationState,
        BlendingDisplay,
        BlendingDisplayInput,
        SoftcopyVOILUTTransformation,
    )

    record = making.record
    windows = [record["anatomical_level_width"], record["level_width"]]
    tables = [_table([]), _table(record["partners"][0]["colors"])]
    images: list[Dataset] = []
    blending = []
    for number, (origin, window, table) in enumerate(
        zip(making.sources, windows, tables, strict=True), 1
    ):
        referenced = _as_referenced(making, origin)
        images += referenced
        red, green, blue = (
            PaletteColorLUT(0, np.ascontiguousarray(table[:, part]), color=name)
            for part, name in enumerate(_PARTS)
        )
        level, width = (float(value) for value in window)
        blending.append(
            AdvancedBlending(
                referenced_images=referenced,
                blending_input_number=number,
                voi_lut_transformations=[
                    SoftcopyVOILUTTransformation(window_center=level, window_width=width)
                ],
                palette_color_lut_transformation=PaletteColorLUTTransformation(red, green, blue),
            )
        )
    display = BlendingDisplay(
        blending_mode="FOREGROUND",
        blending_display_inputs=[BlendingDisplayInput(2), BlendingDisplayInput(1)],
        relative_opacity=_OPACITY,
    )
    state = AdvancedBlendingPresentationState(
        referenced_images=images,
        blending=blending,
        blending_display=[display],
        series_instance_uid=generate_uid(prefix=None),
        series_number=making.series_number + _SERIES_AFTER,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=__version__,
        content_label="FUSION",
        content_description="Anatomical volume and partner, not for diagnosis",
        specific_character_set="ISO_IR 192",
    )
    return Dataset(state)


def _table(colors: Sequence[str]) -> NDArray[np.uint16]:
    """Return a table ``(256, 3)`` from colours ``#rrggbb``, grey without any."""
    given = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors]
    knots = np.array(given or [[0, 0, 0], [255, 255, 255]], float) * 257
    places = np.linspace(0, len(knots) - 1, _LEVELS)
    columns = [np.interp(places, np.arange(len(knots)), knots[:, part]) for part in range(3)]
    return np.stack(columns, axis=1).round().astype(np.uint16)


def _as_referenced(making: Making, origin: Origin) -> list[Dataset]:
    """Return what highdicom asks of each image that the object names."""
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"
    empty: dict[str, Any] = dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
         "StudyID", "StudyDate", "StudyTime"), ""
    )  # fmt: skip
    for keyword, value in empty.items():
        setattr(shared, keyword, value)
    shared.update(making.context)
    shared.Laterality = making.context.get("Laterality")
    shared.SeriesInstanceUID = str(origin.header.SeriesInstanceUID)
    referenced = []
    for image in origin.images:
        one = Dataset(shared)
        one.SOPClassUID, one.SOPInstanceUID = image.sop_class, image.uid
        one.Rows, one.Columns, one.SamplesPerPixel = image.rows, image.columns, image.samples
        referenced.append(one)
    return referenced
