from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.transforms.slices import (
    OrientToSlicesd,
    RestoreOrientationd,
    choose_axis,
    cut_slice,
    slice_axis,
)

ORDERS = [
    "".join(letters)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*axes)
]


def affine_of(codes: str, shape, degrees: float = 0.0, spacing=(1.0, 1.0, 1.0)) -> np.ndarray:
    """An affine with these axis codes, turned around an oblique axis."""
    turn = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(codes), shape)
    angle = np.radians(degrees)
    x, y, z = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(4)
    rotation[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    rotation[:3, 3] = 12.3, -45.6, 7.89
    return rotation @ np.linalg.inv(turn) @ np.diag([*spacing, 1.0])


@pytest.mark.parametrize("codes", ORDERS)
@pytest.mark.parametrize("degrees", [0, 17, 39])
def test_there_and_back_is_exact(make_volume, codes, degrees):
    shape = (3, 4, 5)
    affine = affine_of(codes, shape, degrees, (1.1, 0.7, 2.3))
    volume = make_volume(np.random.default_rng(5).random((1, *shape)), affine)
    for axis in ("auto", "axial", "coronal", "sagittal"):
        given = {"anatomical": volume, "pred": volume}
        turned = OrientToSlicesd(["anatomical", "pred"], axis=axis)(given)
        (done,) = turned["pred"].applied_operations
        assert done["class"] == "OrientToSlicesd"
        back = RestoreOrientationd(["pred", "anatomical"])(turned)
        for key in ("pred", "anatomical"):
            assert torch.equal(back[key].as_tensor(), volume.as_tensor())
            assert torch.equal(back[key].affine, volume.affine)
            assert back[key].dtype == torch.float32
            assert not back[key].applied_operations
        assert given["pred"] is volume


@pytest.mark.parametrize("codes", ORDERS)
def test_the_display_is_radiological_whatever_the_order(make_volume, codes):
    """The voxel's world position, stored as its value, must run the right way on the screen."""
    shape = (4, 5, 6)
    affine = affine_of(codes, shape, 8)
    indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    world = nib.affines.apply_affine(affine, indices)
    data = {
        name: make_volume(world[None, ..., axis], affine)
        for axis, name in enumerate(("x", "y", "z"))
    }
    runs = {
        "axial": {"z": (0, 1), "y": (1, -1), "x": (2, -1)},
        "coronal": {"y": (0, -1), "z": (1, -1), "x": (2, -1)},
        "sagittal": {"x": (0, -1), "z": (1, -1), "y": (2, -1)},
    }
    for axis, directions in runs.items():
        turned = OrientToSlicesd(["x", "y", "z"], axis=axis, reference="x")(data)
        assert turned["axis"] == axis
        for name, (dimension, sign) in directions.items():
            steps = turned[name][0].as_tensor().diff(dim=dimension)
            assert (sign * steps > 0.9).all()
        corner = nib.affines.apply_affine(turned["x"].affine.numpy(), [0, 0, 0])
        stored = [float(turned[name][0, 0, 0, 0]) for name in ("x", "y", "z")]
        assert np.allclose(corner, stored, atol=1e-5)


def test_results_without_meta_come_back_too(head):
    turned = OrientToSlicesd(["anatomical"], axis="coronal")({"anatomical": head["mr"]})
    turned["pred"] = turned["anatomical"].as_tensor().repeat(3, 1, 1, 1)
    back = RestoreOrientationd(["pred"])(turned)["pred"]
    assert torch.equal(back.as_tensor(), head["mr"].as_tensor().repeat(3, 1, 1, 1))
    assert torch.equal(back.affine, head["mr"].affine)


@pytest.mark.parametrize(
    ("codes", "shape", "spacing", "expected"),
    [
        ("RAS", (9, 9, 9), (1, 1, 1), "axial"),
        ("RAS", (9, 9, 9), (1, 1, 5), "axial"),
        ("PSR", (9, 9, 9), (1, 1, 5), "sagittal"),
        ("RSA", (9, 9, 9), (0.5, 0.5, 3), "coronal"),
        ("SRA", (9, 9, 9), (4, 1, 1), "axial"),
        ("LAS", (9, 9, 9), (1.09, 1, 1), "axial"),
        ("LAS", (9, 9, 9), (1.2, 1.2, 1), "axial"),
        ("LAS", (1, 9, 9), (1, 1, 3), "sagittal"),
        ("LAS", (9, 1, 9), (1, 1, 1), "coronal"),
    ],
)
@pytest.mark.parametrize("degrees", [0, 20])
def test_auto_takes_the_slices_of_the_acquisition(
    make_volume, codes, shape, spacing, expected, degrees
):
    volume = make_volume(np.zeros((1, *shape)), affine_of(codes, shape, degrees, spacing))
    assert choose_axis(volume) == expected


@pytest.mark.parametrize("axis", ["auto", "coronal"])
def test_a_picture_is_its_own_slice(make_volume, axis):
    picture = make_volume(torch.arange(12.0).reshape(1, 4, 3, 1), is_image=True)
    turned = OrientToSlicesd(["anatomical"], axis=axis)({"anatomical": picture})
    assert turned["axis"] == "axial"
    # Stored (column, row); seen (row, column), the first row on top.
    assert torch.equal(turned["anatomical"].as_tensor()[0, 0], picture.as_tensor()[0, :, :, 0].T)


def test_unknown_axis(head):
    with pytest.raises(InputError, match="Unknown axis 'horizontal'"):
        choose_axis(head["mr"], "horizontal")


@pytest.mark.parametrize("codes", ORDERS)
@pytest.mark.parametrize("axis", ["axial", "coronal", "sagittal"])
def test_one_slice_is_that_of_the_stored_array(make_volume, codes, axis):
    shape = (3, 4, 5)
    volume = make_volume(
        torch.arange(60.0).reshape(1, *shape), affine_of(codes, shape, 20, (1, 2, 3))
    )
    turned = OrientToSlicesd(["anatomical"], axis=axis)({"anatomical": volume})
    number, _ = slice_axis(volume.affine, axis)
    assert codes[number] in {"axial": "SI", "coronal": "AP", "sagittal": "LR"}[axis]
    for index in range(shape[number]):
        cut = RestoreOrientationd(["anatomical"])(cut_slice(turned, index))["anatomical"]
        expected = volume.as_tensor().narrow(number + 1, index, 1)
        assert torch.equal(cut.as_tensor(), expected)
        start = torch.eye(4, dtype=torch.float64)[3]
        start[number] = index
        assert torch.allclose(cut.affine[:, 3], volume.affine @ start)
        assert torch.equal(cut.affine[:, :3], volume.affine[:, :3])
    for index in (-1, shape[number]):
        with pytest.raises(InputError, match=f"There is no slice {index}"):
            cut_slice(turned, index)
