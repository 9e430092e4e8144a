"""A new network is one file, one line of the registry, one override file and its weights."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_network
import torch
import yaml
from monai.bundle import ConfigParser

from mactfusion import bundle as place
from mactfusion import fuse_volumes, recipe
from mactfusion.networks.registry import MODELS
from mactfusion.weights import check_weights, save_state
from mactfusion.worker import machine
from training import publish_weights
from training.comparison import checkpoints

BUNDLE = place.bundle_root()
OVERRIDE = {"model": tiny_network.NAME, "network_def": {"_target_": "tiny_network.Tiny"}}


@pytest.fixture
def bundle(tmp_path_factory, monkeypatch):
    """A bundle to which ``tiny_network.py`` was added as CONTRIBUTING says; nothing else."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(BUNDLE / "configs", folder / "configs")
    (folder / "models").mkdir()
    for module in (place, recipe, machine, checkpoints, publish_weights):
        monkeypatch.setattr(module, "bundle_root", lambda: folder)
    monkeypatch.setitem(MODELS, tiny_network.NAME, tiny_network.MODEL)
    (folder / "configs" / "tiny.yaml").write_text(yaml.safe_dump(OVERRIDE))
    torch.manual_seed(1)
    trained = tmp_path_factory.mktemp("trained") / "model.pt"
    save_state(tiny_network.Tiny().state_dict(), trained)
    publish_weights.publish(trained, name=tiny_network.MODEL.weights)
    return folder


@pytest.fixture
def expected(bundle, files):
    """What the network makes of the two files."""
    result = fuse_volumes("mr.nii.gz", "pet.nii.gz", task="pet-mri", model="tiny", device="cpu")
    assert result.model == "tiny"
    assert result.fused.std() > 0.01
    return result


def read(bundle, *names, **options):
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / f"{name}.yaml") for name in names])
    parser.update({"bundle_root": str(bundle), "device": torch.device("cpu"), **options})
    return parser


def test_command_line(bundle, expected, run_command, pet_mri, files):
    outcome = run_command("models")
    assert "\ntiny\n" in outcome.out
    assert "  weights   tiny.pt\n" in outcome.out
    for options in (["--model", "tiny"], ["--weights", bundle / "models" / "tiny.pt"]):
        outcome = run_command(
            *pet_mri, "-o", "a.nii.gz", "--overwrite", "--device", "cpu", *options
        )
        assert outcome.code == 0, outcome.err
        record = json.loads((files / "a.nii.gz.json").read_text())
        assert record["options"]["model"] == "tiny"
        assert record["weights"] == expected.record["weights"]


def test_bundle(bundle, expected, files):
    sources = {"anatomical": "mr.nii.gz", "partner": "pet.nii.gz", "task": "pet-mri"}
    configured = read(bundle, "inference", "tiny", **sources, output="fused.nrrd", dtype="float32")
    configured["luminance"] = True
    configured.get_parsed_content("run")
    record = json.loads((files / "fused.nrrd.json").read_text())
    assert record["options"]["model"] == "tiny"
    assert record["weights"] == expected.record["weights"]


def test_training_and_evaluation(bundle):
    for names in (("train", "tiny"), ("evaluate", "tiny")):
        network = read(bundle, *names).get_parsed_content("network")
        assert isinstance(network, tiny_network.Tiny), names


def test_comparison_and_panel(bundle):
    file = bundle / "models" / "tiny.pt"
    model, network = checkpoints.load_network(file)
    assert model is tiny_network.MODEL
    assert isinstance(network, tiny_network.Tiny)
    (entry,) = [entry for entry in machine.models() if entry["name"] == "tiny"]
    assert entry["weights"] == [
        {"path": str(file), "tasks": ["ct-mri"], "sha256": check_weights(file), "problem": ""}
    ]
