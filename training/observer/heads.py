"""Heads to put lesions into, as the recipe scales them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.options import Options
from mactfusion.phantom import HeadPhantom
from mactfusion.recipe import Recipe
from mactfusion.transforms.volume import plain
from training.comparison.scores import evenly_spaced
from training.lesion_study.sources import LEAST_TISSUE, TISSUE
from training.template_volumes import template_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mactfusion.case import Case

PHANTOM_PARTNERS = {"ct-mri": "CT", "pet-mri": "PET", "spect-mri": "SPECT", "mr-mr": "T2"}
PHANTOM_GRID = (88, 106)
"""Columns and rows of 2 mm."""
PHANTOM_SPACING_MM = 2.0
PHANTOM_HEIGHTS_MM = (-36.0, 60.0)
"""Between these there is brain."""
SLICES_OF_A_PHANTOM = 5
SLICES_OF_A_BLOCK = 2
"""Neighbouring slices of one patient count as one head: they are alike."""


@dataclass(frozen=True)
class Head:
    """Slices of one head.

    Attributes:
        task: such as ``ct-mri``.
        scaled: ``(S, 2, H, W)`` in [0, 1]: the anatomical volume, and the partner's value in its
            window, not yet in colour.
        spacing_mm: of rows and of columns.
    """

    task: str
    scaled: torch.Tensor
    spacing_mm: tuple[float, float]


def phantom_heads(task: str, count: int, seed: int) -> Iterator[Head]:
    """Make synthetic heads, five slices each; no two are alike.

    Args:
        task: one of :data:`PHANTOM_PARTNERS`.
        count: of heads.
        seed: equal seeds give equal heads.
    """
    rng = np.random.default_rng([seed, list(PHANTOM_PARTNERS).index(task)])
    low, high = PHANTOM_HEIGHTS_MM
    step = (high - low) / (SLICES_OF_A_PHANTOM - 1)
    for _ in range(count):
        phantom = HeadPhantom(int(rng.integers(2**31)))
        heights = low + step * np.arange(SLICES_OF_A_PHANTOM) + rng.uniform(-step / 2, step / 2)
        volumes = [_slices_of(phantom, name, heights) for name in ("T1", PHANTOM_PARTNERS[task])]
        yield from _scaled(task, volumes[0], volumes[1], SLICES_OF_A_PHANTOM, SLICES_OF_A_PHANTOM)


def template_heads(folder: Path, slices: int) -> Iterator[Head]:
    """Take evenly spaced slices of the MR of an average head with its CT, PET and SPECT.

    Raises:
        InputError: a volume is missing or cannot be read.
    """
    for task, (anatomical, partner) in template_pairs(folder).items():
        yield from _scaled(task, anatomical, partner, slices, SLICES_OF_A_BLOCK)


def mr_heads(folder: Path, slices: int) -> Iterator[Head]:
    """Take evenly spaced slices of ``T1.nii.gz`` with ``FLAIR.nii.gz``.

    Raises:
        InputError: a volume is missing or cannot be read.
    """
    volumes = (folder / "T1.nii.gz", folder / "FLAIR.nii.gz")
    yield from _scaled("mr-mr", *volumes, slices, SLICES_OF_A_BLOCK)


def _slices_of(phantom: HeadPhantom, modality: str, heights_mm: np.ndarray) -> MetaTensor:
    """Stack slices of a head, each as thick as its pixels are wide; air goes between them."""
    columns, rows = PHANTOM_GRID
    affine = np.diag([PHANTOM_SPACING_MM] * 3 + [1.0])
    affine[:2, 3] = [-(count - 1) / 2 * PHANTOM_SPACING_MM for count in (columns, rows)]
    slices = []
    for height in heights_mm:
        affine[2, 3] = height
        sampled = phantom.sample(modality, (columns, rows, 1), affine)
        slices.append(plain(sampled))
    affine[2, 2:] = heights_mm[1] - heights_mm[0], heights_mm[0]
    meta = {**sampled.meta, "affine": torch.from_numpy(affine)}
    return MetaTensor(torch.cat(slices, dim=-1), meta=meta)


def _scaled(
    task: str, anatomical: Any, partner: Any, slices: int, slices_of_a_head: int
) -> Iterator[Head]:
    recipe = Recipe(anatomical, [partner], Options(task=task, register="off", grid="anatomical"))
    case: Case = recipe.scale(recipe.align())
    image = plain(case["image"])
    scaled = torch.stack([image[0], case["scaled"][0][0] / 255], dim=1)
    tissue = (image.amax(dim=0) > TISSUE).sum(dim=(1, 2))
    full = (tissue >= LEAST_TISSUE * tissue.max()).nonzero()[:, 0]
    chosen = full[evenly_spaced(len(full), slices)]
    _, row_mm, column_mm = np.linalg.norm(case["image"].affine[:3, :3].numpy(), axis=0).tolist()
    for first in range(0, len(chosen), slices_of_a_head):
        yield Head(task, scaled[chosen[first : first + slices_of_a_head]], (row_mm, column_mm))
