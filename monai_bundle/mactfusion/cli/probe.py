"""``mactfusion probe``: what is known of one voxel of a fused volume."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path  # noqa: TC003  typer looks it up
from typing import TYPE_CHECKING, Annotated

import typer

from mactfusion.amounts import percent
from mactfusion.cli.screen import tell
from mactfusion.probing import probe as probe_file

if TYPE_CHECKING:
    from mactfusion.trust.probed import Probe, Probed, Value

NUMBERS_BELOW_ZERO = {"ignore_unknown_options": True}
"""Of the command: what starts with a minus and is no option of it is a number."""


def probe(
    fused: Annotated[Path, typer.Argument(help="What 'mactfusion fuse' wrote; DICOM: a folder.")],
    x: Annotated[float, typer.Argument(help="Millimetres to the right of the patient (RAS).")],
    y: Annotated[float, typer.Argument(help="To the front.")],
    z: Annotated[float, typer.Argument(help="Up.")],
    *,
    voxel: Annotated[
        bool, typer.Option("--voxel", help="The three numbers are a voxel's index, I J K from 0.")
    ] = False,
    anatomical: Annotated[
        Path | None, typer.Option(help="The anatomical source; else looked for beside FUSED.")
    ] = None,
    partner: Annotated[
        list[Path] | None, typer.Option(help="Likewise a partner; once for each.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is known of a voxel: values of all sources, its colour, whence it came, flags."""
    found = probe_file(fused, x, y, z, voxel=voxel, anatomical=anatomical, partner=partner)
    if as_json:
        tell(json.dumps(asdict(found), indent=2))
        return
    for name, text in lines(found):
        tell(f"{name:<12} {text}")


def lines(found: Probe) -> list[tuple[str, str]]:
    """Return what is known, line by line, by what it is called."""
    voxel = ", ".join(map(str, found.voxel))
    place = ""
    if found.position_mm is not None:
        place = ", ".join(f"{mm:.1f}" for mm in found.position_mm) + " mm (RAS), "
    told = [("place", f"{place}voxel {voxel}"), ("fused", value_text(found.fused))]
    told += [(source.role, source_text(source)) for source in found.sources]
    told += [("flag", sentence) for sentence in found.flags]
    told += [("note", sentence) for sentence in found.notes]
    return told


def source_text(source: Probed) -> str:
    """Say what is known of a source at a point."""
    units = f" {source.units}" if source.units else ""
    parts = []
    if source.is_outside:
        parts.append("outside its field of view")
    elif source.voxel is not None:
        value = value_text(source.value) + (units if source.value is not None else "")
        parts.append(f"{value} (its voxel {', '.join(map(str, source.voxel))})")
    if source.decoded is not None:
        _, low, high = source.decoded
        parts.append(f"its colour says {range_text(low, high, units)}")
    if source.share is not None:
        parts.append(f"share {percent(source.share)}")
    return "; ".join(parts) or "not at hand"


def range_text(low: float | None, high: float | None, units: str) -> str:
    """Write from where to where a value is; None where there is no bound."""
    bounds = ["" if bound is None else f"{bound:.4g}" for bound in (low, high)]
    if not any(bounds):
        return "nothing: every value looks so"
    if not all(bounds):
        return f"{''.join(bounds)}{units} or {'more' if high is None else 'less'}"
    return f"{' to '.join(dict.fromkeys(bounds))}{units}"


def value_text(value: Value | None) -> str:
    """Write a value, or a colour."""
    if value is None:
        return "no finite value"
    if isinstance(value, list):
        return "RGB " + ", ".join(f"{part:.3f}" for part in value)
    return f"{value:.5g}"
