"""Fuse kinds of images that the networks never saw: GFP with phase contrast, MR with MR.

    python -m training.generalise --gfp-pc FOLDER --mr-mr FOLDER \
      --weights ours=monai_bundle/models/model.pt --weights authors=mactfusion_ctmri.pth

The folder of GFP holds ``GFP/STEM-g.jpg`` and ``PCI/STEM-t.jpg`` (phase contrast); that of MR holds
``T1.nii.gz``, ``T2.nii.gz`` and ``FLAIR.nii.gz`` of one patient. Everything goes the recipe's own
way: the luminance of GFP, its colours put back; volumes scaled whole, then fused in evenly spaced
slices among those in which both volumes show something. A checkpoint may be one of this project or
as its authors published it.

Writes the tables between the markers of ``generalisation.md`` in ``--folder`` (default docs). The
sheets of pictures show the data, whose licence decides where they may go: ``--sheets``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.metrics.content import has_content
from mactfusion.networks.registry import MODELS
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from mactfusion.result import FusionResult
from mactfusion.transforms.color import rgb_to_ycbcr
from mactfusion.transforms.slices import cut_slice, slice_axis
from mactfusion.transforms.volume import plain
from training.compare import name_checkpoints
from training.comparison.checkpoints import load_network
from training.comparison.scores import BASELINES, evenly_spaced
from training.five_metrics import mean_scores
from training.marked_page import Markers, around_markers, write_between_markers
from training.refusals import refusals
from training.tables import means_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monai.data import MetaTensor
    from torch import nn

Shown = NDArray[np.uint8]
"""What a viewer sees: ``(H, W)``, or ``(H, W, 3)`` in colour."""

MARKERS = Markers("<!-- generalisation begins -->", "<!-- generalisation ends -->")
SECOND_MR = ("T2", "FLAIR")
EXAMPLES = 3
"""Rows of a sheet."""


@dataclass(frozen=True)
class Network:
    """A checkpoint, ready to fuse."""

    model: str
    weights: Path
    network: nn.Module


@dataclass(frozen=True)
class Kind:
    """One kind of images.

    Attributes:
        task: of the recipe.
        headings: what the two sources are.
        pairs: the anatomical image and its partner.
        about: what was chosen, for the page.
    """

    task: str
    headings: tuple[str, str]
    pairs: list[tuple[Path, Path]]
    about: str


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


def read_networks(files: Mapping[str, str]) -> dict[str, Network]:
    """Load checkpoints: method to network.

    Raises:
        InputError: see :func:`~training.comparison.checkpoints.load_network`.
    """
    networks = {}
    for name, file in files.items():
        entry, network = load_network(Path(file))
        model = next(key for key, known in MODELS.items() if known is entry)
        networks[name] = Network(model, Path(file), network)
    return networks


def find_gfp_pairs(folder: Path, count: int) -> Kind:
    """Choose pairs of phase contrast and GFP, evenly spaced.

    Pairs of unequal sizes are left out: without a pixel size nothing tells how they lie.

    Raises:
        InputError: there are none, one lacks its partner, or is no picture.
    """
    found = []
    unequal = 0
    for gfp in sorted((folder / "GFP").glob("*-g.jpg")):
        phase = folder / "PCI" / f"{gfp.stem.removesuffix('-g')}-t.jpg"
        if not phase.is_file():
            raise InputError(f"{gfp} has no partner {phase}; add it or remove both.")
        if _size(gfp) == _size(phase):
            found.append((phase, gfp))
        else:
            unequal += 1
    if not found:
        raise InputError(f"{folder} holds no pairs; expected GFP/STEM-g.jpg and PCI/STEM-t.jpg.")
    chosen = [found[index] for index in evenly_spaced(len(found), count)]
    about = (
        f"{len(chosen)} evenly spaced pairs of {len(found)}; left out for unequal sizes: {unequal}."
    )
    return Kind("gfp-pc", ("phase contrast", "GFP"), chosen, about)


def find_mr_pairs(folder: Path, slices: int) -> list[Kind]:
    """Pair T1 with each of the others."""
    about = f"One patient, {slices} evenly spaced slices of those with content in both volumes."
    return [
        Kind("mr-mr", ("T1", other), [(folder / "T1.nii.gz", folder / f"{other}.nii.gz")], about)
        for other in SECOND_MR
    ]


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise InputError(f"{path} is not a readable picture; copy it again.") from error


def fuse(
    anatomical: Path, partner: Path, task: str, networks: Mapping[str, Network], slices: int
) -> Iterator[Example]:
    """Fuse evenly spaced slices of two volumes, or two pictures, with each network.

    Args:
        anatomical: MR, or phase contrast.
        partner: a second MR, or GFP.
        task: ``mr-mr`` or ``gfp-pc``.
        networks: method to network.
        slices: how many, of those with something in both volumes; a picture has one.

    Yields:
        One example a slice, with pixel average and maximum.

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
        yield Example(f"{partner.stem.split('.')[0]} {number}", sources, fused)


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


def draw_sheet(examples: Sequence[Example], headings: tuple[str, str], path: Path) -> None:
    """Write sources and results of a few examples side by side."""
    count = min(EXAMPLES, len(examples))
    rows = [examples[(2 * row + 1) * len(examples) // (2 * count)] for row in range(count)]
    titles = [*headings, *rows[0].fused]
    figure, axes = plt.subplots(
        len(rows), len(titles), figsize=(2.8 * len(titles), 3 * len(rows)), squeeze=False
    )
    for line, example in zip(axes, rows, strict=True):
        pictures = [*example.sources, *example.fused.values()]
        for axis, title, picture in zip(line, titles, pictures, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.set_title(f"{title}\n{example.name}" if title == titles[0] else title, fontsize=9)
            axis.axis("off")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


@refusals()
def main(
    gfp_pc: Annotated[Path | None, typer.Option(help="Folder with GFP and PCI.")] = None,
    mr_mr: Annotated[Path | None, typer.Option(help="Folder with T1, T2 and FLAIR.")] = None,
    weights: Annotated[list[str] | None, typer.Option(help="NAME=FILE of a checkpoint.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Of GFP and phase contrast.")] = 8,
    slices: Annotated[int, typer.Option(min=1, help="Of each pair of MR volumes.")] = 8,
    folder: Annotated[Path, typer.Option(help="With generalisation.md.")] = Path("docs"),
    sheets: Annotated[Path, typer.Option(help="For pictures.")] = Path("runs/generalisation"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes that score.")] = 1,
) -> None:
    """Fuse kinds of images that the networks never saw, and score the results."""
    files = name_checkpoints(weights or [], BASELINES)
    if not files or not (gfp_pc or mr_mr):
        raise InputError("Give --weights NAME=FILE, and --gfp-pc or --mr-mr.")
    page = folder / "generalisation.md"
    around_markers(page, MARKERS)  # refused before the long work, not after
    work = [find_gfp_pairs(gfp_pc, pairs)] if gfp_pc else []
    work += find_mr_pairs(mr_mr, slices) if mr_mr else []
    networks = read_networks(files)
    parts = []
    for kind in work:
        title = f"{kind.headings[0]} with {kind.headings[1]}"
        examples = [
            example
            for anatomical, partner in track(kind.pairs, title, console=Console(stderr=True))
            for example in fuse(anatomical, partner, kind.task, networks, slices)
        ]
        parts += [f"### {title}", kind.about, means_table("method", score(examples, jobs))]
        draw_sheet(examples, kind.headings, sheets / f"{title.replace(' ', '-')}.png")
    folder.mkdir(parents=True, exist_ok=True)
    write_between_markers(page, MARKERS, "\n\n".join(parts))
    typer.echo(f"{page}, {sheets}")


if __name__ == "__main__":
    typer.run(main)
