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
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch.utils.flop_counter import FlopCounterMode

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.metrics.shift_consistency import shift_consistency
from mactfusion.networks import MACTFusion, MACTFusionPlus
from mactfusion.networks.published_weights import (
    import_published_weights,
    is_published_checkpoint,
)
from mactfusion.pairs import LoadPaird
from mactfusion.weights import check_weights, load_weights, read_state
from training.comparison.scores import code_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from training.comparison.scores import Pair

SHIFTS = (4, 16)
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
        steadiness: task to means over its pictures: ``mean_4``, ``percentile_99_4``, the same
            with ``_16`` (:func:`~mactfusion.metrics.shift_consistency.shift_consistency`), and
            ``border`` (:func:`border_excess`).
    """

    folder: Path
    cost: Cost
    steadiness: dict[str, dict[str, float]]


def load_network(path: Path) -> MACTFusion:
    """Build the network that a checkpoint belongs to, in evaluation mode.

    Takes weights of :class:`MACTFusion`, of :class:`MACTFusionPlus`, and the authors' own file.

    Raises:
        InputError: the file is damaged or foreign.
    """
    check_weights(path)
    state = read_state(path)
    if is_published_checkpoint(state):
        network = MACTFusion()
        network.load_state_dict(import_published_weights(state).state)
        return network.eval()
    plus = any(key.startswith("mixing.") for key in state)
    network = MACTFusionPlus() if plus else MACTFusion()
    load_weights(network, path)
    return network


def fuse_pairs(
    weights: str, pairs: Sequence[Pair], cache: Path, *, progress: bool = False
) -> Fused:
    """Fuse pairs with a checkpoint, clip to [0, 1] and round to 8 bits.

    Args:
        weights: a file; ``{task}`` in its name stands for ``ct-mri``, ``pet-mri`` and so on.
        pairs: the sources.
        cache: folder for what is made; nothing is fused twice while weights, sources and the
            network's code stay the same.
        progress: show a progress bar on stderr.

    Raises:
        InputError: the weights or a source cannot be read.
    """
    files = {task: Path(weights.format(task=task.lower())) for task in {p.task for p in pairs}}
    digests = "".join(check_weights(files[task]) for task in sorted(files))
    code = "".join(code_digest(part) for part in CODE)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    key = hashlib.sha256(f"{digests}{code}{device.type}".encode()).hexdigest()
    folder = cache / "fused" / key
    networks = {file: load_network(file).to(device) for file in set(files.values())}
    records: dict[str, list[dict[str, float]]] = {task: [] for task in sorted(files)}
    console = Console(stderr=True)
    for pair in track(pairs, f"Fusing {weights}", console=console, disable=not progress):
        records[pair.task].append(_fuse(networks[files[pair.task]], pair, folder, device))
    times = [record.pop("milliseconds") for task in records.values() for record in task]
    one = next(iter(networks.values()))
    parameters = sum(parameter.numel() for parameter in one.parameters())
    return Fused(
        folder=folder,
        cost=Cost(parameters, count_gflop(one), float(np.median(times))),
        steadiness={
            task: {name: float(np.nanmean([r[name] for r in of_task])) for name in of_task[0]}
            for task, of_task in records.items()
        },
    )


def count_gflop(network: MACTFusion) -> float:
    """Count operations of the network's graph for one picture of 256×256, without running it."""
    shadow = type(network)().eval().to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 2, 256, 256, device="meta"))
    return counter.get_total_flops() / 1e9


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


def _fuse(network: MACTFusion, pair: Pair, folder: Path, device: torch.device) -> dict[str, float]:
    """Fuse one pair, unless it was fused before; return its record."""
    loaded = LoadPaird()({"anatomical": str(pair.anatomical), "partner": str(pair.partner)})
    sources: Tensor = loaded["image"][None]
    digest = hashlib.sha256(sources.numpy().tobytes()).hexdigest()
    picture = folder / pair.task / pair.name
    record_file = picture.with_suffix(".json")
    if picture.is_file() and record_file.is_file():
        record = json.loads(record_file.read_text(encoding="utf-8"))
        if record.pop("sources") == digest:
            return record
    sources = sources.to(device)
    began = time.perf_counter()
    with torch.no_grad():
        fused = network(sources).clamp(0, 1)
    pixels = (fused[0, 0] * 255).round().byte().cpu().numpy()
    record = {"milliseconds": 1000 * (time.perf_counter() - began)}
    if not torch.isfinite(fused).all():
        raise InputError(f"The network gives values that are not finite for {pair.anatomical}.")
    for shift in SHIFTS:
        consistency = shift_consistency(
            lambda x: fused if x is sources else network(x), sources, shift
        )
        record[f"mean_{shift}"] = consistency.mean.item()
        record[f"percentile_99_{shift}"] = consistency.percentile_99.item()
    record["border"] = border_excess(pixels)
    picture.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(picture) as temporary:
        Image.fromarray(pixels).save(temporary)
    with atomic_path(record_file) as temporary:
        temporary.write_text(json.dumps({**record, "sources": digest}), encoding="utf-8")
    return record
