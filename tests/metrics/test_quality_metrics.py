"""Quality metrics against published implementations, hand-made cases and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.metrics import (
    METRICS,
    RANKING,
    edge_preservation,
    ms_ssim_fusion,
    sum_of_correlations_of_differences,
    visual_information_fidelity,
    weighted_fusion_quality,
)
from mactfusion.metrics.windows import gaussian_taps, local_statistics

METRIC_NAMES = list(RANKING)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SCD", 1.7554675765549947),
        ("MS_SSIM", 0.888044391944714),
        ("Qabf", 0.6942529447587062),
        ("Qw", 0.8090812724118239),
        ("VIF", 1.0170934981788329),
    ],
)
def test_value_stays(name, expected, pictures):
    """Values of the code that met the published implementations, for where those are absent."""
    assert METRICS[name](*pictures) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_sources_may_be_exchanged(name, pictures):
    fused, source_a, source_b = pictures
    swapped = METRICS[name](fused, source_b, source_a)
    assert swapped == pytest.approx(METRICS[name](fused, source_a, source_b), abs=1e-12)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_number_type_does_not_matter(name, pictures):
    expected = METRICS[name](*pictures)
    assert METRICS[name](*(picture.astype(np.uint8) for picture in pictures)) == expected
    tensors = [torch.from_numpy(picture).float() for picture in pictures]
    assert METRICS[name](*tensors) == expected


@pytest.mark.parametrize(
    ("name", "best"), [("SCD", 0.0), ("MS_SSIM", 1.0), ("Qabf", 0.9754), ("Qw", 1.0), ("VIF", 2.0)]
)
def test_three_equal_pictures(name, best, pictures):
    assert METRICS[name](*[pictures[1]] * 3) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("name", ["MS_SSIM", "Qabf", "Qw", "VIF"])
def test_noise_and_blur_cost_quality(name, pictures):
    fused, source_a, source_b = pictures
    noise = np.random.default_rng(0).normal(0, 30, fused.shape)
    noisy = np.clip(fused + noise, 0, 255)
    assert METRICS[name](noisy, source_a, source_b) < METRICS[name](fused, source_a, source_b)
    average = (fused + np.roll(fused, 3, 0) + np.roll(fused, -3, 0)) / 3
    assert METRICS[name](average, source_a, source_b) < METRICS[name](fused, source_a, source_b)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("levels", [(0, 0, 0), (255, 255, 255), (10, 200, 90)])
def test_flat_pictures_give_a_number(name, levels):
    value = METRICS[name](*(np.full((48, 48), level) for level in levels))
    assert -2 <= value <= 2


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_blank_source_leaves_the_other_one(name, pictures):
    source = pictures[1]
    blank = np.zeros_like(source)
    assert METRICS[name](source, source, blank) > 0.9


def test_sum_of_both_sources_has_the_largest_scd(pictures):
    _, source_a, source_b = pictures
    fused = source_a / 2 + source_b / 2
    value = sum_of_correlations_of_differences(fused, source_a / 2, source_b / 2)
    assert value == pytest.approx(2.0)


def test_differences_do_not_saturate():
    """In 8-bit arithmetic the differences 0 - 255 would be 0 or wrap to 1."""
    source_a = np.tile(np.array([0, 255], np.uint8), (4, 2))
    source_b = 255 - source_a
    value = sum_of_correlations_of_differences(source_a, source_a, source_b)
    assert value == pytest.approx(1.0)


def test_equal_edges_count_as_preserved():
    source = np.zeros((32, 32))
    source[:, 16:] = 200
    perfect = 0.9994 * 0.9879 / (1 + np.exp(-22 * 0.2))
    assert edge_preservation(source, source, source) == pytest.approx(perfect, abs=1e-3)


def test_reversed_contrast_has_no_fidelity(pictures):
    source = pictures[1]
    assert visual_information_fidelity(255 - source, source, source) == 0
    assert weighted_fusion_quality(255 - source, source, source) < 0


def test_opposite_sources_have_no_common_structure():
    """What they leave of each other is rounding error, which must not be scaled up."""
    source = np.random.default_rng(2).uniform(0, 200, (48, 48))
    value = ms_ssim_fusion(source, source, 255 - source)
    expected, weights, image = 1.0, np.array([0.0448, 0.2856, 0.3001]), source
    for exponent in weights / weights.sum():
        constant, variance = (
            (0.03 * 255) ** 2,
            local_statistics(image, gaussian_taps(11, 1.5)).variance,
        )
        expected *= np.mean(constant / (variance + constant)) ** exponent
        image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4
    assert value == pytest.approx(expected, rel=1e-9)


def _ms_ssim_level_by_patches(fused, source_a, source_b):
    """One level of MEF-SSIM, patch by patch, as the definition reads."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    scores = []
    for row in range(fused.shape[0] - 10):
        for column in range(fused.shape[1] - 10):
            here = np.s_[row : row + 11, column : column + 11]
            patches = [source[here] - source[here].mean() for source in (source_a, source_b)]
            norms = np.array([np.linalg.norm(patch) for patch in patches])
            consistency = np.linalg.norm(sum(patches)) / max(norms.sum(), 1e-12)
            norms += 1e-3
            weights = (norms / 11) ** min(np.tan(np.pi / 2 * min(consistency, 1)), 10)
            desired = sum(w * s / n for w, s, n in zip(weights, patches, norms, strict=True))
            if np.linalg.norm(desired) > 1e-6 * weights.sum():
                desired = desired / np.linalg.norm(desired) * norms.max()
            desired = desired - (window * desired).sum()
            result = fused[here] - (window * fused[here]).sum()
            constant = (0.03 * 255) ** 2
            variances = (window * (desired**2 + result**2)).sum()
            scores.append(2 * (window * desired * result).sum() + constant)
            scores[-1] /= variances + constant
    return np.mean(scores)


def test_ms_ssim_equals_its_definition_patch_by_patch():
    generator = np.random.default_rng(5)
    pictures = [generator.integers(0, 256, (43, 46)).astype(float) for _ in range(3)]
    pictures[0] = np.round(0.6 * pictures[1] + 0.4 * pictures[2])
    pictures[1][:20, :20] = 0
    expected, weights = 1.0, np.array([0.0448, 0.2856, 0.3001])
    value = ms_ssim_fusion(*pictures)
    for exponent in weights / weights.sum():
        expected *= _ms_ssim_level_by_patches(*pictures) ** exponent
        padded = [np.pad(image, ((0, 1), (0, 1)), mode="symmetric") for image in pictures]
        height, width = pictures[0].shape
        pictures = [
            np.array(
                [
                    [
                        image[row : row + 2, column : column + 2].mean()
                        for column in range(0, width, 2)
                    ]
                    for row in range(0, height, 2)
                ]
            )
            for image in padded
        ]
    assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((48, 48), (48, 48), (48, 47)), "one size"),
        (((1, 48, 48),) * 3, "2-D"),
        (((48,),) * 3, "2-D"),
    ],
)
def test_refuses_pictures_that_cannot_be_compared(name, shapes, message):
    with pytest.raises(InputError, match=message):
        METRICS[name](*(np.zeros(shape) for shape in shapes))


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 256.0])
def test_refuses_values_off_the_scale(name, value, pictures):
    broken = pictures[0].copy()
    broken[5, 5] = value
    with pytest.raises(InputError, match="0 to 255"):
        METRICS[name](broken, *pictures[1:])


@pytest.mark.parametrize(("name", "edge"), [("MS_SSIM", 41), ("Qw", 11), ("VIF", 41)])
def test_smallest_picture(name, edge):
    generator = np.random.default_rng(1)
    smallest = [generator.integers(0, 256, (edge, edge + 3)) for _ in range(3)]
    assert -1 <= METRICS[name](*smallest) <= 2
    with pytest.raises(InputError, match=f"{edge} pixels"):
        METRICS[name](*(picture[1:] for picture in smallest))
