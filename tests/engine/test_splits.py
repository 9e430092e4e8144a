"""Split files: read back as written, and refused when they leak or do not fit."""

from __future__ import annotations

import json

import pytest

from mactfusion.engine.pairs import training_pairs
from mactfusion.engine.splits import read_split, write_split
from mactfusion.errors import InputError


def pair(case, part, slice_number=1):
    name = f"{case}{slice_number:03}.png"
    return {
        "anatomical": f"CT-MRI/train/MRI/{name}",
        "partner": f"CT-MRI/train/CT/{name}",
        "task": "ct-mri",
        "case": str(case),
        "split": part,
    }


PAIRS = [pair(1, "train"), pair(2, "validation"), pair(3, "test"), pair(3, "test", 2)]


@pytest.fixture
def folder(tmp_path):
    for entry in PAIRS:
        for key in ("anatomical", "partner"):
            path = tmp_path / entry[key]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path


@pytest.fixture
def split_file(folder):
    write_split(folder / "split.json", "by-case", "For tests.", PAIRS)
    return folder / "split.json"


def test_each_part_is_read_back(folder, split_file):
    assert read_split(split_file, folder, "test") == [
        {
            "anatomical": str(folder / entry["anatomical"]),
            "partner": str(folder / entry["partner"]),
            "task": "ct-mri",
            "case": "3",
        }
        for entry in PAIRS[2:]
    ]
    training, validation = training_pairs(folder, split_file=split_file)
    assert [p["case"] for p in training + validation] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("by-case", [pair(1, "train"), pair(1, "test", 2)]),
        ("by-case", [pair(1, "validation"), pair(1, "test", 2)]),
        ("by-case", [pair(1, "train"), pair(1, "validation", 2)]),
        ("public", [pair(1, "train"), pair(1, "validation", 2)]),
    ],
)
def test_a_case_in_two_parts_is_refused(tmp_path, name, pairs):
    path = tmp_path / "split.json"
    with pytest.raises(InputError, match=r"split\.json has case 1 in both .*1002\.png"):
        write_split(path, name, "", pairs)
    assert not path.exists()
    path.write_text(json.dumps({"split": name, "pairs": pairs}))
    with pytest.raises(InputError, match="case 1 in both"):
        read_split(path, tmp_path, "train")


def test_published_test_cases_may_have_training_slices(folder):
    write_split(folder / "public.json", "public", "", [pair(3, "train"), pair(3, "test", 2)])
    assert len(read_split(folder / "public.json", folder, "test")) == 1


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_pair_that_is_there_twice_is_refused(tmp_path, part):
    pairs = [pair(1, "train"), pair(1, part)]
    with pytest.raises(InputError, match=r"public\.json has .*1001\.png twice"):
        write_split(tmp_path / "public.json", "public", "", pairs)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "it is not JSON"),
        ("[]", "needs the keys"),
        ('{"split": "x", "pairs": 3}', "needs the keys"),
        ('{"split": "x", "pairs": [{"task": "ct-mri"}]}', "a pair needs"),
        (json.dumps({"split": "x", "pairs": [pair(1, "holiday")]}), "a part 'holiday'"),
        (json.dumps({"split": "x", "pairs": [pair(1, "test")]}), "no pair in its part 'train'"),
        (json.dumps({"split": "x", "pairs": [pair(9, "train")]}), "which does not exist"),
        (
            json.dumps({"split": "x", "pairs": [{**pair(1, "train"), "partner": "../b.png"}]}),
            "relative to the data folder",
        ),
        (
            json.dumps({"split": "x", "pairs": [{**pair(1, "train"), "partner": "/b.png"}]}),
            "relative to the data folder",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(folder, content, sentence):
    path = folder / "other.json"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence) as error:
        read_split(path, folder, "train")
    assert "other.json" in str(error.value)


def test_an_absent_file_and_a_missing_folder_are_named(tmp_path, split_file):
    with pytest.raises(InputError, match=r"none\.json cannot be read"):
        read_split(tmp_path / "none.json", tmp_path, "train")
    with pytest.raises(InputError, match="dataset_dir"):
        training_pairs(None, split_file=split_file)
