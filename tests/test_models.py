"""The choice of the network: by its name, or by the weights that were given."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.choice import ChosenNetwork, shipped_weights
from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS, recognise_model
from mactfusion.option_values import TASKS
from mactfusion.weights import save_state


@pytest.fixture
def several_files(monkeypatch, tmp_path):
    """A model with weights for each task, of which the folder has those for CT."""
    model = MODELS["cminet"]
    own = {task: f"cminet-{task}.pt" for task in model.tasks}
    monkeypatch.setitem(MODELS, "cminet", replace(model, weights="", own_weights=own))
    (tmp_path / "cminet-ct-mri.pt").touch()
    return tmp_path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of untrained weights for each model."""
    folder = tmp_path_factory.mktemp("weights")
    for name, model in MODELS.items():
        torch.manual_seed(0)
        save_state(model.network().state_dict(), folder / f"{name}.pt")
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_recognised_by_its_weights(name, weights, tmp_path):
    path = weights / f"{name}.pt"
    default = MODELS[DEFAULT_MODEL].network
    for model, definition in (("auto", default()), (name, MODELS[name].network())):
        chosen = ChosenNetwork(definition, model, path)
        assert (chosen.model, chosen.file) == (name, path)
        assert type(chosen.network) is MODELS[name].network


def test_tensors_of_another_shape_are_no_model():
    state = MODELS["dilran"].network().state_dict()
    assert recognise_model(state) == "dilran"
    key = next(iter(state))
    assert recognise_model({**state, key: state[key][:1]}) is None
    assert recognise_model({**state, "extra": torch.zeros(1)}) is None
    assert recognise_model({}) is None


@pytest.mark.parametrize("name", MODELS)
def test_the_chosen_network_fuses_every_slice(name, weights, mr, pet, monkeypatch):
    kind, seen = MODELS[name].network, []
    forward = kind.forward

    def observed(self, image):
        seen.append(type(self))
        return forward(self, image)

    monkeypatch.setattr(kind, "forward", observed)
    path = weights / f"{name}.pt"
    options = {"task": "pet-mri", "weights": path, "luminance": True}
    by_name = fuse_volumes(mr, pet, model=name, **options)
    assert by_name.model == by_name.record["options"]["model"] == name
    assert by_name.record["weights"]["name"] == path.name
    recognised = fuse_volumes(mr, pet, **options)
    assert recognised.model == name
    assert torch.equal(recognised.fused, by_name.fused)
    assert seen == [MODELS[name].network] * 8, "four slices, twice"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_without_weights_asks_for_a_file(name, tmp_path):
    with pytest.raises(InputError, match=f"no weights of the model {name} .*--weights") as caught:
        shipped_weights(tmp_path, name, "pet-mri")
    assert "\n" not in str(caught.value)


def test_the_default_is_the_projects(tmp_path):
    path = tmp_path / MODELS[DEFAULT_MODEL].weights
    save_state(MODELS[DEFAULT_MODEL].network().state_dict(), path)
    chosen = ChosenNetwork(MODELS[DEFAULT_MODEL].network(), folder=tmp_path)
    assert chosen.model == DEFAULT_MODEL
    with pytest.raises(InputError, match="not known yet"):
        chosen.file  # noqa: B018  it is a property
    chosen.settle(["pet-mri", "mr-mr"])
    assert chosen.file == shipped_weights(tmp_path, DEFAULT_MODEL, "auto") == path


def test_a_network_that_is_kept_notices_other_weights_in_its_file(tmp_path):
    file = tmp_path / "mine.pt"
    save_state(MODELS["dilran"].network().state_dict(), file)
    chosen = ChosenNetwork(MODELS[DEFAULT_MODEL].network(), weights=file)
    before, digest = chosen.network, chosen.sha256
    chosen.settle(["ct-mri"])
    assert chosen.network is before
    save_state(MODELS["cminet"].network().state_dict(), file)
    chosen.settle(["ct-mri"])
    assert chosen.model == "cminet"
    assert chosen.sha256 != digest


def test_weights_of_a_task(several_files):
    assert shipped_weights(several_files, "cminet", "ct-mri").name == "cminet-ct-mri.pt"
    assert MODELS["cminet"].weight_files() == (
        "cminet-ct-mri.pt",
        "cminet-pet-mri.pt",
        "cminet-spect-mri.pt",
    )
    with pytest.raises(InputError, match=r"other weights for each task.*--task"):
        shipped_weights(several_files, "cminet", "auto")
    with pytest.raises(InputError, match="no weights of the model cminet"):
        shipped_weights(several_files, "cminet", "mr-mr")


def test_a_task_without_weights_of_its_own_takes_those_of_all(monkeypatch, tmp_path):
    own = {"ct-mri": "ct.pt"}
    model = replace(MODELS["cminet"], weights="all.pt", own_weights=own)
    monkeypatch.setitem(MODELS, "cminet", model)
    for file in model.weight_files():
        (tmp_path / file).touch()
    assert model.weight_files() == ("all.pt", "ct.pt")
    taken = {task: shipped_weights(tmp_path, "cminet", task).name for task in (*TASKS, "auto")}
    assert taken.pop("ct-mri") == "ct.pt"
    assert set(taken.values()) == {"all.pt"}


def test_weights_of_another_model_are_refused(weights, mr, pet):
    with pytest.raises(InputError, match=r"dilran\.pt does not fit CMINet"):
        fuse_volumes(mr, pet, task="pet-mri", model="cminet", weights=weights / "dilran.pt")


def test_command_says_which_network_it_took(weights, run_command, pet_mri):
    outcome = run_command(*pet_mri, "-o", "a.nrrd", "--weights", weights / "dilran.pt")
    assert outcome.code == 0
    assert "The network is dilran, weights dilran.pt." in outcome.out
    outcome = run_command(*pet_mri, "-o", "b.nrrd", "--model", "dilan")
    assert outcome.refused("Unknown model 'dilan'")


def test_a_refused_file_is_not_taken_for_the_one_before(tmp_path):
    file = tmp_path / "mine.pt"
    good = MODELS[DEFAULT_MODEL].network().state_dict()
    save_state(good, file)
    chosen = ChosenNetwork(MODELS[DEFAULT_MODEL].network(), weights=file)
    broken = MODELS["dilran"].network().state_dict()
    next(iter(broken.values())).fill_(torch.nan)
    save_state(broken, file)
    with pytest.raises(InputError, match="not finite"):
        chosen.settle(["ct-mri"])
    save_state(good, file)
    chosen.settle(["ct-mri"])
    assert chosen.model == DEFAULT_MODEL
    assert all(torch.equal(chosen.network.state_dict()[key], good[key]) for key in good)
