"""Tables of what the check finds, in Markdown."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.structure.marks import KEPT_BELOW
from mactfusion.trust.lesions import LESIONS, LOST_BELOW
from training.check_study.controls import ALONE, INVENTED, RIGHT, SHIFTED, TWICE, WRONG
from training.check_study.measure import TOUCHED
from training.lesion_study.measure import CHANNELS
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from training.check_study.controls import Control
    from training.check_study.measure import Judged

THRESHOLDS = (0.2, 0.25, 0.3, KEPT_BELOW, 0.36, 0.4, 0.45, 0.5)
CLEARLY_KEPT = 0.4


def tables(judged: Sequence[Judged], controls: Sequence[Control]) -> str:
    """Return all tables; the second half of the pairs is reported."""
    reported = [one for one in judged if one.half == 1]
    parts = [
        "### By pair and method",
        _by_pair(reported),
        "### By lesion, all pairs and methods together",
        _flagged("lesion", reported, list(LESIONS), lambda one: one.kind),
        "### By method, all pairs and lesions together",
        _flagged("method", reported, _methods(reported), lambda one: one.method),
        "### Threshold",
        _threshold(judged),
        "### Pairs of which the truth is known",
        _controls([one for one in controls if one.half == 1]),
    ]
    return "\n\n".join(parts)


def _methods(judged: Iterable[Judged]) -> list[str]:
    return list(dict.fromkeys(one.method for one in judged))


def _is_flagged(one: Judged) -> bool:
    return one.marked >= TOUCHED


def _is_lost(one: Judged) -> bool:
    return one.kept < LOST_BELOW


def _by_pair(judged: Sequence[Judged]) -> str:
    """Per cent lost, and in brackets flagged."""
    methods = _methods(judged)
    rows = []
    for task, channels in CHANNELS.items():
        for source in channels:
            own = [one for one in judged if (one.task, one.source) == (task, source)]
            if not own:
                continue
            cells = []
            for method in methods:
                these = [one for one in own if one.method == method]
                lost, flagged = (
                    100 * np.mean([test(one) for one in these]) if these else np.nan
                    for test in (_is_lost, _is_flagged)
                )
                cells.append(f"{lost:.0f} ({flagged:.0f})" if these else "–")
            name = f"{channels[1]}-{channels[0]}, lesion in {source}"
            rows.append([name, str(sum(one.method == methods[0] for one in own)), *cells])
    return markdown_table(["pair", "lesions", *methods], rows)


def _flagged(
    heading: str, judged: Sequence[Judged], names: Sequence[str], name_of: Callable[[Judged], str]
) -> str:
    rows = []
    for name in [*names, "all"]:
        own = [one for one in judged if name in (name_of(one), "all")]
        lost = [one for one in own if _is_lost(one)]
        kept = [one for one in own if not _is_lost(one)]
        clear = [one for one in own if one.kept >= CLEARLY_KEPT]
        rows.append([name, *(text for part in (lost, kept, clear) for text in _counted(part))])
    head = [heading, "lost", "flagged", "kept", "flagged", f"kept ≥ {CLEARLY_KEPT:g}", "flagged"]
    return markdown_table(head, rows)


def _counted(judged: Sequence[Judged]) -> tuple[str, str]:
    if not judged:
        return "0", "–"
    return str(len(judged)), f"{100 * np.mean([_is_flagged(one) for one in judged]):.1f} %"


def _threshold(judged: Sequence[Judged]) -> str:
    """Say how both halves answer to thresholds of the share that the check sees as kept."""
    rows = []
    for threshold in THRESHOLDS:
        row = [f"{threshold:g}"]
        for half in (0, 1):
            own = [one for one in judged if one.half == half]
            for part in (True, False):
                flagged = [one.estimate < threshold for one in own if _is_lost(one) == part]
                row.append(f"{100 * np.mean(flagged):.1f} %" if flagged else "–")
        rows.append(row)
    areas = [_area([one for one in judged if one.half == half]) for half in (0, 1)]
    rows.append(["area under the curve", f"{areas[0]:.3f}", "", f"{areas[1]:.3f}", ""])
    head = ["kept below", "lost, set", "kept, set", "lost, reported", "kept, reported"]
    return markdown_table(head, rows)


def _area(judged: Sequence[Judged]) -> float:
    """Return the area under the curve of lost and kept lesions by the estimate."""
    scores = np.array([-np.nan_to_num(one.estimate, nan=9.0) for one in judged])
    is_lost = np.array([_is_lost(one) for one in judged], bool)
    if not is_lost.any() or is_lost.all():
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    count = is_lost.sum()
    return float((ranks[is_lost].sum() - count * (count + 1) / 2) / count / (~is_lost).sum())


def _controls(found: Sequence[Control]) -> str:
    rows = []
    for what in (RIGHT, SHIFTED, WRONG, TWICE, ALONE):
        own = [one.lost for one in found if one.what == what]
        if own:
            low, high = np.quantile(own, (0.05, 0.95))
            text = f"{100 * median(own):.0f} %"
            rows.append([what, str(len(own)), text, f"{100 * low:.0f} to {100 * high:.0f} %"])
    put = [one.invented for one in found if one.what == INVENTED]
    right = [one.invented for one in found if one.what == RIGHT]
    text = markdown_table(["pair", "of them", "structure marked as lost", "5 to 95 of 100"], rows)
    if not put:
        return text
    return (
        f"{text}\n\nOf {len(put)} lesions put into the fused picture alone "
        f"{100 * np.mean(put):.0f} % are marked as invented; of the pictures as they are "
        f"{100 * np.mean(right):.2f} % of the area."
    )
