"""The metrics as MONAI and ignite see them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.handlers import IgniteMetricHandler

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS
from mactfusion.metrics.cumulative import FusionMetric, metric_handlers


@pytest.fixture
def batch():
    """``(fused, sources)``: three pairs on 8-bit levels, the second pair blank."""
    sources = (
        torch.randint(0, 256, (3, 2, 44, 46), generator=torch.Generator().manual_seed(0)) / 255
    )
    sources[1, 0], sources[1, 1] = 0, 0.2
    fused = (sources.mean(dim=1, keepdim=True) * 255).round() / 255
    return fused, sources


def expected(name, fused, sources):
    levels = [np.round(values.numpy().astype(float) * 255) for values in (fused, sources)]
    return [METRICS[name](levels[0][i, 0], *levels[1][i]) for i in (0, 2)]


@pytest.mark.parametrize("name", ["SCD", "VIF", "EN"])
def test_values_are_those_of_the_pictures(name, batch):
    metric = FusionMetric([name])
    values = metric(*batch)
    assert values.shape == (3, 1)
    assert values[[0, 2], 0].tolist() == pytest.approx(expected(name, *batch), rel=1e-6)
    assert values[1].isnan()
    assert metric.aggregate().item() == pytest.approx(np.mean(expected(name, *batch)), rel=1e-6)


def test_batches_add_up_and_reset_forgets(batch):
    metric = FusionMetric(["SCD"])
    for picture, sources in zip(*batch, strict=True):
        metric([picture], [sources])
    assert metric.aggregate().item() == pytest.approx(np.mean(expected("SCD", *batch)), rel=1e-6)
    metric.reset()
    with pytest.raises(InputError, match="no picture"):
        metric.aggregate()


def test_several_metrics_are_a_column_each_and_one_mean(batch):
    metric = FusionMetric(["SCD", "EN"])
    values = metric(*batch)
    columns = [expected(name, *batch) for name in ("SCD", "EN")]
    assert values[[0, 2]].T.tolist() == [pytest.approx(column, rel=1e-6) for column in columns]
    assert values[1].isnan().all()
    assert metric.aggregate().item() == pytest.approx(np.mean(columns), rel=1e-6)
    assert list(metric_handlers(["SCD", "EN"])) == ["SCD", "EN"]


def test_a_metric_that_is_not_defined_is_not_hidden_in_the_mean(batch, monkeypatch):
    monkeypatch.setitem(METRICS, "EN", lambda *pictures: float("nan"))
    with pytest.raises(InputError, match="EN is not defined"):
        FusionMetric(["SCD", "EN"])(*batch)


def test_a_constant_result_has_a_value(batch):
    fused, sources = batch
    values = FusionMetric(["SCD", "EN"])(torch.full_like(fused, 0.5), sources)
    assert values[[0, 2]].isfinite().all()


def test_raw_output_is_clamped_and_rounded(batch):
    fused, sources = batch
    saved = (fused.clamp(0.3, 0.6) - 0.3) / 0.3
    saved = (saved * 255).round() / 255
    raw = torch.where(saved == 1, 1.7, torch.where(saved == 0, -0.4, saved + 0.4 / 255))
    value = FusionMetric(["SD"])(raw, sources)[0]
    assert value == FusionMetric(["SD"])(saved, sources)[0]


def test_half_precision_and_gradients_are_taken(batch):
    fused, sources = batch
    value = FusionMetric(["SCD"])(fused.bfloat16().requires_grad_(), sources)
    assert value.dtype == torch.float32
    assert value[0].item() == pytest.approx(expected("SCD", *batch)[0], abs=0.01)


def test_only_blank_pairs_have_no_mean():
    metric = FusionMetric(["SCD"])
    metric(torch.rand(2, 1, 44, 44), torch.zeros(2, 2, 44, 44))
    assert metric.aggregate().isnan()


def test_handler_from_a_configuration_reports_the_mean(batch):
    parser = ConfigParser(
        {
            "handler": {
                "_target_": "mactfusion.metrics.cumulative.metric_handler",
                "names": ["MS_SSIM"],
            },
        }
    )
    handler = parser.get_parsed_content("handler")
    assert isinstance(handler, IgniteMetricHandler)
    fused, sources = batch
    engine = Engine(lambda engine, item: [{"pred": item[0], "image": item[1]}])
    engine.state.metric_details = {}
    handler.attach(engine, "ms_ssim")
    state = engine.run(list(zip(fused, sources, strict=True)))
    value = np.mean(expected("MS_SSIM", *batch))
    assert state.metrics["ms_ssim"] == pytest.approx(value, rel=1e-6)
    assert state.metric_details["ms_ssim"].shape == (3, 1)


@pytest.mark.parametrize(
    ("fused", "sources"),
    [
        ((2, 1, 44, 44), (2, 1, 44, 44)),
        ((2, 2, 44, 44), (2, 2, 44, 44)),
        ((1, 44, 44), (2, 44, 44)),
        ((2, 1, 44, 44), (2, 2, 44, 45)),
        ((2, 1, 44, 44), None),
    ],
)
def test_other_shapes_are_refused(fused, sources):
    sources = None if sources is None else torch.rand(sources)
    with pytest.raises(InputError, match="Metrics compare"):
        FusionMetric(["SCD"])(torch.rand(fused), sources)


@pytest.mark.parametrize(("fused", "source"), [(float("nan"), 0.5), (0.5, 1.1), (0.5, -0.1)])
def test_values_off_the_scale_are_refused(fused, source):
    sources = torch.rand(1, 2, 44, 44)
    sources[0, 0, 3, 3] = source
    with pytest.raises(InputError, match="0 to 255"):
        FusionMetric(["SCD"])(torch.full((1, 1, 44, 44), fused), sources)


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="no metric RQ"):
        FusionMetric(["SCD", "RQ"])
