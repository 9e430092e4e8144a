"""What the recipe promises holds whichever network it runs; one more of the registry too."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import tiny_network
import torch

from mactfusion import fuse_volumes
from mactfusion.networks.registry import MODELS
from mactfusion.transforms.color import BACKGROUND, rgb_to_ycbcr
from mactfusion.transforms.volume import plain
from mactfusion.weights import save_state

FLOAT_NOISE = 5e-5
NAMES = [*MODELS, tiny_network.NAME]
EVERY_MODEL = {**MODELS, tiny_network.NAME: tiny_network.MODEL}

needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Untrained weights of each model: what is promised does not depend on the training."""
    folder = tmp_path_factory.mktemp("weights")
    for name, model in EVERY_MODEL.items():
        torch.manual_seed(1)
        save_state(model.network().state_dict(), folder / f"{name}.pt")
    return folder


@pytest.fixture(params=NAMES)
def chosen(request, files, monkeypatch):
    """The options that choose a model: each in turn."""
    monkeypatch.setitem(MODELS, request.param, EVERY_MODEL[request.param])
    return {"model": request.param, "weights": files / f"{request.param}.pt"}


def halved(volume):
    """Every other row and column: a quarter of the work."""
    array, affine = volume
    return array[::2, ::2].copy(), affine @ np.diag([2.0, 2, 1, 1])


@pytest.fixture
def mr(mr):
    """``(array, affine)``: 12 x 14 x 4 voxels of 8 x 8 x 10 mm."""
    return halved(mr)


@pytest.fixture
def pet(pet):
    """``(array, affine)`` on another grid, which covers all of the MR."""
    return halved(pet)


@pytest.fixture
def fuse(chosen, mr, pet):
    """``fuse(mr=…, partner=…, …)``: MR and PET, unless others are given, with the model."""
    given = {"mr": mr, "partner": pet}

    def run(**options):
        sources = [options.pop(role, given[role]) for role in given]
        options = {"task": "pet-mri", "device": "cpu", **chosen, **options}
        return fuse_volumes(*sources, **options)

    return run


def mirrored(volume):
    """The same volume with its first and last axis stored backwards."""
    array, affine = volume
    turn = np.diag([-1.0, 1, -1, 1])
    turn[[0, 2], 3] = array.shape[0] - 1, array.shape[2] - 1
    return array[::-1, :, ::-1].copy(), affine @ turn


def shown(result):
    """The brighter source, and where it is no background: on the grid of the result."""
    luminance = rgb_to_ycbcr(plain(result.partner))[0]
    brighter = torch.maximum(plain(result.anatomical)[0], luminance)
    return brighter, brighter > BACKGROUND


def test_geometry(fuse, mr, pet):
    result = fuse()
    assert result.fused.shape == (3, *mr[0].shape)
    assert np.allclose(result.fused.affine, mr[1])
    assert result.fused.std() > 0.01
    other = mirrored(mr)
    turned = fuse(mr=other, partner=mirrored(pet)).fused
    assert np.allclose(turned.affine, other[1])
    difference = plain(turned).flip(1, 3) - plain(result.fused)
    assert difference.abs().max() < FLOAT_NOISE


@pytest.mark.parametrize("axis", ["coronal", "sagittal"])
def test_slices_along_any_axis(axis, fuse, mr):
    result = fuse(axis=axis)
    assert result.fused.shape == (3, *mr[0].shape)
    assert torch.isfinite(plain(result.fused)).all()
    assert result.record["axis"] == axis


def test_brightness_is_steady(fuse, mr, pet):
    # Dim and ever dimmer, so that nothing is clipped and nothing is equally bright by chance.
    mr[0][...] *= np.linspace(0.2, 0.6, mr[0].shape[2])
    windows = {"anatomical_window": (900, 1800), "window": (8000, 16000), "colormap": "grey"}
    result = fuse(luminance=True, colors="ycbcr", **windows)
    brighter, seen = shown(result)
    fused = plain(result.fused)[0]
    fade = (brighter / BACKGROUND).clamp(max=1)
    for index in range(fused.shape[2]):
        place = seen[..., index]
        energies = [v[..., index][place].square().mean() for v in (brighter, fused)]
        assert fused[..., index].max() <= 1
        if fused[..., index].max() < 1:
            assert energies[1] == pytest.approx(energies[0].item(), rel=1e-3)
        else:
            assert energies[1] < energies[0]
    assert (fused.amax(dim=(0, 1)) < 1).any(), "a slice in which nothing is clipped"
    assert (fused <= fade + 1e-6).all(), "background stays dark"


def test_colours_are_those_of_the_partner(fuse):
    color, grey = fuse(colors="ycbcr"), fuse(luminance=True)
    y, cb, cr = rgb_to_ycbcr(plain(color.fused))
    assert (y - plain(grey.fused)[0]).abs().max() < FLOAT_NOISE
    _, partner_cb, partner_cr = rgb_to_ycbcr(plain(color.partner))
    mine = torch.stack([cb, cr]) - 0.5
    given = torch.stack([partner_cb, partner_cr]) - 0.5
    # As far as the luminance leaves room for a colour, it has the partner's hue.
    assert (mine[0] * given[1] - mine[1] * given[0]).abs().max() < 1e-4
    assert (mine * given).sum(dim=0).min() > -1e-4
    assert (mine.norm(dim=0) <= given.norm(dim=0) + 1e-4).all()
    assert mine.norm(dim=0).max() > 0.05


def test_blank_slices_stay_blank(fuse, mr, pet):
    mr[0][:, :, [0, 3]] = 0
    pet[0][:, :, [0, 1, 2, 3, 8, 9, 10, 11]] = 0
    result = fuse()
    blank = (result.anatomical[0] == 0) & (result.partner.amax(0) == 0)
    assert blank[..., [0, 3]].all()
    assert result.fused.amax(0)[blank].max() == 0
    assert result.fused[..., 2].max() > 0.1


def test_values_that_are_no_numbers_are_said_and_do_no_harm(fuse, mr):
    mr[0][5:7, 7, 1] = np.nan, np.inf
    result = fuse()
    assert torch.isfinite(plain(result.fused)).all()
    assert any("2 values are not finite" in sentence for sentence in result.warnings)


def test_batches_change_nothing(fuse):
    single = plain(fuse(batch_size=1).fused)
    assert (plain(fuse(batch_size=3).fused) - single).abs().max() < FLOAT_NOISE


def test_size_of_a_slice(fuse, mr):
    array, affine = mr
    narrow = array[1:10, 2:13]
    assert fuse(mr=(narrow, affine)).fused.shape == (3, 9, 11, 4)


def test_half_precision_is_close(fuse):
    exact, rough = (plain(fuse(precision=p).fused) for p in ("float32", "bfloat16"))
    assert (rough - exact).abs().mean() < 0.05 * exact.mean()


@needs_a_gpu
def test_a_gpu_gives_the_same(fuse):
    exact, fast = (plain(fuse(device=device).fused) for device in ("cpu", "cuda"))
    assert (fast - exact).abs().mean() < 1e-3


def test_three_modalities_in_any_order(fuse, mr, pet):
    ct = (np.where(mr[0] > 500, 900, np.where(mr[0] > 0, 40, -1000)).astype(np.float32), mr[1])
    tasks = ["ct-mri", "pet-mri"]
    result = fuse(partner=[ct, pet], task=tasks)
    other = fuse(partner=[pet, ct], task=tasks[::-1])
    assert torch.equal(plain(result.fused), plain(other.fused))
    assert result.fused.shape == (3, *mr[0].shape)
    assert result.fused.std() > 0.01


def far(pet):
    array, affine = pet
    moved = affine.copy()
    moved[0, 3] += 500
    return array, moved


BAD = {
    "apart": (far, "do not overlap"),
    "no uptake": (lambda pet: (-1 - pet[0], pet[1]), "positive"),
    "no numbers": (lambda pet: (pet[0] * np.nan, pet[1]), "finite"),
    "constant": (lambda pet: (0 * pet[0] + 7, pet[1]), "constant"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case, chosen, mr, pet, tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    spoil, word = BAD[case]
    for name, volume in {"mr": mr, "pet": spoil(pet)}.items():
        nibabel.save(nibabel.Nifti1Image(*volume), f"{name}.nii.gz")
    before = sorted(tmp_path.iterdir())
    options = [word for key, value in chosen.items() for word in (f"--{key}", value)]
    sources = ("mr.nii.gz", "pet.nii.gz", "--task", "pet-mri")
    outcome = run_command("fuse", *sources, "-o", "fused.nii.gz", "--device", "cpu", *options)
    assert outcome.refused(word), outcome
    assert sorted(tmp_path.iterdir()) == before
