"""The best that one weight a picture can reach."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.metrics import METRICS, RANKING
from training import mixtures
from training.comparison.scores import find_pairs, pixel_maximum


@pytest.fixture
def pictures(tmp_path):
    """Two pairs; in the first of them the partner is the brighter one everywhere."""
    random = np.random.default_rng(0)
    for name, lowest in (("1.png", 130), ("2.png", 0)):
        mr = random.integers(0, 130, (8, 8)).astype(np.uint8)
        ct = random.integers(lowest, 256, (8, 8)).astype(np.uint8)
        for part, pixels in (("MRI", mr), ("CT", ct)):
            path = tmp_path / "CT-MRI" / "test" / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.kron(pixels, np.ones((6, 6), np.uint8))).save(path)
    return tmp_path


def test_no_mixture_passes_the_bound(pictures):
    pairs = find_pairs(pictures)
    found = mixtures.best_mixtures(pairs)
    sources = [mixtures.read_sources(pair) for pair in pairs]
    for weight in (0.0, 0.3, 0.7, 1.0):
        for metric in RANKING:
            mixed = [np.round(weight * a + (1 - weight) * b) for a, b in sources]
            own = [METRICS[metric](f, a, b) for f, (a, b) in zip(mixed, sources, strict=True)]
            assert np.mean(own) <= found[metric] + 1e-9
    a, b = sources[0]
    assert np.array_equal(pixel_maximum(a, b), b)  # a mixture, too
    one = mixtures.best_mixtures(pairs[:1])
    assert all(one[metric] >= METRICS[metric](b, a, b) for metric in RANKING)


def test_the_table_has_each_task_beside_the_maximum(pictures):
    app = Typer()
    app.command()(mixtures.main)
    result = CliRunner().invoke(app, [str(pictures), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "best mixtures, CT-MRI",
        "pixel maximum, CT-MRI",
    ]
    assert CliRunner().invoke(app, [str(pictures / "none")]).exit_code == 2
