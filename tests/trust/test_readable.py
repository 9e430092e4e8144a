"""What the colours of a table promise."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from mactfusion.errors import InputError
from mactfusion.transforms.color_names import METALS
from mactfusion.trust.color_vision import DEFICIENCIES, as_seen
from mactfusion.trust.readable import promise_of, rank_correlation, read_values


@pytest.mark.parametrize("name", METALS)
def test_the_tables_of_tracers_keep_their_promise(name):
    promise = promise_of(name)
    normal = promise.readings["normal"]
    assert promise.is_kept
    assert normal.rank >= 0.98
    assert normal.error <= 0.01
    assert normal.error_95 <= 0.03
    assert normal.difference >= 0.02
    assert promise.brightness > 0.1


def test_hot_metal_is_safe_for_red_green_blindness():
    promise = promise_of("hot_metal")
    assert all(promise.readings[kind].rank >= 0.98 for kind in ("protan", "deutan"))
    assert promise.readings["deutan"].error_95 <= 0.03
    assert "also to readers with red-green blindness" in promise.sentence
    assert "not to readers" in promise_of("cool_metal").sentence


@pytest.mark.parametrize(("name", "colors"), [("hot_iron", "legible"), ("hot_iron", "ycbcr")])
def test_tables_that_end_in_white_do_not(name, colors):
    promise = promise_of(name, colors)
    assert not promise.is_kept
    assert "does not say uptake: 0 % and 100 % of the window" in promise.sentence


def test_steps_that_are_hard_to_see_are_said():
    pale = torch.linspace(0, 0.03, 5)[:, None] * torch.tensor([1.0, 0.0, -1.0]) + 0.5
    promise = promise_of(pale.numpy())
    assert not promise.is_kept
    assert promise.readings["normal"].difference < 0.02


def test_an_unknown_table_is_refused():
    with pytest.raises(InputError, match="Unknown colour table"):
        promise_of("hot_potato")


def test_ranks_are_those_of_scipy():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randint(0, 9, (2, 60), generator=generator).float()
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second)[0], abs=1e-9)
    assert rank_correlation(first, torch.ones(60)) == 0


def test_values_are_those_of_the_nearest_place():
    curve = torch.stack([torch.linspace(0, 1, 11), torch.zeros(11)])
    assert read_values(torch.tensor([[0.31, 0.99], [0.2, -0.1]]), curve).tolist() == pytest.approx(
        [0.3, 1.0]
    )


def test_grey_looks_the_same_to_everybody():
    grey = torch.linspace(0, 1, 9).expand(3, 9)
    for deficiency in DEFICIENCIES:
        assert torch.allclose(as_seen(grey, deficiency), grey, atol=2e-3)
    red_green = torch.tensor([[0.8, 0.45], [0.2, 0.45], [0.2, 0.2]])
    apart = (as_seen(red_green, "deutan")[:, 0] - as_seen(red_green, "deutan")[:, 1]).norm()
    assert apart < 0.5 * (red_green[:, 0] - red_green[:, 1]).norm()
