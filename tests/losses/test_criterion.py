"""Terms add up to a criterion, by weight and task."""

from __future__ import annotations

import pytest
import torch
from smooth_pictures import loss_of, make

from mactfusion.losses import FusionLoss, GradientMagnitudeLoss, IntensityLoss, RangeLoss


def test_terms_add_up_by_weight():
    fused, sources = make()
    weighted = {IntensityLoss: 20.0, GradientMagnitudeLoss: 10.0, RangeLoss: 0.5}
    criterion = FusionLoss([{"weight": w, "term": t()} for t, w in weighted.items()])
    expected = sum(w * loss_of(t(), fused, sources) for t, w in weighted.items())
    assert loss_of(criterion, fused, sources) == pytest.approx(expected, rel=1e-5)
    assert loss_of(FusionLoss([{"weight": 0, "term": RangeLoss()}]), fused, sources) == 0


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
