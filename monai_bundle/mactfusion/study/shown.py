"""What readers see of a pair: both sources and what each method made of them, in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.amounts import percent
from mactfusion.errors import InputError, warn
from mactfusion.io.formats import PICTURE_EXTENSIONS, extension_of
from mactfusion.io.luminance import grey_levels
from mactfusion.io.read import read_volume
from mactfusion.metrics.content import has_content
from mactfusion.options import Options
from mactfusion.pipeline import fuse_volumes
from mactfusion.recipe import Recipe
from mactfusion.transforms.align import align_to
from mactfusion.transforms.color import color_partner
from mactfusion.transforms.slices import OrientToSlicesd, slice_axis
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from monai.data import MetaTensor
    from numpy.typing import NDArray

    from mactfusion.case import Case
    from mactfusion.study.methods import Method
    from mactfusion.study.pairs import Pair

    Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """Images of one pair, of one size.

    Attributes:
        sources: the anatomical image and its partner, ``(rows, columns)`` or
            ``(rows, columns, 3)``, 0 to 255.
        fused: by method's name likewise.
        aspect: width by height as they are to be seen.
        slice: of volumes, its place along the axis of the anatomical file's array, from 0; None of
            pictures.
    """

    sources: tuple[Pixels, Pixels]
    fused: dict[str, Pixels]
    aspect: float
    slice: int | None


def show_pair(pair: Pair, methods: Sequence[Method]) -> Shown:
    """Read, or make, all images of a pair.

    Pictures are shown as they are. Volumes are shown as the recipe shows them to the network, each
    in the recipe's window and colours: one slice of the anatomical grid, as radiologists see it.
    Other types than 8 bits are brought to 8 by their full scale, never by what one image holds.

    Args:
        pair: the sources.
        methods: those that show this pair.

    Raises:
        InputError: something cannot be read or fused, or has another size than its sources.
    """
    files = (pair.anatomical, pair.partner)
    are_pictures = [extension_of(path) in PICTURE_EXTENSIONS for path in files]
    if all(are_pictures) and pair.slice is None:
        return _pictures(pair, methods)
    if any(are_pictures):
        raise InputError(
            f"{pair.anatomical} and {pair.partner} cannot be shown together: "
            + (
                "a picture has one slice, which needs no number."
                if all(are_pictures)
                else "one is a picture and the other a volume."
            )
        )
    return _volumes(pair, methods)


def _fused(pair: Pair, methods: Sequence[Method]) -> Iterator[tuple[str, str, MetaTensor]]:
    """Give name, where from, and fused image of each method, ``(1 or 3, I, J, K)``, 0 to 255."""
    for method in methods:
        if method.model:
            result = fuse_volumes(
                pair.anatomical,
                pair.partner,
                task=pair.task,
                model=method.model,
                check=False,
                progress=False,
            )
            own, levels = f"What {method.model} fused", _bytes(plain(result.fused).numpy())
            volume = result.fused
        else:
            path = method.fused[pair.task, pair.name]
            own, volume = str(path), read_volume(path, may_be_constant=True)
            levels = _levels(volume)
        yield method.name, own, with_voxels(volume, plain(volume).new_tensor(levels))


def _pictures(pair: Pair, methods: Sequence[Method]) -> Shown:
    sources = (read_volume(path) for path in (pair.anatomical, pair.partner))
    anatomical, partner = (_picture_pixels(_levels(source)) for source in sources)
    shown: dict[str, tuple[str, Pixels]] = {}
    for name, path, levels in _fused(pair, methods):
        if levels.shape[3] != 1:
            raise InputError(f"{path} is a volume, and its sources are pictures.")
        shown[name] = (path, _picture_pixels(plain(levels).numpy().astype(np.uint8)))
    height, width = anatomical.shape[:2]
    for path, pixels in [(str(pair.partner), partner), *shown.values()]:
        if pixels.shape[:2] != (height, width):
            raise InputError(
                f"{path} has {pixels.shape[1]} x {pixels.shape[0]} pixels and {pair.anatomical} "
                f"{width} x {height}; readers compare images of one size."
            )
    fused = {name: pixels for name, (_, pixels) in shown.items()}
    return Shown((anatomical, partner), fused, width / height, None)


def _picture_pixels(levels: Pixels) -> Pixels:
    """Turn a picture, ``(C, width, height, 1)``, into rows and columns."""
    return _pixels(levels[..., 0].transpose(2, 1, 0))


def _volumes(pair: Pair, methods: Sequence[Method]) -> Shown:
    options = Options(task=pair.task)
    recipe = Recipe(pair.anatomical, [pair.partner], options)
    case = recipe.scale(recipe.align())
    both = plain(case["image"])
    anatomical, partner = both[:1], both[1:]
    if case["is_color"]:
        colored = partial(
            color_partner, colormap=case["partners"][0]["colormap"], colors=options.colors
        )
        seen = colored(partner, plain(case["chrominance"]))
    else:
        seen = partner
    number, place = _slice_of(case, pair, anatomical, partner)
    grid = with_voxels(case["image"], anatomical)
    fused = {
        name: _slice_on(grid, volume, case["axis"], place, path)
        for name, path, volume in _fused(pair, methods)
    }
    rows, columns = grid.shape[2:]
    spacing = np.linalg.norm(np.asarray(grid.affine, np.float64)[:3, :3], axis=0)
    sources = [
        _pixels(_bytes(one[:, place].numpy()).transpose(1, 2, 0)) for one in (anatomical, seen)
    ]
    aspect = columns * spacing[2] / (rows * spacing[1])
    return Shown((sources[0], sources[1]), fused, float(aspect), number)


def _slice_of(
    case: Case, pair: Pair, anatomical: torch.Tensor, partner: torch.Tensor
) -> tuple[int, int]:
    """Choose the slice: its number along the axis of the file, and its place in what is shown."""
    count = anatomical.shape[1]
    _, is_reversed = slice_axis(case["grid_affine"], case["axis"])
    if pair.slice is not None:
        if pair.slice >= count:
            raise InputError(
                f"{pair.anatomical} has no {case['axis']} slice {pair.slice}; choose one from 0 to "
                f"{count - 1}."
            )
        return pair.slice, count - 1 - pair.slice if is_reversed else pair.slice
    sources = [_bytes(one[0].numpy()) for one in (anatomical, partner)]
    places = [place for place in range(count) if has_content(*(one[place] for one in sources))]
    if not places:
        raise InputError(
            f"{pair.anatomical} and {pair.partner} show nothing: every slice is blank."
        )
    place = places[len(places) // 2]
    return count - 1 - place if is_reversed else place, place


def _slice_on(grid: MetaTensor, fused: MetaTensor, axis: str, place: int, path: str) -> Pixels:
    """Cut the slice from fused levels, which are brought onto the grid where they have another."""
    turned = OrientToSlicesd(["fused"], axis, reference="fused")({"fused": fused})["fused"]
    aligned, seen = align_to(turned, grid)
    share = float(plain(seen)[:, place].float().mean())
    if share == 0:
        raise InputError(f"{path} does not reach the slice that is shown of its sources.")
    if share < 1:
        warn(f"{path} covers {percent(share)} of the slice that is shown of its sources.")
    cut = plain(aligned)[:, place].numpy()
    return _pixels(np.round(cut).astype(np.uint8).transpose(1, 2, 0))


def _levels(volume: MetaTensor) -> Pixels:
    """Return grey or colour, ``(1 or 3, I, J, K)``, 0 to 255."""
    return _bytes(plain(volume).numpy()) if len(volume) == 3 else grey_levels(volume)[None]


def _bytes(values: NDArray[np.floating]) -> Pixels:
    """Round what is in [0, 1] to 8 bits, as fused pictures are written."""
    return np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)


def _pixels(channels_last: Pixels) -> Pixels:
    """Leave out the only channel of a grey image."""
    pixels = channels_last[..., 0] if channels_last.shape[-1] == 1 else channels_last
    return np.ascontiguousarray(pixels)
