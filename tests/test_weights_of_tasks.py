"""A model with weights for each task: the task decides, also where it has to be recognised."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel
import numpy as np
import one_share
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from mactfusion import fuse_volumes
from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.networks.registry import MODELS
from mactfusion.weights import save_state

MODALITIES = {"ct-mri": "CT", "pet-mri": "PT", "spect-mri": "NM"}


@pytest.fixture
def weights(tmp_path_factory, monkeypatch):
    """Register the network of one number; the value is the folder of its weights."""
    folder = one_share.make_bundle(tmp_path_factory.mktemp("bundle"))
    monkeypatch.setitem(MODELS, one_share.NAME, one_share.MODEL)
    monkeypatch.setattr("mactfusion.recipe.bundle_root", lambda: folder)
    return folder / "models"


def tagged(volume, task):
    """The partner as DICOM would name it."""
    array, affine = volume
    meta = {"modality": MODALITIES[task]}
    return MetaTensor(torch.from_numpy(array)[None], affine=torch.from_numpy(affine), meta=meta)


@pytest.mark.parametrize("task", one_share.SHARES)
def test_function_takes_the_weights_of_the_task_it_recognises(task, weights, mr, pet):
    partner = tagged(pet, task)
    options = {"model": one_share.NAME, "luminance": True}
    automatic = fuse_volumes(mr, partner, **options)
    assert automatic.task == task
    assert automatic.record["options"]["task"] == "auto"
    assert automatic.record["weights"]["name"] == f"share-{task}.pt"
    given = fuse_volumes(mr, partner, task=task, **options)
    by_file = fuse_volumes(mr, partner, weights=weights / f"share-{task}.pt", **options)
    assert torch.equal(automatic.fused, given.fused)
    assert torch.equal(automatic.fused, by_file.fused)
    other = next(name for name in one_share.SHARES if name != task)
    others = fuse_volumes(mr, partner, weights=weights / f"share-{other}.pt", **options)
    assert not torch.equal(automatic.fused, others.fused)


def test_partners_of_one_task_have_weights_and_of_several_none(weights, mr, pet):
    array, affine = pet
    first, second = tagged(pet, "pet-mri"), tagged((array**2, affine), "pet-mri")
    result = fuse_volumes(mr, [first, second], model=one_share.NAME)
    assert result.record["weights"]["name"] == "share-pet-mri.pt"
    with pytest.raises(InputError, match="other weights for each task"):
        fuse_volumes(mr, [first, tagged((array**2, affine), "spect-mri")], model=one_share.NAME)


def test_partners_of_several_tasks_have_the_joint_weights_where_there_are_any(
    weights, mr, pet, monkeypatch
):
    joint = replace(one_share.MODEL, weights="share.pt", own_weights={"ct-mri": "share-ct-mri.pt"})
    monkeypatch.setitem(MODELS, one_share.NAME, joint)
    save_state({"share": torch.tensor(0.4)}, weights / "share.pt")
    array, affine = pet
    alone, other = tagged(pet, "ct-mri"), tagged((array**2, affine), "pet-mri")
    taken = {}
    for name, partner in {"ct": alone, "pet": other, "both": [alone, other]}.items():
        result = fuse_volumes(mr, partner, model=one_share.NAME, luminance=True)
        taken[name] = result.record["weights"]["name"]
    assert taken == {"ct": "share-ct-mri.pt", "pet": "share.pt", "both": "share.pt"}


def test_a_task_that_nobody_can_tell_or_that_has_no_weights_is_refused(weights, mr, pet):
    with pytest.raises(InputError, match="Cannot tell the task"):
        fuse_volumes(mr, pet, model=one_share.NAME)
    with pytest.raises(InputError, match="no weights of the model share for this task"):
        fuse_volumes(mr, pet, task="mr-mr", model=one_share.NAME)
    with pytest.raises(InputError, match="no partner"):
        fuse_volumes(mr, None, model=one_share.NAME)


@pytest.fixture
def folders(tmp_path, monkeypatch, mr):
    """``mr`` and ``partner`` with a case of CT, by its Hounsfield units, and one in colour."""
    monkeypatch.chdir(tmp_path)
    array, affine = mr
    ct = np.where(array > 500, 900, np.where(array > 0, 40, -1000)).astype(np.int16)
    color = np.zeros(array.shape, dtype=[(channel, "u1") for channel in "RGB"])
    color["R"] = np.minimum(array / 4, 255)
    for folder in ("mr", "partner"):
        (tmp_path / folder).mkdir()
    for name, partner in {"bone": ct, "uptake": color}.items():
        nibabel.save(nibabel.Nifti1Image(array, affine), f"mr/{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(partner, affine), f"partner/{name}.nii.gz")
    return tmp_path


TASKS = {"bone": "ct-mri", "uptake": "pet-mri"}


def recorded(path):
    record = json.loads(path.read_text())
    return record["task"], record["weights"]["name"]


@pytest.mark.parametrize("name", TASKS)
def test_command_takes_the_weights_of_the_task_it_recognises(name, weights, folders, run_command):
    sources = (f"mr/{name}.nii.gz", f"partner/{name}.nii.gz")
    outcome = run_command("fuse", *sources, "-o", "fused.nrrd", "--model", one_share.NAME)
    assert outcome.code == 0, outcome.err
    assert f"weights share-{TASKS[name]}.pt." in outcome.out
    assert recorded(folders / "fused.nrrd.json") == (TASKS[name], f"share-{TASKS[name]}.pt")


def configured(folder, name, partner):
    """The configuration as the bundle's own command reads it, without options of Python."""
    configs = bundle_root() / "configs"
    files = [str(configs / f"{file}.yaml") for file in ("inference", "mactfusion_plus")]
    recipe = ConfigParser(ConfigParser.load_config_files(files))
    recipe.update(
        {
            "bundle_root": str(bundle_root()),
            "dataset_dir": str(folder),
            "anatomical": f"mr/{name}.nii.gz",
            "partner": partner,
            "device": torch.device("cpu"),
        }
    )
    return recipe


@pytest.mark.parametrize(
    ("name", "file"),
    {"bone": "mactfusion_plus-ct-mri.pt", "uptake": "mactfusion_plus.pt"}.items(),
)
def test_every_route_takes_the_shipped_weights_of_the_task(
    name, file, folders, run_command, monkeypatch
):
    monkeypatch.chdir("/")  # the names start from dataset_dir
    for partner in (f"partner/{name}.nii.gz", [f"partner/{name}.nii.gz"]):
        recipe = configured(folders, name, partner)
        case = recipe.get_parsed_content("preprocessing")(
            recipe.get_parsed_content("dataset").data[0]
        )
        assert case["weights"] == str(bundle_root() / "models" / file)
    monkeypatch.chdir(folders)
    sources = (f"mr/{name}.nii.gz", f"partner/{name}.nii.gz")
    result = fuse_volumes(*sources, model="mactfusion_plus")
    assert (result.task, result.record["weights"]["name"]) == (TASKS[name], file)


def test_each_case_of_a_folder_has_the_weights_of_its_task(weights, folders, run_command):
    outcome = run_command("fuse", "mr", "partner", "-o", "fused", "--model", one_share.NAME)
    assert outcome.code == 0, outcome.err
    for name, task in TASKS.items():
        assert recorded(folders / "fused" / f"{name}.nii.gz.json") == (task, f"share-{task}.pt")
    words = ("--metrics", "SCD", "--csv", "scores.csv", "--jobs", "1")
    outcome = run_command("evaluate", "fused", "mr", "partner", *words)
    assert outcome.code == 0, outcome.err
    assert all(name in (folders / "scores.csv").read_text() for name in TASKS)
