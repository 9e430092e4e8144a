"""Fuse the test pairs with a checkpoint: pictures, cost, shift consistency, borders of windows."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from mactfusion.bundle import bundle_root
from mactfusion.choice import shipped_weights
from mactfusion.engine.pairs import LoadPaird
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.metrics.shift_consistency import ShiftConsistency, shift_consistency
from mactfusion.networks.published_weights import (
    import_published_weights,
    is_published_checkpoint,
)
from mactfusion.networks.registry import MODELS, Model, recognise_model
from mactfusion.weights import check_weights, load_weights, read_state
from training.comparison.scores import code_digest, evenly_spaced
from training.fused_picture import to_8_bits, write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from training.comparison.scores import Pair

TASK_MARK = "{task}"
"""Stands in the name of a weight file for the task."""
SHIFTS = (1, 3, 4, 16)
"""Pixels: odd ones, that no block of pixels hides, half a window of MACTFusion, and two windows."""
FIGURES = ShiftConsistency._fields
WINDOW = 8
CODE = ("networks", "metrics/shift_consistency.py")


@dataclass(frozen=True)
class Cost:
    """What a method needs for one picture of 256×256.

    Attributes:
        parameters: trainable values.
        gflop: billions of operations, a multiplication and an addition counting as two.
        milliseconds: median.
        out_of_domain: tasks that the method was not made for, such as CT-MRI.
    """

    parameters: int
    gflop: float
    milliseconds: float
    out_of_domain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fused:
    """What a checkpoint made of the pairs.

    Attributes:
        folder: pictures, ``TASK/NAME.png``.
        cost: measured on this machine.
        steadiness: task to means over its pictures: ``mean_1``, ``percentile_99_1``, the same
            for the others of ``SHIFTS``
            (:func:`~mactfusion.metrics.shift_consistency.shift_consistency`), ``border``
            (:func:`border_excess`) and ``pairs``: how many were moved.
    """

    folder: Path
    cost: Cost
    steadiness: dict[str, dict[str, float]]


def load_network(path: Path) -> tuple[Model, nn.Module]:
    """Build the network that a checkpoint belongs to, in evaluation mode.

    Takes weights of every network of the registry, and the files that authors published.

    Returns:
        The line of the registry, and the network.

    Raises:
        InputError: the file is damaged, or its tensors are of no network that is known.
    """
    check_weights(path)
    state = read_state(path)
    if is_published_checkpoint(state):
        imported = import_published_weights(state)
        model = MODELS[imported.model]
        network = model.network()
        network.load_state_dict(imported.state)
        return model, network.eval()
    name = recognise_model(state)
    if name is None:
        raise InputError(f"{path} fits none of the networks {', '.join(MODELS)}.")
    return MODELS[name], load_weights(MODELS[name].network(), path)


def fuse_pairs(
    weights: str,
    pairs: Sequence[Pair],
    cache: Path,
    *,
    shift_pairs: int | None = None,
    progress: bool = False,
) -> Fused:
    """Fuse pairs with a checkpoint, clip to [0, 1] and round to 8 bits.

    Args:
        weights: a file, in whose name ``{task}`` stands for ``ct-mri``, ``pet-mri`` and so on; or
            the name of a model, for the weights of it that the bundle has for each task.
        pairs: the sources.
        cache: folder for what is made; nothing is fused twice while weights, sources and the
            network's code stay the same.
        shift_pairs: pairs of each task, evenly spaced, whose shift consistency is measured (it
            takes a run of the network more for each of ``SHIFTS``); all without.
        progress: show a progress bar on stderr.

    Raises:
        InputError: the weights or a source cannot be read.
    """
    files = {task: file_for(weights, task.lower()) for task in _tasks(pairs)}
    digests = "".join(check_weights(files[task]) for task in sorted(files))
    code = "".join(code_digest(part) for part in CODE)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    key = hashlib.sha256(f"{digests}{code}{device.type}".encode()).hexdigest()
    folder = cache / "fused" / key
    loaded = {file: load_network(file) for file in set(files.values())}
    networks = {file: network.to(device) for file, (_, network) in loaded.items()}
    records: dict[str, list[dict[str, float]]] = {task: [] for task in sorted(files)}
    moved = _spread(pairs, shift_pairs)
    console = Console(stderr=True)
    for pair in track(pairs, f"Fusing {weights}", console=console, disable=not progress):
        network = networks[files[pair.task]]
        shifts = SHIFTS if pair in moved else ()
        record = _fuse(network, pair, folder, device, shifts)
        if not shifts:  # it may have been measured before, for another number of pairs
            record = {name: record[name] for name in ("milliseconds", "border")}
        records[pair.task].append(record)
    times = [record["milliseconds"] for of_task in records.values() for record in of_task]
    model = next(iter(loaded.values()))[0]
    cost = Cost(model.parameter_count(), model.gigaflops(), float(np.median(times)))
    steadiness = {task: _means(of_task) for task, of_task in records.items()}
    return Fused(folder=folder, cost=cost, steadiness=steadiness)


def file_for(weights: str, task: str) -> Path:
    """Find the weight file of a task, where ``weights`` is as for :func:`fuse_pairs`.

    Raises:
        InputError: the bundle has none of that model.
    """
    if weights in MODELS:
        return shipped_weights(bundle_root() / "models", weights, task)
    return Path(weights.replace(TASK_MARK, task))


def _tasks(pairs: Sequence[Pair]) -> set[str]:
    return {pair.task for pair in pairs}


def _spread(pairs: Sequence[Pair], count: int | None) -> set[Pair]:
    """Choose ``count`` pairs of each task, evenly spaced; all without a count."""
    chosen: set[Pair] = set()
    for task in _tasks(pairs):
        of_task = [pair for pair in pairs if pair.task == task]
        chosen.update(of_task[i] for i in evenly_spaced(len(of_task), count or len(of_task)))
    return chosen


def _means(records: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean of each figure over the pictures for which it was measured, and has a value."""
    figures = [f"{what}_{shift}" for shift in SHIFTS for what in FIGURES]
    means = {
        name: float(np.nanmean([record[name] for record in records if name in record]))
        for name in (*figures, "border")
    }
    return {**means, "pairs": sum(figures[0] in record for record in records)}


def border_excess(picture: np.ndarray) -> float:
    """How much larger steps across borders of windows are than all other steps.

    Mean absolute difference of neighbours across rows and columns 8, 16, 24 … of a picture
    ``(H, W)``, over that across all others, minus 1: near 0 where no windows show.
    """
    across, within = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(picture.astype(float), axis=axis)).mean(axis=1 - axis)
        at_border = np.arange(1, len(steps) + 1) % WINDOW == 0
        across.append(steps[at_border])
        within.append(steps[~at_border])
    usual = np.concatenate(within).mean()
    return float(np.concatenate(across).mean() / usual - 1) if usual else 0.0


def _fuse(
    network: nn.Module, pair: Pair, folder: Path, device: torch.device, shifts: Sequence[int]
) -> dict[str, float]:
    """Fuse one pair and measure ``shifts``, unless that was done before; return its record."""
    loaded = LoadPaird()({"anatomical": str(pair.anatomical), "partner": str(pair.partner)})
    sources: Tensor = loaded["image"][None]
    digest = hashlib.sha256(sources.numpy().tobytes()).hexdigest()
    picture = folder / pair.task / pair.name
    record_file = picture.with_suffix(".json")
    needed = {f"{what}_{shift}" for shift in shifts for what in FIGURES}
    if picture.is_file() and record_file.is_file():
        record = json.loads(record_file.read_text(encoding="utf-8"))
        if record.pop("sources") == digest and needed <= record.keys():
            return record
    sources = sources.to(device)
    began = time.perf_counter()
    with torch.no_grad():
        fused = network(sources).clamp(0, 1)
    pixels = to_8_bits(fused)
    record = {"milliseconds": 1000 * (time.perf_counter() - began)}
    if not torch.isfinite(fused).all():
        raise InputError(f"The network gives values that are not finite for {pair.anatomical}.")
    for shift in shifts:
        consistency = shift_consistency(
            lambda x: fused if x is sources else network(x), sources, shift
        )
        figures = zip(FIGURES, consistency, strict=True)
        record |= {f"{what}_{shift}": value.item() for what, value in figures}
    record["border"] = border_excess(pixels)
    write_picture(picture, pixels)
    with atomic_path(record_file) as temporary:
        temporary.write_text(json.dumps({**record, "sources": digest}), encoding="utf-8")
    return record
