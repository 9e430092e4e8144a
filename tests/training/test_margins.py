"""The rule by which choices are made: the largest smallest margin."""

from __future__ import annotations

import pytest
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from mactfusion.metrics import RANKING
from training.margins import STEPS, main, margins, read_means


def write(path, rows):
    head = ",".join(["task", "method", "picture", *RANKING])
    lines = [
        ",".join([task, method, name, *(str(value + shift) for value in (1.7, 0.9, 0.6, 0.7, 0.5))])
        for task, method, name, shift in rows
    ]
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    """Two folds of one task; ``steady`` is a little ahead everywhere, ``odd`` in one fold only."""
    first = [("CT-MRI", "former", "1.png", 0.0), ("CT-MRI", "former", "2.png", 0.02)]
    first += [("CT-MRI", "odd", f"{n}.png", 0.11) for n in (1, 2)]
    first += [("CT-MRI", "steady", f"{n}.png", 0.03) for n in (1, 2)]
    second = [("CT-MRI", name, "3.png", shift) for name, shift in
              (("former", 0.0), ("odd", -0.1), ("steady", 0.02))]  # fmt: skip
    return [write(tmp_path / "1.csv", first), write(tmp_path / "2.csv", second)]


def test_each_file_counts_the_same(files):
    means = read_means(files)
    assert means["former"]["CT-MRI", "SCD"] == pytest.approx((1.71 + 1.7) / 2)
    assert means["odd"]["CT-MRI", "VIF"] == pytest.approx((0.61 + 0.4) / 2)


def test_the_method_with_the_largest_smallest_margin_comes_first(files):
    ahead = margins(read_means(files), "former")
    assert list(ahead) == ["steady", "odd"]
    for metric, step in STEPS.items():
        assert ahead["steady"]["CT-MRI", metric] == pytest.approx(0.02 / step)
        assert ahead["odd"]["CT-MRI", metric] == pytest.approx(0)


def test_the_steps_are_those_of_the_ranking():
    assert tuple(STEPS) == tuple(RANKING)


def test_the_command_prints_a_line_for_each_method_and_task(files):
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [*map(str, files), "--former", "former"])
    assert result.exit_code == 0
    assert "| steady | CT-MRI | +0.40 | +4.00 | +2.00 | +4.00 | +0.67 | +0.40 |" in result.output


def test_refusals(files, tmp_path):
    with pytest.raises(InputError, match="no method 'x': choose former"):
        margins(read_means(files), "x")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for name in ("other.csv", "none.csv"):
        with pytest.raises(InputError, match=r"is no scores\.csv"):
            read_means([tmp_path / name])
