"""Measure how brightness changes from slice to slice, before and after the recipe steadies it.

    python -m training.brightness [TASK MR PARTNER ...] [--weights FILE] [--folder docs]

Fuses the synthetic head of the demo with CT, PET and SPECT, draws ``brightness.png`` and puts the
numbers, also those of the given pairs, into the table of ``brightness.md``. Given pairs are never
drawn, since their pictures may not be ours to publish.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer
from monai.bundle import ConfigParser
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mactfusion.bundle import bundle_root
from mactfusion.demo.volumes import demo_volumes
from mactfusion.transforms.brightness import SteadyBrightnessd
from training.marked_page import Markers, write_between_markers
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

Volume = NDArray[np.float32]
"""``(slices, rows, columns)`` in [0, 1]."""

HEAD_TASKS = {"CT": "ct-mri", "PET": "pet-mri", "SPECT": "spect-mri"}
FOREGROUND = 0.02
"""Brighter source above which a voxel is foreground."""
LEAST_FOREGROUND = 0.02
"""Share of a slice; slices with less foreground have no brightness to speak of."""
UNCHANGED = 0.03
"""Change of both sources between neighbouring slices below which a voxel shows the same tissue."""
SEEN = 0.1
WHITE_MATTER = (0.6, 0.85)
"""Of the MR, where the partner is darker."""
FEWEST_VOXELS = 100
HEADINGS = ("pair", "sources", "mean jump", "tissue jump", "tissue spread", "clipped")
MARKERS = Markers("<!-- table begins -->", "<!-- table ends -->")


@dataclass(frozen=True)
class Case:
    """One fused pair.

    Attributes:
        name: for headings.
        anatomical: the MR as the network saw it.
        partner: luminance of the partner.
        before: the network's result, clipped.
        after: the same, steadied.
    """

    name: str
    anatomical: Volume
    partner: Volume
    before: Volume
    after: Volume

    @property
    def brighter(self) -> Volume:
        """Maximum of both sources."""
        return np.maximum(self.anatomical, self.partner)


@dataclass(frozen=True)
class Steadiness:
    """How steady one fused volume is.

    Attributes:
        mean_jump: 95th percentile, over neighbouring slices, of the change of log(mean of the
            fused foreground / mean of the brighter source's foreground).
        tissue_jump: likewise of the median change of log(fused) over the voxels where both
            sources hardly change.
        tissue_spread: standard deviation over the slices, relative to the mean, of the median of
            white matter, as a ratio to its brightness in the sources.
        clipped: share of the foreground at full scale.
    """

    mean_jump: float
    tissue_jump: float
    tissue_spread: float
    clipped: float


def fuse(name: str, task: str, anatomical: Path, partner: Path, weights: Path | None) -> Case:
    """Run the recipe up to the network, and its steadying step."""
    given = {"weights": weights} if weights else {}
    recipe = ConfigParser()
    recipe.read_config(str(bundle_root() / "configs" / "inference.yaml"))
    recipe.update(
        {
            "bundle_root": str(bundle_root()),
            "anatomical": anatomical.resolve(),
            "partner": partner.resolve(),
            "task": task,
            "device": torch.device("cpu"),
            **given,
        }
    )
    (data,) = recipe.get_parsed_content("dataset")
    image = data["image"].as_tensor()
    network, inferer = (recipe.get_parsed_content(key) for key in ("network", "inferer"))
    fused = inferer(image[None], network)[0].clamp(0, 1)
    steady = SteadyBrightnessd()({"image": data["image"], "pred": fused})["pred"]
    return Case(name, *(volume.numpy() for volume in (*image, fused[0], steady[0])))


def means_of_foreground(volume: Volume, case: Case) -> NDArray[np.float64]:
    """Mean of each slice over the case's foreground; NaN where there is next to none."""
    foreground = case.brighter > FOREGROUND
    counts = foreground.sum(axis=(1, 2))
    enough = counts > LEAST_FOREGROUND * foreground[0].size
    sums = (volume * foreground).sum(axis=(1, 2), dtype="float64")
    return np.divide(sums, counts, out=np.full(len(volume), np.nan), where=enough)


def jump(brightness: NDArray[np.float64]) -> float:
    """95th percentile of the change of log brightness between neighbours; NaN is left out."""
    changes = np.abs(np.diff(np.log(brightness)))
    return float(np.nanpercentile(changes, 95))


def steadiness(fused: Volume, case: Case) -> Steadiness:
    """Measure one volume against the sources of its case."""
    relative = means_of_foreground(fused, case) / means_of_foreground(case.brighter, case)
    tissue = np.array(list(_white_matter(fused, case)))
    foreground = case.brighter > FOREGROUND
    return Steadiness(
        mean_jump=jump(relative),
        tissue_jump=float(np.percentile(list(_tissue_changes(fused, case)), 95)),
        tissue_spread=float(tissue.std() / tissue.mean()),
        clipped=float((fused[foreground] >= 1).mean()),
    )


def _tissue_changes(fused: Volume, case: Case) -> Iterator[float]:
    sources = np.stack([case.anatomical, case.partner])
    still = (np.abs(np.diff(sources, axis=1)) < UNCHANGED).all(axis=0)
    still &= np.minimum(case.brighter[1:], case.brighter[:-1]) > SEEN
    logarithm = np.log(np.maximum(fused, 0.01))
    for same, lower, upper in zip(still, logarithm[:-1], logarithm[1:], strict=True):
        if same.sum() >= FEWEST_VOXELS:
            yield abs(float(np.median(upper[same] - lower[same])))


def _white_matter(fused: Volume, case: Case) -> Iterator[float]:
    low, high = WHITE_MATTER
    mask = (case.anatomical > low) & (case.anatomical < high) & (case.partner < case.anatomical)
    for index, inside in enumerate(mask):
        if inside.sum() >= FEWEST_VOXELS:
            yield float(np.median(fused[index][inside]) / np.median(case.brighter[index][inside]))


def rows(cases: Sequence[Case]) -> list[list[str]]:
    """Cells of the table, in per cent: each number before and after, and the sources' own jump."""
    table = []
    for case in cases:
        before, after = (steadiness(volume, case) for volume in (case.before, case.after))
        pairs = [
            (before.mean_jump, after.mean_jump),
            (before.tissue_jump, after.tissue_jump),
            (before.tissue_spread, after.tissue_spread),
            (before.clipped, after.clipped),
        ]
        own = jump(means_of_foreground(case.brighter, case))
        cells = [f"{100 * first:.1f} → {100 * second:.1f}" for first, second in pairs]
        table.append([case.name, f"{100 * own:.1f}", *cells])
    return table


def draw(cases: Sequence[Case], path: Path) -> None:
    """Brightness over the slices, its ratio to the sources, and a cut across the slices."""
    figure, axes = plt.subplots(
        3, len(cases), figsize=(4.2 * len(cases), 7.8), height_ratios=(3, 2, 2.6), squeeze=False
    )
    for (profile, ratio, cut), case in zip(axes.T, cases, strict=True):
        _draw_profiles(profile, ratio, case)
        _draw_cut(cut, case)
    axes[0, 0].set_ylabel("mean of the foreground")
    axes[1, 0].set_ylabel("fused / brighter source")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=5, frameon=False
    )
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_profiles(profile: Axes, ratio: Axes, case: Case) -> None:
    lines: dict[str, tuple[Volume, dict[str, Any]]] = {
        "brighter source": (case.brighter, {"color": "black", "lw": 1.6}),
        "MR": (case.anatomical, {"color": "0.6", "lw": 1.0}),
        "partner (luminance)": (case.partner, {"color": "tab:orange", "lw": 1.0}),
        "fused, before": (case.before, {"color": "tab:red", "lw": 1.4, "ls": "--"}),
        "fused, after": (case.after, {"color": "tab:blue", "lw": 1.8}),
    }
    brighter = means_of_foreground(case.brighter, case)
    for label, (volume, style) in lines.items():
        means = means_of_foreground(volume, case)
        profile.plot(means, label=label, **style)
        if label.startswith("fused"):
            ratio.plot(means / brighter, **style)
    ratio.axhline(1, color="black", lw=0.8)
    ratio.set_xlabel("slice, from the feet to the head")
    profile.set_title(case.name, fontsize=11)
    profile.set_ylim(bottom=0)
    for axes in (profile, ratio):
        axes.spines[["top", "right"]].set_visible(False)


def _draw_cut(axes: Axes, case: Case) -> None:
    """Sagittal cut a little beside the middle: rows of the picture are the slices."""
    column = int(0.44 * case.before.shape[2])
    both = [volume[::-1, :, column] for volume in (case.before, case.after)]
    gap = np.ones((len(both[0]), 4), "float32")
    rows_per_slice = both[0].shape[1] / 1.25 / len(both[0])
    axes.imshow(
        np.hstack([both[0], gap, both[1]]),
        cmap="gray",
        vmin=0,
        vmax=1,
        aspect=rows_per_slice,
        interpolation="nearest",
    )
    axes.set_title("sagittal cut: before | after", fontsize=10)
    axes.axis("off")


def main(
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TASK MR PARTNER]...", help="Pairs to measure as well."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Ours by default.")] = None,
    folder: Annotated[Path, typer.Option(help="With brightness.md.")] = Path("docs"),
) -> None:
    """Measure and draw the brightness of fused volumes over their slices."""
    words = pairs or []
    if len(words) % 3:
        raise typer.BadParameter("Give TASK MR PARTNER for each pair.")
    with tempfile.TemporaryDirectory() as scans:
        files = demo_volumes(scans)
        head = [
            fuse(f"synthetic head, T1 + {partner}", task, files["T1"], files[partner], weights)
            for partner, task in HEAD_TASKS.items()
        ]
    draw(head, folder / "brightness.png")
    others = [
        fuse(f"{Path(mr).name} + {Path(partner).name}", task, Path(mr), Path(partner), weights)
        for task, mr, partner in zip(words[::3], words[1::3], words[2::3], strict=True)
    ]
    table = Table(*HEADINGS, title="Brightness, %")
    cells = rows([*head, *others])
    for line in cells:
        table.add_row(*line)
    Console().print(table)
    write_between_markers(folder / "brightness.md", MARKERS, markdown_table(HEADINGS, cells))


if __name__ == "__main__":
    typer.run(main)
