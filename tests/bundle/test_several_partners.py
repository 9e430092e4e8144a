"""Several partners through the bundle: what the command line does, to the voxel."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import yaml
from monai.bundle import ConfigParser

from mactfusion.io import sidecar_path
from mactfusion.pipeline import DEFAULT_OPTIONS

pytestmark = pytest.mark.slow


@pytest.fixture
def ct(pair, tmp_path):
    """A CT on the grid of the MR."""
    mr = nib.load(pair[0])
    voxels = np.where(np.asarray(mr.dataobj) > 400, 900, -1000).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, mr.affine), tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


CHOICES = {
    "automatic windows": {"task": ["pet-mri", "ct-mri"]},
    "chosen windows": {
        "task": ["pet-mri", "ct-mri"],
        "window": ["3000,6000", "bone"],
        "colormap": ["green_iron", "auto"],
        "luminance": False,
    },
}


@pytest.mark.parametrize("name", CHOICES)
def test_bundle_and_command_give_the_same_voxels(
    name, bundle_alone, run_bundle, run_command, pair, ct, tmp_path
):
    (mr, pet), choices = pair, CHOICES[name]
    ours, theirs = tmp_path / "bundle.nii.gz", tmp_path / "command.nii.gz"
    run_bundle(
        bundle_alone,
        *("run", "several", "--config_file", "configs/inference.yaml"),
        *("--dataset_dir", mr.parent, "--anatomical", mr.name, "--partner", [pet.name, str(ct)]),
        *("--output", ours, "--device", "$torch.device('cpu')"),
        *(word for option, value in choices.items() for word in (f"--{option}", value)),
    )
    words = [
        word
        for option, values in choices.items()
        if option != "luminance"
        for value in values
        for word in (f"--{option}", value)
    ]
    outcome = run_command("fuse", mr, pet, ct, "-o", theirs, "--device", "cpu", *words)
    assert outcome.code == 0, outcome.err
    first, second = nib.load(ours), nib.load(theirs)
    voxels = np.asarray(first.dataobj)
    assert min(np.ptp(voxels[channel]) for channel in "RGB") > 0
    assert np.array_equal(voxels, np.asarray(second.dataobj))
    assert np.array_equal(first.affine, second.affine)
    records = [json.loads(sidecar_path(path).read_text()) for path in (ours, theirs)]
    for key in ("options", "inputs", "weights", "task", "partners", "coverage", "notes"):
        assert records[0][key] == records[1][key], key


def test_every_option_is_handed_on(bundle):
    configuration = yaml.safe_load((bundle / "configs" / "inference.yaml").read_text())
    handed_on = configuration["joint_recipe"]["options"]
    assert handed_on == {name: f"@{name}" for name in DEFAULT_OPTIONS}
    assert set(handed_on) <= set(configuration)


def test_the_same_run_takes_one_partner(bundle, pair):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.yaml"))
    mr, pet = (str(path) for path in pair)
    parser.update({"bundle_root": str(bundle), "task": "pet-mri", "anatomical": mr})
    parser["partner"] = pet
    data = parser.get_parsed_content("joint_recipe").run()
    assert data["record"]["task"] == "pet-mri"
    assert "partners" not in data["record"]
