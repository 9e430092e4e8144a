"""What holds for every term of a criterion."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from smooth_pictures import loss_of, make, smooth_noise

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


@pytest.mark.parametrize(
    "term", [t for t in CHANNELS if t not in (DifferenceCorrelationLoss, EdgePreservationLoss)]
)
def test_nothing_to_improve_where_both_sources_are_the_fused_picture(term):
    image = smooth_noise((2, 1, 40, 48), 3)
    value = loss_of(term(), image, np.repeat(image, 2, axis=1))
    assert value == pytest.approx(0, abs=1e-5)


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


@pytest.mark.parametrize("edge", [10, 3])
def test_an_image_smaller_than_the_window_is_refused(edge):
    with pytest.raises(ValueError, match=f"window of 11 does not fit into {edge} pixels"):
        local_mean(torch.rand(1, 1, 32, edge), gaussian_window(11))
