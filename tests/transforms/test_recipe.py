"""The transforms one after another, through MONAI's DataLoader, as the recipe runs them."""

from __future__ import annotations

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import Compose

from mactfusion.registration import PlacePartnerd
from mactfusion.transforms.align import AlignPartnerd
from mactfusion.transforms.brightness import SteadyBrightnessd
from mactfusion.transforms.color import MergeChrominanced, SplitLuminanced
from mactfusion.transforms.each import EachPartnerd
from mactfusion.transforms.intensity import ScaleAnatomicald, ScalePartnerd
from mactfusion.transforms.join import JoinPartnersd
from mactfusion.transforms.order import OrderPartnersd
from mactfusion.transforms.slices import OrientToSlicesd, RestoreOrientationd
from mactfusion.transforms.task import ResolveTaskd

CASE = {"ct": "ct-mri", "pet": "pet-mri", "color": "pet-mri", "t2": "mr-mr"}


def before(tasks: list[str], axis: str = "auto") -> Compose:
    """What configs/inference.yaml does between reading and the network."""
    return Compose(
        [
            EachPartnerd(ResolveTaskd, task=tasks),
            EachPartnerd(PlacePartnerd, register=["off"] * len(tasks)),
            EachPartnerd(AlignPartnerd),
            OrientToSlicesd(["anatomical", "partner", "field_of_view"], axis=axis),
            OrderPartnersd(),
            ScaleAnatomicald(),
            EachPartnerd(ScalePartnerd, window=["auto"] * len(tasks)),
            EachPartnerd(SplitLuminanced, colormap=["auto"] * len(tasks)),
            JoinPartnersd(),
        ]
    )


def case_of(head, *partners):
    """What LoadVolumesd makes of volumes."""
    each = [{"number": number, "partner": head[name]} for number, name in enumerate(partners)]
    return {"anatomical": head["mr"], "partners": each}


@pytest.mark.parametrize(
    ("partner", "task", "channels"),
    [("ct", "auto", 1), ("pet", "spect-mri", 3), ("color", "auto", 3), ("t2", "mr-mr", 1)],
)
def test_there_through_the_loader_and_back(head, partner, task, channels):
    case = case_of(head, partner)
    (batch,) = DataLoader(Dataset([case], before([task], "sagittal")), batch_size=1)
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


@pytest.mark.parametrize("names", [["pet"], ["ct", "pet"], ["pet", "ct", "color", "t2"]])
def test_what_is_said_of_partners_comes_through_the_loader(head, names):
    case = case_of(head, *names)
    steps = before([CASE[name] for name in names])
    (batch,) = DataLoader(Dataset([case], steps), batch_size=1)
    (data,), expected = decollate_batch(batch), steps(case)
    assert ("shown" in data) == ("shown" in expected) == (len(names) > 1)
    for shown, other in zip(data.get("shown", []), expected.get("shown", []), strict=True):
        assert torch.equal(shown, other)
    assert len(data["scaled"]) == len(expected["scaled"]) == len(names)
    for scaled, other in zip(data["scaled"], expected["scaled"], strict=True):
        assert scaled.dtype == torch.uint8
        assert scaled.shape == (1, *data["image"].shape[1:])
        assert torch.equal(scaled, other)
    for partner, other in zip(data["partners"], expected["partners"], strict=True):
        assert partner.keys() == other.keys()
        for key in ("input", "name", "task", "task_reason", "units", "colormap"):
            assert partner[key] == other[key], key
        assert (partner["colors"] or []) == other["colors"]
        assert [float(value) for value in partner["level_width"]] == other["level_width"]
        assert float(partner["coverage"]) == other["coverage"]


def test_voxels_are_float32_and_one_operation_is_traced(head):
    data = before(["pet-mri"])(case_of(head, "pet"))
    for key in ("image", "chrominance"):
        assert data[key].dtype == torch.float32
        assert data[key].affine.dtype == torch.float64
        assert [done["class"] for done in data[key].applied_operations] == ["OrientToSlicesd"]
        assert not data[key].requires_grad


@pytest.mark.parametrize(
    ("partner", "task"), [("ct", "auto"), ("pet", "pet-mri"), ("color", "auto")]
)
def test_the_callers_volumes_stay_as_they_are(head, partner, task):
    copies = {name: volume.clone() for name, volume in head.items()}
    case = case_of(head, partner)
    before([task])(case)
    assert set(case) == {"anatomical", "partners"}
    assert set(case["partners"][0]) == {"number", "partner"}
    for name, volume in head.items():
        assert torch.equal(volume, copies[name])
        assert volume.meta["modality"] == ""


@pytest.mark.parametrize("name", ["ct", "color"])
def test_what_a_partner_says_without_its_colors_is_kept(head, name):
    steps = before([CASE[name]])
    case = steps(case_of(head, name))
    # Neither has a table of colours: what the network sees is what they say.
    seen = torch.as_tensor(case["image"][1:]).mul(255).round().to(torch.uint8)
    assert seen.max() > 100
    assert torch.equal(case["scaled"][0], seen)


def test_of_a_tracer_the_place_in_its_window_is_kept(head):
    case = before(["pet-mri"])(case_of(head, "pet"))
    scaled = case["scaled"][0].float() / 255
    assert scaled.max() == 1
    assert (torch.as_tensor(case["image"][1:]) - scaled).abs().max() > 0.05  # hot iron is no line
