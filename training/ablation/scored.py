"""Fuse the test pairs with a trained variant and score them, once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch

from mactfusion.engine.pairs import LoadPaird
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.checksum import sha256_of
from mactfusion.metrics import RANKING
from mactfusion.weights import check_weights, load_weights
from training.ablation.trained import MODEL, read_config
from training.comparison.scores import code_digest, read_fused, read_sources
from training.five_metrics import mean_scores
from training.fused_picture import to_8_bits, write_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import nn

    from mactfusion.evaluation.score import Triple
    from training.ablation.studies import Entry
    from training.comparison.scores import Pair

SCORES, FUSED = "scores.json", "fused"


def load_network(entry: Entry, weights: Path) -> nn.Module:
    """Build the network of a variant, in evaluation mode; ablated ones are in no registry.

    Raises:
        InputError: the weights are damaged, of another network, or not finite.
    """
    return load_weights(read_config(entry).get_parsed_content("network_def"), weights)


def fuse(network: nn.Module, pairs: Sequence[Pair], folder: Path) -> None:
    """Write ``folder/TASK/NAME.png`` for each pair: clipped to [0, 1], rounded to 8 bits.

    Raises:
        InputError: a source cannot be read, or the result is not finite.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device)
    for pair in pairs:
        loaded = LoadPaird()({"anatomical": str(pair.anatomical), "partner": str(pair.partner)})
        with torch.no_grad():
            fused = network(loaded["image"][None].to(device))
        if not torch.isfinite(fused).all():
            raise InputError(f"The network gives values that are not finite for {pair.anatomical}.")
        write_picture(folder / pair.task / pair.name, to_8_bits(fused))


def score(
    entry: Entry,
    trained: Path,
    record: dict[str, Any],
    pairs: Sequence[Pair],
    folder: Path,
    jobs: int = 1,
) -> dict[str, Any]:
    """Means of SCD, MS_SSIM, Qabf, Qw and VIF of each task, kept in ``folder/scores.json``.

    Nothing is scored twice while weights, pictures, networks and metrics stay the same.

    Args:
        entry: the variant.
        trained: folder with its weights.
        record: of that training, which the page tells.
        pairs: test pairs of its tasks.
        folder: for scores and fused pictures.
        jobs: number of processes.

    Raises:
        InputError: see :func:`load_network` and :func:`fuse`, a metric is not defined for a
            picture, or what was kept is damaged.
    """
    pictures = [
        f"{pair.task}/{pair.name} {sha256_of(pair.anatomical)} {sha256_of(pair.partner)}"
        for pair in pairs
    ]
    network = json.dumps(read_config(entry)["network_def"], sort_keys=True)
    code = map(code_digest, ("networks", "metrics"))
    parts = (check_weights(trained / MODEL), network, *code, *pictures)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    kept = read_scores(folder, entry.study.tasks)
    if kept and kept["digest"] == digest:
        return kept
    fuse(load_network(entry, trained / MODEL), pairs, folder / FUSED)
    by_task = {task: [p for p in pairs if p.task == task] for task in entry.study.tasks}
    scores = {
        "training": record,
        "digest": digest,
        "pairs": {task: len(of_task) for task, of_task in by_task.items()},
        "means": {
            task: mean_scores(_pictures(of_task, folder / FUSED), jobs)
            for task, of_task in by_task.items()
        },
    }
    with atomic_path(folder / SCORES) as temporary:
        temporary.write_text(json.dumps(scores, indent=1), encoding="utf-8")
    return scores


def read_scores(folder: Path, tasks: Sequence[str]) -> dict[str, Any] | None:
    """Read what :func:`score` kept; None where nothing was scored.

    Raises:
        InputError: the file is damaged, or lacks one of the tasks or anything else that is told.
    """
    path = folder / SCORES
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path} is damaged; remove it.") from error
    if not _is_whole(content, tasks):
        raise InputError(f"{path} is damaged; remove it.")
    return content


def _is_whole(content: object, tasks: Sequence[str]) -> bool:
    """Whether all is there that the page tells; a file may hold anything."""
    match content:
        case {
            "digest": str(),
            "training": {
                "tasks": [str(), *_],
                "budget": {
                    "steps": int(),
                    "crop": int(),
                    "batch_size": int(),
                    "seed": int(),
                    "learning_rate": float() | int(),
                },
            },
            "pairs": dict(),
            "means": dict(means),
        }:
            values = [means.get(task) for task in tasks]
            return all(
                isinstance(own, dict)
                and all(isinstance(own.get(metric), float | int) for metric in RANKING)
                for own in values
            )
    return False


def _pictures(pairs: Sequence[Pair], fused: Path) -> Iterator[tuple[str, Triple]]:
    for pair in pairs:
        sources = read_sources(pair)
        yield f"{pair.task}/{pair.name}", (read_fused(fused, pair, sources), *sources)
