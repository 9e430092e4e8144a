"""Pairs whose partner is a scalar, fused in both modes of colour."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mactfusion.demo.volumes import demo_volumes
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from mactfusion.transforms.color_names import COLORS
from mactfusion.transforms.volume import plain
from training.comparison.scores import evenly_spaced
from training.template_volumes import CT, MR, PET, SPECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from mactfusion.case import Case

TEMPLATES = {
    "MR and PET, average head": (MR, PET, "pet-mri"),
    "MR and SPECT, average head": (MR, SPECT, "spect-mri"),
    "CT and SPECT, average head": (CT, SPECT, "spect-ct"),
}
PHANTOM = {
    "MR and PET, synthetic head": ("T1", "PET", "pet-mri"),
    "MR and SPECT, synthetic head": ("T1", "SPECT", "spect-mri"),
    "CT and PET, synthetic head": ("CT", "PET", "pet-ct"),
    "CT and SPECT, synthetic head": ("CT", "SPECT", "spect-ct"),
}
ATLAS = {
    "MR and PET, atlas slices": ("PET-MRI", "PET", "pet-mri"),
    "MR and SPECT, atlas slices": ("SPECT-MRI", "SPECT", "spect-mri"),
}
"""The pictures are in colour; their luminance is taken as a scalar."""
_STACKED = np.diag([1.0, 1.0, 5.0, 1.0])
"""Affine of a stack; the pictures have none."""


@dataclass(frozen=True)
class Shown:
    """One pair, fused.

    Attributes:
        name: of the case.
        sources: ``(2, slices, rows, columns)`` in [0, 1]: what the network saw.
        uptake: ``(slices, rows, columns)``: the partner in its window, in 256 steps, 0 to 1.
        fused: luminance in [0, 1] before colours.
        colored: mode of colour to ``(3, slices, rows, columns)``, RGB in [0, 1] in 8 bits.
        tables: mode of colour to the name of the table.
    """

    name: str
    sources: Tensor
    uptake: Tensor
    fused: Tensor
    colored: dict[str, Tensor]
    tables: dict[str, str]


def template_cases(folder: Path) -> Iterator[Shown]:
    """Fuse the volumes of an average head."""
    for name, (anatomical, partner, task) in TEMPLATES.items():
        yield fused_both_ways(name, folder / anatomical, folder / partner, task)


def phantom_cases() -> Iterator[Shown]:
    """Fuse the synthetic head."""
    with TemporaryDirectory() as folder:
        files = demo_volumes(folder)
        for name, (anatomical, partner, task) in PHANTOM.items():
            yield fused_both_ways(name, files[anatomical], files[partner], task)


def atlas_cases(folder: Path, part: str, count: int) -> Iterator[Shown]:
    """Fuse stacks of evenly spaced pictures of whole heads.

    Args:
        folder: the data folder in the public layout.
        part: ``train`` or ``test``.
        count: pictures of a stack.
    """
    for name, (task_folder, modality, task) in ATLAS.items():
        place = folder / task_folder / part
        files = sorted(path.name for path in (place / modality).glob("*.png"))
        chosen = [files[index] for index in evenly_spaced(len(files), count)]
        anatomical, partner = (
            (np.stack([_grey(place / kind / file) for file in chosen], axis=-1), _STACKED)
            for kind in ("MRI", modality)
        )
        yield fused_both_ways(name, anatomical, partner, task)


def fused_both_ways(name: str, anatomical: Any, partner: Any, task: str) -> Shown:
    """Fuse one pair in each mode of colour, with the recipe's own windows and tables."""
    cases: Mapping[str, Case] = {
        colors: _fused(anatomical, partner, task, colors) for colors in COLORS
    }
    grey, legible = _fused(anatomical, partner, task, luminance=True), cases["legible"]
    return Shown(
        name=name,
        sources=plain(legible["image"]),
        uptake=legible["scaled"][0][0].float() / 255,
        fused=grey["steadied"],  # type: ignore[typeddict-item]
        colored={
            colors: (255 * case["steadied"]).round() / 255  # type: ignore[typeddict-item]
            for colors, case in cases.items()
        },
        tables={colors: case["partners"][0]["colormap"] for colors, case in cases.items()},
    )


def _fused(anatomical: Any, partner: Any, task: str, *modes: str, luminance: bool = False) -> Case:
    """Return a case with ``steadied``: what is shown, still cut into slices."""
    colors = modes[0] if modes else COLORS[0]
    options = Options(task=task, register="off", colors=colors, luminance=luminance)
    recipe = Recipe(anatomical, [partner], options)
    case = recipe.infer(recipe.scale(recipe.align()))
    steady, merge = (
        next(step for step in recipe.stages["finish"].transforms if type(step).__name__ == name)
        for name in ("SteadyBrightnessd", "MergeChrominanced")
    )
    shown = plain(merge(steady(dict(case)))["pred"])
    return {**case, "steadied": shown[0] if luminance else shown}  # type: ignore[typeddict-unknown-key]


def _grey(path: Path) -> np.ndarray:
    """Return the luminance of a picture, ``(columns, rows)``, 0 to 255."""
    return np.asarray(Image.open(path).convert("L"), np.float32).T
