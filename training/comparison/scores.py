"""Score every method on every pair, in parallel, and remember what was scored."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

import mactfusion
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.metrics import METRICS
from mactfusion.pairs import list_pairs
from mactfusion.splits import read_split
from mactfusion.transforms.color import BLUE_WEIGHT, GREEN_WEIGHT, RED_WEIGHT

Picture = NDArray[np.float64]
"""Luminance 0 to 255, shape ``(H, W)``."""
Rule = Callable[[Picture, Picture], Picture]
Method = Path | Rule
"""A folder with fused pictures ``TASK/NAME.png``, or what makes them from both sources."""
Scores = dict[str, float]
TaskScores = dict[str, dict[str, Scores]]
"""Method, then picture, then metric."""

LUMINANCE_BT601 = (RED_WEIGHT, GREEN_WEIGHT, BLUE_WEIGHT)
LIBRARY = Path(mactfusion.__file__).parent


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
    """Two source pictures of one test case; ``task`` is the folder's name, such as CT-MRI."""

    task: str
    anatomical: Path
    partner: Path

    @property
    def name(self) -> str:
        """File name of both sources, and of what is fused from them."""
        return self.anatomical.name


def find_pairs(folder: Path, split_file: Path | None = None) -> list[Pair]:
    """List the test pairs of a folder in the public layout, or those that a split file names.

    Raises:
        InputError: there are none, or a source is missing.
    """
    found = read_split(split_file, folder, "test") if split_file else list_pairs(folder, "test")
    return [
        Pair(pair["task"].upper(), Path(pair["anatomical"]), Path(pair["partner"]))
        for pair in found
    ]


def read_luminance(path: Path) -> Picture:
    """Read an 8-bit picture as whole grey levels 0 to 255.

    Colour becomes BT.601 luminance, rounded as published fusion code does before it fuses
    (unrounded luminance moves the metrics by up to 0.0005).

    Raises:
        InputError: the file is missing, no picture, or not 8-bit.
    """
    try:
        with Image.open(path) as image:
            deep = image.mode.startswith(("I", "F"))
            pixels = np.asarray(image.convert("L" if image.mode == "L" else "RGB"), dtype=float)
    except OSError as error:
        raise InputError(f"{path} is not a readable picture: {error}.") from error
    if deep:
        raise InputError(f"{path} has more than 8 bits a channel; metrics need 8-bit pictures.")
    return pixels if pixels.ndim == 2 else np.round(pixels @ LUMINANCE_BT601)


def read_sources(pair: Pair) -> tuple[Picture, Picture]:
    """Read both sources.

    Raises:
        InputError: one cannot be read, or they differ in size.
    """
    anatomical, partner = read_luminance(pair.anatomical), read_luminance(pair.partner)
    if anatomical.shape != partner.shape:
        raise InputError(f"{pair.anatomical} and {pair.partner} differ in size.")
    return anatomical, partner


def read_fused(method: Method, pair: Pair, sources: tuple[Picture, Picture]) -> Picture:
    """Read, or make, what a method fuses from a pair.

    Raises:
        InputError: the picture cannot be read, or differs in size from its sources.
    """
    if not isinstance(method, Path):
        return method(*sources)
    path = method / pair.task / pair.name
    fused = read_luminance(path)
    if fused.shape != sources[0].shape:
        raise InputError(
            f"{path} is {fused.shape}, its sources are {sources[0].shape}: fuse at full size."
        )
    return fused


def score_methods(
    methods: Mapping[str, Method],
    pairs: Sequence[Pair],
    cache: Path,
    *,
    jobs: int = 1,
    progress: bool = False,
) -> dict[str, TaskScores]:
    """Return every metric of every picture: task, then method, then picture, then metric.

    Args:
        methods: name to folder or rule; of a task that a folder has, it must have all pictures.
        pairs: the sources.
        cache: folder for scores; nothing is scored twice while pictures and metrics stay the same.
        jobs: number of processes.
        progress: show a progress bar on stderr.

    Raises:
        InputError: pictures are missing, unreadable or of another size than their sources.
    """
    work = [
        (name, method, pair) for name, method in methods.items() for pair in _done(method, pairs)
    ]
    scores = cache / "scores"
    scores.mkdir(parents=True, exist_ok=True)
    _, functions, cases = zip(*work, strict=True)
    folders = [scores] * len(work)
    grouped: dict[str, TaskScores] = defaultdict(lambda: defaultdict(dict))
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        results: Iterable[Scores] = (
            pool.map(_score, functions, cases, folders, chunksize=4)
            if pool
            else map(_score, functions, cases, folders)
        )
        console = Console(stderr=True)
        tracked = track(results, "Scoring", len(work), console=console, disable=not progress)
        for (name, _, pair), values in zip(work, tracked, strict=True):
            grouped[pair.task][name][pair.name] = values
    return {task: dict(by_method) for task, by_method in sorted(grouped.items())}


def mean_scores(scores: Mapping[str, Scores]) -> Scores:
    """Mean of every metric over pictures."""
    return {name: float(np.mean([values[name] for values in scores.values()])) for name in METRICS}


@lru_cache
def code_digest(part: str) -> str:
    """SHA-256 of a file or folder of the library's code: what is kept is for that code only."""
    root = LIBRARY / part
    digest = hashlib.sha256()
    for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _done(method: Method, pairs: Sequence[Pair]) -> list[Pair]:
    """Leave out tasks that a method does not do; of a task that it does, it must do all."""
    if not isinstance(method, Path):
        return list(pairs)
    done = [pair for pair in pairs if (method / pair.task).is_dir()]
    paths = [method / pair.task / pair.name for pair in done]
    missing = [path for path in paths if not path.is_file()]
    if missing or not done:
        example = missing[0] if missing else method / pairs[0].task
        raise InputError(
            f"{len(missing) or 'All'} fused pictures are missing in {method}, such as {example}."
        )
    return done


def _score(method: Method, pair: Pair, cache: Path) -> Scores:
    sources = read_sources(pair)
    pictures = (read_fused(method, pair, sources), *sources)
    digest = hashlib.sha256(code_digest("metrics").encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    path = cache / f"{digest.hexdigest()}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    scores = {name: float(metric(*pictures)) for name, metric in METRICS.items()}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(scores), encoding="utf-8")
    return scores
