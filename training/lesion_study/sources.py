"""Pairs of slices to put lesions into, as the networks see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.engine.pairs import LoadPaird, list_pairs
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from mactfusion.transforms.volume import plain
from training.comparison.scores import evenly_spaced
from training.template_volumes import template_pairs, template_pairs_on_ct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from mactfusion.case import Case

SLICES, VOLUMES = "slices", "volumes"
"""Where a pair comes from."""
TISSUE = 0.1
"""Brighter source above which a pixel shows tissue."""
LEAST_TISSUE = 0.5
"""Share of the tissue of a volume's fullest slice; slices with less are left out."""


@dataclass(frozen=True)
class SlicePair:
    """A pair of slices.

    Attributes:
        task: such as ``ct-mri``.
        origin: :data:`SLICES` or :data:`VOLUMES`.
        sources: ``(1, 2, H, W)`` in [0, 1], the anatomical one first.
        spacing_mm: of rows and of columns.
    """

    task: str
    origin: str
    sources: Tensor
    spacing_mm: tuple[float, float]


def picture_pairs(folder: Path, part: str, count: int) -> Iterator[SlicePair]:
    """Take evenly spaced pairs of each task of a folder in the public layout.

    The pictures have no spacing: whole heads on 256×256 pixels are taken as 1 mm a pixel.

    Args:
        folder: the data folder.
        part: ``train`` or ``test``.
        count: of each task.

    Raises:
        InputError: there are none, or one cannot be read.
    """
    found = list_pairs(folder, part)
    for task in sorted({pair["task"] for pair in found}):
        of_task = [pair for pair in found if pair["task"] == task]
        for index in evenly_spaced(len(of_task), count):
            image = LoadPaird()(of_task[index])["image"]
            yield SlicePair(task, SLICES, image[None], (1.0, 1.0))


def template_slices(folder: Path, count: int) -> Iterator[SlicePair]:
    """Take evenly spaced slices of the MR of an average head with its CT, PET and SPECT.

    Raises:
        InputError: a volume is missing or cannot be read.
    """
    for task, (anatomical, partner) in template_pairs(folder).items():
        yield from _slices(anatomical, partner, task, count)


def template_slices_on_ct(folder: Path, count: int) -> Iterator[SlicePair]:
    """Take evenly spaced slices of the CT of an average head with its PET and SPECT.

    Raises:
        InputError: a volume is missing or cannot be read.
    """
    for task, (anatomical, partner) in template_pairs_on_ct(folder).items():
        yield from _slices(anatomical, partner, task, count)


def mr_slices(folder: Path, count: int) -> Iterator[SlicePair]:
    """Take evenly spaced slices of ``T1.nii.gz`` with ``FLAIR.nii.gz``.

    Raises:
        InputError: a volume is missing or cannot be read.
    """
    yield from _slices(folder / "T1.nii.gz", folder / "FLAIR.nii.gz", "mr-mr", count)


def _slices(anatomical: Path, partner: Path, task: str, count: int) -> Iterator[SlicePair]:
    recipe = Recipe(anatomical, [partner], Options(task=task))
    scaled: Case = recipe.scale(recipe.align())
    image = plain(scaled["image"])
    tissue = (image.amax(dim=0) > TISSUE).sum(dim=(1, 2))
    places = (tissue >= LEAST_TISSUE * tissue.max()).nonzero()[:, 0].tolist()
    _, row_mm, column_mm = np.linalg.norm(scaled["image"].affine[:3, :3].numpy(), axis=0).tolist()
    for index in evenly_spaced(len(places), count):
        slices = image[None, :, places[index]]
        yield SlicePair(task, VOLUMES, slices, (row_mm, column_mm))
