"""A partner finer than the grid is averaged over what a voxel covers."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from mactfusion.transforms import slabs
from mactfusion.transforms.align import align_to
from mactfusion.transforms.footprint import Footprints
from mactfusion.transforms.sampling import interpolate

WAYS = [
    (order, signs) for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)
]
"""All 48 orders and directions of the axes."""


def turned(degrees, spacing_mm, middle=(0.0, 0.0, 0.0), shape=(1, 1, 1)):
    """An affine turned about two axes, with the middle of the grid at a place."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag(spacing_mm)
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def stored(array, affine, order, signs):
    """The same volume with other axes in memory."""
    array = array.transpose(order)
    moved = np.eye(4)
    moved[:3, :3] = np.eye(3)[:, order] * signs
    for axis, sign in enumerate(signs):
        if sign < 0:
            array = np.flip(array, axis)
            moved[order[axis], 3] = array.shape[axis] - 1
    return array.copy(), affine @ moved


def expected_mean(partner, affine, grid_affine, shape):
    """Means over the parts of all voxels, one part at a time, by SciPy."""
    index_map = np.linalg.solve(affine, grid_affine)
    steps = np.linalg.norm(index_map[:3, :3], axis=0)
    parts = np.maximum(1, np.ceil(steps * (1 - 1e-3))).astype(int)
    centres = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    size = np.array(partner.shape)
    values = []
    for place in product(*map(range, parts)):
        index = centres + (np.array(place) + 0.5) / parts - 0.5
        index = index @ index_map[:3, :3].T + index_map[:3, 3]
        found = map_coordinates(partner, np.moveaxis(index, -1, 0), order=1, mode="nearest")
        inside = ((index >= -0.5 - 1e-3) & (index <= size - 0.5 + 1e-3)).all(axis=-1)
        values.append(np.where(inside, found, np.nan))
    return np.nanmean(values, axis=0)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("degrees", [0, 11, 40])
@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [
        ((7, 5, 5), (2.3, 1.9, 5.0)),
        ((9, 8, 3), (0.9, 1.0, 6.2)),  # finer along one axis only
        ((5, 5, 9), (3.0, 3.0, 0.7)),
        ((7, 6, 1), (1.5, 1.5, 4.0)),
    ],
)
@pytest.mark.parametrize("partner_shape", [(14, 13, 12), (14, 13, 1), (1, 13, 12)])
def test_each_voxel_is_the_mean_of_its_parts(
    make_volume, degrees, shape, spacing_mm, partner_shape
):
    partner = np.random.default_rng(0).normal(size=partner_shape)
    affine = turned(-degrees / 3, (1.0, 1.1, 0.9), shape=partner_shape)
    grid_affine = turned(degrees, spacing_mm, (0.2, -0.2, 0.1), shape)
    grid = make_volume(np.zeros((1, *shape)), grid_affine)
    aligned, inside = align_to(make_volume(partner[None], affine), grid)
    expected = expected_mean(partner.astype(np.float32), affine, grid_affine, shape)
    seen = inside[0].numpy()
    compared = seen & np.isfinite(expected)
    assert compared.sum() > 0.9 * seen.sum() > 0
    assert np.abs(aligned[0].numpy() - expected)[compared].max() < 1e-5


@pytest.mark.parametrize("degrees", [0, 25])
def test_the_mean_of_a_ramp_is_the_ramp_at_the_centre(make_volume, degrees):
    shape, fine = (5, 4, 3), (40, 40, 40)
    affine = turned(0, (0.7, 0.6, 0.8), shape=fine)
    places = np.moveaxis(np.indices(fine), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    ramp = places @ [2.0, -3.0, 5.0] + 7
    grid_affine = turned(degrees, (1.3, 1.9, 3.3), (0.2, 0.1, -0.3), shape)
    aligned, _ = align_to(
        make_volume(ramp[None], affine), make_volume(np.zeros((1, *shape)), grid_affine)
    )
    centres = np.moveaxis(np.indices(shape), 0, -1) @ grid_affine[:3, :3].T + grid_affine[:3, 3]
    assert np.abs(aligned[0].numpy() - centres @ [2.0, -3.0, 5.0] - 7).max() < 1e-4


@pytest.mark.parametrize("at_mm", [0.0, 0.31, 1.7])
def test_one_bright_voxel_keeps_its_signal(make_volume, at_mm):
    partner = np.zeros((30, 30, 30))
    partner[14, 15, 16] = 1000
    affine = turned(0, (1.0, 1.0, 1.0), shape=partner.shape)
    shape = (12, 8, 5)
    grid_affine = turned(0, (2.0, 3.0, 5.0), (at_mm, -at_mm, at_mm / 2), shape)
    aligned, _ = align_to(
        make_volume(partner[None], affine), make_volume(np.zeros((1, *shape)), grid_affine)
    )
    assert float(aligned.sum()) * 2 * 3 * 5 == pytest.approx(1000, rel=1e-5)


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize("is_partner", [True, False])
def test_how_a_volume_is_stored_changes_nothing(make_volume, degrees, is_partner):
    rng = np.random.default_rng(1)
    array, affine = rng.normal(size=(12, 11, 10)), turned(0, (1.0, 1.2, 0.9), shape=(12, 11, 10))
    empty, grid_affine = np.zeros((4, 5, 3)), turned(degrees, (2.2, 1.8, 3.1), shape=(4, 5, 3))
    partner, grid = make_volume(array[None], affine), make_volume(empty[None], grid_affine)
    straight, straight_inside = (found[0].numpy() for found in align_to(partner, grid))
    for order, signs in WAYS:
        if is_partner:
            voxels, moved = stored(array, affine, order, signs)
            found, inside = align_to(make_volume(voxels[None], moved), grid)
            expected, expected_inside = straight, straight_inside
        else:
            voxels, moved = stored(empty, grid_affine, order, signs)
            found, inside = align_to(partner, make_volume(voxels[None], moved))
            expected, _ = stored(straight, grid_affine, order, signs)
            expected_inside, _ = stored(straight_inside, grid_affine, order, signs)
        assert np.abs(found[0].numpy() - expected).max() < 1e-6
        assert np.array_equal(inside[0].numpy(), expected_inside)


def test_axes_that_are_nearly_parallel_give_the_same(make_volume):
    partner = make_volume(
        np.random.default_rng(2).normal(size=(1, 20, 18, 16)),
        turned(0, (1, 1, 1), shape=(20, 18, 16)),
    )
    parallel, almost = (
        align_to(
            partner,
            make_volume(np.zeros((1, 7, 9, 4)), turned(degrees, (2.5, 1.4, 5), shape=(7, 9, 4))),
        )
        for degrees in (0, 1e-6)
    )
    assert torch.allclose(parallel[0].as_tensor(), almost[0].as_tensor(), atol=1e-5)
    assert torch.equal(parallel[1].as_tensor(), almost[1].as_tensor())


@pytest.mark.parametrize("degrees", [0, 15])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.5, 1.0, 0.9), (1.0005, 1.0, 0.3)])
def test_a_coarser_partner_is_interpolated_bit_by_bit(make_volume, degrees, spacing_mm):
    partner = make_volume(
        np.random.default_rng(3).normal(size=(1, 9, 8, 7)),
        turned(0, (1.0, 1.0, 1.0), shape=(9, 8, 7)),
    )
    grid = make_volume(
        np.zeros((1, 8, 7, 9)), turned(degrees, spacing_mm, (0.1, 0.2, 0.3), (8, 7, 9))
    )
    index_map = torch.linalg.solve(partner.affine, grid.affine)
    assert Footprints(index_map, (8, 7, 9)).parts == [1, 1, 1]
    aligned, inside = align_to(partner, grid)
    expected = interpolate(partner.as_tensor(), index_map, (8, 7, 9)).float()
    seen = inside.as_tensor()
    assert seen.any()
    assert torch.equal(aligned.as_tensor()[seen], expected[seen])


@pytest.mark.parametrize("degrees", [0, 15])
def test_pieces_leave_no_seam(make_volume, monkeypatch, degrees):
    partner = make_volume(
        np.random.default_rng(4).normal(size=(1, 14, 14, 14)),
        turned(0, (1, 1, 1), shape=(14, 14, 14)),
    )
    grid = make_volume(np.zeros((1, 7, 6, 5)), turned(degrees, (2.1, 1.7, 3.2), shape=(7, 6, 5)))
    whole, whole_inside = align_to(partner, grid)
    for voxels in (1, 500):
        monkeypatch.setattr(slabs, "SLAB_VOXELS", voxels)
        found, inside = align_to(partner, grid)
        assert torch.allclose(found.as_tensor(), whole.as_tensor(), atol=1e-6)
        assert torch.equal(inside.as_tensor(), whole_inside.as_tensor())


@pytest.mark.parametrize("degrees", [0, 15])
def test_colours_are_averaged_each(make_volume, degrees):
    colours = np.random.default_rng(5).random((3, 12, 12, 12))
    affine = turned(0, (1, 1, 1), shape=(12, 12, 12))
    grid = make_volume(np.zeros((1, 5, 5, 3)), turned(degrees, (3, 3, 5), shape=(5, 5, 3)))
    aligned, inside = align_to(make_volume(colours, affine), grid)
    for colour, found in zip(colours, aligned.as_tensor(), strict=True):
        alone, _ = align_to(make_volume(colour[None], affine), grid)
        seen = inside[0].as_tensor()
        assert torch.allclose(found[seen], alone[0].as_tensor()[seen], atol=1e-6)
    assert (aligned.as_tensor()[:, ~inside[0].as_tensor()] == 0).all()


@pytest.mark.parametrize("degrees", [0, 30])
def test_at_the_edge_only_what_was_seen_counts(make_volume, degrees):
    """A partner of one value keeps it up to its edge: nothing is mixed in from outside."""
    partner = np.full((1, 9, 9, 9), 5.0)
    partner[0, 4, 4, 4] = -1000  # the background outside
    affine = turned(0, (1, 1, 1), shape=(9, 9, 9))
    grid = make_volume(np.zeros((1, 11, 11, 7)), turned(degrees, (1.5, 1.5, 4), shape=(11, 11, 7)))
    aligned, inside = align_to(make_volume(partner, affine), grid)
    voxels, seen = aligned[0].as_tensor(), inside[0].as_tensor()
    assert (voxels[~seen] == -1000).all()
    places = torch.argwhere(seen).double() @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    away = (places.abs() > 1).any(dim=1) & (places.norm(dim=1) > 4.5)
    assert away.sum() > 10
    assert torch.allclose(voxels[seen][away], torch.tensor(5.0))
