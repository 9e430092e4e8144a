"""Weight files through the command line: checked before they are trusted."""

from __future__ import annotations

import json
import pickle

import pytest
import torch

from mactfusion.io.checksum import sha256_of
from mactfusion.networks.pixel_weights import PixelWeights


class Malicious:
    """A pickle that writes a file when it is loaded."""

    def __reduce__(self):
        return (open, ("evaluated", "w"))


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return PixelWeights().state_dict()


def spoil(kind, state, path):
    """Write weights that must be refused."""
    torch.save(state, path)
    content = bytearray(path.read_bytes())
    if kind == "a byte changed":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif kind == "not those of the list":
        (path.parent / "SHA256SUMS").write_text(f"{'0' * 64} *{path.name}\n\n")
    elif kind == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "text":
        path.write_text("weights")
    elif kind == "zero bytes":
        path.write_bytes(b"")
    elif kind == "another network":
        torch.save({"weight": torch.zeros(3)}, path)
    elif kind == "a tensor more":
        torch.save({**state, "extra": torch.zeros(3)}, path)
    elif kind == "not finite":
        torch.save({key: value * float("nan") for key, value in state.items()}, path)
    elif kind == "a whole module":
        torch.save(torch.nn.Linear(2, 2), path)
    elif kind == "code in torch's format":
        torch.save({"weight": Malicious()}, path)
    elif kind == "code":
        path.write_bytes(pickle.dumps(Malicious()))
    elif kind == "missing":
        path.unlink()


@pytest.mark.parametrize(
    "kind",
    [
        "a byte changed",
        "not those of the list",
        "cut short",
        "text",
        "zero bytes",
        "another network",
        "a tensor more",
        "not finite",
        "a whole module",
        "code in torch's format",
        "code",
        "missing",
    ],
)
def test_bad_weights_are_refused(kind, state, run_command, files, pet_mri):
    spoil(kind, state, files / "model.pt")
    before = sorted(files.iterdir())
    assert run_command(*pet_mri, "-o", "fused.nii.gz", "--weights", "model.pt").refused("model.pt")
    assert sorted(files.iterdir()) == before


def test_weights_that_the_list_knows_are_taken(state, run_command, files, pet_mri):
    torch.save(state, "my model.pt")
    (files / "SHA256SUMS").write_text(f"{sha256_of('my model.pt')}  my model.pt\n# a comment\n")
    options = ("-o", "fused.nii.gz", "--weights", "my model.pt")
    assert run_command(*pet_mri, *options).code == 0


def test_foreign_checkpoint_is_not_imported(state, run_command, files, nothing_left):
    torch.save({"vis_conv.unheard_of": torch.zeros(2)}, "theirs.pth")
    outcome = run_command("import-weights", "theirs.pth", "-o", "model.pt")
    assert outcome.refused("vis_conv.unheard_of")
    assert not (files / "model.pt").exists()


def test_published_checkpoint_is_imported_and_used(reference, run_command, files, pet_mri):
    published = reference / "checkpoints" / "mactfusion_ctmri.pth"
    options = (*pet_mri, "-o", "fused.nii.gz", "--weights")
    assert run_command(*options, published).refused("import-weights")
    outcome = run_command("import-weights", published, "-o", "model.pt")
    assert outcome.code == 0
    assert sha256_of("model.pt") in outcome.out
    assert run_command("import-weights", published, "-o", "model.pt").refused("model.pt exists")
    assert run_command(*options, "model.pt").code == 0
    assert json.loads((files / "fused.nii.gz.json").read_text())["weights"]["name"] == "model.pt"
