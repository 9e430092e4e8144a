"""Native values to [0, 1]: windows for CT, robust ranges for MR and for uptake, per volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.transforms import Transform

from mactfusion.errors import InputError, inform, note
from mactfusion.transforms.hounsfield import HU
from mactfusion.transforms.region import shows_a_head
from mactfusion.transforms.task import guess_modality
from mactfusion.transforms.units import units_of
from mactfusion.transforms.volume import (
    is_8_bit_picture,
    measured,
    name_of,
    new_voxels,
    noted,
    percentile,
    plain,
    sample_voxels,
    with_voxels,
)
from mactfusion.transforms.windows import WINDOWS, Window, parse_window
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

_KIND_OF_PARTNER = {"ct-mri": "CT", "mr-mr": "MR"}
_IGNORED_HOTTEST = 8


def apply_window(volume: MetaTensor, level: float, width: float) -> MetaTensor:
    """Map ``level - width/2 .. level + width/2`` linearly to 0..1 and clip the rest.

    Args:
        volume: ``(C, I, J, K)``, native values.
        level: centre of the window in the units of the volume.
        width: width of the window in the units of the volume, above 0.
    """
    return with_voxels(volume, _scaled(volume, (level, width)))


def robust_window_mr(voxels: torch.Tensor) -> Window:
    """Choose the window of an MR volume (or of any grey image) from its percentiles.

    From the 1st percentile of all voxels, so that air comes out near 0, to the 99.5th percentile
    of the foreground, which lies above white matter. Foreground is what exceeds the mean; before
    the mean is taken values are cut at their 99.9th percentile, so that no outlier counts.

    Args:
        voxels: any shape, finite native values.
    """
    sample = sample_voxels(voxels).double()
    low, ceiling = (percentile(sample, share) for share in (0.01, 0.999))
    foreground = sample[sample > sample.clamp(low, ceiling).mean()]
    high = percentile(foreground, 0.995) if foreground.numel() else low
    if high <= low:  # nearly all voxels are equal, as in a mask that fills the volume
        low, high = float(sample.min()), float(sample.max())
    return _between(low, high)


def robust_window_uptake(voxels: torch.Tensor) -> Window:
    """Choose the window of PET or SPECT: from 0 to a maximum that outliers do not decide.

    A percentile alone would make a small lesion as bright as the brightest healthy tissue. So
    the maximum is the hottest value once the 8 hottest voxels are set aside: a lesion of more
    voxels stays the brightest, and a few broken voxels do not count. It is kept between the
    99.9th percentile of the positive voxels and twice that, so that one very hot organ or
    injection site does not darken all the rest.

    Args:
        voxels: any shape, finite native values; those below 0 count as 0.
    """
    values = plain(voxels).cpu().numpy().flatten(order="K")
    count = int(np.count_nonzero(values > 0))
    if count == 0:
        return _between(0.0, 1.0)
    rank = math.ceil(0.001 * count)
    places = -rank, -1 - min(_IGNORED_HOTTEST, count - 1)
    values.partition([len(values) + place for place in places])
    percentile, robust_maximum = (float(values[place]) for place in places)
    return _between(0.0, min(max(robust_maximum, percentile), 2 * percentile))


class ScaleAnatomicald(Transform):
    """Scale ``anatomical`` to [0, 1] as a whole; a picture of 8 bits is divided by 255.

    The window "auto" of a CT in Hounsfield units is that of a head or of soft tissue, as
    :func:`~mactfusion.transforms.region.shows_a_head` tells, which is said. What was applied is
    kept in ``anatomical_level_width``, float32 of shape (2,), its ``units`` likewise.

    Args:
        window: see :func:`~mactfusion.transforms.windows.parse_window`.

    Raises:
        InputError: likewise.
    """

    def __init__(self, window: str | Sequence[float] = "auto") -> None:
        self.window = window
        parse_window(window)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Scale the volume.

        Raises:
            InputError: a CT preset for a volume that is no CT.
        """
        anatomical = data["anatomical"]
        window = self.window
        if units_of(anatomical) == HU and parse_window(window) == "auto":
            window, reason = _window_of_anatomical_ct(anatomical)
            inform(reason)
        kind = "CT" if guess_modality(anatomical)[0] == "CT" else "MR"
        chosen = _choose(anatomical, None, window, kind)
        return {
            **data,
            "anatomical": apply_window(anatomical, *chosen),
            "anatomical_level_width": torch.tensor(chosen),
            "units": units_of(anatomical),
        }


class ScalePartnerd(Transform):
    """Scale ``partner`` to [0, 1] as a whole, by what ``task`` says; outside its field of view 0.

    Pictures of 8 bits are divided by 255. A partner in colour stays as it is. What was applied is
    kept in ``level_width``, float32 of shape (2,).

    Args:
        window: see :func:`~mactfusion.transforms.windows.parse_window`. Names of presets are for
            CT alone.

    Raises:
        InputError: likewise.
    """

    def __init__(self, window: str | Sequence[float] = "auto") -> None:
        self.window = window
        parse_window(window)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Scale the volume.

        Raises:
            InputError: a CT preset for a volume that is no CT.
        """
        result = dict(data)
        partner = data["partner"]
        if partner.shape[0] == 3:
            result["level_width"] = torch.tensor([0.5, 1.0])
            if parse_window(self.window) != "auto":
                note(
                    result,
                    f"{noted(partner)} is in colour, so its window was not applied.",
                )
            return result
        inside = plain(data["field_of_view"]).bool() if "field_of_view" in data else None
        if inside is not None and inside.all():
            inside = None
        kind = _KIND_OF_PARTNER.get(data["task"], "uptake")
        chosen = _choose(partner, inside, self.window, kind)
        scaled = _scaled(partner, chosen)
        if inside is not None:
            scaled *= inside
        result["partner"] = with_voxels(partner, scaled)
        result["level_width"] = torch.tensor(chosen)
        return result


def _choose(
    volume: MetaTensor, inside: torch.Tensor | None, window: str | Sequence[float], kind: str
) -> Window:
    """Settle the window of one volume.

    Args:
        volume: the volume.
        inside: which of its voxels count; all without it.
        window: the user's choice.
        kind: "CT", "MR" or "uptake".
    """
    parsed = parse_window(window)
    if not isinstance(parsed, str):
        if isinstance(window, str) and window.strip().lower() in WINDOWS and kind != "CT":
            raise InputError(
                f"The window '{window}' is a preset for CT, and {name_of(volume)} is taken as "
                f"{kind}: give auto or level,width in its own units."
            )
        return parsed
    if is_8_bit_picture(volume):
        return _between(0.0, 255.0)
    if kind == "uptake":
        voxels = plain(volume)
        if inside is not None:
            voxels = torch.mul(voxels, inside, out=new_voxels(voxels.shape))
        if not bool(voxels.max() > 0):
            raise InputError(
                f"{name_of(volume)} has no positive value where it covers the anatomical volume: "
                "there is no uptake to fuse; check the file, or give "
                f"{option('window', 'level,width')}."
            )
        return robust_window_uptake(voxels)
    if kind == "CT" and units_of(volume) == HU:
        return WINDOWS["auto"]
    return robust_window_mr(measured(volume, inside))


def _window_of_anatomical_ct(volume: MetaTensor) -> tuple[str | Window, str]:
    """Return the window of a CT that others lie on, and a sentence why."""
    if shows_a_head(volume):
        level, width = WINDOWS["auto"]
        shown = f"{name_of(volume)} is a CT of a head (a brain within bone, at most 30 cm long)"
        return (level, width), f"{shown}: its window is {level:g},{width:g} HU."
    return (
        "soft-tissue",
        f"{name_of(volume)} is a CT, not of a head alone: its window is soft-tissue.",
    )


def _scaled(voxels: torch.Tensor, window: Window) -> torch.Tensor:
    """Map a window to 0..1, in new memory."""
    level, width = window
    scaled = new_voxels(voxels.shape)
    torch.sub(plain(voxels).float(), level - width / 2, out=scaled)
    return scaled.div_(width).clamp_(0, 1)


def _between(low: float, high: float) -> Window:
    """Turn a range into level and width; a constant volume gets width 1 and so becomes 0."""
    width = high - low if high > low else 1.0
    return low + width / 2, width
