"""Put the scores of the default network into the model card and the metadata of the bundle.

python -m training.model_card

They are means over the test pairs of each task, of ``docs/scores.csv``, which
``python -m training.compare`` writes.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import typer

from mactfusion.bundle import bundle_root
from mactfusion.io.atomic import atomic_path
from training.marked_page import Markers, write_between_markers
from training.refusals import refusals

MARKERS = Markers("<!-- scores begin -->", "<!-- scores end -->")
METRICS = ("SCD", "MS_SSIM", "Qabf", "Qw", "VIF")
DEFAULT = "ours"
"""What ``docs/scores.csv`` calls the default network."""
ROWS = {DEFAULT: "`pixel_weights`", "maximum": "pixel maximum", "average": "pixel average"}

Means = dict[tuple[str, str], dict[str, float]]
"""Metric to mean, by task and method."""


def means_of(scores: Path) -> Means:
    """Average the scores of each task and method over its pictures.

    Args:
        scores: a file with the columns ``task``, ``method``, ``picture`` and one for each metric.
    """
    values: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with scores.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            values[row["task"], row["method"]].append(row)
    return {
        key: {name: fmean(float(row[name]) for row in rows) for name in METRICS}
        for key, rows in values.items()
    }


def table_of(means: Means) -> str:
    """Return the table of the card: a row for each task and method."""
    lines = [f"| task | method | {' | '.join(METRICS)} |", f"|---|---|{'---:|' * len(METRICS)}"]
    for task in sorted({task for task, _ in means}):
        for method, name in ROWS.items():
            figures = " | ".join(f"{value:.4f}" for value in means[task, method].values())
            lines.append(f"| {task} | {name} | {figures} |")
    return "\n".join(lines)


def eval_metrics(means: Means) -> dict[str, float]:
    """Return what the metadata says of the default network: ``TASK METRIC`` to its mean."""
    return {
        f"{task} {metric}": round(value, 4)
        for (task, method), figures in sorted(means.items())
        if method == DEFAULT
        for metric, value in figures.items()
    }


@refusals()
def write() -> None:
    """Write both anew."""
    means = means_of(Path("docs/scores.csv"))
    card = bundle_root() / "docs" / "README.md"
    write_between_markers(card, MARKERS, table_of(means), is_measured=False)
    metadata = bundle_root() / "configs" / "metadata.json"
    said = {**json.loads(metadata.read_text("utf-8")), "eval_metrics": eval_metrics(means)}
    with atomic_path(metadata) as unfinished:
        unfinished.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(write)
