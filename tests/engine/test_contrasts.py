"""An MR beside itself in another contrast."""

from __future__ import annotations

import pytest
import torch

from mactfusion.engine import RandSecondContrastd
from mactfusion.engine.contrasts import BRIGHTEST, SYNTHETIC


@pytest.fixture
def pair() -> torch.Tensor:
    """An MR that gets brighter from left to right, black at first; a partner of one brightness."""
    ramp = torch.linspace(-0.5, 1, 96).clamp_min(0).repeat(96, 1)
    return torch.stack([ramp, torch.full_like(ramp, 0.25)])


def drawn(pair: torch.Tensor, seed: int, task: str = "pet-mri", prob: float = 1.0) -> dict:
    transform = RandSecondContrastd(prob)
    transform.set_random_state(seed=seed)
    return transform({"image": pair, "task": task, "case": "7"})


def test_the_partner_becomes_the_mr_in_another_contrast(pair: torch.Tensor) -> None:
    before, sharp, reversed_somewhere = pair.clone(), 0, 0
    for seed in range(20):
        item = drawn(pair, seed)
        anatomical, contrast = item["image"]
        assert (item["task"], item["case"]) == (SYNTHETIC, "7")
        assert torch.equal(anatomical, before[0])
        assert 0 <= contrast.min() <= contrast.max() <= BRIGHTEST[1] + 1e-6
        # One brightness of the MR is one of the contrast, but for what was smoothed.
        middle = contrast[20:76]
        assert (middle - middle[:1]).abs().max() < 1e-4
        sharp += int((contrast[:, :32] == 0).all())
        # Smoothed ones fade at the edge of the crop.
        reversed_somewhere += int((middle[0, 32:80].diff() < -0.005).any())
    assert torch.equal(pair, before)
    assert 3 <= sharp <= 17
    assert reversed_somewhere >= 5


def test_what_is_black_stays_black(pair: torch.Tensor) -> None:
    for seed in range(20):
        contrast = drawn(pair, seed)["image"][1]
        assert contrast.max() > 0.1
        assert contrast[:, :10].max() == 0


def test_contrasts_of_pairs_with_ct_lie_on_the_ct_now_and_then(pair: torch.Tensor) -> None:
    lower = {float(drawn(pair, seed, "ct-mri")["image"][0].amin()) for seed in range(20)}
    assert lower == {0.0, 0.25}
    assert {float(drawn(pair, seed)["image"][0].amin()) for seed in range(20)} == {0.0}


def test_some_pairs_stay_as_they_are(pair: torch.Tensor) -> None:
    tasks = [drawn(pair, seed, prob=0.4)["task"] for seed in range(40)]
    assert 8 <= tasks.count(SYNTHETIC) <= 24
    left = drawn(pair, tasks.index("pet-mri"), prob=0.4)
    assert torch.equal(left["image"], pair)


def test_draws_repeat_themselves(pair: torch.Tensor) -> None:
    assert torch.equal(drawn(pair, 3)["image"], drawn(pair, 3)["image"])
    assert not torch.equal(drawn(pair, 3)["image"], drawn(pair, 4)["image"])
