"""Compare ways to find which source a fused pixel came from, where the answer is known.

    python -m training.provenance --templates FOLDER --mr-mr FOLDER

Slices of an average head and of two MR are fused by rules whose shares are known, by the project's
own network, whose weights are, and by other networks at single pixels, where the share is measured
by changes of that pixel alone. Counted are pixels that show tissue and where the sources differ: in
equal ones the share cannot be told. Writes the table between the markers of ``--page``.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer

from mactfusion.bundle import bundle_root
from mactfusion.choice import ChosenNetwork
from mactfusion.errors import InputError
from mactfusion.networks import PixelWeights
from mactfusion.networks.registry import MODELS
from training.lesion_study.sources import mr_slices, template_slices
from training.marked_page import Markers, around_markers, write_between_markers
from training.provenance_study.rules import rules, share
from training.provenance_study.ways import WAYS, of_one_pixel
from training.refusals import refusals
from training.tables import markdown_table

if TYPE_CHECKING:
    from torch import Tensor

    from training.lesion_study.sources import SlicePair
    from training.provenance_study.rules import Function

MARKERS = Markers("<!-- provenance begin -->", "<!-- provenance end -->")
TISSUE, DIFFERENT = 0.1, 0.02
"""Of the brighter source, and between the two, in pixels that are counted."""
WRONG = 0.25
"""A share that is off by more says that the voxel came from elsewhere."""
OWN = "pixel_weights"

Errors = dict[tuple[str, str], list["Tensor"]]


@refusals()
def main(
    templates: Annotated[Path | None, typer.Option(help="Folder of an average head.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1 and FLAIR.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Other networks; once for each.")] = None,
    slices: Annotated[int, typer.Option(min=1, help="Of each pair of volumes.")] = 2,
    places: Annotated[int, typer.Option(min=1, help="Single pixels of a slice.")] = 12,
    page: Annotated[Path, typer.Option(help="For the table.")] = Path("docs/provenance.md"),
) -> None:
    """Measure which way finds the share of each source."""
    around_markers(page, MARKERS)  # refused before the long work, not after
    pairs: list[SlicePair] = []
    if templates:
        pairs += template_slices(templates, slices)
    if mr_mr:
        pairs += mr_slices(mr_mr, slices)
    if not pairs:
        raise InputError("Give --templates or --mr-mr.")
    if unknown := set(model or []) - set(MODELS):
        raise InputError(f"Unknown model '{min(unknown)}': choose {', '.join(MODELS)}.")
    errors: Errors = defaultdict(list)
    own = _network(OWN, pairs[0].task)
    weighing = own.network
    assert isinstance(weighing, PixelWeights)  # noqa: S101  the registry's
    for pair in pairs:
        image = pair.sources
        known = rules(image.shape[2], image.shape[3])
        with torch.no_grad():
            truths = {name: rule.share(image) for name, rule in known.items()}
            truths[OWN] = share(weighing.weights(image))
        fusions: dict[str, Function] = {name: rule.fuse for name, rule in known.items()}
        counts = _counted(image)
        for name, fuse in (fusions | {OWN: own}).items():
            for way, find in WAYS.items():
                errors[name, way].append((find(fuse, image) - truths[name]).abs()[counts])
    for name in model or []:
        _measure_network(name, pairs, places, errors)
    table = _table(errors)
    write_between_markers(page, MARKERS, table, "# Provenance\n\n")
    typer.echo(str(page))


def _measure_network(name: str, pairs: list[SlicePair], places: int, errors: Errors) -> None:
    """Compare at single pixels of the first slice of each task."""
    rng = np.random.default_rng(0)
    for task in dict.fromkeys(pair.task for pair in pairs if pair.task in MODELS[name].tasks):
        image = next(pair.sources for pair in pairs if pair.task == task)
        fuse = _network(name, task)
        free = _counted(image)[0, 0].nonzero()
        chosen = free[torch.from_numpy(rng.permutation(len(free))[:places])]
        rows, columns = chosen.T
        truth = [of_one_pixel(fuse, image, *place) for place in chosen.tolist()]
        for way, find in WAYS.items():
            found = find(fuse, image)[0, 0, rows, columns]
            errors[name, way].append((found - torch.tensor(truth)).abs())


def _counted(image: Tensor) -> Tensor:
    first, second = image.split(1, dim=1)
    return (torch.maximum(first, second) > TISSUE) & ((first - second).abs() > DIFFERENT)


def _network(name: str, task: str) -> ChosenNetwork:
    network = ChosenNetwork(MODELS[name].network(), name, folder=bundle_root() / "models")
    network.settle([task if task in MODELS[name].tasks else MODELS[name].tasks[0]])
    return network.eval()


def _table(errors: Errors) -> str:
    """Write the mean error in per cent, and how many pixels are off by more than a quarter."""

    def cell(name: str, way: str) -> str:
        off = torch.cat(errors[name, way])
        off = off[off.isfinite()]
        return f"{100 * off.mean():.1f} / {100 * (off > WRONG).float().mean():.0f}"

    names = dict.fromkeys(name for name, _ in errors)
    rows = [[name, *(cell(name, way) for way in WAYS)] for name in names]
    return markdown_table(["fused by", *WAYS], rows)


if __name__ == "__main__":
    typer.run(main)
