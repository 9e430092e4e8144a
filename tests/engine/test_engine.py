"""What the training configuration adds to MONAI's engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.metrics import Loss
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import from_engine
from PIL import Image
from torch import nn

from mactfusion.engine import (
    AutocastInferer,
    BestMetric,
    ClipGradients,
    FusionFigure,
    SaveBest,
    prepare_pair,
)


class Scale(nn.Module):
    """Twice the mean of both sources, times a factor to learn."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([factor]))

    def forward(self, image):
        return self.factor * image.sum(dim=1, keepdim=True)


def batches(count, value=1.0, size=(8, 8)):
    return [{"image": torch.full((1, 2, *size), float(value))} for _ in range(count)]


def make_evaluator(network, data, **options):
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=data,
        network=network,
        prepare_batch=prepare_pair,
        key_val_metric={
            "val_loss": Loss(
                lambda pred, sources: (pred[0] - 1).abs().mean(),
                output_transform=from_engine(["pred", "label"]),
                batch_size=len,
            )
        },
        metric_cmp_fn=lambda current, best: current < best,
        **options,
    )


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level("CRITICAL")


def test_the_image_is_its_own_label():
    image = torch.rand(1, 2, 8, 8)
    inputs, label = prepare_pair({"image": image}, device="cpu", non_blocking=True)
    assert inputs is label
    assert torch.equal(inputs, image)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_precision_inside_and_outside(precision, dtype):
    network = nn.Conv2d(2, 1, 1)
    seen = []

    def watched(image, *args):
        seen.append(network(image).dtype)
        return network(image)

    result = AutocastInferer(precision)(torch.rand(1, 2, 4, 4), watched)
    assert seen == [dtype]
    assert result.dtype == dtype
    assert network(torch.rand(1, 2, 4, 4)).dtype == torch.float32


@pytest.mark.parametrize(
    ("capability", "dtype"), [("AVX512", torch.bfloat16), ("AVX2", torch.float32)]
)
def test_bfloat16_is_chosen_where_the_processor_is_fast_at_it(monkeypatch, capability, dtype):
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    result = AutocastInferer("auto")(torch.rand(1, 2, 4, 4), nn.Conv2d(2, 1, 1))
    assert result.dtype == dtype


@pytest.mark.parametrize(("max_norm", "step"), [(1.0, 1.0), (0.25, 0.25), (1e9, 128.0)])
def test_gradients_are_clipped_before_the_step(max_norm, step):
    network = Scale()
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=batches(1),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        loss_function=lambda pred, _: pred.sum(),  # gradient: 8 * 8 * 2
        prepare_batch=prepare_pair,
        train_handlers=[ClipGradients(network, max_norm)],
    )
    trainer.run()
    assert float(1 - network.factor) == pytest.approx(step, rel=1e-4)


def test_best_metric_round_trip():
    evaluator = make_evaluator(Scale(), batches(2))
    evaluator.run(7)
    state = BestMetric(evaluator).state_dict()
    assert state == {"best_metric": pytest.approx(1.0), "epoch": 7}
    other = make_evaluator(Scale(), batches(2))
    BestMetric(other).load_state_dict(state)
    assert BestMetric(other).state_dict() == state


def test_a_worse_validation_after_resuming_keeps_the_best_weights(tmp_path):
    model, checkpoint = tmp_path / "model.pt", tmp_path / "checkpoint.pt"

    def validate(factor, epoch, resume):
        network = Scale(factor)
        evaluator = make_evaluator(network, batches(2), val_handlers=[SaveBest(network, model)])
        best = BestMetric(evaluator)
        engine = Engine(lambda *_: evaluator.run(epoch))
        if resume:
            best.load_state_dict(torch.load(checkpoint, weights_only=True)["best"])
        engine.run([0])
        torch.save({"best": best.state_dict()}, checkpoint)
        return evaluator.state.best_metric, float(torch.load(model)["factor"])

    assert validate(0.6, 1, resume=False) == pytest.approx((0.2, 0.6))
    assert validate(1.0, 2, resume=True) == pytest.approx((0.2, 0.6))  # worse: 1.0
    assert validate(0.45, 3, resume=True) == pytest.approx((0.1, 0.45))  # better


def test_only_the_best_of_several_validations_is_kept(tmp_path):
    network = Scale()
    model = tmp_path / "model.pt"
    evaluator = make_evaluator(network, batches(2), val_handlers=[SaveBest(network, model)])
    kept = []
    for epoch, factor in enumerate((0.8, 0.6, 0.9, 0.5), start=1):
        network.factor.data.fill_(factor)
        evaluator.run(epoch)
        kept.append(float(torch.load(model)["factor"]))
    assert kept == pytest.approx([0.8, 0.6, 0.6, 0.5])


def test_best_metric_before_the_first_validation_lets_any_validation_win():
    fresh = BestMetric(make_evaluator(Scale(), batches(1))).state_dict()
    evaluator = make_evaluator(Scale(), batches(1))
    BestMetric(evaluator).load_state_dict(fresh)
    evaluator.run(1)
    assert evaluator.state.best_metric == pytest.approx(1.0)
    assert math.isfinite(evaluator.state.best_metric)


def test_figure_shows_rows_of_both_sources_and_the_fused_slice(tmp_path):
    data = batches(4, 0.25, (8, 12))
    evaluator = make_evaluator(
        Scale(),
        data,
        val_handlers=[FusionFigure(tmp_path / "figures", rows=2)],
        decollate=False,
    )
    evaluator.run(3)
    evaluator.run(4)
    files = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert files == ["validation_0003.png", "validation_0004.png"]
    pixels = np.asarray(Image.open(tmp_path / "figures" / files[0]))
    assert pixels.shape == (2 * 8, 3 * 12)
    assert (pixels[:, :24] == 64).all()
    assert (pixels[:, 24:] == 128).all()
