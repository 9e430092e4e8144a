"""Several partners: what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mactfusion import fuse_volumes
from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS

RUNS_IF_EVALUATED = "$__import__('pathlib').Path('evaluated').touch()"


def test_a_fourth_tracer_has_no_hue_left(mr, pet, pixel_maximum):
    array, affine = pet
    partners = [(array * (number + 1) + array**2 * number, affine) for number in range(4)]
    with pytest.raises(InputError, match="distinct colours for 3"):
        fuse_volumes(mr, partners, task=["pet-mri"] * 4, weights=pixel_maximum)


@pytest.mark.parametrize("names", [("ct", "ct"), ("pet", "ct", "pet")])
def test_the_same_volume_twice_is_refused(names, fuse_several):
    with pytest.raises(InputError, match="are the same volume: give each once"):
        fuse_several(*names)


def test_the_anatomical_volume_is_no_partner_beside_another(mr, volumes, pixel_maximum):
    with pytest.raises(InputError, match="are the same volume"):
        fuse_volumes(mr, [volumes["ct"], mr], task=["ct-mri", "mr-mr"], weights=pixel_maximum)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("task", ["ct-mri", "pet-mri", "auto"], "task is given 3 times"),
        ("task", ["ct-mri", "brain"], "Unknown task 'brain'"),
        ("window", (40, 80), "window is given 1 times"),
        ("window", "bone", "window is given 1 times"),
        ("window", ["auto", "bone"], "preset for CT"),
        ("window", [], "window is given 0 times"),
        ("colormap", ["auto", "rainbows"], "Unknown colour table"),
        ("window", [np.float32(40), np.float32(80)], "window is given 1 times"),
        ("colormap", ["pet"] * 3, "colormap is given 3 times"),
        ("colormap", ["auto", [[0, 0, 0], [0, 1]]], "colour table needs"),
        ("colormap", [["red", "green", "blue"]] * 2, "colour table needs"),
    ],
)
def test_options_are_dealt_out_or_refused(option, value, sentence, fuse_several):
    with pytest.raises(InputError, match=sentence):
        fuse_several("ct", "pet", **{option: value})


def test_no_partner_is_refused(mr):
    with pytest.raises(InputError, match="no partner"):
        fuse_volumes(mr, [])


@pytest.mark.parametrize("option", ["partner", "task", "window", "colormap"])
def test_no_text_in_a_list_is_run_as_code(option, mr, volumes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partners = [volumes["ct"], volumes["pet"]]
    options = {"partner": partners, "task": ["ct-mri", "pet-mri"]}
    values = [RUNS_IF_EVALUATED, partners[1] if option == "partner" else "auto"]
    with pytest.raises(InputError):
        fuse_volumes(mr, **options | {option: values})
    assert list(tmp_path.iterdir()) == []


def test_weights_for_each_task_do_not_fit_several(mr, volumes, monkeypatch, tmp_path):
    model = MODELS["cminet"]
    own = {task: f"{task}.pt" for task in model.tasks}
    monkeypatch.setitem(MODELS, DEFAULT_MODEL, replace(model, weights="", own_weights=own))
    (tmp_path / "models").mkdir()
    for file in own.values():
        (tmp_path / "models" / file).touch()
    (tmp_path / "configs").symlink_to(bundle_root() / "configs")
    monkeypatch.setattr("mactfusion.recipe.bundle_root", lambda: tmp_path)
    partners = [volumes["ct"], volumes["pet"]]
    with pytest.raises(InputError, match="other weights for each task"):
        fuse_volumes(mr, partners, task=["ct-mri", "pet-mri"])


def test_command_refuses_what_does_not_go_with_several(three_files, run_command, nothing_left):
    copy = three_files / "copy.nii.gz"
    copy.write_bytes((three_files / "pet.nii.gz").read_bytes())
    tasks = ("--task", "pet-mri", "--task", "pet-mri", "-o", "fused.nrrd")
    outcome = run_command("fuse", "mr.nii.gz", "pet.nii.gz", copy, *tasks)
    assert outcome.refused("pet.nii.gz and copy.nii.gz are the same volume")
    outcome = run_command("fuse", "mr.nii.gz", "ct.nii.gz", "pet.nii.gz", "-o", "fused.nrrd")
    assert outcome.refused("--task")
    outcome = run_command("fuse", ".", ".", ".", "-o", "fused")
    assert outcome.refused("in pairs")
    copy.unlink()
    assert nothing_left()
