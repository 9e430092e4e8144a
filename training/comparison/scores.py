"""Score every method on every pair, in parallel, and remember what was scored."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

import mactfusion
from mactfusion.engine.pairs import list_pairs
from mactfusion.engine.splits import read_split
from mactfusion.errors import InputError
from mactfusion.evaluation.score import score_slices
from mactfusion.io.atomic import atomic_path
from mactfusion.io.luminance import read_grey_levels
from mactfusion.metrics import METRICS

if TYPE_CHECKING:
    from mactfusion.evaluation.score import Triple

Picture = NDArray[np.float64]
"""Luminance 0 to 255, shape ``(H, W)``."""
Rule = Callable[[Picture, Picture], Picture]
Method = Path | Rule
"""A folder with fused pictures ``TASK/NAME.png``, or what makes them from both sources."""
Scores = dict[str, float]
TaskScores = dict[str, dict[str, Scores]]
"""Method, then picture, then metric."""

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


def find_pairs(folder: Path, split_file: Path | None = None, part: str = "test") -> list[Pair]:
    """List the pairs of a part of a folder in the public layout, or of a split file.

    Args:
        folder: the data folder.
        split_file: see :mod:`mactfusion.engine.splits`.
        part: ``test``, ``train`` or, with a split file, ``validation``.

    Raises:
        InputError: there are none, or a source is missing.
    """
    found = read_split(split_file, folder, part) if split_file else list_pairs(folder, part)
    return [
        Pair(pair["task"].upper(), Path(pair["anatomical"]), Path(pair["partner"]))
        for pair in found
    ]


def read_sources(pair: Pair) -> tuple[Picture, Picture]:
    """Read both sources.

    Raises:
        InputError: one cannot be read, or they differ in size.
    """
    anatomical, partner = (_levels(path) for path in (pair.anatomical, pair.partner))
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
    fused = _levels(path, may_be_constant=True)
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
        InputError: pictures are missing, unreadable or of another size than their sources, or a
            metric is not defined for one.
    """
    work = [
        (name, method, pair) for name, method in methods.items() for pair in _done(method, pairs)
    ]
    folder = cache / "scores"
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[tuple[str, Pair], Scores] = {}
    waiting: deque[tuple[tuple[str, Pair], Path]] = deque()

    def not_yet_scored() -> Iterator[tuple[str, Triple]]:
        console = Console(stderr=True)
        for name, method, pair in track(work, "Scoring", console=console, disable=not progress):
            sources = read_sources(pair)
            pictures = (read_fused(method, pair, sources), *sources)
            path = folder / f"{_digest(pictures)}.json"
            if path.is_file():
                found[name, pair] = json.loads(path.read_text(encoding="utf-8"))
            else:
                waiting.append(((name, pair), path))
                yield f"{name}, {pair.task}/{pair.name}", pictures

    for scores in score_slices(list(METRICS), not_yet_scored(), jobs):
        key, path = waiting.popleft()
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(scores), encoding="utf-8")
        found[key] = scores
    grouped: dict[str, TaskScores] = defaultdict(lambda: defaultdict(dict))
    for name, _, pair in work:  # all methods in one order, whatever was scored before
        grouped[pair.task][name][pair.name] = found[name, pair]
    return {task: dict(by_method) for task, by_method in sorted(grouped.items())}


def evenly_spaced(length: int, count: int) -> list[int]:
    """Return up to ``count`` indices of a list of ``length``, first and last among them."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()


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


def _levels(path: Path, *, may_be_constant: bool = False) -> Picture:
    """Read grey levels of 8 bits; colour is rounded, as published code does before it fuses."""
    return read_grey_levels(path, may_be_constant=may_be_constant).astype(float)


def _digest(pictures: Sequence[Picture]) -> str:
    """Name what is kept: by the pictures, and the code that scores them."""
    digest = hashlib.sha256(code_digest("metrics").encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()
