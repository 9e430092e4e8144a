"""Pairs for training: found by name, kept apart by case, read as they are shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mactfusion import phantom
from mactfusion.engine.pairs import LoadPaird, hold_out, list_pairs, training_pairs
from mactfusion.errors import InputError


def write(path, shape=(8, 10), value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    if value is None:
        pixels = np.arange(np.prod(shape)).reshape(shape) % 256
    else:
        pixels = np.full(shape, value)
        pixels[0, 0] = 0  # a constant picture is refused
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two tasks; three cases of CT with two slices each, one case of PET."""
    for name in ("1001", "1002", "23001", "23002", "4001", "4010"):
        for modality in ("MRI", "CT"):
            write(tmp_path / "CT-MRI" / "train" / modality / f"{name}.png")
    write(tmp_path / "PET-MRI" / "train" / "MRI" / "1001.png")
    write(tmp_path / "PET-MRI" / "train" / "PET" / "1001.png", (8, 10, 3))
    write(tmp_path / "notes" / "train" / "MRI" / "1.png")
    return tmp_path


def test_pairs_of_a_folder(folder):
    pairs = list_pairs(folder, "train")
    assert [p["task"] for p in pairs] == ["ct-mri"] * 6 + ["pet-mri"]
    assert pairs[0] == {
        "anatomical": str(folder / "CT-MRI" / "train" / "MRI" / "1001.png"),
        "partner": str(folder / "CT-MRI" / "train" / "CT" / "1001.png"),
        "task": "ct-mri",
        "case": "1",
    }
    assert {p["case"] for p in pairs} == {"1", "23", "4"}


@pytest.mark.parametrize(("partner", "anatomical"), [("PET", "CT"), ("GFP", "PC")])
def test_pairs_without_mr(tmp_path, partner, anatomical):
    folder = tmp_path / f"{partner}-{anatomical}" / "train"
    for modality in (anatomical, partner):
        write(folder / modality / "1001.png")
    (pair,) = list_pairs(tmp_path, "train")
    assert pair["task"] == f"{partner}-{anatomical}".lower()
    assert pair["anatomical"] == str(folder / anatomical / "1001.png")
    assert pair["partner"] == str(folder / partner / "1001.png")


def test_a_missing_partner_is_named(folder):
    (folder / "CT-MRI" / "train" / "CT" / "23002.png").unlink()
    with pytest.raises(InputError, match=r"MRI/23002\.png has no partner .*CT/23002\.png"):
        list_pairs(folder, "train")


def test_a_missing_mr_is_named_too(folder):
    (folder / "CT-MRI" / "train" / "MRI" / "23002.png").unlink()
    with pytest.raises(InputError, match=r"CT/23002\.png has no partner .*MRI/23002\.png"):
        list_pairs(folder, "train")


@pytest.mark.parametrize("name", ["23003.jpg", "23003.PNG", "23003.tif", "23003.nii.gz"])
def test_a_picture_that_would_be_left_out_is_named(folder, name):
    for modality in ("MRI", "CT"):
        source = folder / "CT-MRI" / "train" / modality / "23002.png"
        source.with_name(name).write_bytes(source.read_bytes())
    with pytest.raises(InputError, match=rf"MRI/{name} is no \.png file; save it as 8-bit PNG"):
        list_pairs(folder, "train")


def test_other_files_do_not_matter(folder):
    expected = list_pairs(folder, "train")
    (folder / "CT-MRI" / "train" / "CT" / "Thumbs.db").write_bytes(b"")
    (folder / "CT-MRI" / "train" / "CT" / "notes.txt").write_text("from the atlas")
    assert list_pairs(folder, "train") == expected


@pytest.mark.parametrize("split", ["test", "absent"])
def test_a_folder_without_pairs_is_named(folder, split):
    sentence = f"{folder.name} holds no pairs in TASK/{split}; expected pictures of equal names"
    with pytest.raises(InputError, match=sentence):
        list_pairs(folder, split)


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="absent holds no pairs"):
        training_pairs(tmp_path / "absent")


@pytest.mark.parametrize("every", [2, 3])
def test_no_case_is_on_both_sides(folder, every):
    pairs = list_pairs(folder, "train")
    training, validation = hold_out(pairs, every)
    assert training
    assert validation
    assert not {p["case"] for p in training} & {p["case"] for p in validation}
    assert sorted(map(str, training + validation)) == sorted(map(str, pairs))
    assert len({p["case"] for p in validation}) == -(-3 // every)
    held = {p["task"] for p in validation if p["case"] == "1"}  # one MR may be in several tasks
    assert held == {"ct-mri", "pet-mri"}
    assert (training, validation) == training_pairs(folder, every)


@pytest.mark.parametrize(
    ("every", "advice"),
    [
        (1, "val_every_case 1 holds out all 3 for validation; raise it."),
        (8, "all its pairs are of one case, which is held out for validation; add cases."),
    ],
)
def test_a_folder_with_nothing_left_to_train_on_is_named(folder, every, advice):
    if every > 1:  # one case alone
        for path in folder.rglob("[24]*.png"):
            path.unlink()
    with pytest.raises(InputError, match=f"{folder.name} has no case left to train on") as refused:
        training_pairs(folder, every)
    assert advice in str(refused.value)


def test_one_task_alone(folder):
    training, validation = training_pairs(folder, every=2, task="CT-MRI")
    assert {pair["task"] for pair in training + validation} == {"ct-mri"}
    both = training_pairs(folder, every=2)
    assert training == [pair for pair in both[0] if pair["task"] == "ct-mri"]
    assert validation == [pair for pair in both[1] if pair["task"] == "ct-mri"]
    assert training_pairs(folder, every=2, task=["spect-mri", "CT-MRI"]) == (training, validation)


@pytest.mark.parametrize(
    ("task", "missing"), [("odd", "odd to train"), ("pet-mri", "pet-mri to train")]
)
def test_a_task_without_pairs_is_named(folder, task, missing):
    with pytest.raises(InputError, match=f"{folder.name}: .*{missing} on; tasks here are ct-mri"):
        training_pairs(folder, every=2, task=task)


def test_synthetic_heads_stand_in_for_data(monkeypatch):
    def few_slices(task, count, seed):
        return torch.rand(count, 2, 16, 16)

    monkeypatch.setattr(phantom, "phantom_slices", few_slices)
    training, validation = training_pairs(None, every=8)
    assert training
    assert validation
    assert {p["task"] for p in training} == {"ct-mri", "pet-mri", "spect-mri"}
    assert {p["task"] for p in validation} == {"ct-mri", "pet-mri", "spect-mri"}
    assert all(p["image"].shape == (2, 16, 16) for p in training + validation)
    assert LoadPaird()(training[0]) is training[0]


def test_grey_pair_keeps_its_orientation_and_order(tmp_path):
    pair = {
        "anatomical": str(write(tmp_path / "a.png", (6, 9))),
        "partner": str(write(tmp_path / "b.png", (6, 9), 51)),
        "task": "ct-mri",
    }
    loaded = LoadPaird()(pair)
    assert loaded["task"] == "ct-mri"
    assert loaded["image"].shape == (2, 6, 9)
    assert loaded["image"].dtype == torch.float32
    expected = torch.arange(54.0).view(6, 9) / 255
    torch.testing.assert_close(loaded["image"][0], expected)
    torch.testing.assert_close(loaded["image"][1, 1:], torch.full((5, 9), 0.2))


@pytest.mark.parametrize(
    ("color", "luminance"),
    [((255, 0, 0), 0.299), ((0, 255, 0), 0.587), ((0, 0, 255), 0.114), ((255, 255, 255), 1.0)],
)
@pytest.mark.parametrize("alpha", [(), (255,)])
def test_colour_becomes_luminance(tmp_path, color, luminance, alpha):
    pixels = np.tile(np.array([*color, *alpha], dtype=np.uint8), (4, 5, 1))
    pixels[0, 0, :3] = 0  # a constant picture is refused
    Image.fromarray(pixels).save(tmp_path / "pet.png")
    pair = {"anatomical": write(tmp_path / "a.png", (4, 5)), "partner": tmp_path / "pet.png"}
    image = LoadPaird()(pair)["image"]
    torch.testing.assert_close(image[1, 1:], torch.full((3, 5), luminance))


def save_16_bits(path):
    Image.fromarray(np.arange(20, dtype=np.uint16).reshape(4, 5) * 200).save(path)


def save_palette(path):
    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5)).convert("P").save(path)


def save_cmyk_jpeg(path):
    Image.effect_noise((5, 4), 50).convert("CMYK").save(path)


def save_text(path):
    path.write_text("no picture")


@pytest.mark.parametrize("key", ["anatomical", "partner"])
@pytest.mark.parametrize(
    ("save", "name", "sentence"),
    [
        (save_16_bits, "deep.png", "is a picture of type uint16"),
        (save_palette, "few.png", "is a palette picture"),
        (save_cmyk_jpeg, "print.jpg", "is a CMYK picture"),
        (save_cmyk_jpeg, "print.tif", "is a CMYK picture"),
        (save_text, "notes.png", "cannot be read"),
    ],
)
def test_other_kinds_of_pictures_are_named(tmp_path, key, save, name, sentence):
    save(tmp_path / name)
    pair = {
        "anatomical": str(write(tmp_path / "a.png", (4, 5))),
        "partner": str(write(tmp_path / "b.png", (4, 5))),
    }
    with pytest.raises(InputError, match=sentence) as refusal:
        LoadPaird()({**pair, key: str(tmp_path / name)})
    assert str(tmp_path / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_unequal_sizes_are_named(tmp_path):
    pair = {
        "anatomical": str(write(tmp_path / "first.png", (6, 9))),
        "partner": str(write(tmp_path / "second.png", (9, 6))),
    }
    with pytest.raises(InputError, match=r"first\.png and .*second\.png differ in size: .*6, 9"):
        LoadPaird()(pair)
