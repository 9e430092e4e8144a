"""Terms that are metrics turned into criteria, against independent computations and the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from smooth_pictures import (
    derivatives,
    gaussian,
    halved,
    loss_of,
    make,
    similarity_maps,
    smooth_noise,
    windowed,
)

from mactfusion.losses import (
    DifferenceCorrelationLoss,
    EdgePreservationLoss,
    RangeLoss,
    StrongestStructureLoss,
    WeightedQualityLoss,
)
from mactfusion.metrics import edge_preservation, ms_ssim_fusion


def weighted_quality(fused, first, second):
    """Q_w of three pictures, with the local variance as the salience."""
    taps = gaussian(11)
    maps = [similarity_maps(fused, source, taps, 1)[0] for source in (first, second)]
    saliences = [windowed(s * s, taps) - windowed(s, taps) ** 2 for s in (first, second)]
    share = saliences[0] / (saliences[0] + saliences[1])
    count = np.maximum(*saliences)
    return np.average(share * maps[0] + (1 - share) * maps[1], weights=count)


@pytest.mark.parametrize("scales", [1, 2])
def test_weighted_quality(scales):
    fused, sources = make((64, 56))
    expected = []
    for pair, image in zip(sources, fused[:, 0], strict=True):
        pictures = [image, *pair]
        for _ in range(scales):
            expected.append(1 - weighted_quality(*pictures))
            pictures = [halved(picture) for picture in pictures]
    actual = loss_of(WeightedQualityLoss(scales), fused, sources)
    assert actual == pytest.approx(np.mean(expected), abs=1e-3)


def test_edge_preservation():
    fused, sources = make()
    horizontal, vertical = derivatives(sources)
    own_horizontal, own_vertical = derivatives(fused)
    strength, own_strength = np.hypot(horizontal, vertical), np.hypot(own_horizontal, own_vertical)
    ratio = np.minimum(strength, own_strength) / np.maximum(strength, own_strength)
    turn = np.abs(np.arctan(vertical / horizontal) - np.arctan(own_vertical / own_horizontal))
    direction = 1 - np.minimum(turn, np.pi - turn) / (np.pi / 2)  # between lines, not arrows
    kept = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
    kept *= 0.9879 / (1 + np.exp(-22 * (direction - 0.8)))
    expected = 1 - (kept * strength).sum(axis=(1, 2, 3)) / strength.sum(axis=(1, 2, 3))
    actual = loss_of(EdgePreservationLoss(), fused, sources)
    assert actual == pytest.approx(expected.mean(), abs=1e-3)


def test_edge_preservation_is_one_minus_the_metric():
    fused, sources = make(batch=1)
    fused = fused.clip(0, 1)
    metric = edge_preservation(*(255 * picture for picture in (fused[0, 0], *sources[0])))
    # The metric counts lines that are turned by nearly pi, and so nearly alike, as opposed.
    actual = loss_of(EdgePreservationLoss(), fused, sources)
    assert 1 - actual == pytest.approx(metric, abs=0.05)
    assert 1 - actual > metric


def test_the_best_edge_preservation():
    image = smooth_noise((2, 1, 40, 48), 3)
    sources = np.repeat(image, 2, axis=1)
    best = loss_of(EdgePreservationLoss(), image, sources)
    assert best == pytest.approx(0.0252, abs=1e-4)
    assert loss_of(EdgePreservationLoss(), 0.5 * image, sources) > 0.4


@pytest.mark.parametrize("size", [(48, 64), (96, 80), (41, 41), (43, 47), (97, 131)])
def test_strongest_structure(size):
    fused, sources = make(size)
    fused = fused.clip(0, 1)
    metric = [
        ms_ssim_fusion(*(255 * p for p in (f[0], *s))) for f, s in zip(fused, sources, strict=True)
    ]
    actual = [
        loss_of(StrongestStructureLoss(), fused[i : i + 1], sources[i : i + 1]) for i in range(2)
    ]
    np.testing.assert_allclose(actual, 1 - np.array(metric), atol=2e-3)


def test_strongest_structure_of_empty_background():
    sources = np.zeros((1, 2, 64, 64))
    sources[..., 16:48, 16:48] = smooth_noise((1, 2, 32, 32), 3)
    fused = sources.max(axis=1, keepdims=True)
    noise = np.random.default_rng(8).normal(0, 0.02, fused.shape)
    noise *= sources.max(axis=1, keepdims=True) == 0
    best = loss_of(StrongestStructureLoss(), fused, sources)
    assert loss_of(StrongestStructureLoss(), fused + noise, sources) > best + 0.01


def test_difference_correlation():
    fused, sources = make()
    correlations = []
    for image, (first, second) in zip(fused[:, 0], sources, strict=True):
        correlations.append(
            np.corrcoef((image - second).ravel(), first.ravel())[0, 1]
            + np.corrcoef((image - first).ravel(), second.ravel())[0, 1]
        )
    actual = loss_of(DifferenceCorrelationLoss(), fused, sources)
    assert actual == pytest.approx(2 - np.mean(correlations), abs=1e-4)


def test_a_sum_of_the_sources_has_the_best_correlation_of_differences():
    sources = smooth_noise((2, 2, 40, 48), 3)
    value = loss_of(DifferenceCorrelationLoss(), sources.sum(axis=1, keepdims=True), sources)
    assert value == pytest.approx(0, abs=1e-4)


def test_range():
    fused, sources = make()
    fused = 2 * fused - 0.7
    assert fused.min() < 0
    assert fused.max() > 1
    expected = np.mean(np.maximum(fused - 1, 0) + np.maximum(-fused, 0))
    assert loss_of(RangeLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)
    assert loss_of(RangeLoss(), fused.clip(0, 1), sources) == 0
