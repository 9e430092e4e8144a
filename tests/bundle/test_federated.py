"""Two clients of a federated training, MONAI's ``MonaiAlgo``, with the bundle as it is."""

from __future__ import annotations

import math
import multiprocessing
import shutil
import sys

import numpy as np
import pytest
import torch
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems, FlStatistics, ModelType, WeightType
from monai.fl.utils.exchange_object import ExchangeObject
from monai.networks.utils import get_state_dict
from monai.utils import set_determinism
from PIL import Image

pytestmark = pytest.mark.slow

STEPS, EPOCHS = 2, 2
"""Of a round, and of all rounds."""


@pytest.fixture
def left_as_it_was(monkeypatch):
    """What a client changes of its process, which it has for itself."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    set_determinism(seed=None)


@pytest.fixture
def sites(slices, tmp_path):
    """Folders with the pairs of two hospitals."""
    folders = [shutil.copytree(slices, tmp_path / name / "pairs") for name in ("north", "south")]
    for path in folders[1].rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path)) // 2).save(path)
    return folders


@pytest.fixture
def clients(bundle, sites, left_as_it_was):
    """``clients(**how)``: one client for each site."""

    def make(**how):
        made = []
        for folder in sites:
            output = folder.parent / "out"
            words = {
                "dataset_dir": str(folder),
                "output_dir": str(output),
                "device": "cpu",
                "epochs": EPOCHS,
                "epoch_length": STEPS,
                "average_decay": 0,
                "num_workers": 1,
                "crop": [32, 32],
                "val_every_case": 2,
                "warmup_steps": 0,
            }
            client = MonaiAlgo(
                bundle_root=str(bundle),
                train_kwargs=dict(words),
                eval_kwargs=dict(words),
                best_model_filepath=str(output / "model.pt"),
                **how,
            )
            client.initialize(extra={ExtraItems.CLIENT_NAME: folder.parent.name})
            made.append(client)
        return made

    return make


def copied(weights):
    return {name: tensor.clone() for name, tensor in weights.items()}


def largest_difference(first, second):
    assert set(first) == set(second)
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.mark.parametrize("evaluated_by", ["default", "configs/train.json"])
def test_two_clients_train_in_rounds_on_merged_weights(clients, evaluated_by):
    before = set(multiprocessing.active_children())
    both = clients(config_evaluate_filename=evaluated_by)
    starts = [copied(get_state_dict(client.trainer.network)) for client in both]
    assert largest_difference(*starts) == 0
    weights = starts[0]
    for done in (1, 2):
        changes = []
        for client in both:
            client.train(ExchangeObject(weights=copied(weights)))
            sent = client.get_weights()
            assert sent.weight_type == WeightType.WEIGHT_DIFF
            assert sent.statistics[FlStatistics.NUM_EXECUTED_ITERATIONS] == STEPS
            own = get_state_dict(client.trainer.network)
            arrived = {name: weights[name] + sent.weights[name] for name in weights}
            assert largest_difference(arrived, own) < 1e-6
            assert client.trainer.state.epoch == done
            changes.append(sent.weights)
        assert largest_difference(*changes) > 1e-5
        assert all(torch.as_tensor(change).isfinite().all() for change in changes[0].values())
        weights = {
            name: weights[name] + (changes[0][name] + changes[1][name]) / 2 for name in weights
        }
    assert largest_difference(weights, starts[0]) > 1e-4
    losses = []
    for shared in (weights, starts[0]):
        found = [client.evaluate(ExchangeObject(weights=copied(shared))) for client in both]
        losses.append([one.metrics["val_loss"] for one in found])
        for client in both:
            assert largest_difference(get_state_dict(client.evaluator.network), shared) == 0
    assert all(math.isfinite(loss) for pair in losses for loss in pair)
    assert losses[0][0] != losses[0][1]  # each on its own pairs
    assert losses[0] != losses[1]
    for client in both:
        best = client.get_weights(extra={ExtraItems.MODEL_TYPE: ModelType.BEST_MODEL})
        assert set(best.weights) == set(weights)
        client.finalize()
    assert set(multiprocessing.active_children()) <= before
