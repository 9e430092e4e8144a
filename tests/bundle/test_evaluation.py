"""Scores of weights on a folder of pairs."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from mactfusion.engine.pairs import LoadPaird, scored_pairs
from mactfusion.errors import InputError
from mactfusion.metrics import METRICS
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import load_weights, save_state

NAMES = ["SCD", "Qabf"]


@pytest.fixture(scope="module")
def folder(slices, tmp_path_factory):
    """The training pairs of the small split, as test pairs."""
    folder = tmp_path_factory.mktemp("pairs")
    for task in slices.iterdir():
        shutil.copytree(task / "train", folder / task.name / "test")
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    save_state(MACTFusion().state_dict(), path)
    return path


def make_workflow(bundle, folder, weights, output, models=("mactfusion",), **options):
    return ConfigWorkflow(
        config_file=[str(bundle / "configs" / f"{name}.yaml") for name in ("evaluate", *models)],
        meta_file=str(bundle / "configs" / "metadata.json"),
        workflow_type="inference",
        logging_file=False,
        bundle_root=str(bundle),
        dataset_dir=str(folder),
        output_dir=str(output),
        **({"weights": str(weights)} if weights else {}),
        device="cpu",
        metrics=NAMES,
        **options,
    )


def test_scores_are_those_of_the_stored_picture(bundle, folder, weights, tmp_path):
    workflow = make_workflow(bundle, folder, weights, tmp_path, task="pet-mri")
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()
    workflow.finalize()
    network = load_weights(MACTFusion(), weights)
    expected = []
    for pair in scored_pairs(folder, task="pet-mri"):
        image = LoadPaird()(dict(pair))["image"]
        with torch.no_grad():
            fused = network(image[None])[0]
        pictures = np.round(255 * torch.cat([fused, image]).clamp(0, 1).numpy())
        expected.append([METRICS[name](*pictures) for name in NAMES])
    assert len(expected) == 4
    means = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    for place, name in enumerate(NAMES):
        with (tmp_path / f"{name}_raw.csv").open() as lines:
            rows = list(csv.DictReader(lines))
        assert [row["filename"][-8:] for row in rows] == [
            f"{n}.png" for n in (1001, 1002, 2001, 2002)
        ]
        values = [float(row["class0"]) for row in rows]
        assert values == pytest.approx([row[place] for row in expected], abs=1e-6)
        assert float(means[name]) == pytest.approx(np.mean(values), abs=1e-6)


def test_the_shipped_weights_fit_the_default_network(bundle, folder, tmp_path):
    workflow = make_workflow(bundle, folder, None, tmp_path, models=())
    workflow.initialize()
    expected = MODELS[DEFAULT_MODEL]
    assert type(workflow.parser.get_parsed_content("network")) is expected.network
    assert workflow.parser["model"] == DEFAULT_MODEL


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_be_scored(bundle, folder, tmp_path, name):
    torch.manual_seed(0)
    weights = tmp_path / "model.pt"
    save_state(MODELS[name].network().state_dict(), weights)
    workflow = make_workflow(bundle, folder, weights, tmp_path, models=(name,))
    workflow.initialize()
    assert type(workflow.parser.get_parsed_content("network")) is MODELS[name].network


def test_every_task_without_a_choice(folder):
    assert [pair["task"] for pair in scored_pairs(folder)] == ["ct-mri"] * 4 + ["pet-mri"] * 4
    with pytest.raises(InputError, match="no test pairs of the task mr-mr"):
        scored_pairs(folder, task="mr-mr")
