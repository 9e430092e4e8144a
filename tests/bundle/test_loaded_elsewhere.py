"""MONAI's own functions find a working default in the zoo's folder, wherever they are called."""

from __future__ import annotations

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigParser
from warm_python import run_anew

from training.json_configs import NAMES, as_json
from training.zoo import NAME

PROGRAM = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
import torch
import monai.bundle

archive, folder, name, mr, pet, slices = sys.argv[1:]
monai.bundle.download(name=name, bundle_dir=folder, url=archive)
network = monai.bundle.load(name, bundle_dir=folder, device="cpu").eval()
import mactfusion
root = os.path.join(folder, name)
configs, weights = os.path.join(root, "configs"), os.path.join(root, "models", "model.pt")
shipped = torch.load(weights, weights_only=True)
loaded = network.state_dict()

properties, roots = {}, set()
for kind, file in (("train", "train"), ("inference", "inference"), ("inference", "evaluate")):
    for suffix in ("json", "yaml"):
        made = monai.bundle.create_workflow(
            config_file=os.path.join(configs, f"{file}.{suffix}"), workflow_type=kind,
            dataset_dir=slices, val_every_case=2, output_dir=os.path.join(folder, "checked")
        )
        properties[f"{file}.{suffix}"] = made.check_properties()
        roots.add(made.bundle_root)

meta = os.path.join(configs, "metadata.json")
inference = os.path.join(configs, "inference.json")
monai.bundle.verify_net_in_out(
    "network_def", meta_file=meta, config_file=inference, bundle_root=root, device="cpu"
)
differences = []
for how in ({}, {"use_trace": True, "input_shape": [1, 2, 64, 64]}):
    monai.bundle.ckpt_export(
        "network_def", filepath=os.path.join(folder, "model.ts"), ckpt_file=weights,
        meta_file=meta, config_file=inference, bundle_root=root, **how
    )
    exported = torch.jit.load(os.path.join(folder, "model.ts"))
    for shape in ((1, 2, 64, 64), (3, 2, 17, 40), (2, 2, 40, 96)):
        image = torch.rand(shape)
        image[-1] = 0.25  # nothing to fuse
        with torch.no_grad():
            differences.append(float((exported(image) - network(image)).abs().max()))

words = {"device": "cpu", "bundle_root": root}
monai.bundle.run(
    config_file=inference, anatomical=mr, partner=pet, task="pet-mri", output="fused.nii.gz",
    output_dir=os.path.join(folder, "results"), **words
)
monai.bundle.run(
    run_id="training", config_file=os.path.join(configs, "train.yaml"), dataset_dir=slices,
    output_dir=os.path.join(folder, "trained"), epochs=1, epoch_length=1, crop=[32, 32],
    val_every_case=2, warmup_steps=0, **words
)
print("FOUND" + json.dumps({
    "class": type(network).__name__,
    "library": mactfusion.__file__,
    "same": set(shipped) == set(loaded)
        and all(torch.equal(shipped[name].float(), loaded[name]) for name in shipped),
    "roots": sorted(roots),
    "properties": properties,
    "differences": differences,
}))
"""


@pytest.mark.parametrize("name", NAMES)
def test_json_says_what_the_yaml_says(bundle, name):
    configs = bundle / "configs"
    assert (configs / f"{name}.json").read_text("utf-8") == as_json(configs / f"{name}.yaml")
    parsed = ConfigParser.load_config_file(str(configs / f"{name}.yaml"))
    assert json.loads(as_json(configs / f"{name}.yaml")) == parsed


@pytest.fixture
def pairs_to_score(slices, tmp_path):
    """Pairs to train on and to score."""
    folder = shutil.copytree(slices, tmp_path / "slices")
    for task in folder.iterdir():
        shutil.copytree(task / "train", task / "test")
    return folder


@pytest.mark.slow
def test_downloaded_from_a_file_it_loads_runs_trains_and_exports(
    zoo_folder, pair, pairs_to_score, tmp_path
):
    archive = shutil.make_archive(str(tmp_path / NAME), "zip", zoo_folder.parent, NAME)
    folder = tmp_path / "bundles"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    code, printed = run_anew(
        *("-c", PROGRAM, f"file://{archive}", folder, NAME, *pair, pairs_to_score),
        cwd=tmp_path / "elsewhere",
    )
    assert code == 0, printed[-4000:]
    (line,) = [line for line in printed.splitlines() if line.startswith("FOUND")]
    found = json.loads(line.removeprefix("FOUND"))
    differences = found.pop("differences")
    assert len(differences) == 6
    assert max(differences) <= 1e-6
    assert found == {
        "class": "PixelWeights",
        "library": str(folder / NAME / "mactfusion" / "__init__.py"),
        "same": True,
        "roots": [str(folder / NAME)],
        "properties": {
            f"{name}.{kind}": []
            for name in ("train", "inference", "evaluate")
            for kind in ("json", "yaml")
        },
    }
    fused = nib.load(folder / "results" / "fused.nii.gz")
    np.testing.assert_allclose(fused.affine, nib.load(pair[0]).affine, atol=1e-5)
    assert (folder / "trained" / "model.pt").is_file()
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not (folder / NAME / "runs").exists()
