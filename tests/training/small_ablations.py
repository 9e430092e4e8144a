"""The ablations with a budget of two steps, as the command runs them."""

from __future__ import annotations

import json

from typer import Typer
from typer.testing import CliRunner

from training import ablations
from training.ablation import studies

SPLIT = {"1001": "train", "1002": "train", "2001": "validation", "3001": "test", "3002": "test"}

SMALL = {"--steps": 2, "--crop": 32, "--seed": 3, "--jobs": 1}

CNN, RULE, AUTO_ENCODER = (
    "cminet/inter-only",
    "dilran-rules/average",
    "dilran-loss/without-perceptual",
)


def run(data, root, *words, **options):
    app = Typer()
    app.command()(ablations.main)
    fixed = ["--split", data / "split.json", "--output", root / "out", "--folder", root / "docs"]
    changed = SMALL | {f"--{name}": value for name, value in options.items()}
    given = [word for pair in changed.items() for word in pair]
    return CliRunner().invoke(app, [str(word) for word in (data, *fixed, *given, *words)])


def section(root, title):
    """One section of the page."""
    text = (root / "docs" / "ablations.md").read_text()
    return text.split(f"### {title}\n")[1].split("\n### ")[0]


def entry_of(name):
    return next(entry for entry in studies.entries() if entry.name == name)


def scores_of(root, name):
    return json.loads((root / "out" / name / "scores.json").read_text())
