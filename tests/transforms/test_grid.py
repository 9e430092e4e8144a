from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from monai.transforms import Spacing

from mactfusion.errors import FusionWarning, InputError, with_names
from mactfusion.transforms import fineness
from mactfusion.transforms.grid import ChooseGridd, isotropic

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "permuted": np.eye(3)[:, [2, 0, 1]],
    "oblique and flipped": None,
}


def turned() -> np.ndarray:
    """A rotation about all three axes, mirrored along one."""
    angles = np.radians([20, -35, 50])
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        plane = [other for other in range(3) if other != axis]
        step = np.eye(3)
        step[np.ix_(plane, plane)] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
        turn = turn @ step
    return turn @ np.diag([1.0, -1.0, 1.0])


def affine_of(direction: str, spacing: tuple[float, float, float]) -> np.ndarray:
    affine = np.eye(4)
    turn = DIRECTIONS[direction]
    affine[:3, :3] = (turned() if turn is None else turn) @ np.diag(spacing)
    affine[:3, 3] = (-31, 12, 57)
    return affine


def corners_of(affine: np.ndarray, shape) -> np.ndarray:
    """The outer corners of the field of view in millimetres, ``(8, 3)``."""
    ends = np.array(np.meshgrid(*[(-0.5, size - 0.5) for size in shape], indexing="ij"))
    return (affine[:3, :3] @ ends.reshape(3, -1)).T + affine[:3, 3]


def assert_same_volume(found, volume):
    """Nothing was copied or computed: the same memory under the same affine."""
    assert found.as_tensor().data_ptr() == volume.as_tensor().data_ptr()
    assert found.shape == volume.shape
    assert torch.equal(found.affine, volume.affine)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_cubes_fill_the_same_field_of_view(make_volume, direction):
    volume = make_volume(
        np.random.default_rng(0).random((1, 9, 7, 5)), affine_of(direction, (0.9, 0.9, 4.5))
    )
    cubes = isotropic(volume)
    affine, before = cubes.affine.numpy(), volume.affine.numpy()
    assert cubes.shape == (1, 9, 7, 25)
    assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), 0.9)
    assert np.allclose(affine[:3, :3] / 0.9, before[:3, :3] / (0.9, 0.9, 4.5))
    found, expected = corners_of(affine, (9, 7, 25)), corners_of(before, (9, 7, 5))
    assert np.allclose(found, expected)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 0.999993), (0.5, 0.50001, 0.5)])
def test_rounded_spacings_of_a_large_volume_are_cubes(make_volume, spacing_mm):
    volume = make_volume(np.zeros((1, 200, 210, 3)), affine_of("oblique and flipped", spacing_mm))
    assert isotropic(volume) is volume


def test_an_axis_that_is_nearly_the_finest_keeps_its_voxels(make_volume):
    array = np.random.default_rng(1).normal(size=(1, 200, 201, 4))
    volume = make_volume(array, affine_of("oblique and flipped", (0.5, 0.50001, 5.0)))
    cubes = isotropic(volume)
    assert cubes.shape[1:3] == (200, 201)
    step = np.linalg.inv(volume.affine.numpy()) @ cubes.affine.numpy()
    assert np.allclose(step[:2], np.eye(4)[:2])


def test_what_no_cubes_fill_exactly_is_covered_around_its_middle(make_volume):
    volume = make_volume(np.zeros((1, 3, 4, 5)), affine_of("oblique and flipped", (1.0, 1.7, 3.1)))
    cubes = isotropic(volume)
    assert cubes.shape == (1, 3, 7, 16)  # 3 mm, 6.8 mm and 15.5 mm
    middles = [v.affine.numpy() @ [*((np.array(v.shape[1:]) - 1) / 2), 1] for v in (volume, cubes)]
    assert np.allclose(*middles)
    indices = (
        np.linalg.inv(volume.affine.numpy())
        @ np.c_[corners_of(cubes.affine.numpy(), (3, 7, 16)), np.ones(8)].T
    )
    over = np.abs(indices[:3] - (np.array([3, 4, 5]) - 1)[:, None] / 2).max(1) - [1.5, 2, 2.5]
    assert (over > -1e-9).all()
    assert (over < 0.5).all()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_voxel_is_what_simpleitk_finds_at_its_place(make_volume, direction):
    volume = make_volume(
        np.random.default_rng(1).normal(size=(1, 8, 9, 6)), affine_of(direction, (1.3, 0.8, 3.3))
    )
    cubes = isotropic(volume)

    def image(array, affine):
        made = SimpleITK.GetImageFromArray(array.T.astype(np.float64))
        itk = LPS @ affine
        spacing = np.linalg.norm(itk[:3, :3], axis=0)
        made.SetSpacing(spacing.tolist())
        made.SetOrigin(itk[:3, 3].tolist())
        made.SetDirection((itk[:3, :3] / spacing).ravel().tolist())
        return made

    source = image(volume[0].numpy(), volume.affine.numpy())
    grid = image(np.zeros(cubes.shape[1:]), cubes.affine.numpy())
    linear = SimpleITK.ResampleImageFilter()
    linear.SetReferenceImage(grid)
    linear.SetInterpolator(SimpleITK.sitkLinear)
    linear.SetUseNearestNeighborExtrapolator(True)
    expected = SimpleITK.GetArrayFromImage(linear.Execute(source)).T
    inner = cubes[0].numpy()[1:-1, 1:-1, 3:-3]  # at the rim SimpleITK takes the nearest voxel
    assert np.abs(inner - expected[1:-1, 1:-1, 3:-3]).max() < 1e-5
    assert cubes.min() >= volume.min()
    assert cubes.max() <= volume.max()


def test_planes_of_the_finest_axes_stay_where_an_odd_number_of_cubes_fits(make_volume):
    volume = make_volume(
        np.random.default_rng(2).random((1, 6, 5, 4)), affine_of("oblique and flipped", (2, 2, 6))
    )
    cubes = isotropic(volume)
    assert cubes.shape == (1, 6, 5, 12)
    assert np.allclose(cubes[..., 1::3].numpy(), volume.numpy(), atol=1e-6)


def test_monai_chooses_the_same_spacing(make_volume):
    volume = make_volume(np.random.default_rng(3).random((1, 6, 5, 4)), np.diag([2.0, 2, 6, 1]))
    theirs = Spacing(pixdim=(2.0, 2.0, 2.0), scale_extent=True)(volume)
    assert isotropic(volume).shape == theirs.shape


@pytest.mark.parametrize("spacing", [(1.1, 1.1, 1.1), (0.9375, 0.93750003, 0.93749994)])
def test_cubes_stay_bit_by_bit(make_volume, spacing):
    affine = affine_of("oblique and flipped", spacing)
    volume = make_volume(np.random.default_rng(4).random((1, 40, 50, 30)), affine)
    assert isotropic(volume) is volume


def test_a_picture_has_no_millimetres(make_volume):
    picture = make_volume(torch.rand(1, 6, 4, 1), np.diag([1.0, 2.0, 1.0, 1.0]), is_image=True)
    assert isotropic(picture) is picture


def test_one_thick_slice_becomes_cubes(make_volume):
    voxels = np.random.default_rng(5).random((1, 6, 5, 1))
    cubes = isotropic(make_volume(voxels, np.diag([1.0, 1.0, 5.0, 1.0])))
    assert cubes.shape == (1, 6, 5, 5)
    assert np.allclose(cubes.numpy(), voxels, atol=1e-6)


def test_a_grid_that_no_memory_holds_is_refused(make_volume):
    volume = make_volume(
        torch.zeros(1, 8, 8, 8), np.diag([1.0, 1.0, 1e7, 1.0]), filename_or_obj="/x/mr.nii"
    )
    with pytest.raises(InputError, match=r"1 mm make mr.nii 8 x 8 x 80000000 voxels large"):
        isotropic(volume)


@pytest.mark.parametrize(("axis", "expected"), [("auto", "coronal"), ("sagittal", "sagittal")])
def test_the_slices_stay_those_of_the_acquisition(make_volume, axis, expected):
    affine = np.diag([1.0, 5.0, 1.0, 1.0])
    assert nibabel.aff2axcodes(affine) == ("R", "A", "S")
    data = {"anatomical": make_volume(np.zeros((1, 6, 3, 5)), affine)}
    chosen = ChooseGridd("isotropic", axis)(data)
    assert chosen["axis"] == expected
    assert chosen["anatomical"].shape == (1, 6, 15, 5)
    as_it_is = ChooseGridd("anatomical", axis)(data)
    assert_same_volume(as_it_is["anatomical"], data["anatomical"])
    assert as_it_is["axis"] == expected


def test_an_unknown_grid_is_refused():
    with pytest.raises(InputError, match="'partner': choose anatomical, isotropic, auto"):
        ChooseGridd("partner")


CT = {"task": "ct-mri"}


@pytest.mark.parametrize("task", ["ct-mri", "mr-mr"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_auto_takes_cubes_for_a_ct_or_mr_over_twice_as_fine(make_volume, direction, task):
    mr = make_volume(np.zeros((1, 9, 7, 5)), affine_of(direction, (0.9, 0.9, 4.5)))
    ct = make_volume(
        np.zeros((1, 9, 7, 25)), affine_of(direction, (0.9, 0.9, 0.9)), filename_or_obj="/x/ct.nii"
    )
    with pytest.warns(FusionWarning, match="cubic voxels of 0.9 mm") as said:
        chosen = ChooseGridd("auto")(
            {"anatomical": mr, "partners": [{"partner": ct, "task": task}]}
        )
    assert str(said[0].message) == (
        "ct.nii has a voxel each 0.9 mm where array has one each 4.5 mm: the result is in cubic "
        "voxels of 0.9 mm."
    )
    assert with_names(chosen["notes"].strip()) == str(said[0].message)
    assert torch.equal(chosen["anatomical"].affine, isotropic(mr).affine)
    assert chosen["anatomical"].shape == (1, 9, 7, 25)


@pytest.mark.filterwarnings("error::mactfusion.errors.FusionWarning")
@pytest.mark.parametrize(
    ("task", "ct_mm", "mr_mm"),
    [
        ("ct-mri", (0.9, 0.9, 2.25), (0.9, 0.9, 4.5)),  # twice as fine, not more
        ("pet-mri", (0.9, 0.9, 0.9), (0.9, 0.9, 4.5)),
        ("spect-ct", (0.9, 0.9, 0.9), (0.9, 0.9, 4.5)),
        ("ct-mri", (0.4, 0.4, 0.4), (1.0, 1.0, 1.05)),  # cubes would not be finer
        ("ct-mri", (0.3, 0.3, 4.0), (0.9, 0.9, 4.5)),  # finer in the plane of the slices alone
    ],
)
def test_auto_keeps_the_grid_of_the_anatomical_volume_else(make_volume, task, ct_mm, mr_mm):
    mr = make_volume(np.zeros((1, 9, 7, 5)), np.diag([*mr_mm, 1.0]))
    partner = {"partner": make_volume(np.zeros((1, 9, 7, 5)), np.diag([*ct_mm, 1.0]))}
    data = {"anatomical": mr, "partners": [{**partner, "task": task}]}
    assert_same_volume(ChooseGridd("auto")(data)["anatomical"], mr)


@pytest.mark.filterwarnings("error::mactfusion.errors.FusionWarning")
def test_auto_takes_no_cubes_that_are_too_many(make_volume, monkeypatch):
    mr = make_volume(np.zeros((1, 9, 7, 5)), np.diag([0.9, 0.9, 4.5, 1.0]))
    partners = [{"partner": make_volume(np.zeros((1, 9, 7, 25))), **CT}]
    monkeypatch.setattr(fineness, "MOST_VOXELS", 9 * 7 * 25 - 1)
    chosen = ChooseGridd("auto")({"anatomical": mr, "partners": partners})
    assert_same_volume(chosen["anatomical"], mr)


def test_one_ct_among_several_is_enough(make_volume):
    mr = make_volume(np.zeros((1, 9, 7, 5)), np.diag([0.9, 0.9, 4.5, 1.0]))
    pet = {"partner": make_volume(np.zeros((1, 9, 7, 5))), "task": "pet-mri"}
    ct = {"partner": make_volume(np.zeros((1, 9, 7, 5))), **CT}
    with pytest.warns(FusionWarning, match="cubic voxels"):
        chosen = ChooseGridd("auto")({"anatomical": mr, "partners": [pet, ct]})
    assert chosen["anatomical"].shape == (1, 9, 7, 25)


def test_a_picture_has_no_cubes(make_volume):
    picture = make_volume(torch.rand(1, 6, 4, 1), is_image=True)
    data = {"anatomical": picture, "partners": [{"partner": picture, **CT}]}
    assert_same_volume(ChooseGridd("auto")(data)["anatomical"], picture)
