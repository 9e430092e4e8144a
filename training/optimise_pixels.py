"""Optimise the pixels of test pairs under a training criterion: what the criterion can reach.

    python -m training.optimise_pixels PAIRS OUTPUT --config monai_bundle/configs/train.yaml \
      --config monai_bundle/configs/train_quality.yaml --set loss#terms#1#weight=20

There is no network: the fused picture itself is what Adam changes, starting from the pixel maximum.
What comes out is about the best that a network of any size could learn from the criterion, so that
a shortfall of a trained network can be told from a shortfall of its criterion.

PAIRS has the layout ``TASK/test/MODALITY/NAME.png``. The criterion is the section ``loss`` of the
configuration files, each laid over those before. Writes ``OUTPUT/TASK/NAME.png``, a folder that
``training.compare`` takes as a method where no pair was left out, and prints the means of the five
main metrics.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (the command line reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
import typer
import yaml
from monai.bundle import ConfigParser
from rich.console import Console
from rich.progress import track

from mactfusion.engine import prepare_pair
from mactfusion.engine.pairs import LoadPaird
from mactfusion.errors import InputError
from mactfusion.evaluation.score import available_cores
from training.comparison.scores import BASELINES, find_pairs, read_fused, read_sources
from training.five_metrics import mean_scores
from training.fused_picture import to_8_bits, write_picture
from training.refusals import refusals
from training.tables import means_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from training.comparison.scores import Method, Pair

LEARNING_RATE = 0.02


def read_criterion(configs: Sequence[Path], changes: Sequence[str] = ()) -> nn.Module:
    """Build the section ``loss`` of training configurations.

    Args:
        configs: files, each laid over those before.
        changes: ``KEY=VALUE`` with MONAI's names of keys, such as ``loss#terms#0#weight=2``.

    Raises:
        InputError: a file is missing or no configuration, there is no such key, or the section
            cannot be built.
    """
    names = ", ".join(map(str, configs))
    for path in configs:
        if not path.is_file():
            raise InputError(f"{path} does not exist; give a training configuration.")
    try:
        parser = ConfigParser(ConfigParser.load_config_files([str(path) for path in configs]))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InputError(f"{names} cannot be read as a configuration: {_line(error)}.") from error
    for change in changes:
        key, _, value = change.partition("=")
        if key not in parser or not value:
            raise InputError(f"--set takes KEY=VALUE with a key of {names}, not '{change}'.")
        parser[key] = yaml.safe_load(value)
    if "loss" not in parser:
        raise InputError(f"{names} has no section 'loss'; give a training configuration.")
    try:
        return parser.get_parsed_content("loss")
    except Exception as error:  # whatever the classes that it names raise
        cause = error.__cause__ or error
        raise InputError(
            f"The section 'loss' of {names} cannot be built: {_line(cause)}."
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def optimise(sources: Tensor, criterion: nn.Module, steps: int) -> tuple[Tensor, list[float]]:
    """Change a picture, first the pixel maximum, until the criterion likes it.

    Adam, its rate falling from 0.02 to 0 along a half cosine.

    Args:
        sources: ``(1, 2, H, W)`` in [0, 1], with its task as ``sources.tasks``
            (:func:`mactfusion.engine.prepare_pair`).
        criterion: called with the picture ``(1, 1, H, W)`` and the sources.
        steps: how many.

    Returns:
        The picture ``(1, 1, H, W)``, not clipped, and the criterion before each step and after the
        last.

    Raises:
        InputError: the criterion is not finite.
    """
    picture = sources.amax(dim=1, keepdim=True).clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(picture, sources)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        losses.append(criterion(picture, sources).item())
    if not np.isfinite(losses).all():
        raise InputError("The criterion is not finite; leave out the term that is not.")
    return picture.detach(), losses


def optimise_pair(pair: Pair, criterion: nn.Module, steps: int, output: Path) -> list[float]:
    """Optimise one pair and write ``output/TASK/NAME.png``, 8 bits; return the criterion's values.

    Raises:
        InputError: a source cannot be read, they differ in size, or the criterion is not finite.
    """
    loaded = LoadPaird()({"anatomical": pair.anatomical, "partner": pair.partner})
    batch: dict[str, Any] = {"image": loaded["image"][None], "task": [pair.task.lower()]}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sources, _ = prepare_pair(batch, device)
    try:
        picture, losses = optimise(sources, criterion.to(device), steps)
    except InputError as error:
        raise InputError(f"{pair.anatomical}: {error}") from error
    write_picture(output / pair.task / pair.name, to_8_bits(picture))
    return losses


@refusals()
def main(
    pairs_folder: Annotated[Path, typer.Argument(metavar="PAIRS", help="The data folder.")],
    output: Annotated[Path, typer.Argument(help="Folder for TASK/NAME.png.")],
    config: Annotated[list[Path], typer.Option(help="Training configuration; several are laid.")],
    change: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE, such as loss#terms#0#weight=2.")
    ] = None,
    split: Annotated[Path | None, typer.Option(help="Split file; the public one without.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only these, such as CT-MRI.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of Adam, for each pair.")] = 300,
    every: Annotated[int, typer.Option(min=1, help="Take every Nth pair of a task.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that score.")] = available_cores(),
) -> None:
    """Optimise the pixels of test pairs under a training criterion."""
    criterion = read_criterion(config, change or [])
    found = find_pairs(pairs_folder, split)
    tasks = [name for name in sorted({pair.task for pair in found}) if not task or name in task]
    if not tasks:
        raise InputError(f"{pairs_folder} has no test pairs of {', '.join(task or [])}.")
    chosen = {name: [pair for pair in found if pair.task == name][::every] for name in tasks}
    pairs = [pair for of_task in chosen.values() for pair in of_task]
    losses = {}
    for pair in track(pairs, "Optimising", console=Console(stderr=True)):
        losses[pair] = optimise_pair(pair, criterion, steps, output)
    for name, of_task in chosen.items():
        first, last = np.mean([(losses[pair][0], losses[pair][-1]) for pair in of_task], axis=0)
        typer.echo(f"### {name}: {len(of_task)} pairs, criterion {first:.4f} to {last:.4f}\n")
        methods: dict[str, Method] = {"optimised": output, **BASELINES}
        scores = {method: _score(of_task, methods[method], jobs) for method in methods}
        typer.echo(means_table("method", scores) + "\n")


def _score(pairs: Sequence[Pair], method: Method, jobs: int) -> dict[str, float]:
    sources = {pair: read_sources(pair) for pair in pairs}
    pictures = (
        (f"{pair.task}/{pair.name}", (read_fused(method, pair, both), *both))
        for pair, both in sources.items()
    )
    return mean_scores(pictures, jobs)


if __name__ == "__main__":
    typer.run(main)
