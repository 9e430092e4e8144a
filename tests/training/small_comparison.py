"""A small folder of pairs and a method, and the command that compares."""

from __future__ import annotations

import csv

from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from training import compare

NAMES = ("1001.png", "1002.png", "2001.png")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def run(folders, *arguments, ours="weighted", jobs=1):
    app = Typer()
    app.command()(compare.main)
    words = [folders / "pairs", folders / "methods", "--ours", ours, "--jobs", jobs]
    words += ["--folder", folders / "docs", "--cache", folders / "cache", *arguments]
    return CliRunner().invoke(app, [str(word) for word in words])


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
