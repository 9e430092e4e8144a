"""The criterion of MACTFusion, and its nearest relatives, against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
from smooth_pictures import derivatives, gaussian, halved, loss_of, make, similarity_maps

from mactfusion.losses import (
    AbsoluteIntensityLoss,
    FusionLoss,
    GradientMagnitudeLoss,
    GradientVectorLoss,
    IntensityLoss,
    LegacyMultiScaleSimilarityLoss,
)

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def legacy_similarity(fused, source):
    """The published variant of MS-SSIM of two batches (B, H, W)."""
    value_range = (255 if fused.max() > 128 else 1) + (1 if fused.min() < -0.5 else 0)
    result, last = 1.0, None
    factors = []
    for _ in SCALE_WEIGHTS:
        taps = gaussian(min(11, *fused.shape[1:]))
        maps = [
            similarity_maps(a, b, taps, value_range) for a, b in zip(fused, source, strict=True)
        ]
        last = (np.mean([m[0] for m in maps]) + 1) / 2
        factors.append((np.mean([m[1] for m in maps]) + 1) / 2)
        fused, source = (np.stack([halved(i) for i in images]) for images in (fused, source))
    for factor, weight in zip(factors[:4], SCALE_WEIGHTS[:4], strict=True):
        result *= factor**weight * last ** SCALE_WEIGHTS[4]
    return result


def test_intensity():
    fused, sources = make()
    expected = np.mean((fused - sources.max(axis=1, keepdims=True)) ** 2)
    assert loss_of(IntensityLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)


def test_absolute_intensity():
    fused, sources = make()
    expected = np.mean(np.abs(fused - sources.max(axis=1, keepdims=True)))
    assert loss_of(AbsoluteIntensityLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)


def test_gradient_magnitude():
    fused, sources = make()
    own, (first, second) = (
        sum(np.abs(d) for d in derivatives(fused)),
        np.moveaxis(sum(np.abs(d) for d in derivatives(sources)), 1, 0),
    )
    expected = np.mean(np.abs(own[:, 0] - np.maximum(first, second)))
    assert loss_of(GradientMagnitudeLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)


def test_gradient_vector():
    fused, sources = make()
    own, theirs = derivatives(fused), derivatives(sources)
    strength = np.abs(theirs[0]) + np.abs(theirs[1])
    second_wins = strength[:, 1] > strength[:, 0]
    expected = sum(
        np.mean(np.abs(mine[:, 0] - np.where(second_wins, d[:, 1], d[:, 0])))
        for mine, d in zip(own, theirs, strict=True)
    )
    assert loss_of(GradientVectorLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)


def test_gradient_vector_sees_a_flipped_edge_that_the_magnitude_does_not():
    edge = np.zeros((1, 2, 24, 24))
    edge[:, 0, 6:18, 6:18] = 1
    flipped = 1 - edge[:, :1]
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert all(
        np.array_equal(np.abs(a[inside]), np.abs(b[inside]))
        for a, b in zip(derivatives(flipped), derivatives(edge[:, :1]), strict=True)
    )
    gain = loss_of(GradientVectorLoss(), flipped, edge) - loss_of(
        GradientMagnitudeLoss(), flipped, edge
    )
    assert gain > 0.5


@pytest.mark.parametrize("size", [(176, 180), (96, 128), (40, 48), (16, 31)])
@pytest.mark.parametrize("transform", [lambda f: f, lambda f: f - 0.6, lambda f: 200 * f])
def test_legacy_multi_scale_similarity(size, transform):
    fused, sources = make(size)
    fused = transform(fused)
    scale = 200 if fused.max() > 128 else 1  # sources in the range of the fused picture
    sources = sources * scale
    expected = 1 - sum(legacy_similarity(fused[:, 0], sources[:, i]) for i in (0, 1)) / 2
    actual = loss_of(LegacyMultiScaleSimilarityLoss(), fused, sources)
    assert actual == pytest.approx(expected, abs=2e-4)
    assert 0.001 < actual < 1


@pytest.mark.parametrize(
    ("case", "right_order", "swapped"),
    [("16009", 2.81, 4.44), ("28011", 3.25, 3.50), ("41010", 3.78, 4.52)],
)
def test_published_criterion_gives_the_published_numbers(reference, case, right_order, swapped):
    """What the authors' own code says of their network's output, as noted with the files."""
    published = FusionLoss(
        [
            {"weight": 20, "term": IntensityLoss()},
            {"weight": 10, "term": GradientMagnitudeLoss()},
            {"weight": 10, "term": LegacyMultiScaleSimilarityLoss()},
        ]
    )
    with np.load(reference / "specs" / "golden" / f"mactfusion_ctmri_{case}.npz") as golden:
        sources = np.stack([golden["mri_u8"], golden["ct_u8"]])[None] / 255
        fused = golden["output_eval_vis_mri_inf_ct"][None, None]
        wrong = golden["output_eval_vis_ct_inf_mri"][None, None]
    assert loss_of(published, fused, sources) == pytest.approx(right_order, abs=0.006)
    assert loss_of(published, wrong, sources[:, ::-1].copy()) == pytest.approx(swapped, abs=0.006)
