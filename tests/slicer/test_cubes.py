"""A result in cubic voxels: in the same place as its sources, whatever their grids are."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
from MACTFusionLib.made_volumes import GRIDS, SHAPE, add_volume, make_pair, put_under, turn
from MACTFusionLib.nodes.grid import result_geometry
from MACTFusionLib.nodes.result import ATTRIBUTE
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from MACTFusionLib.parameters import Grid
from MACTFusionLib.views import squares
from waiting import wait

OPTIONS = {"device": "cpu", "task": "pet-mri", "display": "fixed"}
CUBES = (24, 20, 15)  # 6 slices of 5 mm in cubes of 2 mm


def corners_of(geometry):
    """The outer corners of the field of view in the world, ``(8, 3)``, sorted."""
    ends = np.meshgrid(*[(-0.5, size - 0.5) for size in geometry.shape], indexing="ij")
    index = np.stack([*ends, np.ones((2, 2, 2))]).reshape(4, -1)
    points = (geometry.affine @ index)[:3].T.round(6)
    return points[np.lexsort(points.T)]


def edges_of(geometry):
    return np.linalg.norm(geometry.affine[:3, :3], axis=0)


@pytest.mark.parametrize("name", GRIDS)
def test_cubes_lie_where_the_anatomical_volume_does(name, logic):
    mr, pet = make_pair(GRIDS[name])
    fused = logic.fuse(mr, pet, grid="isotropic", **OPTIONS)
    found, source = geometry_of(fused), geometry_of(mr)
    assert found.shape == CUBES
    assert np.allclose(edges_of(found), 2)
    assert np.allclose(corners_of(found), corners_of(source))
    assert '"grid": "isotropic"' in fused.GetAttribute(ATTRIBUTE + "Options")
    # the uptake is at the corner of the MR with the index (0, 0), seen from outside as well
    brightness = voxels_of(fused).astype(float).sum(-1)
    hot = source.affine @ [2, 2, (SHAPE[2] - 1) / 2, 1]
    index = np.round(np.linalg.inv(found.affine) @ hot)[:3].astype(int)
    middle = brightness[..., index[2]]
    corners = [middle[i, j] for i in (2, -3) for j in (2, -3)]
    assert middle[tuple(index[:2])] > 2 * max(corners[1:]), corners


def test_lengths_in_the_world_decide_under_a_parent_transform(logic):
    """The transform turns, moves and stretches: slices of 5 mm are 2.5 mm thick in the world."""
    mr, pet = make_pair(GRIDS["oblique"])
    to_world = np.eye(4)
    unit = geometry_of(mr).affine[:3, :3] / (2, 2, 5)
    to_world[:3, :3] = turn(25) @ unit @ np.diag([1, 1, 0.5]) @ unit.T
    to_world[:3, 3] = (40, -10, 7)
    for node in (mr, pet):
        put_under(node, to_world)
    fused = logic.fuse(mr, pet, grid="isotropic", **OPTIONS)
    found = geometry_of(fused)
    assert fused.GetParentTransformNode() is mr.GetParentTransformNode()
    assert found.shape == (24, 20, 8)  # 15 mm need 7.5 cubes
    assert np.allclose(edges_of(found), 2)
    middles = [g.affine @ [*((np.array(g.shape) - 1) / 2), 1] for g in (found, geometry_of(mr))]
    assert np.allclose(*middles)
    hot, other = (voxels_of(fused).astype(float).sum(-1)[i, i, 4] for i in (2, -3))
    assert hot > 2 * other


def test_cubes_are_left_as_they_are(scene):
    affine = GRIDS["oblique"] @ np.diag([0.5, 0.5, 0.2, 1])
    geometry = geometry_of(add_volume("MR", np.zeros(SHAPE, np.int16), affine))
    assert result_geometry(geometry, "isotropic") is geometry


@pytest.fixture
def thick(warm_panel):
    """A panel with a pair and cubic voxels chosen by hand."""
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = make_pair()
    warm_panel.ui.gridComboBox.currentIndex = list(Grid).index(Grid.ISOTROPIC)
    assert chosen.grid is Grid.ISOTROPIC
    return warm_panel


def test_the_panel_says_the_grid_and_previews_a_slice_of_it(thick):
    assert thick.ui.gridLabel.text == (
        "Result in cubic voxels in the place of MR: 24×20×15 voxels of 2×2×2\u00a0mm."
    )
    view = slicer.mrmlScene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    view.SetSliceOffset(-7.5)  # between two slices of the MR
    thick._parameters.livePreview = True
    preview = thick.looking.preview
    wait(thick, lambda: preview.node is not None and not preview.is_under_way)
    shown, place = voxels_of(preview.node).copy(), geometry_of(preview.node)
    assert place.shape == (24, 20, 1)
    thick.ui.applyButton.click()
    wait(thick, lambda: not thick.logic.is_running)
    fused = thick.runs.fused
    index = np.linalg.inv(geometry_of(fused).affine) @ place.affine[:, 3]
    assert np.allclose(index, [0, 0, 3, 1])
    assert np.array_equal(shown[:, :, 0], voxels_of(fused)[:, :, 3])


def test_a_grid_that_no_memory_holds_disables_apply(panel):
    affine = np.diag([1e-4, 2.0, 5.0, 1.0])
    mr = add_volume("MR", np.zeros(SHAPE, np.int16), affine)
    panel._parameters.livePreview = False
    panel._parameters.anatomical = mr
    panel._parameters.partner = add_volume("PET", np.ones(SHAPE, np.int16), affine)
    assert panel.ui.applyButton.enabled
    panel.ui.gridComboBox.currentIndex = list(Grid).index(Grid.ISOTROPIC)
    assert not panel.ui.applyButton.enabled
    assert "In cubic voxels MR would be too large" in panel.ui.applyButton.toolTip


def test_squares_of_thick_slices_beside_cubes(scene):
    mr, _pet = make_pair()
    cubes = result_geometry(geometry_of(mr), "isotropic")
    voxels = voxels_of(mr)
    repeated = squares.nearest(voxels[..., None], geometry_of(mr), cubes)[..., 0]
    assert repeated.shape == CUBES
    places = (np.arange(15) + 0.5) * 2 / 5 - 0.5  # of cubes among the slices
    clear = np.abs(places % 1 - 0.5) > 1e-6  # not in the middle between two
    assert clear.sum() == 12
    of_cube = np.round(places[clear]).astype(int)
    assert np.array_equal(repeated[:, :, clear], voxels[:, :, of_cube])
    assert np.array_equal(
        squares.nearest(voxels[..., None], geometry_of(mr), geometry_of(mr))[..., 0], voxels
    )
    fused = add_volume("fused", np.full(CUBES, 7, np.int16), cubes.affine)
    node = squares.make_checkerboard(mr, fused)
    assert np.allclose(geometry_of(node).affine, cubes.affine)


def test_squares_of_an_mr_that_was_turned_since(scene):
    """By 90 degrees about the middle of the field of view: voxels change places exactly."""
    random = np.random.default_rng(0)
    voxels = random.integers(0, 256, (12, 12, 4, 3)).astype(np.uint8)
    grid = geometry_of(add_volume("fused", voxels[..., 0], np.diag([-2.0, -2.0, 5.0, 1.0])))
    mr = add_volume("MR", voxels[..., 0], grid.ijk_to_ras)
    middle = np.eye(4)
    middle[:3, 3] = (grid.affine @ [5.5, 5.5, 1.5, 1])[:3]
    turned = np.eye(4)
    turned[:3, :3] = turn(90)
    put_under(mr, middle @ turned @ np.linalg.inv(middle))
    found = squares.nearest(voxels, geometry_of(mr), grid)
    assert np.array_equal(found, np.rot90(voxels))
    turned[:3, :3] = turn(45)
    put_under(mr, middle @ turned @ np.linalg.inv(middle))
    found = squares.nearest(voxels, geometry_of(mr), grid)
    index = np.stack(np.meshgrid(range(12), range(12), indexing="ij")) - 5.5
    there = np.rint(np.einsum("ij,jkl->ikl", turn(-45)[:2, :2], index) + 5.5).astype(int)
    is_inside = ((there >= 0) & (there < 12)).all(0)
    assert 0.7 < is_inside.mean() < 0.9
    assert np.array_equal(found[is_inside], voxels[tuple(there[:, is_inside])])
    assert not found[~is_inside].any()
