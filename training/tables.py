"""Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.metrics import RANKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column holds names and the others numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def means_table(
    heading: str, means: Mapping[str, Mapping[str, float]], metrics: Sequence[str] = RANKING
) -> str:
    """Return a table with one line for each name and one column for each metric."""
    rows = [[name, *(f"{own[metric]:.4f}" for metric in metrics)] for name, own in means.items()]
    return markdown_table([heading, *metrics], rows)
