"""The synthetic head: one head in world space, whatever the grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.phantom import HeadPhantom, phantom_slices
from mactfusion.transforms.align import align_to

# A slab through lesion and calcification, fine enough to be sampled once a voxel.
SHAPE = (88, 108, 28)
SPACING_MM = 1.9
SLAB_CENTRE_MM = (0.0, 4.0, 18.0)
MODALITIES = ("T1", "T2", "CT", "PET", "SPECT")


@pytest.fixture(scope="module")
def head():
    return HeadPhantom(seed=0)


def grid(axes=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """The grid of the slab with the given storage axes."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(axes) * SPACING_MM
    affine[:3, 3] = SLAB_CENTRE_MM - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def ball(head, modality, centre_mm, radius_mm=5.0):
    """Values on a 1 mm grid inside a ball."""
    size = int(2 * radius_mm + 1)
    affine = np.eye(4)
    affine[:3, 3] = np.array(centre_mm) - radius_mm
    values = head.sample(modality, (size,) * 3, affine).as_tensor()[0].numpy()
    offset = np.indices(values.shape) - radius_mm
    return values[(offset**2).sum(axis=0) <= radius_mm**2]


def turned(degrees):
    angle = np.deg2rad(degrees)
    about_x = [
        [1, 0, 0],
        [0, np.cos(angle), -np.sin(angle)],
        [0, np.sin(angle), np.cos(angle)],
    ]
    return np.array(about_x)


def test_volume_has_geometry_and_meta(head):
    volume = head.sample("PET", SHAPE, grid())
    assert volume.shape == (1, *SHAPE)
    assert volume.dtype == torch.float32
    assert volume.affine.dtype == torch.float64
    assert volume.meta["modality"] == "PT"
    assert volume.meta["units"] == "BQML"


@pytest.mark.parametrize("modality", MODALITIES)
def test_reversed_storage_shows_the_same_head(head, modality):
    ras = head.sample(modality, SHAPE, grid()).as_tensor()
    lps = head.sample(modality, SHAPE, grid(np.diag([-1, -1, 1]))).as_tensor()
    noise = {"T1": 25, "T2": 30, "CT": 8}.get(modality, 0.1)
    difference = (ras - lps.flip(1, 2)).abs().mean()
    mirrored = (ras - lps.flip(2)).abs().mean()
    assert difference < noise
    assert mirrored > 2 * difference


@pytest.mark.parametrize("modality", MODALITIES)
def test_oblique_grid_shows_the_same_head(head, modality):
    straight = head.sample(modality, SHAPE, grid())
    oblique = head.sample(modality, SHAPE, grid(turned(12)))
    aligned, seen = align_to(oblique, straight)
    inside = seen.as_tensor() > 0

    def agreement(first, second):
        return np.corrcoef(first[inside].numpy(), second[inside].numpy())[0, 1]

    right = agreement(straight.as_tensor(), aligned.as_tensor())
    untouched = agreement(straight.as_tensor(), oblique.as_tensor())
    assert right > 0.93
    assert right > untouched + 0.02


@pytest.mark.parametrize("modality", ["PET", "SPECT"])
def test_lesion_is_the_hottest_place(head, modality):
    volume = head.sample(modality, SHAPE, grid())
    hottest = np.unravel_index(int(volume.as_tensor()[0].argmax()), SHAPE)
    place_mm = volume.affine.numpy()[:3] @ [*hottest, 1]
    assert np.linalg.norm(place_mm - head.lesion_mm) < SPACING_MM


def test_lesion_is_hidden_in_mr_and_ct(head):
    t1, ct = ball(head, "T1", head.lesion_mm), ball(head, "CT", head.lesion_mm)
    assert t1.min() > 60
    assert t1.max() < 760
    assert ct.min() > -20
    assert ct.max() < 65


def test_calcification_is_bright_in_ct_alone(head):
    place = np.array(head.calcification_mm)
    assert np.median(ball(head, "CT", place, 3.0)) > 600
    assert ball(head, "CT", place * [-1, 1, 1], 12.0).max() < 80
    t1, t1_opposite = (ball(head, "T1", place * [side, 1, 1], 3.0) for side in (1, -1))
    assert np.median(t1) == pytest.approx(np.median(t1_opposite), rel=0.15)
    assert ball(head, "PET", place).max() < 0.75 * ball(head, "PET", head.lesion_mm).max()


@pytest.mark.parametrize("seed", range(20))
def test_landmarks_stay_on_their_sides(seed):
    head = HeadPhantom(seed)
    assert head.lesion_mm[0] < -25
    assert head.calcification_mm[0] > 20


def test_tissues_are_in_their_range(head):
    ct = head.sample("CT", SHAPE, grid()).as_tensor()
    assert -1024 <= ct.min() < -980
    assert 850 < ct.max() < 1150
    brain = ball(head, "CT", (-20, 0, 35), 8.0)
    assert 15 < np.median(brain) < 45
    assert head.sample("T1", SHAPE, grid()).as_tensor().min() >= 0


def test_thick_voxel_is_the_mean_of_thin_ones(head):
    # A thin stack through the slanted vertex, where slice thickness matters most.
    thin = np.diag([2.0, 2.0, 1.0, 1.0])
    thin[:3, 3] = [-40, -40, 60]
    thick = thin.copy()
    thick[:, 2] *= 8
    thick[2, 3] += 3.5
    fine = head.sample("CT", (40, 40, 8), thin).as_tensor().mean(dim=3)
    coarse = head.sample("CT", (40, 40, 1), thick).as_tensor()[..., 0]
    assert (fine - coarse).abs().mean() < 25
    assert fine.std() > 200


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["T1", "PET"])
def test_seed_decides_everything(modality):
    first, again, other = (
        HeadPhantom(seed).sample(modality, SHAPE, grid()).as_tensor() for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 0.01 * first.max()


def test_noise_differs_from_grid_to_grid(head):
    air = grid()
    air[:3, 3] += 400
    moved = air.copy()
    moved[0, 3] += 10
    first, second = (head.sample("CT", SHAPE, affine).as_tensor() for affine in (air, moved))
    assert not torch.equal(first, second)


def test_unknown_modality(head):
    with pytest.raises(KeyError):
        head.sample("US", SHAPE, grid())


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ct-mri", "pet-mri", "spect-mri", "mr-mr"])
def test_slices_are_registered_pairs(task):
    pairs = phantom_slices(task, count=4, seed=3)
    assert pairs.shape == (4, 2, 192, 192)
    assert pairs.dtype == torch.float32
    assert pairs.min() >= 0
    assert pairs.max() <= 1
    assert torch.equal(pairs[:2], phantom_slices(task, count=2, seed=3))
    anatomical, partner = pairs.unbind(1)
    shown = partner > 0.05
    assert 0.05 < shown.float().mean() < 0.6
    assert (anatomical[shown] > 0.03).float().mean() > 0.85


def test_slices_of_another_seed_differ():
    assert not torch.equal(phantom_slices("ct-mri", 1, seed=0), phantom_slices("ct-mri", 1, seed=1))


@pytest.mark.slow
def test_ct_slices_look_like_the_training_data():
    ct = phantom_slices("ct-mri", count=8, seed=0)[:, 1]
    assert 0.03 < (ct == 1).float().mean() < 0.3
    brain = ct[(ct > 0.15) & (ct < 0.6)]
    assert 0.3 < float(brain.median()) < 0.42


def test_slices_refuse_a_task_without_head():
    with pytest.raises(InputError, match="gfp-pc"):
        phantom_slices("gfp-pc", count=1)
