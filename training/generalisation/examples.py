"""Pictures and slices fused by each network the recipe's own way, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mactfusion.errors import InputError
from mactfusion.metrics.content import has_content
from mactfusion.networks.registry import MODELS
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from mactfusion.result import FusionResult
from mactfusion.transforms.color import rgb_to_ycbcr
from mactfusion.transforms.slices import cut_slice, slice_axis
from mactfusion.transforms.volume import plain
from training.comparison.checkpoints import file_for, load_network
from training.comparison.scores import BASELINES, evenly_spaced
from training.five_metrics import mean_scores
from training.lesion_study.methods import alpha_blending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monai.data import MetaTensor
    from torch import nn

    from training.generalisation.kinds import Source

Shown = NDArray[np.uint8]
"""What a viewer sees: ``(H, W)``, or ``(H, W, 3)`` in colour."""


@dataclass(frozen=True)
class Network:
    """A checkpoint, ready to fuse."""

    model: str
    weights: Path
    network: nn.Module


@dataclass(frozen=True)
class Example:
    """One picture, or slice, and what was made of it.

    Attributes:
        name: for headings.
        sources: both, as the network saw them.
        fused: method to picture.
    """

    name: str
    sources: tuple[Shown, Shown]
    fused: dict[str, Shown]


def read_networks(files: Mapping[str, str], task: str) -> dict[str, Network]:
    """Load the checkpoints for a task: method to network.

    Args:
        files: method to file or model, see :func:`training.comparison.checkpoints.file_for`.
        task: such as ``ct-mri``.

    Raises:
        InputError: see :func:`~training.comparison.checkpoints.load_network`.
    """
    networks = {}
    for name, weights in files.items():
        file = file_for(weights, task)
        entry, network = load_network(file)
        model = next(key for key, known in MODELS.items() if known is entry)
        networks[name] = Network(model, file, network)
    return networks


def fuse(
    anatomical: Source, partner: Source, task: str, networks: Mapping[str, Network], slices: int
) -> Iterator[Example]:
    """Fuse evenly spaced slices of two volumes, or two pictures, with each network.

    Args:
        anatomical: MR, CT, or phase contrast.
        partner: CT, PET, SPECT, a second MR, or GFP.
        task: of the recipe.
        networks: method to network.
        slices: how many, of those with something in both volumes; a picture has one.

    Yields:
        One example a slice, with pixel average, maximum and alpha blending.

    Raises:
        InputError: the two cannot be fused.
    """
    recipes = {
        name: Recipe(
            anatomical,
            [partner],
            Options(task=task, model=network.model, weights=network.weights),
        )
        for name, network in networks.items()
    }
    preparing = next(iter(recipes.values()))
    scaled = preparing.scale(preparing.align())
    for number in _with_content(scaled, slices):
        cut = cut_slice(scaled, number)
        results = {}
        for name, recipe in recipes.items():
            data = recipe.finish(recipe.infer(dict(cut)))
            results[name] = FusionResult(data.pop("pred"), data.pop("record"), [], data)
        last = results[next(iter(results))]
        sources = (_shown(last.anatomical), _shown(last.partner))
        grey = tuple(_luminance(source).astype(float) for source in sources)
        fused = {name: _shown(result.fused) for name, result in results.items()}
        fused |= {name: rule(*grey).astype(np.uint8) for name, rule in BASELINES.items()}
        fused["blending"] = _blended(*grey)
        yield Example(f"{_name(partner)} {number}", sources, fused)


def _blended(anatomical: NDArray[np.float64], partner: NDArray[np.float64]) -> Shown:
    """Lay the partner half opaque over the other, as viewers do; luminance 0 to 255."""
    sources = torch.from_numpy(np.stack([anatomical, partner]))[None] / 255
    return (255 * alpha_blending(sources)[0, 0]).round().byte().numpy()


def _name(source: Source) -> str:
    return source.name.split(".")[0] if isinstance(source, Path) else "slice"


def _with_content(scaled: Mapping[str, Any], count: int) -> list[int]:
    """Numbers of slices, along their axis of the file's array, in which both sources show a lot."""
    stacks = 255 * plain(scaled["image"]).numpy()
    places = [
        place
        for place in range(stacks.shape[1])
        if all(has_content(source, source) for source in stacks[:, place])
    ]
    if not places:
        raise InputError("The two volumes show nothing in a common slice.")
    _, is_reversed = slice_axis(scaled["grid_affine"], scaled["axis"])
    chosen = [places[index] for index in evenly_spaced(len(places), count)]
    return [stacks.shape[1] - 1 - place if is_reversed else place for place in chosen]


def _shown(volume: MetaTensor) -> Shown:
    """Turn one slice ``(1 or 3, I, J, K)`` in [0, 1] into what a viewer sees."""
    pixels = np.moveaxis((255 * plain(volume)).round().byte().cpu().numpy(), 0, -1)
    plane = pixels.squeeze(axis=next(axis for axis in range(3) if pixels.shape[axis] == 1))
    upright = np.ascontiguousarray(plane.swapaxes(0, 1))
    return upright if upright.shape[-1] == 3 else upright[..., 0]


def _luminance(shown: Shown) -> Shown:
    if shown.ndim == 2:
        return shown
    luminance = rgb_to_ycbcr(torch.from_numpy(shown).movedim(-1, 0) / 255)[0]
    return (255 * luminance).round().byte().numpy()


def score(examples: Sequence[Example], jobs: int) -> dict[str, dict[str, float]]:
    """Mean of the five metrics on luminance, for each method.

    Raises:
        InputError: a metric is not defined for a picture.
    """
    scores = {}
    for method in examples[0].fused:
        pictures = (
            (
                f"{method}, {example.name}",
                (
                    _luminance(example.fused[method]).astype(float),
                    _luminance(example.sources[0]).astype(float),
                    _luminance(example.sources[1]).astype(float),
                ),
            )
            for example in examples
        )
        scores[method] = mean_scores(pictures, jobs)
    return scores
