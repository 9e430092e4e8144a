"""The HTML report of one fusion: linked slices, histogram, coverage, options, warnings, versions.

The page is one file that needs neither a network nor another file: the three volumes travel in it
as gzipped bytes and the page's own script draws the slices.
"""

from __future__ import annotations

import base64
import gzip
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np
from monai.transforms import Orientation, Resize

from mactfusion.errors import InputError
from mactfusion.io.page import write_page
from mactfusion.report.histogram import luminance_histograms
from mactfusion.report.legend import legend_of, report_rows, row_names, windows_applied
from mactfusion.transforms.volume import is_picture

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.pipeline import FusionResult

TEMPLATE = Path(__file__).with_name("fusion.html.jinja")
MAXIMUM_VOXELS_PER_AXIS = 192
MAXIMUM_PIXELS_PER_AXIS = 1024
OBLIQUE_FROM_DEGREES = 0.5
LONGEST_LIST = 12


class Summary(TypedDict, total=False):
    """What the report says about the run; a key that is missing leaves its line out."""

    task: str
    """One of the tasks, for example ``"pet-mri"``."""
    coverage: float
    """Share of the anatomical volume that the partner covers, 0 to 1."""
    seconds: Mapping[str, float]
    """Duration of each step in seconds."""
    versions: Mapping[str, str]
    """Version of each software package."""
    model: str
    """Name of the network."""
    weights: str
    """Name of the weights."""
    weights_sha256: str
    """SHA-256 of the weights' file, 64 hexadecimal digits."""
    partners: Sequence[Mapping[str, Any]]
    """What the record says of each; for a legend of several."""


@dataclass(frozen=True)
class Plane:
    """One viewing plane of a volume in LPS order, in radiological display.

    ``across``, ``down`` and ``through`` are spatial axes of the volume; ``flip`` says that the
    ``down`` axis runs upwards on the screen; the other fields are the letters at the edges.
    """

    name: str
    across: int
    down: int
    through: int
    flip: bool
    left: str
    right: str
    top: str
    bottom: str


PLANES = (
    Plane("Axial", 0, 1, 2, False, "R", "L", "A", "P"),
    Plane("Coronal", 0, 2, 1, True, "R", "L", "S", "I"),
    Plane("Sagittal", 1, 2, 0, True, "A", "P", "S", "I"),
)


def write_report(
    path: str | os.PathLike[str],
    *,
    anatomical: MetaTensor,
    partner: MetaTensor,
    fused: MetaTensor,
    summary: Summary,
    notes: Sequence[str],
    options: Mapping[str, Any],
    partners: Sequence[MetaTensor] = (),
) -> Path:
    """Write one self-contained HTML page that shows a fusion beside its sources.

    Equal arguments give an equal file. No meta data of the volumes reach the page; the caller
    keeps patient data out of ``summary``, ``notes`` and ``options``.

    Args:
        path: the HTML file; replaced as a whole when it exists.
        anatomical: ``(1, I, J, K)`` in [0, 1], affine index -> RAS+ millimetres. With ``is_image``
            in its meta data it is a picture without orientation: positions are pixels then.
        partner: ``(1 or 3, I, J, K)`` in [0, 1] on the same grid, RGB when it has 3 channels;
            several joined.
        fused: ``(1 or 3, I, J, K)`` in [0, 1] on the same grid.
        summary: task, coverage, durations, versions and weights.
        notes: the warnings, one sentence each.
        options: every option of the run by its name; of a `pathlib.Path` only the name is shown.
        partners: each of several, like ``partner``, in the order of ``partners`` in the summary.

    Returns:
        The path of the file.

    Raises:
        InputError: the volumes do not share one grid, or the file cannot be written.
    """
    volumes = {"anatomical": anatomical, "partner": partner, "fused": fused}
    each = {f"partner-{number}": volume for number, volume in enumerate(partners, start=1)}
    _check_common_grid({**volumes, **each})
    shown = {name: _reduced(_ordered(volume)) for name, volume in {**volumes, **each}.items()}
    legend = legend_of(summary.get("partners", []))
    return write_page(
        Path(path),
        TEMPLATE,
        scene=_scene(shown),
        voxels={name: _embedded(volume) for name, volume in shown.items()},
        names=row_names(summary.get("task")),
        remarks=_remarks(_ordered(anatomical), shown["anatomical"]),
        histogram=luminance_histograms(volumes),
        summary={**dict.fromkeys(Summary.__annotations__), **summary},
        legend=legend,
        rows=report_rows(summary.get("task"), legend),
        notes=[note.strip() for note in notes if note.strip()],
        options={name: _readable(value) for name, value in options.items()},
        times=[(name, f"{value:.2f} s") for name, value in (summary.get("seconds") or {}).items()],
    )


def check_report(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse a report's name before the long work begins.

    Raises:
        InputError: no ``.html`` name, no such folder, or a file of that name and no ``overwrite``.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"The report {path} must have a name that ends in .html.")
    if not path.parent.is_dir():
        raise InputError(f"The report cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise InputError(f"The report cannot be written: {path} is a folder.")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; allow overwriting or choose another name.")


def write_fusion_report(path: str | os.PathLike[str], result: FusionResult) -> Path:
    """Write the report of a fusion; see :func:`write_report`."""
    record = result.record
    applied = {
        "anatomical window applied": record["anatomical_level_width"],
        "window applied": windows_applied(record),
        "slices": record["axis"],
    }
    return write_report(
        path,
        anatomical=result.anatomical,
        partner=result.partner,
        fused=result.fused,
        summary=Summary(
            task=record["task"],
            coverage=record["coverage"],
            seconds=record["seconds"],
            versions=record["versions"],
            model=result.model,
            weights=record["weights"]["name"],
            weights_sha256=record["weights"]["sha256"],
            partners=record.get("partners", []),
        ),
        notes=result.warnings,
        options={**record["options"], **applied},
        partners=result.partners if "partners" in record else (),
    )


def _check_common_grid(volumes: Mapping[str, MetaTensor]) -> None:
    """Refuse volumes that a linked cross-hair could not be right for."""
    grid = volumes["anatomical"]
    for name, volume in volumes.items():
        if volume.ndim != 4 or volume.shape[0] not in (1, 3) or volume.shape[1:] != grid.shape[1:]:
            raise InputError(
                f"The report needs one grid and 1 or 3 channels, but the {name} volume has the "
                f"shape {tuple(volume.shape)} and the anatomical one {tuple(grid.shape)}; "
                "resample it first."
            )
        if not np.allclose(volume.affine, grid.affine, atol=1e-3):
            raise InputError(
                f"The report needs one grid, but the {name} volume lies elsewhere in space than "
                "the anatomical one; resample it first."
            )


def _ordered(volume: MetaTensor) -> MetaTensor:
    """Reorient to the nearest LPS order.

    LPS makes every plane radiological without a flip across: the first index grows towards the
    patient's left, which is the viewer's right.
    """
    # Explicit labels: MONAI would turn them round for meta data that name LPS as the space.
    order = Orientation(axcodes="LPS", labels=(("L", "R"), ("P", "A"), ("I", "S")))
    return cast("MetaTensor", order(volume.cpu()))


def _reduced(volume: MetaTensor) -> MetaTensor:
    """Average down to what a page can carry; one slice may be larger than a volume."""
    shape = list(volume.shape[1:])
    limit = MAXIMUM_PIXELS_PER_AXIS if 1 in shape else MAXIMUM_VOXELS_PER_AXIS
    size = [min(axis, limit) for axis in shape]
    if size == shape:
        return volume
    return cast("MetaTensor", Resize(spatial_size=size, mode="area")(volume))


def _scene(shown: Mapping[str, MetaTensor]) -> dict[str, Any]:
    """Return what the page's script needs to know about the grid and the planes."""
    grid = shown["anatomical"]
    shape = [int(size) for size in grid.shape[1:]]
    affine = np.asarray(grid.affine, dtype=np.float64)
    planes = [plane for plane in PLANES if shape[plane.across] > 1 and shape[plane.down] > 1]
    picture = is_picture(grid)
    return {
        "shape": shape,
        "spacing": np.linalg.norm(affine[:3, :3], axis=0).tolist(),
        # A picture's affine runs to the patient's left and back by convention only.
        "affine": (np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine if picture else affine).tolist(),
        "picture": picture,
        "planes": [asdict(plane) for plane in planes or PLANES[:1]],
        "channels": {name: int(volume.shape[0]) for name, volume in shown.items()},
    }


def _embedded(volume: MetaTensor) -> str:
    """Return the volume as base64 of gzip of 8-bit voxels, first index fastest, channel slowest."""
    values = np.nan_to_num(volume.numpy()).clip(0, 1)
    voxels = np.rint(values * 255).astype(np.uint8).transpose(0, 3, 2, 1)
    # A zero time stamp keeps equal results equal files.
    return base64.b64encode(gzip.compress(voxels.tobytes(), 6, mtime=0)).decode("ascii")


def _remarks(ordered: MetaTensor, shown: MetaTensor) -> list[str]:
    """Return what the viewer should know about the geometry on the page."""
    remarks = []
    degrees = _oblique_degrees(np.asarray(shown.affine))
    if is_picture(shown):
        remarks.append("Picture without orientation: positions are pixels.")
    elif degrees > OBLIQUE_FROM_DEGREES:
        remarks.append(
            f"Oblique acquisition, shown along the acquisition axes (up to {degrees:.0f}° from "
            "the patient's): planes and edge letters name the nearest direction."
        )
    if shown.shape != ordered.shape:
        before, after = (" × ".join(map(str, grid.shape[1:])) for grid in (ordered, shown))
        remarks.append(f"Shown at reduced resolution: {after} instead of {before}.")
    return remarks


def _oblique_degrees(affine: np.ndarray) -> float:
    """Return the largest angle between an axis of an LPS-ordered grid and the patient's axis."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return math.degrees(math.acos(min(1.0, float(np.abs(np.diag(directions)).min()))))


def _readable(value: Any) -> str:
    """Return an option's value as a person writes it, and of a path only the name."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Path):
        return value.name
    if isinstance(value, list | tuple) and len(value) > LONGEST_LIST:
        return f"{len(value)} rows"
    if isinstance(value, list | tuple):
        is_nested = any(isinstance(item, list | tuple) for item in value)
        return ("; " if is_nested else ", ").join(_readable(item) for item in value)
    return str(value)
