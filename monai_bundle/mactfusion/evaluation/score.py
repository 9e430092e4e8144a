"""The metrics of single slices, spread over processes.

The processes load this file: it imports neither torch nor the readers.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS, OF_COLORS, VARIANTS, find_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Triple = tuple[NDArray, NDArray, NDArray]

WAITING_PER_PROCESS = 4
"""Slices that lie ready for a process: none waits, and the memory stays bounded."""

_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def check_metrics(names: Sequence[str] | None) -> list[str]:
    """Return the metrics asked for, each once, or all of ``METRICS`` and ``OF_COLORS``.

    Raises:
        InputError: an unknown name, or none.
    """
    if names is None:
        return [*METRICS, *OF_COLORS]
    known = {name.casefold(): name for name in (*METRICS, *VARIANTS, *OF_COLORS)}
    asked = dict.fromkeys(name.strip().casefold() for name in names if name.strip())
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        wrong = f"There is no metric {unknown[0]}" if unknown else "No metric was named"
        raise InputError(f"{wrong}; there are {', '.join(known.values())}.")
    return [known[name] for name in asked]


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def score_slice(
    metrics: Sequence[str], label: str, fused: NDArray, source_a: NDArray, source_b: NDArray
) -> dict[str, float]:
    """Return the metrics of one slice.

    Args:
        metrics: names in :func:`mactfusion.metrics.find_metric`.
        label: what an error calls the slice.
        fused: ``(H, W)``, luminance 0 to 255.
        source_a: the same of the first source.
        source_b: the same of the second.

    Raises:
        InputError: a metric cannot be computed.
    """
    scores = {}
    for metric in metrics:
        try:
            scores[metric] = float(find_metric(metric)(fused, source_a, source_b))
        except InputError as error:
            raise InputError(f"{label}: {error}") from error
        if math.isnan(scores[metric]):
            raise InputError(f"{label}: {metric} is not defined for it; leave the metric out.")
    return scores


def score_slices(
    metrics: Sequence[str], slices: Iterable[tuple[str, Triple]], jobs: int
) -> Iterator[dict[str, float]]:
    """Score slices in order, as they come, in ``jobs`` processes (1: in this one).

    Args:
        metrics: see :func:`score_slice`.
        slices: label and pictures of each.
        jobs: number of processes.

    Raises:
        InputError: see :func:`score_slice`; or a process died.
    """
    if jobs == 1:
        for label, pictures in slices:
            yield score_slice(metrics, label, *pictures)
        return
    # A forked child would inherit the locks of torch's threads without the threads.
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts) as pool,
    ):
        waiting: deque = deque()
        try:
            for label, pictures in slices:
                waiting.append(pool.submit(score_slice, metrics, label, *pictures))
                if len(waiting) >= WAITING_PER_PROCESS * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            msg = "A process that computes metrics ended early; use fewer of them (--jobs)."
            raise InputError(msg) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start meanwhile use one thread each; libraries read this once, early."""
    before = {name: os.environ.get(name) for name in _THREAD_COUNTS}
    os.environ.update(dict.fromkeys(_THREAD_COUNTS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _leave_interrupts() -> None:
    """Leave Ctrl-C, which the terminal sends to every process, to the one that started them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
