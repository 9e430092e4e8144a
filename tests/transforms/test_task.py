from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mactfusion.errors import FusionWarning, InputError
from mactfusion.transforms.task import ResolveTaskd, guess_modality, resolve_task

NOT_OF_THIS_TEST = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What the garbage collector says, at a time of its own, of files that others left open."""


@pytest.mark.parametrize("modality", ["MR", "CT", "PT", "NM"])
def test_the_dicom_tag_is_believed_first(make_volume, modality):
    assert guess_modality(make_volume(torch.rand(1, 4, 4, 4), modality=modality))[0] == modality


@pytest.mark.parametrize("units", ["BQML", "SUVbw", "GML"])
def test_units_of_uptake_make_pet(make_volume, units):
    assert guess_modality(make_volume(torch.rand(1, 4, 4, 4), units=units))[0] == "PT"


@pytest.mark.parametrize(("name", "expected"), [("mr", ""), ("ct", "CT"), ("color", "color")])
def test_values_and_colour(head, name, expected):
    modality, reason = guess_modality(head[name])
    assert modality == expected
    assert reason


def test_phase_images_are_not_ct(make_volume):
    phase = torch.linspace(-4096, 4095, 1000).reshape(1, 10, 10, 10)
    assert guess_modality(make_volume(phase))[0] == ""


def test_ct_without_rescale_is_left_open_and_named(head, make_volume):
    shifted = make_volume(head["ct"].as_tensor() + 1024, source_dtype="uint16")
    modality, reason = guess_modality(shifted)
    assert modality == ""
    assert "rescale" in reason


def test_reference_volumes(reference, load):
    templates, bad = reference / "data" / "mni_templates", reference / "data" / "bad_input"
    for path in [
        templates / "CT_HU_from_scct.nii.gz",
        bad / "b_ct_bed" / "ct_hu_bed_pad-3024.nii.gz",
        bad / "f_tiny" / "ct_5x7x3.nii.gz",
    ]:
        assert guess_modality(load(path))[0] == "CT", path.name
    for path in [
        *(templates / name for name in ("avg152T1.nii", "PET.nii", "SPECT.nii", "scct.nii")),
        bad / "b_ct_bed" / "ct_uint16_hu_plus1024_no_rescale.nii.gz",
        bad / "d_bad_dims" / "huge_range_float64.nii.gz",
        bad / "d_bad_dims" / "int8_signed.nii.gz",
    ]:
        modality, reason = guess_modality(load(path))
        assert modality == "", path.name
        assert ("rescale" in reason) == ("no_rescale" in path.name)


@pytest.mark.slow
def test_fluorescence_is_told_from_pseudo_colour(reference, make_volume):
    def task_of(path):
        pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255
        partner = make_volume(pixels.transpose(2, 1, 0)[..., None], is_image=True)
        return resolve_task(partner[:1], partner, "auto")[0]

    data = reference / "data"
    green = sorted((data / "gfp_pc" / "GFP").glob("*.jpg"))
    pseudo = sorted((data / "wba").glob("*-MRI/test/*PE[TC]*/*.png"))
    assert len(green) == 131
    assert len(pseudo) == 48
    assert {task_of(path) for path in green} == {"gfp-pc"}
    assert {task_of(path) for path in pseudo} == {"pet-mri"}


@pytest.mark.parametrize(
    ("partner", "meta", "expected"),
    [
        ("ct", {}, "ct-mri"),
        ("pet", {"modality": "PT"}, "pet-mri"),
        ("pet", {"units": "BQML"}, "pet-mri"),
        ("pet", {"modality": "NM"}, "spect-mri"),
        ("mr", {"modality": "MR"}, "mr-mr"),
        ("color", {}, "pet-mri"),
    ],
)
def test_auto(head, make_volume, partner, meta, expected):
    anatomical = make_volume(head["mr"], modality="MR")
    task, reason = resolve_task(anatomical, make_volume(head[partner], **meta), "auto")
    assert task == expected
    assert expected in reason


def test_green_volumes_are_no_fluorescence(make_volume):
    green = torch.zeros(3, 4, 4, 4)
    green[1] = 1
    assert resolve_task(make_volume(green[:1]), make_volume(green), "auto")[0] == "pet-mri"


def test_auto_asks_when_it_cannot_tell(head):
    with pytest.raises(InputError, match=r"--task"):
        resolve_task(head["mr"], head["pet"], "auto")


def test_unknown_task(head):
    with pytest.raises(InputError, match="Unknown task 'ct'"):
        resolve_task(head["mr"], head["ct"], "ct")


def test_swapped_ct(head, make_volume):
    with pytest.raises(InputError, match="look swapped"):
        resolve_task(head["ct"], head["mr"], "ct-mri")
    for task in ("auto", "pet-ct"):
        with pytest.raises(InputError, match=r"look swapped.*name the MR first"):
            resolve_task(head["ct"], make_volume(head["mr"], modality="MR"), task)


def test_a_ct_with_what_may_be_mr_pet_or_spect_is_asked_about(head):
    with pytest.raises(InputError, match=r"--task pet-ct or spect-ct, or, .* MR, name it first"):
        resolve_task(head["ct"], head["pet"], "auto")
    assert resolve_task(head["ct"], head["pet"], "pet-ct")[0] == "pet-ct"


@pytest.mark.parametrize("task", ["auto", "pet-mri", "ct-mri"])
def test_colour_cannot_be_anatomical(head, task):
    with pytest.raises(InputError, match=r"look swapped|must be grey"):
        resolve_task(head["color"], head["mr"], task)


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
@pytest.mark.parametrize(
    ("partner", "meta", "expected"),
    [
        ("pet", {"modality": "PT"}, "pet-ct"),
        ("pet", {"units": "SUVbw"}, "pet-ct"),
        ("pet", {"units": "BQML"}, "pet-ct"),
        ("pet", {"modality": "NM"}, "spect-ct"),
        ("pet", {"modality": "RTDOSE", "units": "Gy"}, "pet-ct"),
        ("color", {}, "pet-ct"),
    ],
)
@pytest.mark.parametrize("tag", ["", "CT"])
def test_auto_on_a_ct(head, make_volume, partner, meta, expected, tag):
    pair = {
        "anatomical": make_volume(head["ct"], modality=tag),
        "partner": make_volume(head[partner], **meta),
    }
    data = ResolveTaskd()(pair)
    assert data["task"] == expected
    assert expected in data["task_reason"]
    assert (data["anatomical"].meta["modality"], data["anatomical"].meta["units"]) == ("CT", "HU")


def test_a_dose_on_an_mr_is_shown_as_uptake(head, make_volume):
    dose = make_volume(head["pet"], units="Gy")
    task, reason = resolve_task(make_volume(head["mr"], modality="MR"), dose, "auto")
    assert task == "pet-mri"
    assert "RTDOSE" in reason
    assert guess_modality(dose)[0] == "RTDOSE"


@pytest.mark.parametrize("task", ["auto", "pet-ct"])
@pytest.mark.parametrize("units", ["BQML", "Gy"])
def test_pet_before_its_ct_is_swapped(head, make_volume, task, units):
    with pytest.raises(InputError, match=r"look swapped.*name the CT first"):
        resolve_task(make_volume(head["pet"], units=units), head["ct"], task)


def test_two_tracers_or_two_ct_alone_are_no_pair(head, make_volume):
    pet, spect = (make_volume(head["pet"], modality=modality) for modality in ("PT", "NM"))
    with pytest.raises(InputError, match="must be MR or CT"):
        resolve_task(pet, spect, "auto")
    with pytest.raises(InputError, match="no task for two CT"):
        resolve_task(head["ct"], head["ct"], "auto")


def test_a_task_for_the_other_anatomical_volume_is_noted(head, make_volume):
    pet = make_volume(head["pet"], units="BQML")
    with pytest.warns(FusionWarning, match="expects MR"):
        data = ResolveTaskd("pet-mri")({"anatomical": head["ct"], "partner": pet})
    assert data["task"] == "pet-mri"
    with pytest.warns(FusionWarning, match="expects CT"):
        ResolveTaskd("pet-ct")(
            {"anatomical": make_volume(head["mr"], modality="MR"), "partner": pet}
        )


@pytest.mark.parametrize(
    ("task", "partner", "sentence"),
    [
        ("ct-mri", "pet", "no Hounsfield units"),
        ("pet-mri", "ct", "does not expect"),
        ("mr-mr", "color", "does not expect"),
    ],
)
def test_contradictions_are_noted(head, task, partner, sentence):
    with pytest.warns(FusionWarning, match=sentence):
        data = ResolveTaskd(task)({"anatomical": head["mr"], "partner": head[partner]})
    assert data["task"] == task
    assert sentence in data["notes"]


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
def test_8_bit_pictures_of_ct_are_fine(make_volume):
    picture = make_volume(
        torch.rand(1, 8, 8, 1) * 255, is_image=True, source_dtype="uint8", filename_or_obj="2.png"
    )
    data = ResolveTaskd("ct-mri")({"anatomical": picture, "partner": picture})
    assert data["task"] == "ct-mri"
    assert "notes" not in data


def test_what_was_recognised_stays_with_the_volume(head):
    given = {"anatomical": head["mr"], "partner": head["ct"]}
    data = ResolveTaskd()(given)
    assert data["partner"].meta["modality"] == "CT"
    assert data["partner"].meta["units"] == "HU"
    assert guess_modality(data["partner"][:, 10:14, 12:16, 8:12])[0] == "CT"
    assert head["ct"].meta["modality"] == ""
    assert set(given) == {"anatomical", "partner"}


@pytest.mark.parametrize("meta", [{"modality": "CT"}, {"modality": "CT", "units": "HU"}])
@pytest.mark.parametrize("role", ["anatomical", "partner"])
def test_a_ct_whose_values_are_no_hounsfield_units_is_noted_whatever_its_tags_say(
    head, make_volume, meta, role
):
    shifted = make_volume(head["ct"].as_tensor() + 1024, **meta)
    other = make_volume(head["pet"], modality="PT" if role == "anatomical" else "MR")
    pair = {role: shifted, ("partner" if role == "anatomical" else "anatomical"): other}
    with pytest.warns(FusionWarning, match="no Hounsfield units.*rescale intercept missing"):
        data = ResolveTaskd()(pair)
    assert (data[role].meta["modality"], data[role].meta["units"]) == ("CT", "")
    data["notes"] += "another\n"
    assert data["notes"] == ResolveTaskd()(data)["notes"], "said once, also for several partners"
