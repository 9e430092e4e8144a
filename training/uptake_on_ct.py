"""Make pairs of CT with PET and with SPECT from pairs with MR: uptake of one case on CT of another.

    python -m training.uptake_on_ct FOLDER --output PAIRS

FOLDER has the public layout ``TASK/train/MODALITY/NAME.png`` with the tasks ``CT-MRI``, ``PET-MRI``
and ``SPECT-MRI``; its test pairs are not looked at. No such pair with CT is public. So the brain of
an axial slice of uptake is scaled to the box around the brain of a CT slice, which is what bone
closes in, and cut by it; slices are matched by where they lie among those of their case. PAIRS gets
``PET-CT/train/{CT,PET}/NAME.png`` and ``SPECT-CT/train/{CT,SPECT}/NAME.png`` with the names of CT.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from PIL import Image
from scipy.ndimage import binary_closing, binary_erosion, binary_fill_holes, find_objects, label

from mactfusion.engine.pairs import list_pairs
from mactfusion.errors import InputError
from training.prepare_wba import read_png
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

NOT_AXIAL = {"PET": ("25", "30"), "SPECT": ()}
"""Cases that show coronal or sagittal slices."""
BONE_FROM = 200
UPTAKE_FROM = 40
LEAST_BRAIN = 0.08
"""Share of a picture; lower and higher slices have less brain, or bone that does not close."""


@refusals()
def main(
    data: Annotated[Path, typer.Argument(help="Folder of pairs with MR.")],
    output: Annotated[Path, typer.Option(help="For the pairs with CT.")],
) -> None:
    """Make pairs of CT with PET and with SPECT."""
    pairs = list_pairs(data, "train")
    ct = _by_case([pair["partner"] for pair in pairs if pair["task"] == "ct-mri"])
    for tracer, left_out in NOT_AXIAL.items():
        paths = [pair["partner"] for pair in pairs if pair["task"] == f"{tracer.lower()}-mri"]
        uptake = {case: own for case, own in _by_case(paths).items() if case not in left_out}
        if not ct or not uptake:
            raise InputError(f"{data} holds no pairs with CT, or none with axial {tracer}.")
        folder = output / f"{tracer}-CT" / "train"
        count = _write(ct, uptake, folder / "CT", folder / tracer)
        typer.echo(f"{folder}: {count} pairs")


def _by_case(paths: Iterable[str]) -> dict[str, list[Path]]:
    found = defaultdict(list)
    for path in sorted(map(Path, paths)):
        found[path.stem[:-3]].append(path)
    return dict(found)


def _write(
    ct: Mapping[str, list[Path]], uptake: Mapping[str, list[Path]], ct_folder: Path, folder: Path
) -> int:
    """Write one pair for each CT slice with a brain, each case with the uptake of one other."""
    for made in (ct_folder, folder):
        made.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, (case, slices) in enumerate(ct.items()):
        others = [own for own in uptake if own != case]
        if not others:
            continue
        source = uptake[others[number % len(others)]]
        for place, path in enumerate(slices):
            brain = brain_in_ct(read_png(path))
            if brain.mean() < LEAST_BRAIN:
                continue
            match = source[round(place / max(1, len(slices) - 1) * (len(source) - 1))]
            put = put_uptake(read_png(match), brain)
            if put is not None:
                (ct_folder / path.name).write_bytes(path.read_bytes())
                Image.fromarray(put).save(folder / path.name)
                count += 1
    return count


def brain_in_ct(pixels: Picture) -> Mask:
    """Return what bone closes in, in the largest piece.

    Args:
        pixels: ``(H, W)``, or grey ``(H, W, 3)``, in a window in which bone is white.
    """
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    bone = binary_closing(grey >= BONE_FROM, iterations=2)
    return _largest(binary_erosion(binary_fill_holes(bone) & ~bone, iterations=1))


def put_uptake(pixels: Picture, brain: Mask) -> Picture | None:
    """Scale the brain of a slice of uptake to the box of another brain, and cut it by that.

    Args:
        pixels: ``(H, W, 3)`` or ``(H, W)``.
        brain: ``(H, W)``.

    Returns:
        ``(H, W, 3)``, black outside; None where there is no uptake.
    """
    color = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    shown = _largest(color.max(axis=2) >= UPTAKE_FROM)
    if shown.mean() < LEAST_BRAIN / 2:
        return None
    rows, columns = _box(brain)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    scaled = Image.fromarray(color[_box(shown)]).resize(size, Image.Resampling.BILINEAR)
    put = np.zeros((*brain.shape, 3), np.uint8)
    put[rows, columns] = np.asarray(scaled)
    return put * brain[..., None]


def _largest(mask: Mask) -> Mask:
    pieces, count = label(mask)
    if count == 0:
        return mask
    return pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()


def _box(mask: Mask) -> tuple[slice, slice]:
    return find_objects(mask.astype(np.uint8))[0]


if __name__ == "__main__":
    typer.run(main)
