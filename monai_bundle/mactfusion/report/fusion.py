"""The HTML report of one fusion: linked slices, values, windows, options, warnings, versions.

The page is one file that needs neither a network nor another file: the volumes travel in it as
gzipped bytes and the page's own script draws the slices.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from mactfusion.amounts import percent
from mactfusion.case import partner_roles
from mactfusion.io.page import write_page
from mactfusion.option_table import OPTIONS
from mactfusion.report.grid import check_common_grid
from mactfusion.report.legend import legend_of, report_rows, row_names
from mactfusion.report.lost import lost_of
from mactfusion.report.options import chosen_options, readable, window_text
from mactfusion.report.page import named_sources, partner_ids, volumes_on_page
from mactfusion.report.placement import placements_of
from mactfusion.report.start import starting_voxel
from mactfusion.report.two_way import colors_of
from mactfusion.transforms.color_names import FORMER_COLORS

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.result import FusionResult

TEMPLATE = Path(__file__).with_name("fusion.html.jinja")


class Summary(TypedDict, total=False):
    """What the report says about the run; a key that is missing leaves its line out."""

    task: str
    """One of the tasks, for example ``"pet-mri"``; of several partners joined by " + "."""
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
    """What the record says of each partner: its window, units, colours and coverage."""
    anatomical_level_width: Sequence[float]
    """The window of the anatomical volume, in its units."""
    colors: str
    """How brightness and colours met, "" in a grey result; see
    :func:`mactfusion.report.two_way.colors_of`."""
    units: str
    """Units of the anatomical volume; often none."""
    lost: Sequence[Mapping[str, Any]] | None
    """What the record says is lost or invented; None where that was not checked."""


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
    native: Sequence[MetaTensor] | None = None,
    shares: MetaTensor | None = None,
    placements: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write one self-contained HTML page that shows a fusion beside its sources.

    Equal arguments give an equal file. No meta data of the volumes reach the page; the caller
    keeps patient data out of ``summary``, ``notes`` and ``options``. Pictures of a large volume
    are averaged down; of ``native`` the nearest voxels are taken, so that every value was there,
    rounded as :func:`~mactfusion.report.values.embedded_values` says and the page too.

    Args:
        path: the HTML file; replaced as a whole when it exists. A missing folder is made.
        anatomical: ``(1, I, J, K)`` in [0, 1], affine index -> RAS+ millimetres. With ``is_image``
            in its meta data it is a picture without orientation: positions are pixels then.
        partner: ``(1 or 3, I, J, K)`` in [0, 1] on the same grid, RGB when it has 3 channels;
            several joined.
        fused: ``(1 or 3, I, J, K)`` in [0, 1] on the same grid.
        summary: task, windows, coverage, durations, versions and weights.
        notes: the warnings, one sentence each.
        options: every option of the run by its name; of a `pathlib.Path` only the name is shown.
        partners: each of several, like ``partner``, in the order of ``partners`` in the summary.
        native: the anatomical volume and each partner in their own units on the same grid, to be
            read under the cross-hair; NaN beyond a partner's field of view. RGB is left out.
        shares: ``(sources, I, J, K)`` in [0, 1] on the same grid, of the anatomical volume and of
            each partner in the fused one; all 0 where none can be told.
        placements: see :func:`mactfusion.report.placement.placements_of`.

    Returns:
        The path of the file.

    Raises:
        InputError: the volumes do not share one grid, or the file cannot be written.
    """
    each = list(partners) if len(partners) > 1 else [partner]
    volumes = {"anatomical": anatomical, "partner": partner, "fused": fused}
    volumes.update(zip(partner_ids(len(each)), each, strict=True))
    sources = named_sources(native or (), _units(summary))
    check_common_grid({**volumes, **{f"native {own.name}": own.volume for own in sources}})
    start = starting_voxel(summary.get("task"), each, native)
    on_page = volumes_on_page(volumes, sources, start, shares)
    return write_page(
        Path(path),
        TEMPLATE,
        **on_page,
        lost=lost_of(summary, on_page["scene"]),
        percent=percent,
        **_texts(summary),
        placements=placements,
        notes=[note.strip() for note in notes if note.strip()],
        options={name: readable(value) for name, value in options.items()},
        chosen={name: readable(value) for name, value in chosen_options(options).items()},
    )


def write_fusion_report(path: str | os.PathLike[str], result: FusionResult) -> Path:
    """Write the report of a fusion; see :func:`write_report`."""
    record, native = result.record, result.native
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
            partners=record["partners"],
            anatomical_level_width=record["anatomical_level_width"],
            colors=colors_of(record),
            units=record["units"],
            lost=record["lost"],
        ),
        notes=record["notes"],
        options={**_options(record), "slices": record["axis"]},
        partners=result.partners,
        native=native,
        shares=result.shares,
        placements=() if native is None else placements_of(result, native),
    )


def _options(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options; what is for each partner in the order of the partners on the page.

    The record has it in the order in which the partners were given.
    """
    partners = record["partners"]
    if len(partners) == 1:
        return dict(record["options"])
    given = partner_roles(len(partners))
    places = [given.index(partner["input"]) for partner in partners]
    return {
        name: [value[place] for place in places] if OPTIONS[name].for_each else value
        for name, value in record["options"].items()
    }


def _units(summary: Summary) -> list[str]:
    """Return the units of the anatomical volume and of each partner."""
    partners = summary.get("partners", [])
    return [summary.get("units", ""), *(partner.get("units", "") for partner in partners)]


def _texts(summary: Summary) -> dict[str, Any]:
    """Return what the template names of the summary."""
    task, legend = (
        summary.get("task"),
        legend_of(summary.get("partners", []), summary.get("colors", FORMER_COLORS)),
    )
    window = summary.get("anatomical_level_width")
    return {
        "summary": {**dict.fromkeys(Summary.__annotations__), **summary},
        "names": row_names(task),
        "rows": report_rows(task, legend),
        "legend": legend,
        "window": "" if window is None else window_text(window, summary.get("units", "")),
        "times": [
            (name, f"{value:.2f} s") for name, value in (summary.get("seconds") or {}).items()
        ],
    }
