"""Ways to find shares: each is right where it must be, and the command refuses before it works."""

from __future__ import annotations

import pytest
import torch
import typer
from refused import assert_refused
from typer.testing import CliRunner

from training import provenance
from training.provenance_study.rules import rules
from training.provenance_study.ways import WAYS, of_one_pixel


@pytest.fixture
def image():
    return torch.rand(1, 2, 24, 32) * 0.8 + 0.1


def test_every_way_finds_an_average(image):
    rule = rules(24, 32)["average"]
    for name, find in WAYS.items():
        assert torch.allclose(find(rule.fuse, image), torch.tensor(0.5), atol=0.02), name


@pytest.mark.parametrize("name", rules(24, 32))
def test_the_known_share_is_what_changes_of_one_pixel_give(name, image):
    rule = rules(24, 32)[name]
    row, column = 11, 17
    image[0, :, row, column] = torch.tensor([0.7, 0.4])
    known = float(rule.share(image)[0, 0, row, column])
    assert of_one_pixel(rule.fuse, image, row, column) == pytest.approx(known, abs=0.06)


def test_a_change_of_all_of_a_source_misses_its_detail(image):
    rule = rules(24, 32)["first and detail of second"]
    off = {name: (find(rule.fuse, image) - rule.share(image)).abs() for name, find in WAYS.items()}
    assert off["single pixels"].mean() < 0.05
    assert off["whole source"].mean() > 0.4


def test_the_command_refuses_before_it_works(tmp_path):
    app = typer.Typer()
    app.command()(provenance.main)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    assert_refused(run("--page", tmp_path / "page.md"), "--templates")
    (tmp_path / "other.md").write_text("no markers")
    assert_refused(run("--page", tmp_path / "other.md"), "lacks the lines")
