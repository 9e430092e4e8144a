"""What a comparison refuses, in a sentence, and that it leaves the page alone."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest
from PIL import Image
from small_comparison import NAMES, run, save

from training import compare
from training.comparison import pages


def remove_a_fused_picture(folders):
    (folders / "methods/weighted/CT-MRI" / NAMES[0]).unlink()


def remove_a_source(folders):
    (folders / "pairs/CT-MRI/test/CT" / NAMES[0]).unlink()


def crop_a_fused_picture(folders):
    save(folders / "methods/weighted/CT-MRI" / NAMES[0], np.zeros((44, 44), np.uint8))


def crop_a_source(folders):
    save(folders / "pairs/CT-MRI/test/CT" / NAMES[0], np.eye(44, dtype=np.uint8))


def empty_a_source(folders):
    save(folders / "pairs/CT-MRI/test/CT" / NAMES[0], np.zeros((44, 48), np.uint8))


def write_text(folders):
    (folders / "methods/weighted/CT-MRI" / NAMES[0]).write_text("no picture")


def write_16_bit(folders):
    save(folders / "methods/weighted/CT-MRI" / NAMES[0], np.full((44, 48), 1000, np.uint16))


def write_cmyk(folders):
    path = folders / "methods/weighted/CT-MRI" / NAMES[0]
    Image.new("CMYK", (48, 44)).save(path, format="TIFF")


def write_palette(folders):
    path = folders / "methods/weighted/CT-MRI" / NAMES[0]
    Image.open(path).convert("P").save(path)


def write_a_palette_source(folders):
    path = folders / "pairs/CT-MRI/test/CT" / NAMES[0]
    Image.open(path).convert("P").save(path)


def block_the_folder(folders):
    (folders / "docs" / "results.md").mkdir(parents=True)


def rename_the_tasks(folders):
    for task in ("CT-MRI", "PET-MRI"):
        (folders / "methods/weighted" / task).rename(folders / "methods/weighted" / task[:3])


def empty_the_pairs(folders):
    (folders / "pairs").rename(folders / "elsewhere")


def take_the_markers(folders):
    (folders / "docs").mkdir()
    (folders / "docs" / "results.md").write_text("mine")


def take_the_markers_of_all(folders):
    (folders / "docs").mkdir()
    (folders / "docs" / "all_scores.md").write_text("mine")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (remove_a_fused_picture, "1 fused pictures are missing"),
        (remove_a_source, "has no partner"),
        (crop_a_fused_picture, "its sources are"),
        (crop_a_source, "differ in size"),
        (empty_a_source, "1001.png is constant"),
        (write_text, "cannot be read"),
        (write_16_bit, "defined on 8 bits"),
        (write_cmyk, "is a CMYK picture"),
        (write_palette, "1001.png is a palette picture"),
        (write_a_palette_source, "CT/1001.png is a palette picture"),
        (block_the_folder, "docs/results.md cannot be used"),
        (rename_the_tasks, "holds no fused pictures"),
        (empty_the_pairs, "holds no pairs"),
        (take_the_markers, "results.md lacks the lines"),
        (take_the_markers_of_all, "all_scores.md lacks the lines"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(damage, sentence, folders):
    damage(folders)
    result = run(folders)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_page_without_markers_is_refused_before_the_work(folders, monkeypatch):
    def work(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr(compare, "fuse_pairs", work)
    monkeypatch.setattr(compare, "score_methods", work)
    take_the_markers(folders)
    result = run(folders, "--weights", "new=model.pt")
    assert result.exit_code == 2
    assert (folders / "docs" / "results.md").read_text() == "mine"


def test_a_full_disk_leaves_the_tables_as_they_were(folders, monkeypatch):
    assert run(folders).exit_code == 0
    before = {path: path.read_bytes() for path in (folders / "docs").iterdir()}
    monkeypatch.setattr(pages, "LEGEND", "Another legend.")

    def full(path, text, **options):
        path.write_bytes(text[:5].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(folders), "write_text", full)
    result = run(folders)
    assert result.exit_code == 2
    assert "the disk is full" in result.output
    assert {path: path.read_bytes() for path in (folders / "docs").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--weights", "model.pt"), "takes NAME=FILE"),
        (("--weights", "new=absent.pt", "--ours", "new"), "absent.pt do not exist"),
        (("--weights", "weighted=a.pt"), "Two methods are called weighted"),
        (("--weights", "new=a.pt", "--weights", "new=b.pt"), "Two methods are called new"),
        (("--task", "XX-MRI"), "no test pairs of XX-MRI"),
        (("--costs", "absent.json"), "absent.json is no readable table"),
        (("--ours", "nobody"), "no method 'nobody'"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, sentence, folders):
    result = run(folders, *arguments)
    assert result.exit_code == 2
    assert sentence in result.output


def test_a_split_with_a_case_in_both_parts_is_refused(folders):
    pair = {"anatomical": "CT-MRI/test/MRI/1001.png", "partner": "CT-MRI/test/CT/1001.png"}
    other = {key: path.replace("1001", "1002") for key, path in pair.items()}
    rest = {"task": "ct-mri", "case": "1"}
    pairs = [{**pair, **rest, "split": "test"}, {**other, **rest, "split": "train"}]
    split = folders / "split.json"
    split.write_text(json.dumps({"split": "by-case", "pairs": pairs}))
    result = run(folders, "--split", split)
    assert result.exit_code == 2
    assert "split.json has case 1 in both test and train (CT-MRI/test/MRI/1002.png)" in (
        " ".join(result.output.split())
    )
