"""Weight files: nothing is trusted, nothing is executed, nothing is half-written."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from mactfusion.errors import InputError
from mactfusion.weights import CHECKSUMS, check_weights, load_weights, read_state, save_state


def make_network():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))


@pytest.fixture
def path(tmp_path):
    """A weight file with its hash beside it, as it is shipped."""
    path = tmp_path / "model.pt"
    torch.manual_seed(0)
    digest = save_state(make_network().state_dict(), path)
    (tmp_path / CHECKSUMS).write_text(f"{digest}  model.pt\n")
    return path


def test_round_trip(path):
    torch.manual_seed(1)
    network = make_network().train()
    loaded = load_weights(network, path)
    assert loaded is network
    assert not network.training
    state = read_state(path)
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    assert check_weights(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("position", [0, 100, -1])
def test_one_changed_byte(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or were changed"):
        load_weights(make_network(), path)


def test_changed_byte_without_checksum(path):
    (path.parent / CHECKSUMS).unlink()
    content = bytearray(path.read_bytes())
    torch.manual_seed(0)
    values = make_network().state_dict()["0.weight"].numpy().tobytes()
    content[content.index(values)] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        load_weights(make_network(), path)


@pytest.mark.parametrize("length", [0, 10, -50])
def test_truncated_file_without_checksum(path, length):
    (path.parent / CHECKSUMS).unlink()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"model\.pt"):
        load_weights(make_network(), path)


@pytest.mark.parametrize(
    "line",
    [
        "{digest}  model.pt\n\n",
        "{digest} *model.pt\n",
        "0000  other.pt\n{digest}  model.pt\n",
        "0000  with a space.pt\n{digest}  model.pt",
    ],
)
@pytest.mark.parametrize("right", [True, False])
def test_list_of_hashes_as_sha256sum_writes_it(path, line, right):
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if right else "1" * 64
    (path.parent / CHECKSUMS).write_text(line.format(digest=digest))
    if right:
        assert check_weights(path) == digest
    else:
        with pytest.raises(InputError, match="damaged or were changed"):
            check_weights(path)


def test_a_file_that_the_list_does_not_name_is_the_users_own(path):
    own = path.with_name("own.pt")
    save_state(make_network().state_dict(), own)
    assert not load_weights(make_network(), own).training


def test_missing_file_and_folder(tmp_path):
    for absent in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(InputError, match="do not exist"):
            load_weights(make_network(), absent)
    with pytest.raises(InputError, match="does not exist"):
        read_state(tmp_path / "absent.pt")


class TouchesAFile:
    """A pickle that runs code when it is read."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path, write):
    path, trace = tmp_path / "evil.pt", tmp_path / "executed"
    write({"0.weight": torch.zeros(1), "payload": TouchesAFile(trace)}, path)
    with pytest.raises(InputError, match="not a readable PyTorch weight file"):
        load_weights(make_network(), path)
    assert not trace.exists()
    with path.open("rb") as stream:  # the payload is a real one
        torch.load(stream, weights_only=False) if write is torch.save else pickle.load(stream)
    assert trace.exists()


def test_whole_network_in_a_pickle_is_refused(tmp_path):
    torch.save(make_network(), tmp_path / "network.pt")
    with pytest.raises(InputError, match="not a readable PyTorch weight file"):
        load_weights(make_network(), tmp_path / "network.pt")


@pytest.mark.parametrize("content", [b"", b"these are no weights\n", b"PK\x03\x04 broken", b"\x80"])
def test_foreign_file(tmp_path, content):
    path = tmp_path / "text.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable PyTorch weight file"):
        load_weights(make_network(), path)


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {"epoch": 3}, {1: torch.zeros(1)}])
def test_tensors_that_are_no_state_dict(tmp_path, content):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match="no state dict"):
        load_weights(make_network(), path)


def test_published_names_point_to_the_import(tmp_path):
    path = tmp_path / "published.pth"
    torch.save({"vis_conv.conv11.0.0.weight": torch.zeros(4, 1, 3, 3)}, path)
    with pytest.raises(InputError, match=r"mactfusion import-weights .*published\.pth"):
        load_weights(make_network(), path)


def changed(**tensors):
    state = dict(make_network().state_dict())
    state.update(tensors)
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("state", "named"),
    [
        (changed(**{"2.bias": None}), "'2.bias' is missing"),
        (changed(**{"1.num_batches_tracked": None}), "'1.num_batches_tracked' is missing"),
        (changed(**{"0.weight": torch.zeros(3, 2, 5, 5)}), "'0.weight' is missing or has another"),
        (changed(**{"head.weight": torch.zeros(1)}), "'head.weight' is unknown"),
        (changed(**{"2.weight": torch.full((1, 3, 1, 1), torch.nan)}), "not finite"),
        (changed(**{"1.running_var": torch.full((3,), torch.inf)}), "not finite"),
        ({}, "'0.weight' is missing"),
    ],
)
def test_weights_of_another_network(tmp_path, state, named):
    path = tmp_path / "other.pt"
    torch.save(state, path)
    network = make_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(InputError, match=named.replace(".", r"\.")):
        load_weights(network, path)
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_training_checkpoint_gives_its_network(tmp_path):
    state = make_network().state_dict()
    torch.save({"network": state, "trainer": {"epoch": 3}}, tmp_path / "checkpoint.pt")
    loaded = load_weights(make_network(), tmp_path / "checkpoint.pt").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("error", [OSError("disk full"), RuntimeError("disk full")])
def test_failing_save_leaves_what_was_there(path, monkeypatch, error):
    def fail_halfway(state, target):
        Path(target).write_bytes(b"half")
        raise error

    content = path.read_bytes()
    monkeypatch.setattr(torch, "save", fail_halfway)
    with pytest.raises(InputError, match="cannot be written"):
        save_state(make_network().state_dict(), path)
    assert path.read_bytes() == content
    assert sorted(p.name for p in path.parent.iterdir()) == [CHECKSUMS, "model.pt"]


def test_interrupted_save_leaves_no_file(tmp_path, monkeypatch):
    def interrupt(state, target):
        Path(target).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_state({}, tmp_path / "model.pt")
    assert list(tmp_path.iterdir()) == []


def test_save_into_a_folder_that_is_not_there_makes_it(tmp_path):
    digest = save_state({}, tmp_path / "new" / "model.pt")
    assert check_weights(tmp_path / "new" / "model.pt") == digest
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        save_state({}, tmp_path / "file" / "model.pt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new"]
