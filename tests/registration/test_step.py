"""The step of the recipe: what it does with a verdict, and what it says."""

import numpy as np
import pytest
import torch
from heads import MOVED, at, error_mm, head, mirrored
from monai.data import MetaTensor

from mactfusion.errors import InputError, informing
from mactfusion.phantom import HeadPhantom
from mactfusion.registration import PlacePartnerd
from mactfusion.registration.step import why_not
from mactfusion.registration.verdict import (
    DOUBTFUL,
    IN_PLACE,
    MIRRORED,
    NO_MATCH,
    OFF,
    VERDICTS,
    Verdict,
)

pytestmark = pytest.mark.filterwarnings("ignore::mactfusion.errors.FusionWarning")


def case(partner, **more):
    return {"anatomical": head("T1"), "partner": partner, "notes": "", **more}


def off_mm(result, modality):
    """How far the partner of a result lies from where it belongs."""
    return error_mm(result["partner"].affine.numpy(), head(modality).affine.numpy())


def test_check_moves_nothing_and_says_how_far():
    partner = at(head("T2"), MOVED)
    result = PlacePartnerd()(case(partner))
    assert result["partner"].as_tensor().data_ptr() == partner.as_tensor().data_ptr()
    assert torch.equal(result["partner"].affine, partner.affine)
    assert torch.equal(result["pose"], torch.eye(4, dtype=torch.float64))
    assert result["verdict"] == OFF
    assert result["notes"].count("\n") == 1
    assert "off" in result["notes"]
    assert "--register rigid puts it in place" in result["notes"]


def test_rigid_moves_the_affine_and_no_voxel():
    partner = at(head("T2"), MOVED)
    result = PlacePartnerd("rigid")(case(partner))
    assert off_mm(result, "T2") < 1
    assert torch.equal(result["partner"].as_tensor(), partner.as_tensor())
    assert error_mm(result["pose"].numpy(), MOVED) < 1
    expected = torch.linalg.solve(result["pose"], partner.affine)
    assert torch.allclose(result["partner"].affine, expected)
    assert "was moved by about" in result["notes"]
    assert torch.equal(partner.affine, at(head("T2"), MOVED).affine)


def test_off_looks_at_nothing():
    partner = at(head("T2"), MOVED)
    result = PlacePartnerd("off")(case(partner))
    assert result["partner"].as_tensor().data_ptr() == partner.as_tensor().data_ptr()
    assert torch.equal(result["partner"].affine, partner.affine)
    assert result["verdict"] == "not checked"
    assert result["notes"] == ""


def test_another_patient_is_said_and_not_registered():
    stranger = head("T2", seed=3)
    assert "may not lie where" in PlacePartnerd()(case(stranger))["notes"]
    with pytest.raises(InputError, match="was not registered"):
        PlacePartnerd("rigid")(case(stranger))


def test_one_frame_of_reference_in_place_is_left_alone():
    result = PlacePartnerd("rigid")(case(head("T2"), same_frame_of_reference=True))
    assert result["partner"] is not None
    assert torch.equal(result["partner"].affine, head("T2").affine)
    assert result["verdict"] == IN_PLACE
    assert result["notes"] == ""


@pytest.mark.parametrize("name", VERDICTS[:5])
@pytest.mark.parametrize("is_accepted", [False, True])
def test_what_is_applied(name, is_accepted):
    step = PlacePartnerd("rigid", accept_doubtful=is_accepted)
    verdict = Verdict(name, is_sided=True, off_mm=12.0, off_degrees=3.0)
    data = case(head("PET"))
    if name in (NO_MATCH, MIRRORED) or (name == DOUBTFUL and not is_accepted):
        with pytest.raises(InputError, match="was not registered") as error:
            step._say(data, verdict, is_moved=True)
        assert ("--accept-doubtful" in str(error.value)) == (name == DOUBTFUL)
    else:
        step._say(data, verdict, is_moved=True)
        assert "moved by about 12 mm and 3°" in data["notes"]
        assert ("cannot be told" in data["notes"]) == (name == DOUBTFUL)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (OFF, "off"),
        (DOUBTFUL, "cannot be told"),
        (NO_MATCH, "two patients"),
        (MIRRORED, "left and right swapped"),
    ],
)
def test_check_says_each_verdict(name, said):
    data = case(head("PET"))
    PlacePartnerd()._say(data, Verdict(name, True, 12.0, 3.0), is_moved=False)
    assert said in data["notes"]


def test_sides_that_cannot_be_told_are_no_warning():
    data, heard = case(head("PET")), []
    with informing(heard.append):
        PlacePartnerd()._say(data, Verdict(IN_PLACE, False, 0.5, 0.1), is_moved=False)
    assert data["notes"] == ""
    assert "left and right" in heard[0]


def volume(shape, spacing=2.0, values=None, seed=0, **meta):
    rng = np.random.default_rng(seed)
    voxels = torch.from_numpy(rng.random((1, *shape), "float32")) if values is None else values
    affine = torch.diag(torch.tensor([spacing, spacing, spacing, 1.0], dtype=torch.float64))
    return MetaTensor(voxels, affine=affine, meta={"filename_or_obj": "x.nii", **meta})


def cut(modality, seed=0, spacing=3.0):
    """60 mm within a head."""
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = (-30.0, -48.0, -20.0)
    made = HeadPhantom(seed).sample(modality, [round(60 / spacing)] * 3, affine)
    made.meta["filename_or_obj"] = f"{modality}.nii"
    return made


@pytest.mark.parametrize(
    ("anatomical", "partner"),
    [
        (cut("T1"), cut("T2")),
        (cut("T1"), cut("T2", seed=5)),
        (cut("T1"), mirrored(cut("CT"))),
        (cut("T1"), cut("PET", spacing=5.0)),
        (volume((32, 32, 32), spacing=1.0), volume((32, 32, 32), spacing=1.0, seed=1)),
        (volume((32, 36, 8), spacing=3.0), volume((24, 28, 10), spacing=4.0, seed=1)),
    ],
    ids=["T2", "another patient", "mirrored CT", "coarse PET", "noise", "thin noise"],
)
def test_of_what_is_small_nothing_is_said_but_that(anatomical, partner):
    result = PlacePartnerd()({"anatomical": anatomical, "partner": partner, "notes": ""})
    assert result["verdict"] == DOUBTFUL
    assert "they show too small a part of the body together" in result["notes"]
    with pytest.raises(InputError, match=r"too small a part.*--accept-doubtful"):
        PlacePartnerd("rigid")({"anatomical": anatomical, "partner": partner, "notes": ""})


@pytest.mark.parametrize(
    ("partner", "why"),
    [
        (volume((40, 40, 2)), "only 2 slices"),
        (volume((40, 40, 8), spacing=0.2), "thick"),
        (volume((40, 40, 40), values=(torch.rand(1, 40, 40, 40) > 0.5).float()), "mask"),
        (volume((40, 40, 1), is_image=True), "picture"),
        (volume((40, 40, 40), values=torch.zeros(1, 40, 40, 40)), "shows nothing"),
    ],
)
def test_what_cannot_be_compared_is_said(partner, why):
    assert why in why_not(partner)
    heard = []
    with informing(heard.append):
        result = PlacePartnerd()(case(partner))
    assert result["verdict"] == "not checked"
    assert result["notes"] == ""
    assert why in " ".join(heard)
    with pytest.raises(InputError, match=r"cannot be registered.*--register off"):
        PlacePartnerd("rigid")(case(partner))
