"""Trained weights come into the bundle whole, listed, and small enough for git."""

from __future__ import annotations

import zipfile

import pytest
import torch
from torch import nn
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from mactfusion.networks.msgfusion import MsgFusion
from mactfusion.networks.registry import MODELS, Model
from mactfusion.weights import CHECKSUMS, check_weights, load_weights, read_state, save_state
from training import compact, publish_weights
from training.compact import LARGEST_BYTES, store


class Kernels(nn.Module):
    """A network of 1 300 values, which needs 5 kB."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 1, 1))

    def forward(self, image):
        padded = nn.functional.pad(image, (1, 1, 1, 1))
        return self.layers(padded)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A bundle in which the network has weights for PET and SPECT, and others for CT."""
    (tmp_path / "models").mkdir()
    tasks = ("ct-mri", "pet-mri", "spect-mri")
    model = Model(Kernels, "k.pt", tasks, "none", "A test's.", {"ct-mri": "k-ct.pt"})
    monkeypatch.setitem(MODELS, "kernels", model)
    monkeypatch.setattr(publish_weights, "bundle_root", lambda: tmp_path)
    return tmp_path / "models"


@pytest.fixture
def trained(tmp_path):
    """Weights of that network, as a training leaves them."""
    torch.manual_seed(0)
    save_state(Kernels().state_dict(), tmp_path / "trained.pt")
    return tmp_path / "trained.pt"


def publish(*words):
    app = Typer()
    app.command()(publish_weights.publish)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_weights_are_listed_and_others_stay_listed(models, trained):
    (models / CHECKSUMS).write_text(f"{'0' * 64}  k-ct.pt\n{'1' * 64}  other.pt\n")
    for name in ("k.pt", "k-ct.pt"):
        outcome = publish(trained, "--name", name)
        assert outcome.exit_code == 0, outcome.output
        assert "Rounded" not in outcome.output
        assert check_weights(models / name) in outcome.output
    lines = (models / CHECKSUMS).read_text().splitlines()
    assert sorted(line.split()[1] for line in lines) == ["k-ct.pt", "k.pt", "other.pt"]
    published, original = read_state(models / "k.pt"), read_state(trained)
    assert all(torch.equal(published[name], tensor) for name, tensor in original.items())
    assert sorted(path.name for path in models.iterdir()) == [CHECKSUMS, "k-ct.pt", "k.pt"]


def test_large_weights_are_rounded_and_load_as_float32(models, trained, monkeypatch):
    monkeypatch.setattr(compact, "LARGEST_BYTES", 6_000)
    outcome = publish(trained, "--name", "k-ct.pt")
    assert outcome.exit_code == 0, outcome.output
    assert "Rounded to half precision, which changes pixels" in outcome.output
    network = load_weights(Kernels(), models / "k-ct.pt")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    content = bytearray((models / "k-ct.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (models / "k-ct.pt").write_bytes(content)
    with pytest.raises(InputError, match="damaged or were changed"):
        load_weights(Kernels(), models / "k-ct.pt")


def test_weights_that_rounding_changes_are_refused(models, trained, monkeypatch):
    monkeypatch.setattr(compact, "LARGEST_BYTES", 6_000)
    monkeypatch.setattr(publish_weights, "LARGEST_CHANGE", 1e-9)
    outcome = publish(trained, "--name", "k.pt")
    assert outcome.exit_code == 2
    assert "Error: k.pt is too large for the bundle" in outcome.output
    assert list(models.iterdir()) == []


def test_a_name_that_no_model_has_is_refused(models, trained):
    outcome = publish(trained, "--name", "k-pet.pt")
    assert outcome.exit_code == 2
    assert "No model has weights called k-pet.pt" in outcome.output
    assert list(models.iterdir()) == []


def test_the_largest_network_fits_and_fuses_alike(tmp_path):
    torch.manual_seed(0)
    network = MsgFusion()
    image = torch.rand(2, 2, 16, 24)
    with torch.no_grad():  # statistics of its features, as a training leaves them
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        network(image)
    state = network.eval().state_dict()
    assert store(state, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size <= LARGEST_BYTES
    assert not zipfile.ZipFile(tmp_path / "model.pt").testzip()
    rounded = load_weights(MsgFusion(), tmp_path / "model.pt")
    for name, tensor in rounded.state_dict().items():
        if tensor.ndim > 1:
            torch.testing.assert_close(tensor, state[name], rtol=2**-11, atol=2**-24)
        else:
            assert torch.equal(tensor, state[name])
    with torch.no_grad():
        change = (network(image) - rounded(image)).abs()
    assert change.mean() <= 1e-3
    assert change.max() <= publish_weights.LARGEST_CHANGE
    store(state, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == (tmp_path / "model.pt").read_bytes()


@pytest.mark.parametrize(("largest", "bits"), [(4_830, 11), (4_715, 10), (4_600, 9)])
def test_as_many_bits_as_fit(tmp_path, monkeypatch, largest, bits):
    torch.manual_seed(0)
    state = Kernels().state_dict()
    monkeypatch.setattr(compact, "LARGEST_BYTES", largest)
    store(state, tmp_path / "model.pt")
    kernel = read_state(tmp_path / "model.pt")["layers.0.weight"]
    mantissa, _ = kernel.float().frexp()
    steps = mantissa * 2**bits
    assert torch.equal(steps, steps.round())
    steps = mantissa * 2 ** (bits - 1)
    assert not torch.equal(steps, steps.round())


def test_what_does_not_fit_is_refused_and_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "LARGEST_BYTES", 1_000)
    with pytest.raises(InputError, match=r"model\.pt needs 4,\d+ bytes; at most 1,000 fit"):
        store(Kernels().state_dict(), tmp_path / "model.pt")
    assert list(tmp_path.iterdir()) == []
