"""Training criteria against independent computations with NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from mactfusion.losses import (
    AbsoluteIntensityLoss,
    BothDistanceLoss,
    BothSimilarityLoss,
    DifferenceCorrelationLoss,
    EdgePreservationLoss,
    FusionLoss,
    GradientMagnitudeLoss,
    GradientVectorLoss,
    IntensityLoss,
    LegacyMultiScaleSimilarityLoss,
    MaximumSimilarityLoss,
    PixelLoss,
    RangeLoss,
    StrongestStructureLoss,
    TextureLoss,
    WeightedQualityLoss,
    gaussian_window,
    local_mean,
)
from mactfusion.metrics import edge_preservation, ms_ssim_fusion

TERMS = (
    AbsoluteIntensityLoss,
    DifferenceCorrelationLoss,
    EdgePreservationLoss,
    GradientMagnitudeLoss,
    GradientVectorLoss,
    IntensityLoss,
    LegacyMultiScaleSimilarityLoss,
    RangeLoss,
    StrongestStructureLoss,
    WeightedQualityLoss,
)
CHANNELS = {
    **dict.fromkeys((*TERMS, MaximumSimilarityLoss, TextureLoss, PixelLoss), 1),
    **dict.fromkeys((BothSimilarityLoss, BothDistanceLoss), 3),
}
"""How many the fused picture has in training, of these terms and of CMINet's and MsgFusion's."""
SOBEL = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def smooth_noise(shape, seed):
    """Smooth pictures with structure on all scales, in [0, 1]."""
    rng = np.random.default_rng(seed)
    noise = sum(
        sigma * ndimage.gaussian_filter(rng.standard_normal(shape), (0, 0, sigma, sigma))
        for sigma in (0.7, 2, 6)
    )
    return (noise - noise.min()) / np.ptp(noise)


def make(size=(40, 48), batch=2):
    """A fused picture that is near both sources and leaves [0, 1], and the sources."""
    sources = smooth_noise((batch, 2, *size), 1)
    fused = 1.3 * sources.mean(axis=1, keepdims=True) - 0.2
    return fused + 0.4 * smooth_noise((batch, 1, *size), 2), sources


def loss_of(term, fused, sources):
    value = term(torch.from_numpy(fused).float(), torch.from_numpy(sources).float())
    assert value.shape == ()
    return float(value)


def derivatives(image):
    """Both Sobel derivatives of (B, C, H, W) with zeros outside."""
    return [
        ndimage.correlate(image, kernel[None, None], mode="constant") for kernel in (SOBEL, SOBEL.T)
    ]


def windowed(image, taps):
    """Local mean of (H, W), only where the whole window fits."""
    return signal.convolve2d(image, np.outer(taps, taps)[::-1, ::-1], mode="valid")


def gaussian(size):
    # The published library centres at size // 2, also where the size is even.
    taps = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * 1.5**2))
    return taps / taps.sum()


def similarity_maps(a, b, taps, value_range):
    """SSIM and its contrast-structure term of two pictures."""
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    mean_a, mean_b = windowed(a, taps), windowed(b, taps)
    var_a = windowed(a * a, taps) - mean_a**2
    var_b = windowed(b * b, taps) - mean_b**2
    covariance = windowed(a * b, taps) - mean_a * mean_b
    contrast = (2 * covariance + c2) / (var_a + var_b + c2)
    return (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * contrast, contrast


def halved(image):
    rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    image = image[:rows, :columns]
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


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


def weighted_quality(fused, first, second):
    """Q_w of three pictures, with the local variance as the salience."""
    taps = gaussian(11)
    maps = [similarity_maps(fused, source, taps, 1)[0] for source in (first, second)]
    saliences = [windowed(s * s, taps) - windowed(s, taps) ** 2 for s in (first, second)]
    share = saliences[0] / (saliences[0] + saliences[1])
    count = np.maximum(*saliences)
    return np.average(share * maps[0] + (1 - share) * maps[1], weights=count)


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


def test_range():
    fused, sources = make()
    fused = 2 * fused - 0.7
    assert fused.min() < 0
    assert fused.max() > 1
    expected = np.mean(np.maximum(fused - 1, 0) + np.maximum(-fused, 0))
    assert loss_of(RangeLoss(), fused, sources) == pytest.approx(expected, rel=1e-4)
    assert loss_of(RangeLoss(), fused.clip(0, 1), sources) == 0


@pytest.mark.parametrize(
    "term", [t for t in CHANNELS if t not in (DifferenceCorrelationLoss, EdgePreservationLoss)]
)
def test_nothing_to_improve_where_both_sources_are_the_fused_picture(term):
    image = smooth_noise((2, 1, 40, 48), 3)
    value = loss_of(term(), image, np.repeat(image, 2, axis=1))
    assert value == pytest.approx(0, abs=1e-5)


def test_a_sum_of_the_sources_has_the_best_correlation_of_differences():
    sources = smooth_noise((2, 2, 40, 48), 3)
    value = loss_of(DifferenceCorrelationLoss(), sources.sum(axis=1, keepdims=True), sources)
    assert value == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("term", TERMS)
def test_worse_is_larger(term):
    sources = smooth_noise((1, 2, 40, 48), 4)
    good = sources.max(axis=1, keepdims=True)
    noise = np.random.default_rng(0).standard_normal(good.shape)
    assert loss_of(term(), good + noise, sources) > loss_of(term(), good, sources) + 0.01


@pytest.mark.parametrize(("term", "channels"), CHANNELS.items())
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("fused", "source"), [(0.0, 0.0), (1.0, 1.0), (0.3, 0.7), (0.0, None), (None, 0.0), (2.0, 0.5)]
)
def test_gradients_are_finite(term, channels, dtype, fused, source):
    def picture(value, channels):
        if value is None:
            noise = smooth_noise((2, channels, 32, 40), 5)
            return torch.from_numpy(noise).to(dtype)
        return torch.full((2, channels, 32, 40), value, dtype=dtype)

    pred = picture(fused, channels).requires_grad_()
    loss = FusionLoss([{"weight": 1.0, "term": term()}])(pred, picture(source, 2))
    loss.backward()
    assert torch.isfinite(loss)
    assert loss.dtype == torch.float32
    assert pred.grad.dtype == dtype
    assert torch.isfinite(pred.grad).all()


def test_reduced_precision_loses_nothing_in_the_sum():
    fused, sources = (torch.from_numpy(x).bfloat16() for x in make())
    criterion = FusionLoss([{"weight": 2.0, "term": term()} for term in TERMS])
    assert torch.equal(criterion(fused, sources), criterion(fused.float(), sources.float()))


def test_terms_add_up_by_weight():
    fused, sources = make()
    weighted = {IntensityLoss: 20.0, GradientMagnitudeLoss: 10.0, RangeLoss: 0.5}
    criterion = FusionLoss([{"weight": w, "term": t()} for t, w in weighted.items()])
    expected = sum(w * loss_of(t(), fused, sources) for t, w in weighted.items())
    assert loss_of(criterion, fused, sources) == pytest.approx(expected, rel=1e-5)
    assert loss_of(FusionLoss([{"weight": 0, "term": RangeLoss()}]), fused, sources) == 0


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


def test_a_weight_by_task_counts_for_pairs_of_that_task():
    generator = torch.Generator().manual_seed(0)
    pred = torch.rand(3, 1, 16, 16, generator=generator)
    sources = torch.rand(3, 2, 16, 16, generator=generator)
    criterion = FusionLoss([{"weight": {"ct-mri": 2.0, "spect-mri": 5.0}, "term": IntensityLoss()}])
    sources.tasks = ["ct-mri", "pet-mri", "spect-mri"]
    first, _, third = (
        IntensityLoss()(pred[i : i + 1], sources[i : i + 1]).item() for i in range(3)
    )
    expected = (2.0 * first + 5.0 * third) / 3
    assert criterion(pred, sources).item() == pytest.approx(expected, rel=1e-5)


def test_a_weight_by_task_needs_the_tasks():
    criterion = FusionLoss([{"weight": {"ct-mri": 2.0}, "term": IntensityLoss()}])
    with pytest.raises(ValueError, match="tasks of all 1 pairs"):
        criterion(torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8))


@pytest.mark.parametrize("edge", [10, 3])
def test_an_image_smaller_than_the_window_is_refused(edge):
    with pytest.raises(ValueError, match=f"window of 11 does not fit into {edge} pixels"):
        local_mean(torch.rand(1, 1, 32, edge), gaussian_window(11))
