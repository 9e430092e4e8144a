"""The bundle is what MONAI's tools expect of one."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_metadata, verify_net_in_out

import mactfusion
from mactfusion.errors import InputError
from mactfusion.networks.pixel_weights import PixelWeights
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.recipe import own_errors
from mactfusion.weights import load_weights

SCHEMA = Path(__file__).with_name("metadata_schema.json")


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """MONAI's commands set up logging for the whole process."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    "files",
    [
        ["train"],
        ["train", "select_by_quality"],
        ["train", "mactfusion"],
        ["train", "mactfusion", "train_quality"],
        ["train", "mactfusion", "ablations/mactfusion_loss_without_gradient"],
        ["train", "mactfusion", "ablations/mactfusion_without_adaptive_fusion"],
    ],
)
def test_training_has_every_required_property(bundle, slices, tmp_path, files):
    workflow = ConfigWorkflow(
        config_file=[str(bundle / "configs" / f"{name}.yaml") for name in files],
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=str(bundle / "configs" / "logging.conf"),
        workflow_type="train",
        bundle_root=str(bundle),
        dataset_dir=str(slices),
        output_dir=str(tmp_path),
        val_every_case=2,
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.max_epochs == (30 if "mactfusion" in files else 16)
    workflow.finalize()


def test_inference_has_every_required_property(bundle, pair):
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.yaml"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=str(bundle / "configs" / "logging.conf"),
        workflow_type="inference",
        bundle_root=str(bundle),
        anatomical=str(pair[0]),
        partner=str(pair[1]),
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert isinstance(workflow.network_def, PixelWeights)
    workflow.finalize()


def test_one_volume_in_both_roles_is_refused(bundle, pair):
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.yaml"),
        workflow_type="inference",
        logging_file=False,
        bundle_root=str(bundle),
        anatomical=str(pair[0]),
        partner=str(pair[0]),
        task="mr-mr",
    )
    workflow.initialize()
    sentence = "mr.nii.gz and mr.nii.gz are the same volume: give each once"
    with pytest.raises(InputError, match=sentence), own_errors():
        workflow.run()
    workflow.finalize()


@pytest.mark.parametrize("config", ["inference", "train"])
@pytest.mark.parametrize("n", [1, 4])
def test_network_takes_and_gives_what_the_metadata_says(bundle, config, n):
    arguments = {
        "meta_file": str(bundle / "configs" / "metadata.json"),
        "config_file": str(bundle / "configs" / f"{config}.yaml"),
        "device": "cpu",
        "n": n,
    }
    verify_net_in_out("network_def", **arguments)
    wrong = {"_meta_#network_data_format#outputs#pred#num_channels": 2}
    with pytest.raises(ValueError, match="output channel number `1`"):
        verify_net_in_out("network_def", **arguments, **wrong)


def test_metadata_is_complete(bundle, tmp_path):
    path = bundle / "configs" / "metadata.json"
    # A schema that is there already is not downloaded.
    verify_metadata(str(path), filepath=str(SCHEMA))
    metadata = json.loads(path.read_text())
    for key in json.loads(SCHEMA.read_text())["required"]:
        broken = {name: value for name, value in metadata.items() if name != key}
        (tmp_path / "metadata.json").write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=key):
            verify_metadata(str(tmp_path / "metadata.json"), filepath=str(SCHEMA))


def test_metadata_names_this_version(bundle):
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert metadata["version"] == mactfusion.__version__
    assert metadata["version"] in metadata["changelog"]
    assert metadata["network_data_format"]["inputs"]["image"]["num_channels"] == 2


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        "configs/evaluate.yaml",
        "configs/inference.yaml",
        "configs/logging.conf",
        "configs/metadata.json",
        "configs/multi_gpu_train.yaml",
        "configs/train.yaml",
        "docs/README.md",
        "docs/data_license.txt",
        "models/model.pt",
        "models/mactfusion_plus.pt",
        "models/mactfusion_plus-ct-mri.pt",
        "models/SHA256SUMS",
    ],
)
def test_every_part_of_a_bundle_is_there(bundle, name):
    assert (bundle / name).stat().st_size > 0


def test_no_file_is_too_large_for_the_model_zoo(bundle):
    files = [p for p in bundle.rglob("*") if p.is_file() and "runs" not in p.parts]
    assert [str(p) for p in files if p.stat().st_size > 25e6] == []


def test_shipped_weights_are_those_of_the_list(bundle):
    lines = (bundle / "models" / "SHA256SUMS").read_text().splitlines()
    listed = {line.split()[1]: line.split()[0] for line in lines}
    for weights in (bundle / "models").glob("*.pt"):
        assert listed.pop(weights.name) == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert not listed


@pytest.mark.parametrize("file", MODELS[DEFAULT_MODEL].weight_files())
def test_shipped_weights_fuse(bundle, file):
    network = load_weights(PixelWeights(), bundle / "models" / file)
    image = torch.rand(1, 2, 24, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        fused = network(image)
    assert torch.isfinite(fused).all()
    assert fused.std() > 0


def test_paths_derive_from_the_bundle(bundle):
    files = sorted((bundle / "configs").rglob("*.yaml"))
    assert len(files) > 10
    for file in files:
        text = file.read_text()
        assert str(bundle.parent) not in text
        assert "/home/" not in text
        assert ConfigParser.load_config_file(file)
