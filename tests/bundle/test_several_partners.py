"""Several partners through the bundle: what the command line does, to the voxel."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import yaml
from monai.bundle import ConfigParser

from mactfusion.io.names import sidecar_path
from mactfusion.option_table import OPTIONS, defaults

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


@pytest.mark.parametrize(
    ("name", "run_id"), [("automatic windows", []), ("chosen windows", ["several"])]
)
def test_bundle_and_command_give_the_same_voxels(
    name, run_id, bundle_alone, run_bundle, run_command, pair, ct, tmp_path
):
    (mr, pet), choices = pair, CHOICES[name]
    ours, theirs = tmp_path / "bundle.nii.gz", tmp_path / "command.nii.gz"
    run_bundle(
        bundle_alone,
        *("run", *run_id, "--config_file", "configs/inference.yaml"),
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


def test_every_option_is_handed_on_with_its_default(bundle):
    configuration = yaml.safe_load((bundle / "configs" / "inference.yaml").read_text())
    declared = configuration["options"]
    assert declared.pop("_target_") == "mactfusion.options.Options"
    assert set(declared) == set(OPTIONS)
    assert all(f"@{name}" in value for name, value in declared.items())
    given = {name: configuration[name] for name in OPTIONS}
    assert given.pop("device").startswith("$torch.device")
    assert given == {name: value for name, value in defaults().items() if name != "device"}


@pytest.mark.parametrize("as_list", [False, True])
def test_one_partner_is_a_list_of_one(bundle, pair, as_list):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.yaml"))
    mr, pet = (str(path) for path in pair)
    parser.update({"bundle_root": str(bundle), "task": "pet-mri", "anatomical": mr})
    parser["partner"] = [pet] if as_list else pet
    prepared = parser.get_parsed_content("preprocessing")
    case = prepared(parser.get_parsed_content("dataset").data[0])
    assert case["task"] == "pet-mri"
    assert [partner["input"] for partner in case["partners"]] == ["partner"]
