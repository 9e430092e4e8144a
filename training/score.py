"""Score fusion methods on the public test pairs.

    python -m training.score PAIRS METHOD [METHOD ...] [--csv FILE] [--jobs N]

PAIRS has the layout ``TASK/test/MODALITY/NAME.png`` with two modalities per task; a METHOD is a
folder of fused pictures, ``TASK/NAME.png``, and is called by the folder's name. Prints, per task,
the mean of every metric and every method's mean rank over the metrics.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import rankdata

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS
from mactfusion.transforms.color import BLUE_WEIGHT, GREEN_WEIGHT, RED_WEIGHT

Picture = NDArray[np.float64]
Rule = Callable[[Picture, Picture], Picture]
Scores = dict[str, float]

LUMINANCE_BT601 = (RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT)


def pixel_average(source_a: Picture, source_b: Picture) -> Picture:
    """Return the rounded mean of both sources, pixel by pixel."""
    return np.round((source_a + source_b) / 2)


def pixel_maximum(source_a: Picture, source_b: Picture) -> Picture:
    """Return the brighter source, pixel by pixel."""
    return np.maximum(source_a, source_b)


BASELINES: dict[str, Rule] = {"average": pixel_average, "maximum": pixel_maximum}
"""Methods that need no folder; a given folder of the same name takes their place."""


@dataclass(frozen=True)
class Pair:
    """Two source pictures of one test case."""

    task: str
    source_a: Path
    source_b: Path


def read_luminance(path: Path) -> Picture:
    """Read an 8-bit picture as grey levels 0 to 255, shape ``(H, W)``.

    Colour becomes BT.601 luminance, rounded to whole grey levels as published fusion code does
    before it fuses (unrounded luminance moves the metrics by up to 0.0005).

    Raises:
        InputError: the file is missing, no picture, or not 8-bit.
    """
    try:
        with Image.open(path) as image:
            deep = image.mode.startswith(("I", "F"))
            pixels = np.asarray(image.convert("L" if image.mode == "L" else "RGB"), dtype=float)
    except OSError as error:
        msg = f"{path} is not a readable picture: {error}."
        raise InputError(msg) from error
    if deep:
        msg = f"{path} has more than 8 bits a channel: the metrics are defined on 8-bit pictures."
        raise InputError(msg)
    return pixels if pixels.ndim == 2 else np.round(pixels @ LUMINANCE_BT601)


def find_pairs(folder: Path) -> list[Pair]:
    """List the test pairs in ``folder/TASK/test/MODALITY/NAME.png``, equal names being a pair.

    Raises:
        InputError: no pairs, not two modalities, or names that only one modality has.
    """
    pairs = []
    for test in sorted(folder.glob("*/test")):
        modalities = sorted(path for path in test.iterdir() if path.is_dir())
        names = [{path.name for path in modality.glob("*.png")} for modality in modalities]
        if len(names) != 2 or names[0] != names[1]:
            msg = f"{test} must hold two folders, one per modality, with the same PNG names."
            raise InputError(msg)
        first, second = modalities
        pairs += [Pair(test.parent.name, first / name, second / name) for name in sorted(names[0])]
    if not pairs:
        msg = f"There are no test pairs in {folder} (looked for TASK/test/MODALITY/NAME.png)."
        raise InputError(msg)
    return pairs


def score_pairs(
    fused: Sequence[NDArray], source_a: Sequence[NDArray], source_b: Sequence[NDArray]
) -> Scores:
    """Return the mean of every metric over pictures in memory.

    Args:
        fused: pictures of shape ``(H, W)``, luminance 0 to 255.
        source_a: the first source of each, same shape.
        source_b: the second source of each, same shape.

    Raises:
        InputError: no pictures, or pictures that cannot be compared.
        ValueError: lists of different lengths.
    """
    triples = zip(fused, source_a, source_b, strict=True)
    return _mean([_score_pictures(*pictures) for pictures in triples])


def score_folder(fused: Path, pairs: Path, *, jobs: int = 1) -> dict[str, Scores]:
    """Return the mean of every metric per task, for one folder of fused pictures.

    Args:
        fused: folder with ``TASK/NAME.png``; tasks without a folder are left out.
        pairs: folder with ``TASK/test/MODALITY/NAME.png``.
        jobs: number of processes.

    Raises:
        InputError: pictures are missing, unreadable or of another size than their sources.
    """
    scores = score_methods({fused.name: fused}, pairs, jobs=jobs)
    return {task: methods[fused.name] for task, methods in scores.items()}


def score_methods(
    methods: Mapping[str, Path | Rule], pairs: Path, *, jobs: int = 1, progress: bool = False
) -> dict[str, dict[str, Scores]]:
    """Return the mean of every metric: task, then method, then metric.

    Args:
        methods: name to folder of fused pictures, or to a rule that makes them from the sources.
        pairs: folder with ``TASK/test/MODALITY/NAME.png``.
        jobs: number of processes.
        progress: show a progress bar on stderr.

    Raises:
        InputError: pictures are missing, unreadable or of another size than their sources.
    """
    all_pairs = find_pairs(pairs)
    work = [
        (name, method, pair)
        for name, method in methods.items()
        for pair in _pairs_of(method, all_pairs)
    ]
    _, functions, cases = zip(*work, strict=True)
    grouped: dict[str, dict[str, list[Scores]]] = defaultdict(lambda: defaultdict(list))
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        results: Iterable[Scores] = (
            pool.map(_score_case, functions, cases, chunksize=4)
            if pool
            else map(_score_case, functions, cases)
        )
        console = Console(stderr=True)
        tracked = track(results, "Scoring", len(work), console=console, disable=not progress)
        for (name, _, pair), scores in zip(work, tracked, strict=True):
            grouped[pair.task][name].append(scores)
    return {
        task: {name: _mean(scores) for name, scores in by_method.items()}
        for task, by_method in sorted(grouped.items())
    }


def mean_ranks(scores: Mapping[str, Scores]) -> dict[str, float]:
    """Return every method's rank (1 is best, equals share theirs), mean over the metrics."""
    table = np.array([[values[metric] for metric in METRICS] for values in scores.values()])
    ranks = rankdata(-table, axis=0).mean(axis=1)
    return dict(zip(scores, ranks.tolist(), strict=True))


def _pairs_of(method: Path | Rule, pairs: Sequence[Pair]) -> list[Pair]:
    """Leave out tasks that a method does not do; of a task that it does, it must do all."""
    if not isinstance(method, Path):
        return list(pairs)
    done = [pair for pair in pairs if (method / pair.task).is_dir()]
    missing = [path for path in (_fused_path(method, pair) for pair in done) if not path.is_file()]
    if missing or not done:
        example = missing[0] if missing else method / pairs[0].task
        msg = f"{len(missing) or 'All'} fused pictures are missing in {method}, such as {example}."
        raise InputError(msg)
    return done


def _fused_path(method: Path, pair: Pair) -> Path:
    return method / pair.task / pair.source_a.name


def _score_case(method: Path | Rule, pair: Pair) -> Scores:
    source_a, source_b = read_luminance(pair.source_a), read_luminance(pair.source_b)
    if source_a.shape != source_b.shape:
        msg = f"{pair.source_a} and {pair.source_b} differ in size."
        raise InputError(msg)
    if not isinstance(method, Path):
        return _score_pictures(method(source_a, source_b), source_a, source_b)
    path = _fused_path(method, pair)
    fused = read_luminance(path)
    if fused.shape != source_a.shape:
        msg = f"{path} is {fused.shape}, its sources are {source_a.shape}: fuse at full size."
        raise InputError(msg)
    return _score_pictures(fused, source_a, source_b)


def _score_pictures(fused: NDArray, source_a: NDArray, source_b: NDArray) -> Scores:
    return {name: metric(fused, source_a, source_b) for name, metric in METRICS.items()}


def _mean(scores: Sequence[Scores]) -> Scores:
    if not scores:
        msg = "There are no pictures to score."
        raise InputError(msg)
    return {name: float(np.mean([values[name] for values in scores])) for name in METRICS}


def _table(task: str, scores: Mapping[str, Scores], ranks: Mapping[str, float]) -> Table:
    """Return one task's table, best mean rank first, the best value of each metric in bold."""
    table = Table("method", title=task)
    for metric in METRICS:
        table.add_column(metric, justify="right")
    table.add_column("mean rank", justify="right")
    best = {metric: max(values[metric] for values in scores.values()) for metric in METRICS}
    for name in sorted(scores, key=ranks.__getitem__):
        cells = [
            f"[bold]{value:.4f}[/]" if value == best[metric] else f"{value:.4f}"
            for metric, value in scores[name].items()
        ]
        table.add_row(name, *cells, f"{ranks[name]:.2f}")
    return table


def _write_csv(path: Path, scores: Mapping[str, Mapping[str, Scores]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "method", *METRICS, "mean_rank"])
        for task, by_method in scores.items():
            ranks = mean_ranks(by_method)
            for name, values in by_method.items():
                writer.writerow([task, name, *values.values(), ranks[name]])


def main(
    pairs: Annotated[Path, typer.Argument(help="Public pairs: TASK/test/MODALITY/NAME.png.")],
    methods: Annotated[list[Path], typer.Argument(help="Fused luminance: TASK/NAME.png.")],
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Also write a table.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
) -> None:
    """Score methods on the public test pairs, beside pixel average and pixel maximum."""
    try:
        scores = score_methods(
            BASELINES | {folder.resolve().name: folder for folder in methods},
            pairs,
            jobs=jobs,
            progress=True,
        )
    except InputError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from error
    for task, by_method in scores.items():
        Console().print(_table(task, by_method, mean_ranks(by_method)))
    if csv_file is not None:
        _write_csv(csv_file, scores)


if __name__ == "__main__":
    typer.run(main)
