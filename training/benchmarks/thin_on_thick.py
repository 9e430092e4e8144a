"""Calcifications of a thin-sliced CT on an MR with thick slices: how many are lost.

    python -m training.benchmarks.thin_on_thick [--page docs/adr/0017-thin-on-thick.md]

Spheres of 3 mm and 1000 HU lie at random places in soft tissue of 40 HU, in a CT of 1 mm. The CT
is put onto slices of 5 mm, straight and oblique, by linear interpolation at the centres of the
voxels, by the mean over what the voxels cover, and in cubic voxels. What is kept of a sphere is the
brightest voxel of the result around it, over that of the CT, both above the tissue, as scaled to
[0, 1] by the window. Below 30 % it is lost (:data:`mactfusion.trust.lesions.LOST_BELOW`).
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from monai.data import MetaTensor
from rich.console import Console

from mactfusion.transforms.align import align_to
from mactfusion.transforms.grid import isotropic
from mactfusion.transforms.intensity import apply_window
from mactfusion.transforms.sampling import interpolate
from mactfusion.transforms.volume import plain
from mactfusion.transforms.windows import WINDOWS
from mactfusion.trust.lesions import LOST_BELOW
from training.marked_page import Markers, write_between_markers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable

MARKERS = Markers("<!-- thin on thick begins -->", "<!-- thin on thick ends -->")
ROWS, COLUMNS, APART_MM, DEPTH_MM = 8, 5, 16, 70
DIAMETER_MM, TISSUE_HU, SPHERE_HU = 3.0, 40.0, 1000.0
SLICES_MM = 5.0
SHOWN_BY = ("auto", "bone")
ANGLES = {"straight": 0.0, "oblique by 12°": 12.0}


def calcifications(seed: int) -> tuple[MetaTensor, np.ndarray]:
    """Return a CT of 1 mm, and the middles of its spheres in millimetres, ``(40, 3)``."""
    rng = np.random.default_rng(seed)
    shape = (APART_MM * ROWS, APART_MM * COLUMNS, DEPTH_MM)
    lattice = np.stack(np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij"), axis=-1)
    middles = np.empty((ROWS * COLUMNS, 3))
    middles[:, :2] = APART_MM * (lattice.reshape(-1, 2) + 0.5) + rng.uniform(-1, 1, (40, 2))
    middles[:, 2] = rng.uniform(25, DEPTH_MM - 25, len(middles))
    voxels = np.full(shape, TISSUE_HU)
    fine = (np.arange(4) + 0.5) / 4 - 0.5  # parts of a voxel, for how much of it a sphere fills
    for middle in middles:
        first = np.round(middle).astype(int) - 3
        axes = [(first[axis] + np.arange(7))[:, None] + fine - middle[axis] for axis in range(3)]
        x, y, z = (values.ravel() for values in axes)
        filled = x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 <= (DIAMETER_MM / 2) ** 2
        share = filled.reshape(7, 4, 7, 4, 7, 4).mean(axis=(1, 3, 5))
        box = tuple(slice(start, start + 7) for start in first)
        voxels[box] += share * (SPHERE_HU - TISSUE_HU)
    return MetaTensor(
        torch.from_numpy(voxels[None]).float(), affine=torch.eye(4, dtype=torch.float64)
    ), middles


def thick_slices(degrees: float) -> MetaTensor:
    """Return the grid of an MR of 1 x 1 x 5 mm around the CT's middle, turned about an axis."""
    shape = np.array([APART_MM * ROWS, APART_MM * COLUMNS, round(DEPTH_MM / SLICES_MM)])
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    affine[:3, 2] *= SLICES_MM
    middle = (np.array([APART_MM * ROWS, APART_MM * COLUMNS, DEPTH_MM]) - 1) / 2
    affine[:3, 3] = middle - affine[:3, :3] @ ((shape - 1) / 2)
    return MetaTensor(torch.zeros(1, *shape.tolist()), affine=torch.from_numpy(affine))


def picked(partner: MetaTensor, anatomical: MetaTensor) -> MetaTensor:
    """Return the partner by linear interpolation at the centres of the voxels alone."""
    index_map = torch.linalg.solve(partner.affine.double(), anatomical.affine.double())
    voxels = interpolate(plain(partner), index_map, anatomical.shape[1:])
    return MetaTensor(voxels.float(), affine=anatomical.affine)


WAYS: dict[str, Callable[[MetaTensor, MetaTensor], MetaTensor]] = {
    "picked: linear interpolation at the centre": picked,
    "averaged over the voxel": lambda ct, mr: align_to(ct, mr)[0],
    "averaged, in cubic voxels": lambda ct, mr: align_to(ct, isotropic(mr))[0],
}


def kept(ct: MetaTensor, result: MetaTensor, middles: np.ndarray, window: str) -> np.ndarray:
    """Return what a result keeps of each sphere, ``(N,)``; 1 is all that the CT shows."""
    in_ct, in_result = (
        _contrasts(apply_window(volume, *WINDOWS[window]), middles) for volume in (ct, result)
    )
    return in_result / in_ct


def _contrasts(shown: MetaTensor, middles: np.ndarray) -> np.ndarray:
    """Return the brightest voxel that each sphere can reach, less the tissue, ``(N,)``."""
    affine, voxels = shown.affine.numpy(), plain(shown)[0].numpy()
    reach_mm = DIAMETER_MM / 2 + SLICES_MM
    reach = np.ceil(reach_mm / np.linalg.norm(affine[:3, :3], axis=0)).astype(int) + 1
    peaks = []
    for middle in middles:
        nearest = np.round(np.linalg.solve(affine, [*middle, 1])[:3]).astype(int)
        first = np.clip(nearest - reach, 0, voxels.shape)
        last = np.clip(nearest + reach + 1, 0, voxels.shape)
        box = voxels[tuple(map(slice, first, last))]
        index = np.moveaxis(np.indices(box.shape), 0, -1) + first
        away_mm = np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3] - middle, axis=-1)
        peaks.append(box[away_mm < reach_mm].max())
    return np.array(peaks) - np.median(voxels)


def table(seed: int = 0) -> str:
    """Return spheres lost of 40, and the median of what is kept, as Markdown."""
    ct, middles = calcifications(seed)
    rows = []
    for direction, degrees in ANGLES.items():
        anatomical = thick_slices(degrees)
        for way, bring in WAYS.items():
            result = bring(ct, anatomical)
            row = [direction, way]
            for window in SHOWN_BY:
                shares = kept(ct, result, middles, window)
                lost = int((shares < LOST_BELOW).sum())
                row.append(f"{lost} of {len(shares)}; {100 * np.median(shares):.0f} %")
            rows.append(row)
    return markdown_table(["slices", "way", *(f"lost; kept, {w} window" for w in SHOWN_BY)], rows)


def main(
    seed: Annotated[int, typer.Option(help="Of the places.")] = 0,
    page: Annotated[Path | None, typer.Option(help="Write the table into this page.")] = None,
) -> None:
    """Count the calcifications that are lost."""
    shown = table(seed)
    Console(highlight=False, width=200).print(shown, markup=False)
    if page is not None:
        write_between_markers(page, MARKERS, shown)


if __name__ == "__main__":
    typer.run(main)
