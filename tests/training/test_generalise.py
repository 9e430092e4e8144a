"""Kinds of images that the networks never saw, on small ones of our own."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from page_by_hand import read_with_new_tables, write_by_hand
from PIL import Image
from refused import assert_refused
from typer import Typer
from typer.testing import CliRunner

from mactfusion.demo.volumes import Scan
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from training import generalise, template_volumes
from training.generalisation import kinds
from training.generalisation.examples import fuse, read_networks

COARSE = Scan((48, 56, 12), (4.5, 4.5, 14.0))


@pytest.fixture
def folder(tmp_path):
    """Three GFP pairs of 44 x 48 pixels, one of unequal sizes, and three MR of one head."""
    rng = np.random.default_rng(0)
    for stem, width in (("a-1", 48), ("a-2", 48), ("b-1", 40)):
        green = np.zeros((44, width, 3), np.uint8)
        green[10:30, 8:30, 1] = rng.integers(60, 256, (20, 22))
        phase = rng.integers(0, 256, (44, 48), dtype=np.uint8)
        save(tmp_path / "gfp" / "GFP" / f"{stem}-g.jpg", green)
        save(tmp_path / "gfp" / "PCI" / f"{stem}-t.jpg", np.dstack([phase] * 3))
    (tmp_path / "mr").mkdir()
    for name in ("T1", "T2", "FLAIR"):
        voxels = np.zeros((44, 48, 6), np.float32)
        voxels[4:-4, 4:-4, 1:-1] = rng.integers(100, 900, (36, 40, 4))
        image = nibabel.Nifti1Image(voxels, np.diag([5.0, 5.0, 5.0, 1.0]))
        nibabel.save(image, tmp_path / "mr" / f"{name}.nii.gz")
    torch.manual_seed(0)
    torch.save(MACTFusion().state_dict(), tmp_path / "model.pt")
    return tmp_path


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def run(folder, *words):
    app = Typer()
    app.command()(generalise.main)
    fixed = [
        "--page",
        folder / "docs" / "generalisation.md",
        "--sheets",
        folder / "sheets",
        "--slices",
        "2",
    ]
    fixed += ["--weights", f"new={folder / 'model.pt'}"]
    return CliRunner().invoke(app, [str(word) for word in (*fixed, *words)])


def test_the_page_and_the_sheets(folder):
    page = write_by_hand(folder / "docs" / "generalisation.md", generalise.MARKERS)
    result = run(folder, "--gfp-pc", folder / "gfp", "--mr-mr", folder / "mr")
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    assert "2 evenly spaced pairs of 2; left out for unequal sizes: 1." in text
    assert [text.count(f"| {method} |") for method in ("new", "average", "maximum")] == [3, 3, 3]
    assert len(list((folder / "sheets").glob("*.png"))) == 3


def test_pictures_go_the_way_of_the_recipe(folder):
    networks = read_networks({"new": str(folder / "model.pt")}, "gfp-pc")
    phase, gfp = (folder / "gfp" / part for part in ("PCI/a-1-t.jpg", "GFP/a-1-g.jpg"))
    (example,) = fuse(phase, gfp, "gfp-pc", networks, 4)
    assert (example.sources[0] == np.asarray(Image.open(phase))[..., 0]).all()
    assert np.abs(example.sources[1].astype(int) - np.asarray(Image.open(gfp))).max() <= 2
    whole = Recipe(phase, [gfp], Options(task="gfp-pc", weights=folder / "model.pt"))
    fused = whole.finish(whole.infer(whole.scale(whole.align())))["pred"][..., 0]
    expected = (255 * fused.as_tensor()).round().byte().numpy().transpose(2, 1, 0)
    assert np.abs(example.fused["new"].astype(int) - expected).max() <= 1


def test_slices_with_content_in_both_are_taken(folder):
    networks = read_networks({"new": str(folder / "model.pt")}, "mr-mr")
    paths = (folder / "mr" / f"{name}.nii.gz" for name in ("T1", "T2"))
    examples = list(fuse(*paths, "mr-mr", networks, 9))
    assert sorted(int(example.name.split()[1]) for example in examples) == [1, 2, 3, 4]
    assert all(np.ptp(source) > 100 for example in examples for source in example.sources)


def test_templates_and_heads(folder, monkeypatch):
    """CT in Hounsfield units, PET and SPECT of one grid; heads scanned with few voxels."""
    rng = np.random.default_rng(1)
    (folder / "mni").mkdir()
    values = {
        template_volumes.MR: (100, 900),
        template_volumes.CT: (0, 90),
        template_volumes.PET: (1, 200),
        template_volumes.SPECT: (1, 200),
    }
    for name, limits in values.items():
        outside = -1000 if name == template_volumes.CT else 0
        voxels = np.full((44, 48, 6), outside, np.float32)
        voxels[4:-4, 4:-4, 1:-1] = rng.integers(*limits, (36, 40, 4))
        image = nibabel.Nifti1Image(voxels, np.diag([5.0, 5.0, 5.0, 1.0]))
        nibabel.save(image, folder / "mni" / name)
    monkeypatch.setattr(kinds, "SCANS", dict.fromkeys(("T1", "CT", "PET", "SPECT"), COARSE))
    page = write_by_hand(folder / "docs" / "generalisation.md", generalise.MARKERS)
    mni = folder / "mni"
    result = run(folder, "--templates", mni, "--templates-on-ct", mni, "--heads", "1")
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    for title in (
        "template MR with CT",
        "template CT with PET",
        "template CT with SPECT",
        "synthetic T1 with SPECT",
    ):
        assert f"### {title}\n" in text
    for method in ("new", "average", "maximum", "blending"):
        assert text.count(f"| {method} |") == 8


def test_each_task_has_its_own_weights(tmp_path):
    torch.manual_seed(0)
    for task in ("ct-mri", "pet-mri"):
        torch.save(MACTFusion().state_dict(), tmp_path / f"of-{task}.pt")
    found = read_networks({"new": str(tmp_path / "of-{task}.pt")}, "pet-mri")
    assert found["new"].weights == tmp_path / "of-pet-mri.pt"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give --weights NAME=FILE"),
        (("--gfp-pc", "absent"), "absent holds no pairs"),
        (("--mr-mr", "absent"), "T1.nii.gz"),
        (("--templates", "absent"), "T1.nii"),
        (("--gfp-pc", "gfp", "--weights", "b=absent.pt"), "absent.pt"),
    ],
)
def test_refusals_are_one_sentence(folder, words, sentence, monkeypatch):
    monkeypatch.chdir(folder)
    assert_refused(run(folder, *words), sentence)
    assert not (folder / "docs").exists()


def test_a_missing_partner_is_named(folder):
    (folder / "gfp" / "PCI" / "a-2-t.jpg").unlink()
    result = run(folder, "--gfp-pc", folder / "gfp")
    assert result.exit_code == 2
    assert "a-2-g.jpg has no partner" in result.output
