"""Checkpoints among the methods that are compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from small_comparison import NAMES, run

from mactfusion.errors import InputError
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import MODELS, Model
from training.comparison import checkpoints


class Stub(MACTFusion):
    """Brighter source, at once."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, image):
        return image.amax(dim=1, keepdim=True) * 1.5


def test_a_checkpoint_is_fused_clipped_and_rounded(folders, monkeypatch):
    torch.save({"weight": torch.ones(3)}, folders / "model.pt")
    stub = Model(Stub, "stub.pt", ("ct-mri",), "", "")
    monkeypatch.setattr(checkpoints, "load_network", lambda path: (stub, Stub().eval()))
    result = run(folders, "--weights", f"new={folders / 'model.pt'}", ours="new")
    assert result.exit_code == 0, result.output
    (path,) = (folders / "cache" / "fused").glob(f"*/CT-MRI/{NAMES[0]}")
    sources = [
        np.asarray(Image.open(folders / f"pairs/CT-MRI/test/{m}/{NAMES[0]}"), float)
        for m in ("MRI", "CT")
    ]
    expected = np.clip(1.5 * np.maximum(*sources), 0, 255)
    assert np.abs(np.asarray(Image.open(path)) - expected).max() <= 0.5 + 1e-4
    assert (folders / "docs" / "results.md").read_text().startswith("# Results\n")
    text = (folders / "docs" / "all_scores.md").read_text()
    assert text.startswith("# All scores\n")
    assert f"| new, PET-MRI |{8 * ' 0.0000 |'}" in text
    assert shift_columns(text) == {"new, CT-MRI": "3", "new, PET-MRI": "3"}
    assert "| **new** |" in text

    def fail(self, image):
        raise AssertionError

    monkeypatch.setattr(Stub, "forward", fail)
    monkeypatch.setattr(Model, "gigaflops", lambda model: 1.0)
    assert run(folders, "--weights", f"new={folders / 'model.pt'}", ours="new").exit_code == 0


def test_a_model_named_has_its_weights_for_each_task(folders, monkeypatch):
    stub = Model(Stub, "all.pt", ("ct-mri", "pet-mri"), "", "", own_weights={"ct-mri": "ct.pt"})
    monkeypatch.setitem(checkpoints.MODELS, "stub", stub)
    monkeypatch.setattr(checkpoints, "bundle_root", lambda: folders)
    (folders / "models").mkdir()
    for value, file in enumerate(stub.weight_files()):
        torch.save({"weight": torch.full((3,), float(value))}, folders / "models" / file)
    loaded = []

    def load(path):
        loaded.append(path.name)
        return stub, Stub().eval()

    monkeypatch.setattr(checkpoints, "load_network", load)
    result = run(folders, "--weights", "new=stub", ours="new")
    assert result.exit_code == 0, result.output
    assert sorted(loaded) == ["all.pt", "ct.pt"]


def shift_columns(text):
    """Checkpoint and task to the number of pairs that were moved."""
    lines = text.split("### Shift consistency")[1].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {line[0]: line[-1] for line in cells}


class Columns(Stub):
    """Brighter source, and a pattern that stays where it is."""

    calls = 0

    def forward(self, image):
        Columns.calls += 1
        return image.amax(dim=1, keepdim=True) * 0.5 + torch.arange(image.shape[-1]) / 100


def test_shift_consistency_on_a_few_pairs(folders, monkeypatch):
    torch.save({"weight": torch.ones(3)}, folders / "model.pt")
    columns = Model(Columns, "columns.pt", ("ct-mri",), "", "")
    monkeypatch.setattr(checkpoints, "load_network", lambda path: (columns, Columns().eval()))
    monkeypatch.setattr(Model, "gigaflops", lambda model: 1.0)
    words = ("--weights", f"new={folders / 'model.pt'}")
    Columns.calls = 0
    assert run(folders, *words, "--shift-pairs", "2", ours="new").exit_code == 0
    assert Columns.calls == 6 + 2 * 2 * 4
    page = folders / "docs" / "all_scores.md"
    text = page.read_text()
    assert shift_columns(text) == {"new, CT-MRI": "2", "new, PET-MRI": "2"}
    assert "| new, CT-MRI | 0.0100 | 0.0100 | 0.0300 | 0.0300 | 0.0400 | 0.0400 | 0.1600 |" in text
    assert "| mean, 1 px | 99 %, 1 px | mean, 3 px | 99 %, 3 px | mean, 4 px | 99 %, 4 px |" in text
    assert run(folders, *words, ours="new").exit_code == 0
    assert shift_columns(page.read_text()) == {"new, CT-MRI": "3", "new, PET-MRI": "3"}
    assert run(folders, *words, "--shift-pairs", "2", ours="new").exit_code == 0
    assert shift_columns(page.read_text()) == shift_columns(text)  # the time differs
    assert Columns.calls == 6 + 2 * 2 * 4 + 2 * (1 + 4)


@pytest.mark.parametrize("name", MODELS)
def test_the_state_tells_the_network(name, tmp_path):
    torch.save(MODELS[name].network().state_dict(), tmp_path / "model.pt")
    model, network = checkpoints.load_network(tmp_path / "model.pt")
    assert model is MODELS[name]
    assert type(network) is model.network
    assert not network.training


@pytest.mark.parametrize(
    ("name", "file"), [("mactfusion", "mactfusion_ctmri.pth"), ("dilran", "dilran_ctmri.pt")]
)
def test_published_files_are_taken_as_they_are(name, file, reference):
    model, network = checkpoints.load_network(reference / "checkpoints" / file)
    assert type(network) is MODELS[name].network is model.network
    assert not network.training


def test_other_weights_are_refused(tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt fits none of the networks"):
        checkpoints.load_network(tmp_path / "model.pt")


def test_borders_of_windows_are_seen():
    smooth = np.add.outer(np.arange(64.0), np.arange(48.0))
    assert checkpoints.border_excess(smooth) == pytest.approx(0)
    tiled = smooth + 3.0 * np.add.outer(np.arange(64) // 8, np.arange(48) // 8)
    assert checkpoints.border_excess(tiled) == pytest.approx(3)
    assert checkpoints.border_excess(np.zeros((16, 16))) == 0
