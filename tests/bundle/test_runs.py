"""The bundle runs as the README says, from the project and after being copied elsewhere alone."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from typer.testing import CliRunner

from mactfusion import fuse_volumes
from mactfusion.cli import app
from mactfusion.errors import InputError
from mactfusion.io.names import sidecar_path
from mactfusion.networks.pixel_weights import PixelWeights
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import load_weights, save_state

pytestmark = pytest.mark.slow

SMALL = (
    *("--config_file", "configs/train.yaml", "--epoch_length", 2, "--batch_size", 2),
    *("--crop", "[32,32]", "--val_every_case", 2, "--warmup_steps", 1, "--device", "cpu"),
)


@pytest.mark.parametrize("model", ["default", "mactfusion", "cminet"])
def test_bundle_command_and_function_give_the_same_voxels(
    model, bundle, run_bundle, pair, tmp_path
):
    mr, pet = pair
    ours, theirs, third = (tmp_path / f"{name}.nii.gz" for name in ("bundle", "command", "python"))
    configs, options = ["inference"], {"task": "pet-mri"}
    if model != "default":
        configs.append(model)
        torch.manual_seed(0)
        options |= {"model": model, "weights": tmp_path / "weights.pt"}
        save_state(MODELS[model].network().state_dict(), options["weights"])
    files = [f"monai_bundle/configs/{name}.yaml" for name in configs]
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    run_bundle(
        bundle.parent,
        *("run", "--config_file", str(files), "--anatomical", mr, "--partner", pet),
        *("--output", ours, "--device", "$torch.device('cpu')", *words),
    )
    command = ["fuse", str(mr), str(pet), "-o", str(theirs), "--device", "cpu", *words]
    assert CliRunner().invoke(app, command).exit_code == 0
    result = fuse_volumes(mr, pet, output=third, device="cpu", **options)
    first, *others = (nib.load(path) for path in (ours, theirs, third))
    assert np.ptp(np.asarray(first.dataobj)["R"]) > 0
    np.testing.assert_allclose(first.affine, nib.load(mr).affine, atol=1e-5)
    for other in others:
        assert np.array_equal(np.asarray(first.dataobj), np.asarray(other.dataobj))
        assert np.array_equal(first.affine, other.affine)
    records = [json.loads(sidecar_path(path).read_text()) for path in (ours, theirs, third)]
    expected = DEFAULT_MODEL if model == "default" else model
    assert [record["options"]["model"] for record in records] == [expected] * 3
    for key in ("options", "inputs", "weights", "task", "level_width", "axis", "coverage", "notes"):
        assert [record[key] for record in records] == [result.record[key]] * 3, key


def test_a_model_that_comes_without_weights_says_so(bundle, pair, tmp_path):
    parser = ConfigParser()
    parser.read_config(
        [str(bundle / "configs" / f"{name}.yaml") for name in ("inference", "cminet")]
    )
    parser.update({"bundle_root": str(tmp_path), "task": "pet-mri"})
    network = parser.get_parsed_content("network")
    with pytest.raises(InputError, match="There are no weights of the model cminet"):
        network.settle(["pet-mri"])


def test_inference_of_the_copied_folder(bundle_alone, copy_version, run_bundle, pair, tmp_path):
    output = tmp_path / "fused.nrrd"
    run_bundle(
        tmp_path,
        *("run", "inference", "--config_file", bundle_alone / "configs" / "inference.json"),
        *("--dataset_dir", pair[0].parent),
        *("--anatomical", pair[0].name, "--partner", pair[1].name, "--output", output),
        *("--task", "pet-mri", "--device", "$torch.device('cpu')"),
        anew=True,
    )
    assert output.stat().st_size > 100
    record = json.loads(sidecar_path(output).read_text())
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
    network = load_weights(PixelWeights(), trained / "model.pt")
    assert all(torch.isfinite(p).all() for p in network.parameters())
    checkpoint = latest_checkpoint(trained)
    assert checkpoint["iteration"] == 4
    assert checkpoint["best"]["epoch"] in (1, 2)
    assert np.isfinite(checkpoint["best"]["best_metric"])
    assert sorted(p.name for p in (trained / "figures").iterdir()) == [
        "validation_0001.png",
        "validation_0002.png",
    ]


def test_the_same_command_resumes(bundle_alone, run_bundle, slices, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "trained")
    before = latest_checkpoint(folder)
    log = run_bundle(
        bundle_alone,
        *("run", *SMALL, "--dataset_dir", slices, "--output_dir", folder, "--epochs", 3),
        anew=True,
    )
    assert "Going on from" in log
    after = latest_checkpoint(folder)
    assert after["iteration"] == 6
    assert after["best"]["best_metric"] <= before["best"]["best_metric"]
    assert (folder / "figures" / "validation_0003.png").is_file()
    steps = [s["optimizer"]["state"][0]["step"] for s in (before, after)]
    assert steps == [4, 6]


def test_without_data_the_synthetic_heads_serve(bundle_alone, run_bundle, tmp_path):
    """One head is held out."""
    run_bundle(
        bundle_alone,
        *("run", *SMALL),
        *("--output_dir", tmp_path, "--epochs", 1, "--epoch_length", 1, "--val_every_case", 48),
    )
    assert latest_checkpoint(tmp_path)["iteration"] == 1
    load_weights(PixelWeights(), tmp_path / "model.pt")
