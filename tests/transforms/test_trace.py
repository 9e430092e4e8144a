"""What moved a volume is undone by MONAI's Invertd, to exactly the affine that was read."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, Invertd

from mactfusion.registration import PlacePartnerd
from mactfusion.transforms.align import AlignPartnerd
from mactfusion.transforms.brightness import SteadyBrightnessd
from mactfusion.transforms.color import MergeChrominanced, SplitLuminanced
from mactfusion.transforms.each import EachPartnerd
from mactfusion.transforms.grid import ChooseGridd
from mactfusion.transforms.intensity import ScaleAnatomicald, ScalePartnerd
from mactfusion.transforms.join import JoinPartnersd
from mactfusion.transforms.order import OrderPartnersd
from mactfusion.transforms.slices import OrientToSlicesd, RestoreOrientationd
from mactfusion.transforms.task import ResolveTaskd

TILT = np.radians(25)
TILTED = np.array([[np.cos(TILT), -np.sin(TILT), 0], [np.sin(TILT), np.cos(TILT), 0], [0, 0, 1.0]])
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "permuted": np.eye(3)[:, [2, 0, 1]],
    "tilted": TILTED,
    "tilted, flipped and permuted": (TILTED @ np.diag([1.0, -1.0, 1.0]))[:, [1, 2, 0]],
}
SHAPE = (18, 16, 5)
SPACING_MM = (2.0, 2.0, 6.0)


def affine_of(direction, spacing_mm=SPACING_MM, shape=SHAPE):
    """Of a volume around the origin."""
    affine = np.eye(4)
    affine[:3, :3] = DIRECTIONS[direction] @ np.diag(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


@pytest.fixture(params=DIRECTIONS)
def case(request, make_volume):
    """An MR with thick slices and a PET on a straight grid."""
    rng = np.random.default_rng(0)
    mr = make_volume(rng.random((1, *SHAPE)) * 900, affine_of(request.param))
    pet = make_volume(
        rng.random((1, 14, 15, 12)) * 8e3, affine_of("straight", (4.0, 4.0, 4.0), (14, 15, 12))
    )
    return {"anatomical": mr, "partners": [{"number": 0, "partner": pet}]}


def preprocessing(grid="anatomical", axis="auto"):
    return Compose(
        [
            EachPartnerd(ResolveTaskd, task=["pet-mri"]),
            EachPartnerd(PlacePartnerd, register=["off"]),
            ChooseGridd(grid, axis),
            EachPartnerd(AlignPartnerd),
            OrientToSlicesd(["anatomical", "partner", "field_of_view"]),
            OrderPartnersd(),
            ScaleAnatomicald(),
            EachPartnerd(ScalePartnerd, window=["auto"]),
            EachPartnerd(SplitLuminanced, colormap=["auto"]),
            JoinPartnersd(),
        ]
    )


def postprocessing():
    return Compose([SteadyBrightnessd(), MergeChrominanced(), RestoreOrientationd("pred")])


def assert_as_read(volume, case):
    """On the grid of the anatomical volume as it was read, exactly."""
    assert isinstance(volume, MetaTensor)
    assert volume.shape[1:] == case["anatomical"].shape[1:]
    assert torch.equal(volume.affine, case["anatomical"].affine)
    assert not volume.applied_operations


@pytest.mark.parametrize("axis", ["auto", "axial", "coronal", "sagittal"])
def test_a_prediction_comes_back_voxel_by_voxel(case, axis):
    steps = preprocessing(axis=axis)
    prepared = steps(case)
    levels = case["anatomical"].as_tensor()
    # What the network takes is a known function of what was read: so is where each voxel belongs.
    prepared["pred"] = prepared["image"][:1]
    back = Invertd("pred", steps, orig_keys="image", nearest_interp=False)(prepared)["pred"]
    assert_as_read(back, case)
    level, width = prepared["anatomical_level_width"].tolist()
    expected = ((levels - (level - width / 2)) / width).clamp(0, 1)
    assert torch.allclose(back.as_tensor(), expected, atol=1e-6)
    assert back.as_tensor().std() > 0.1


@pytest.mark.parametrize("grid", ["anatomical", "isotropic"])
def test_through_the_loader_and_the_postprocessing(case, grid):
    steps = preprocessing(grid)
    (batch,) = DataLoader(Dataset([case], steps), batch_size=1)
    batch["pred"] = batch["image"].amax(dim=1, keepdim=True)
    (data,) = decollate_batch(batch)
    before = Invertd("pred", steps, orig_keys="image", nearest_interp=False)(data)["pred"]
    assert_as_read(before, case)

    restored = postprocessing()(data)
    after = Invertd("pred", steps, nearest_interp=False)(restored)["pred"]
    assert_as_read(after, case)
    assert after.shape[0] == 3
    if grid == "anatomical":
        assert torch.equal(after.as_tensor(), restored["pred"].as_tensor())
    else:
        assert restored["pred"].shape[1:] != SHAPE


def test_cubes_come_back_as_close_as_interpolation_is(make_volume, case):
    # Linear in space, so that linear interpolation there and back loses nothing within the slices.
    affine = case["anatomical"].affine.numpy()
    places = nibabel.affines.apply_affine(affine, np.indices(SHAPE).reshape(3, -1).T)
    ramp = (places @ [1.0, -2.0, 0.5]).reshape(1, *SHAPE)
    data = {"anatomical": make_volume(ramp, affine), "partners": case["partners"]}
    grid = ChooseGridd("isotropic")
    cubes = grid(data)
    assert cubes["anatomical"].shape[1:] == (18, 16, 15)
    back = grid.inverse(cubes)["anatomical"]
    assert_as_read(back, case)
    assert np.allclose(back.numpy(), ramp, atol=1e-3)
    assert cubes["anatomical"].applied_operations  # what was given stays as it is


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
@pytest.mark.parametrize("nearest", [True, False])
def test_labels_stay_labels(case, dtype, nearest):
    steps = preprocessing("isotropic")
    prepared = steps(case)
    labels = (torch.arange(prepared["image"][:1].numel()) % 3).to(dtype)
    prepared["pred"] = MetaTensor(labels.reshape(prepared["image"][:1].shape))
    back = Invertd("pred", steps, orig_keys="image", nearest_interp=nearest)(prepared)["pred"]
    assert_as_read(back, case)
    assert back.dtype == dtype
    assert set(back.as_tensor().unique().tolist()) <= set(labels.unique().tolist())


def test_nearest_takes_no_value_between(case):
    steps = preprocessing("isotropic")
    prepared = steps(case)
    prepared["pred"] = (MetaTensor(torch.rand(prepared["image"][:1].shape)) > 0.5).float()
    nearest, between = (
        Invertd("pred", steps, orig_keys="image", nearest_interp=is_nearest)(dict(prepared))["pred"]
        for is_nearest in (True, False)
    )
    assert set(nearest.as_tensor().unique().tolist()) == {0.0, 1.0}
    assert len(between.as_tensor().unique()) > 2 or torch.equal(nearest, between)


def test_the_partner_comes_back_to_its_own_grid(case):
    given = case["partners"][0]["partner"]
    align = AlignPartnerd()
    aligned = align({"anatomical": case["anatomical"], "partner": given})
    assert aligned["partner"].shape[1:] == SHAPE
    back = align.inverse(aligned)["partner"]
    assert back.shape == given.shape
    assert torch.equal(back.affine, given.affine)
    assert not back.applied_operations
    # A prediction on the grid of the result, for who looks at the PET.
    aligned["pred"] = MetaTensor(torch.ones(aligned["partner"].shape))
    pred = Invertd("pred", Compose([align, OrientToSlicesd("unused", allow_missing_keys=True)]),
                   orig_keys="partner")(aligned)["pred"]  # fmt: skip
    assert pred.shape == given.shape
    assert torch.equal(pred.affine, given.affine)
    assert bool((pred == 1).all())


def test_a_partner_of_the_same_grid_comes_back_bit_by_bit(case, make_volume):
    anatomical = case["anatomical"]
    partner = make_volume(torch.rand(1, *SHAPE), anatomical.affine + 1e-6)
    align = AlignPartnerd()
    back = align.inverse(align({"anatomical": anatomical, "partner": partner}))["partner"]
    assert torch.equal(back.as_tensor(), partner.as_tensor())
    assert torch.equal(back.affine, partner.affine)


def test_a_partner_that_was_moved_comes_back_to_its_place(case, tmp_path):
    file = tmp_path / "moved.tfm"
    file.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: Euler3DTransform_double_3_3\n"
        "Parameters: 0.1 -0.2 0.3 4 5 -6\nFixedParameters: 0 0 0 0\n"
    )
    given = case["partners"][0]["partner"]
    place = PlacePartnerd("off", file)
    moved = place({"anatomical": case["anatomical"], "partner": given, "notes": ""})
    assert (moved["partner"].affine - given.affine).abs().max() > 1
    back = place.inverse(moved)["partner"]
    assert torch.equal(back.affine, given.affine)
    assert torch.equal(back.as_tensor(), given.as_tensor())


def test_a_whole_case_comes_back(case):
    steps = Compose(preprocessing().transforms[:5])
    back = steps.inverse(steps(case))
    assert_as_read(back["anatomical"], case)
    assert torch.equal(back["anatomical"].as_tensor(), case["anatomical"].as_tensor())
    (partner,), (given,) = back["partners"], case["partners"]
    assert partner["partner"].shape == given["partner"].shape
    assert torch.equal(partner["partner"].affine, given["partner"].affine)
    assert not partner["partner"].applied_operations
    assert torch.equal(partner["field_of_view"].affine, case["anatomical"].affine)


def test_a_case_of_which_the_partners_were_joined_comes_back(case):
    steps = preprocessing()
    assert_as_read(steps.inverse(steps(case))["image"], case)


def test_what_has_no_trace_is_said(case):
    turn = OrientToSlicesd("anatomical")
    with pytest.raises(RuntimeError, match="nothing to undo: no volume under anatomical, partners"):
        turn.inverse(case)
    turned = turn(case)
    back = turn.inverse(turned)
    with pytest.raises(RuntimeError, match="or is back already"):
        turn.inverse(back)
    with pytest.raises(RuntimeError, match="most recently applied"):
        OrientToSlicesd("anatomical").inverse(turned)


def test_a_volume_that_was_turned_back_is_not_turned_again(case):
    steps = preprocessing()
    data = steps(case)
    data["pred"] = data["image"][:1]
    restored = postprocessing()(data)
    assert restored["pred"].shape[1:] != data["image"].shape[1:]
    with pytest.raises(RuntimeError, match="applying transform") as caught:
        Invertd("pred", steps, orig_keys="image")(restored)
    assert "Something was cut, or turned back before" in str(caught.value.__cause__)


@pytest.mark.parametrize("step", [OrientToSlicesd, RestoreOrientationd])
def test_a_missing_key_is_an_error_unless_allowed(case, step):
    data = {**OrientToSlicesd("anatomical")(case)}
    with pytest.raises(KeyError, match="volume"):
        step(["anatomical", "volume"])(data)
    done = step(["anatomical", "volume"], allow_missing_keys=True)(data)
    assert "volume" not in done
    assert isinstance(done["anatomical"], MetaTensor)
