"""Measure DILRAN as its authors did: PSNR, SSIM and EN on their own 20 test pairs of CT and MR.

    python -m training.dilran_figures DATA --weights authors=dilran_ctmri.pt --weights ours=dilran

DATA is the public Whole Brain Atlas folder; its parts are not those of the authors, so pairs are
taken from both. Weights are a file, or a model for those that the bundle has for CT with MR. The
definitions are those of the authors' program: PSNR against the range of each source, EN of the
distinct floating-point values, which counts the rounding of a machine too. Prints a table.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (the command line reads the annotations)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer

from mactfusion.engine.pairs import LoadPaird
from mactfusion.errors import InputError
from mactfusion.metrics import METRICS, VARIANTS
from training.compare import name_checkpoints
from training.comparison.checkpoints import file_for, load_network
from training.refusals import refusals
from training.tables import means_table

if TYPE_CHECKING:
    from torch import nn

TASK = "CT-MRI"
TEST_PAIRS = (
    *("16013", "2007", "2012", "2017", "28010", "32003", "34003", "34008", "34014", "37007"),
    *("37008", "37009", "37013", "37015", "37016", "37017", "37022", "41007", "41011", "41015"),
)
"""The authors' test split of CT and MR, which is not that of the public folder."""
FIGURES = {"PSNR": VARIANTS["PSNR_dil"], "SSIM": METRICS["SSIM"], "EN": VARIANTS["EN_float"]}


def find_authors_pairs(folder: Path) -> list[dict[str, str]]:
    """List the 20 pairs, wherever in the folder they are.

    Raises:
        InputError: one is missing.
    """
    pairs = []
    for name in TEST_PAIRS:
        partner = next((folder / TASK).glob(f"*/CT/{name}.png"), None)
        if partner is None:
            raise InputError(f"{folder / TASK} has no pair {name}; give the Whole Brain Atlas.")
        anatomical = partner.parents[1] / "MRI" / partner.name
        pairs.append({"anatomical": str(anatomical), "partner": str(partner)})
    return pairs


@torch.no_grad()
def authors_figures(network: nn.Module, pairs: list[dict[str, str]]) -> dict[str, float]:
    """Mean PSNR, SSIM and EN of what a network in evaluation mode fuses, clipped to [0, 1]."""
    scores = []
    for pair in pairs:
        sources = LoadPaird()(pair)["image"][None]
        fused = 255 * network(sources).clamp(0, 1).double().numpy()[0, 0]
        pictures = (255 * sources.double()).round().numpy()[0]
        scores.append([metric(fused, *pictures) for metric in FIGURES.values()])
    return dict(zip(FIGURES, np.mean(scores, axis=0).tolist(), strict=True))


@refusals()
def main(
    folder: Annotated[Path, typer.Argument(metavar="DATA", help="The data folder.")],
    weights: Annotated[list[str], typer.Option(help="NAME=FILE, or NAME=MODEL.")],
) -> None:
    """Measure DILRAN as its authors did."""
    pairs = find_authors_pairs(folder)
    named = name_checkpoints(weights, ()).items()
    files = {name: file_for(entry, TASK.lower()) for name, entry in named}
    networks = {name: load_network(file)[1] for name, file in files.items()}
    means = {name: authors_figures(network, pairs) for name, network in networks.items()}
    typer.echo(means_table("weights", means, tuple(FIGURES)))


if __name__ == "__main__":
    typer.run(main)
