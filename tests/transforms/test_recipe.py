"""The transforms one after another, through MONAI's DataLoader, as the recipe runs them."""

from __future__ import annotations

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose, ConcatItemsd, DeleteItemsd

from mactfusion.transforms import (
    AlignPartnerd,
    MergeChrominanced,
    OrientToSlicesd,
    ResolveTaskd,
    RestoreOrientationd,
    ScaleIntensityd,
    SplitLuminanced,
    SteadyBrightnessd,
)

VOLUMES = ["anatomical", "partner", "field_of_view"]


def before(task: str, axis: str = "auto") -> Compose:
    """What configs/inference.yaml does between reading and the network."""
    return Compose(
        [
            ResolveTaskd(task),
            AlignPartnerd(),
            OrientToSlicesd(VOLUMES, axis=axis),
            ScaleIntensityd(),
            SplitLuminanced(),
            ConcatItemsd(["anatomical", "luminance"], name="image"),
            DeleteItemsd([*VOLUMES, "luminance"]),
        ]
    )


@pytest.mark.parametrize(
    ("partner", "task", "channels"),
    [("ct", "auto", 1), ("pet", "spect-mri", 3), ("color", "auto", 3), ("t2", "mr-mr", 1)],
)
def test_there_through_the_loader_and_back(head, partner, task, channels):
    case = {"anatomical": head["mr"], "partner": head[partner]}
    (batch,) = DataLoader(Dataset([case], before(task, "sagittal")), batch_size=1)
    assert batch["image"].shape == (1, 2, 24, 20, 28)
    batch["pred"] = batch["image"].amax(dim=1, keepdim=True)

    (data,) = decollate_batch(batch)
    assert data["axis"] == "sagittal"
    assert data["coverage"] == 1
    assert bool(data["is_color"]) == (channels == 3)
    after = Compose([SteadyBrightnessd(), MergeChrominanced(), RestoreOrientationd(["pred"])])
    result = after(data)["pred"]
    assert isinstance(result, MetaTensor)
    assert result.shape == (channels, *head["mr"].shape[1:])
    assert torch.equal(result.affine, head["mr"].affine)
    assert result.dtype == torch.float32
    assert 0.1 < result.mean() < 0.9


def test_voxels_are_float32_and_no_operations_pile_up(head):
    data = before("pet-mri")({"anatomical": head["mr"], "partner": head["pet"]})
    for key in ("image", "chrominance"):
        assert data[key].dtype == torch.float32
        assert data[key].affine.dtype == torch.float64
        assert not data[key].applied_operations
        assert not data[key].requires_grad


@pytest.mark.parametrize(
    ("partner", "task"), [("ct", "auto"), ("pet", "pet-mri"), ("color", "auto")]
)
def test_the_callers_volumes_stay_as_they_are(head, partner, task):
    copies = {name: volume.clone() for name, volume in head.items()}
    case = {"anatomical": head["mr"], "partner": head[partner]}
    before(task)(case)
    assert set(case) == {"anatomical", "partner"}
    for name, volume in head.items():
        assert torch.equal(volume, copies[name])
        assert volume.meta["modality"] == ""
