"""What a page carries of the volumes: pictures, values, and what its script must know of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mactfusion.report.grid import (
    index_on_page,
    means_on_page,
    nearest_on_page,
    ordered,
    planes_of,
    remarks_on_grid,
    scale_bar_mm,
    spacing_mm,
)
from mactfusion.report.histogram import luminance_histograms
from mactfusion.report.values import embedded_picture, embedded_values
from mactfusion.transforms.volume import is_picture, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

SHARES = "shares"
"""What the page calls the shares of the sources, of which each is a channel."""

HISTOGRAMS = ("anatomical", "partner", "fused")


@dataclass(frozen=True)
class Source:
    """A source in its own units.

    Attributes:
        name: the volume on the page that it belongs to.
        volume: ``(1, I, J, K)``; NaN where it has no value.
        units: such as "HU"; empty where unknown.
    """

    name: str
    volume: MetaTensor
    units: str


def partner_ids(count: int) -> list[str]:
    """Return what the page calls each partner; one alone is what several are joined to."""
    return ["partner"] if count == 1 else [f"partner-{number + 1}" for number in range(count)]


def named_sources(native: Sequence[MetaTensor], units: Sequence[str]) -> list[Source]:
    """Name the sources that have one value a voxel.

    Args:
        native: the anatomical volume and each partner, ``(1 or 3, I, J, K)``; or nothing.
        units: of each; those that are missing at the end are unknown.
    """
    names = ["anatomical", *partner_ids(len(native) - 1)]
    known = [*units, *[""] * len(names)]
    return [
        Source(name, volume, unit)
        for name, volume, unit in zip(names, native, known, strict=False)
        if len(volume) == 1
    ]


def volumes_on_page(
    volumes: Mapping[str, MetaTensor],
    sources: Sequence[Source],
    start: Sequence[int],
    shares: MetaTensor | None = None,
) -> dict[str, Any]:
    """Return what the template names of the volumes.

    Args:
        volumes: ``(1 or 3, I, J, K)`` in [0, 1] by name, on one grid.
        sources: those whose values can be read under the cross-hair, on the same grid.
        start: where the cross-hair starts, an index into the volumes in LPS order.
        shares: ``(sources, I, J, K)`` in [0, 1] on the same grid, of the anatomical volume and of
            each partner; or none.

    Returns:
        ``scene`` (for the script), ``voxels`` and ``values`` (embedded, by name), ``remarks`` on
        the display, and ``histogram``.
    """
    full = ordered(volumes["anatomical"])
    shown = {name: means_on_page(ordered(volume)) for name, volume in volumes.items()}
    if shares is not None:
        shown[SHARES] = shares_on_page(shares)
    about, values = {}, {}
    for source in sources:
        code, values[source.name] = embedded_values(nearest_on_page(ordered(source.volume))[0])
        about[source.name] = {**code, "units": source.units}
    return {
        "scene": {
            **_scene(shown),
            "start": index_on_page(start, full.shape[1:]),
            "values": about,
            "shares": [] if shares is None else ["anatomical", *partner_ids(len(shares) - 1)],
        },
        "voxels": {name: embedded_picture(volume) for name, volume in shown.items()},
        "values": values,
        "remarks": remarks_on_grid(full, shown["anatomical"], has_values=bool(values)),
        "histogram": luminance_histograms({name: volumes[name] for name in HISTOGRAMS}),
    }


def shares_on_page(shares: MetaTensor) -> MetaTensor:
    """Take shares down to what a page can carry, in 8 bits.

    Of what is not nothing at least one step is left, and what is not all lacks one, so that the
    page calls neither by the other's name.

    Args:
        shares: ``(sources, I, J, K)`` in [0, 1].
    """
    means = means_on_page(ordered(shares))
    voxels = plain(means)
    between = (voxels > 0) & (voxels < 1)
    return with_voxels(means, torch.where(between, voxels.clamp(1 / 255, 254 / 255), voxels))


def _scene(shown: Mapping[str, MetaTensor]) -> dict[str, Any]:
    """Return what the page's script needs to know about the grid and the planes."""
    grid = shown["anatomical"]
    shape = [int(size) for size in grid.shape[1:]]
    affine = np.asarray(grid.affine, dtype=np.float64)
    planes = planes_of(shape)
    spacing = spacing_mm(grid)
    picture = is_picture(grid)
    return {
        "shape": shape,
        "spacing": spacing.tolist(),
        # A picture's affine runs to the patient's left and back by convention only.
        "affine": (np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine if picture else affine).tolist(),
        "picture": picture,
        "planes": [asdict(plane) for plane in planes],
        "bar_mm": None if picture else scale_bar_mm(spacing * shape, planes),
        "channels": {name: int(volume.shape[0]) for name, volume in shown.items()},
    }
