"""The bundle runs as the README says, from the project and after being copied elsewhere alone."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mactfusion.cli import app
from mactfusion.networks import MACTFusion
from mactfusion.weights import load_weights

pytestmark = pytest.mark.slow

SMALL = (
    *("--config_file", "configs/train.yaml", "--epoch_length", 2, "--batch_size", 2),
    *("--crop", "[32,32]", "--val_every_case", 2, "--warmup_steps", 1, "--device", "cpu"),
)


def test_inference_from_the_project_equals_the_command_line(bundle, run_bundle, pair, tmp_path):
    mr, pet = pair
    ours, theirs = tmp_path / "bundle.nii.gz", tmp_path / "command.nii.gz"
    run_bundle(
        bundle.parent,
        *("run", "--config_file", "monai_bundle/configs/inference.yaml"),
        *("--anatomical", mr, "--partner", pet, "--output", ours, "--task", "pet-mri"),
    )
    result = CliRunner().invoke(
        app, ["fuse", str(mr), str(pet), "-o", str(theirs), "--task", "pet-mri", "--quiet"]
    )
    assert result.exit_code == 0
    first, second = nib.load(ours), nib.load(theirs)
    assert np.array_equal(np.asarray(first.dataobj), np.asarray(second.dataobj))
    assert np.array_equal(first.affine, second.affine)
    assert np.ptp(np.asarray(first.dataobj)["R"]) > 0
    np.testing.assert_allclose(first.affine, nib.load(mr).affine, atol=1e-5)


def test_inference_of_the_copied_folder(bundle_alone, copy_version, run_bundle, pair, tmp_path):
    output = tmp_path / "fused.nrrd"
    run_bundle(
        bundle_alone,
        *("run", "inference", "--config_file", "configs/inference.yaml"),
        *("--dataset_dir", pair[0].parent),
        *("--anatomical", pair[0].name, "--partner", pair[1].name, "--output", output),
        *("--task", "pet-mri", "--device", "$torch.device('cpu')"),
    )
    assert output.stat().st_size > 100
    record = json.loads(output.with_suffix(".json").read_text())
    assert record["versions"]["mactfusion"] == copy_version
    assert record["task"] == "pet-mri"


@pytest.fixture(scope="module")
def trained(bundle_alone, run_bundle, slices, tmp_path_factory):
    """Two epochs of two steps in the copied folder, by the older run id."""
    folder = tmp_path_factory.mktemp("trained")
    run_bundle(
        bundle_alone,
        *("run", "training", *SMALL, "--dataset_dir", slices, "--output_dir", folder),
        *("--epochs", 2),
    )
    return folder


def latest_checkpoint(folder):
    return torch.load(folder / "checkpoints" / "checkpoint.pt", weights_only=True)


def test_training_ends_in_weights_and_a_checkpoint(trained):
    network = load_weights(MACTFusion(), trained / "model.pt")
    assert all(torch.isfinite(p).all() for p in network.parameters())
    checkpoint = latest_checkpoint(trained)
    assert checkpoint["iteration"] == 4
    assert checkpoint["best"]["epoch"] in (1, 2)
    assert np.isfinite(checkpoint["best"]["best_metric"])
    assert sorted(p.name for p in (trained / "figures").iterdir()) == [
        "validation_0001.png",
        "validation_0002.png",
    ]


def test_the_same_command_resumes(bundle_alone, run_bundle, slices, trained):
    before = latest_checkpoint(trained)
    log = run_bundle(
        bundle_alone,
        *("run", *SMALL, "--dataset_dir", slices, "--output_dir", trained, "--epochs", 3),
    )
    assert "Going on from" in log
    after = latest_checkpoint(trained)
    assert after["iteration"] == 6
    assert after["best"]["best_metric"] <= before["best"]["best_metric"]
    assert (trained / "figures" / "validation_0003.png").is_file()
    steps = [s["optimizer"]["state"][0]["step"] for s in (before, after)]
    assert steps == [4, 6]


def test_without_data_the_synthetic_heads_serve(bundle_alone, run_bundle, tmp_path):
    """With the project's own criterion laid over, and one head held out."""
    run_bundle(
        bundle_alone,
        *("run", *SMALL, "--config_file", "['configs/train.yaml','configs/train_quality.yaml']"),
        *("--output_dir", tmp_path, "--epochs", 1, "--epoch_length", 1, "--val_every_case", 48),
    )
    assert latest_checkpoint(tmp_path)["iteration"] == 1
    load_weights(MACTFusion(), tmp_path / "model.pt")
