"""The page of the ablations, from whatever was scored so far."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mactfusion.metrics import RANKING
from training.ablation.scored import read_scores
from training.ablation.studies import STUDIES, Entry, Study
from training.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Found = dict[Entry, dict[str, Any]]
"""Variant to what was kept of its scores."""

HEAD = """# Ablations

Each network without one of its parts or terms, trained here with little and equal effort, and
scored on the public test pairs. Everything between the two marks comes from one command, run as
often as it takes; it goes on where it stopped:

```bash
python -m training.ablations DATA --output runs/ablations
```

DATA is the public Whole Brain Atlas folder.

"""
"""What a page starts with that is not there yet."""

CONCLUSIONS = """**What may be concluded.** The rows of one table were trained with the same budget,
given above it, and compare with each other. That budget is small: the order of the rows says more
than their level, and a part that pays late in a training looks useless here. There is one seed a
row: differences as small as those [between seeds](mactfusion_plus.md#how-much-the-seed-matters) say
nothing. Nothing was selected: what is scored are the last averaged weights. Printed figures are the
papers' own, of trainings of other lengths, on pairs and with definitions that are not given:
compare their order with the order here, never their level.

Networks fused in evaluation mode, clipped, rounded to 8 bits; means over pictures, the best of a
column in bold."""


def ablations_page(output: Path) -> str:
    """Return what stands between the markers: a section for each study that has results.

    Args:
        output: folder with ``STUDY/VARIANT/scores.json``.

    Raises:
        InputError: a file of scores is damaged.
    """
    parts, not_run = [CONCLUSIONS], []
    for study in STUDIES:
        entries = [Entry(study, variant) for variant in study.variants]
        kept = {entry: read_scores(output / entry.scored.name, study.tasks) for entry in entries}
        found = {entry: scores for entry, scores in kept.items() if scores}
        # What it shares with another study alone is no result of its own.
        if any(entry.scored == entry for entry in found):
            parts += [f"### {study.title}", *_section(study, found)]
        else:
            not_run.append(f"{study.title} (`{study.name}`)")
    if not_run:
        parts += ["### Not run", f"No results yet: {'; '.join(not_run)}."]
    return "\n\n".join(parts)


def _section(study: Study, found: Found) -> list[str]:
    """Tables of one study; rows of other budgets stand in tables of their own."""
    parts = [study.about]
    budgets: dict[str, Found] = defaultdict(dict)
    for entry, scores in found.items():
        spent = json.dumps([scores["training"]["budget"], scores["pairs"]], sort_keys=True)
        budgets[spent][entry] = scores
    for rows in budgets.values():
        parts.append(_budget(next(iter(rows.values()))))
        for task in study.tasks:
            parts += [f"#### {task}", _table(study, task, rows)]
            if agreement := _agreement(study, task, rows):
                parts.append(agreement)
    if study.printed and not study.printed.compares:
        parts += _printed_alone(study)
    missing = [variant.label for variant in study.variants if Entry(study, variant) not in found]
    if missing:
        parts.append(f"Not run: {'; '.join(missing)}.")
    return parts


def _budget(scores: Mapping[str, Any]) -> str:
    """Say what each row of a table was given."""
    spent, tasks = scores["training"]["budget"], scores["training"]["tasks"]
    together = " together" if len(tasks) > 1 else ""
    counts = ", ".join(f"{count} of {task}" for task, count in scores["pairs"].items())
    return (
        f"Budget of each row: {spent['steps']} steps of {spent['batch_size']} crops of "
        f"{spent['crop']}×{spent['crop']} pixels, learning rate {spent['learning_rate']:g} at its "
        f"highest, seed {spent['seed']}, training pairs of {_listed(tasks)}{together}. Test pairs: "
        f"{counts}."
    )


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _table(study: Study, task: str, rows: Found) -> str:
    """Return a line for each variant, what the paper prints beside what was measured."""
    means = {entry: scores["means"][task] for entry, scores in rows.items()}
    best = {metric: max(own[metric] for own in means.values()) for metric in RANKING}
    printed = study.printed if study.printed and study.printed.compares else None
    head = ["variant", *RANKING]
    if printed:
        head += [f"{metric}, paper" for metric in RANKING]
    lines = []
    for entry, own in means.items():
        line = [entry.variant.label]
        for metric in RANKING:
            is_best = len(means) > 1 and own[metric] == best[metric]
            line.append(f"**{own[metric]:.4f}**" if is_best else f"{own[metric]:.4f}")
        if printed:
            figures = printed.figures[task].get(entry.variant.name)
            line += [f"{value:.3f}" for value in figures] if figures else ["–"] * len(RANKING)
        lines.append(line)
    return markdown_table(head, lines)


def _agreement(study: Study, task: str, rows: Found) -> str | None:
    """Count the differences from the full variant that have the sign of the printed ones."""
    full = Entry(study, study.variants[0])
    if not study.printed or not study.printed.compares or full not in rows or len(rows) == 1:
        return None
    figures = study.printed.figures[task]
    signs = []
    for entry, scores in rows.items():
        if entry == full or entry.variant.name not in figures:
            continue
        pairs = zip(figures[entry.variant.name], figures[full.variant.name], strict=True)
        for metric, (without, whole) in zip(RANKING, pairs, strict=True):
            here = scores["means"][task][metric] - rows[full]["means"][task][metric]
            signs.append(here * (without - whole) > 0)
    return (
        f"Of {len(signs)} differences from the full variant, {sum(signs)} have the sign of the "
        "printed ones."
    )


def _printed_alone(study: Study) -> list[str]:
    """Return what the paper prints in metrics that were not measured here."""
    if not study.printed:
        return []
    parts = []
    for task, figures in study.printed.figures.items():
        labels = {variant.name: variant.label for variant in study.variants}
        lines = [
            [labels[name], *(f"{value:.3f}" for value in row)] for name, row in figures.items()
        ]
        parts += [
            f"The paper prints for {task}, in metrics as its authors computed them, which are not "
            "those above:",
            markdown_table(["variant", *study.printed.metrics], lines),
        ]
    return parts
