"""The Hotelling observer against what is known of Gaussian data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from training.observer.areas import Draws, area, interval
from training.observer.hotelling import INDUCED, Lesson, Noise, human_noise, told_apart

COUNT, FEATURES = 6000, 6


def train(absent, before, present, noise):
    spread = (np.cov(absent.T) + np.cov(present.T)) / 2
    return Lesson((present - before).mean(axis=0), spread).template(noise)


@pytest.fixture(scope="module")
def gaussian():
    """Backgrounds of a known covariance, and a known signal."""
    rng = np.random.default_rng(1)
    root = np.tril(rng.normal(size=(FEATURES, FEATURES))) + 2 * np.eye(FEATURES)
    signal = rng.normal(size=FEATURES)
    absent, before, tested, other = (rng.normal(size=(COUNT, FEATURES)) @ root.T for _ in range(4))
    return root @ root.T, signal, absent, before, tested, other + signal


@pytest.mark.parametrize("noise", [Noise(0, 0), Noise(1.5, 0), Noise(0, 0.75), Noise(1.5, 0.75)])
def test_the_area_is_the_analytic_one(gaussian, noise):
    covariance, signal, absent, before, tested, with_signal = gaussian
    template = train(absent, before, before + signal, noise)
    right = told_apart(
        template.score(with_signal[:2000]), template.score(tested[:2000]), template.noise
    )
    weights = np.linalg.solve(covariance + noise.static**2 * np.eye(FEATURES), signal)
    outer = weights @ covariance @ weights
    own = noise.static**2 * weights @ weights + noise.induced**2 * outer
    d_prime = weights @ signal / (outer + own) ** 0.5
    assert right.mean() == pytest.approx(norm.cdf(d_prime / 2**0.5), abs=0.01)
    if noise == Noise(0, 0):
        best = signal @ np.linalg.solve(covariance, signal)
        assert d_prime == pytest.approx(best**0.5)


def test_noise_of_its_own_costs(gaussian):
    _, signal, absent, before, tested, with_signal = gaussian

    def found(noise):
        template = train(absent, before, before + signal, noise)
        scores = (template.score(some[:500]) for some in (with_signal, tested))
        return told_apart(*scores, template.noise).mean()

    plain, static, induced = (found(n) for n in (Noise(0, 0), Noise(1, 0), Noise(0, 0.75)))
    assert 0.6 < static < plain < 1
    assert 0.6 < induced < plain


def test_halved_contrast_costs_only_who_has_static_noise(gaussian):
    _, signal, absent, before, tested, with_signal = gaussian
    areas = {}
    for noise in (Noise(0, 0.75), Noise(2.0, 0)):
        for scale in (1.0, 0.5):
            template = train(scale * absent, scale * before, scale * (before + signal), noise)
            scores = (template.score(scale * some[:500]) for some in (with_signal, tested))
            areas[noise.static, scale] = told_apart(*scores, template.noise).mean()
    assert areas[0, 0.5] == pytest.approx(areas[0, 1.0])
    assert areas[2.0, 0.5] < areas[2.0, 1.0] - 0.03


def test_a_person_just_sees_what_one_just_sees():
    noise = human_noise()
    assert noise.induced == INDUCED
    even = np.zeros((10, 40))
    signal = np.full(40, noise.static / 40**0.5)  # as strong as the disk, in all channels
    template = train(even, even, even + signal, noise)
    difference = template.score(signal[None])[0] - template.score(even)[0]
    assert difference / template.noise == pytest.approx(1)


def test_what_does_not_respond_does_not_matter(gaussian):
    _, signal, absent, before, *_ = gaussian
    dead = np.zeros((COUNT, 3))
    for noise in (Noise(0, 0), Noise(1, 0.75)):
        alone = train(absent, before, before + signal, noise)
        beside = train(
            *(np.hstack([some, dead]) for some in (absent, before, before + signal)), noise
        )
        assert beside.weights[:FEATURES] == pytest.approx(alone.weights, rel=1e-3)
        assert beside.weights[FEATURES:] == pytest.approx(0)


def test_without_noise_equal_scores_count_half():
    right = told_apart(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 0.0)
    assert right.tolist() == [[0.5, 1.0], [1.0, 1.0]]


def test_samples_draw_whole_heads():
    rng = np.random.default_rng(0)
    head_of_lesion, head = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2, 2])
    right = rng.uniform(size=(4, 5))
    draws = Draws(np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]]))
    told, pairs = area(right, (head_of_lesion, head), draws)
    assert told[0] / pairs[0] == pytest.approx(right.mean())
    lesions, places = [0, 1, 0, 1, 3], [0, 0, 3, 4]
    assert pairs[1] == 20
    assert told[1] / pairs[1] == pytest.approx(right[np.ix_(lesions, places)].mean())


def test_intervals_are_seeded_and_hold_the_truth_nearly_always():
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        heads = np.repeat(np.arange(15), 6)
        # Places of a head are alike.
        scores = [rng.normal(size=15)[heads] + rng.normal(size=90) + shift for shift in (1.0, 0.0)]
        draws = Draws.of(15, 200, rng)
        told, pairs = area(told_apart(*scores, 0.0), (heads, heads), draws)
        _, low, high = interval(told / pairs)
        held.append(low <= norm.cdf(1 / 2) <= high)
    assert np.mean(held) >= 0.85
    again = [Draws.of(5, 20, np.random.default_rng(3)).counts for _ in range(2)]
    assert (again[0] == again[1]).all()
    assert again[0].sum(axis=1).tolist() == [5] * 21
