"""MONAI's client for federated learning, as NVIDIA FLARE runs it, trains the bundle as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems, FlStatistics, ModelType, WeightType
from monai.fl.utils.exchange_object import ExchangeObject
from PIL import Image

from mactfusion.networks.pixel_weights import PixelWeights

STEPS = 2
METRICS = {"SCD", "MS_SSIM", "Qabf", "Qw", "VIF"}


@pytest.fixture
def hospital(tmp_path):
    """Make the slices of one hospital: ``hospital("CT", 3)``, with a seed."""

    def make(partner, seed):
        rng = np.random.default_rng(seed)
        folder = tmp_path / f"hospital {seed}"
        for split in ("train", "test"):
            for modality in ("MRI", partner):
                target = folder / f"{partner}-MRI" / split / modality
                target.mkdir(parents=True)
                for name in ("1001", "2001"):
                    pixels = rng.integers(0, 256, (48, 64), dtype=np.uint8)
                    Image.fromarray(pixels).save(target / f"{name}.png")
        return folder

    return make


@pytest.fixture
def client(bundle, tmp_path):
    """Make a client of the federation, with the bundle somewhere else than its results."""
    clients = []

    def make(name, data, **more):
        training = {
            "dataset_dir": str(data),
            "output_dir": str(tmp_path / name),
            "device": "cpu",
            "crop": [32, 32],
            "val_every_case": 2,
            "warmup_steps": 0,
            "epoch_length": STEPS,
        }
        algo = MonaiAlgo(
            bundle_root=bundle.name,
            local_epochs=1,
            send_weight_diff=False,
            best_model_filepath=str(tmp_path / name / "model.pt"),
            train_kwargs=training,
            **more,
        )
        with pytest.warns(UserWarning, match="provisioned by the FL system"):
            algo.initialize({ExtraItems.CLIENT_NAME: name, ExtraItems.APP_ROOT: str(bundle.parent)})
        clients.append(algo)
        return algo

    yield make
    for algo in clients:
        algo.finalize()


def state_of(folder):
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_two_hospitals_train_a_round_and_one_scores_the_mean(bundle, hospital, client, tmp_path):
    before = state_of(bundle)
    scores = {
        "dataset_dir": str(hospital("CT", 3)),
        "output_dir": str(tmp_path / "scores"),
        "device": "cpu",
    }
    first = client(
        "first",
        scores["dataset_dir"],
        config_evaluate_filename="configs/evaluate.json",
        eval_workflow_name="evaluation",
        eval_kwargs=scores,
    )
    second = client("second", hospital("PET", 4), config_evaluate_filename=None)

    start = {name: value.clone() for name, value in PixelWeights().state_dict().items()}
    sent = []
    for algo in (first, second):
        algo.train(ExchangeObject(weights=start))
        trained = algo.get_weights()
        assert trained.weight_type == WeightType.WEIGHTS
        assert trained.statistics[FlStatistics.NUM_EXECUTED_ITERATIONS] == STEPS
        assert trained.weights.keys() == start.keys()
        assert all(torch.isfinite(value).all() for value in trained.weights.values())
        assert any(not torch.equal(trained.weights[name], start[name]) for name in start)
        sent.append({name: value.clone() for name, value in trained.weights.items()})
    assert any(not torch.equal(sent[0][name], sent[1][name]) for name in start)

    mean = {name: sum(weights[name] for weights in sent) / 2 for name in start}
    found = first.evaluate(ExchangeObject(weights=mean)).metrics
    assert found.keys() == METRICS
    assert np.isfinite(list(found.values())).all()
    loaded = first.evaluator.network.state_dict()
    assert all(torch.allclose(loaded[name], mean[name]) for name in mean)
    other = first.evaluate(ExchangeObject(weights=start)).metrics
    assert other != found

    first.train(ExchangeObject(weights=mean))  # the next round
    assert first.get_weights().statistics[FlStatistics.NUM_EXECUTED_ITERATIONS] == STEPS
    best = first.get_weights({ExtraItems.MODEL_TYPE: ModelType.BEST_MODEL}).weights
    PixelWeights().load_state_dict(best)
    assert state_of(bundle) == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_without_a_choice_the_criterion_is_what_is_scored(hospital, client, tmp_path):
    """MONAI then asks for the evaluator of the training."""
    data = hospital("CT", 5)
    words = {"dataset_dir": str(data), "val_every_case": 2, "device": "cpu"}
    algo = client("alone", data, eval_kwargs={**words, "output_dir": str(tmp_path / "both")})
    weights = {name: value.clone() for name, value in algo.trainer.network.state_dict().items()}
    (name,) = found = algo.evaluate(ExchangeObject(weights=weights)).metrics
    assert name == "val_loss"
    assert found[name] > 0
