"""The page of a study: what readers see, what is hidden from them, and what is refused."""

from __future__ import annotations

import io
import json
import re
import zlib

import nibabel
import numpy as np
import pytest
from PIL import Image
from study_pictures import (
    CASES,
    HEIGHT,
    LEVELS,
    METHODS,
    PATIENT,
    WIDTH,
    decoded,
    make_folders,
    picture,
    pixels_of,
    save,
)

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.study import blinded
from mactfusion.study.methods import find_methods
from mactfusion.study.pairs import Pair, find_pairs
from mactfusion.study.questions import read_questions
from mactfusion.study.shown import Shown, show_pair


def chunks_of(png):
    at, found = 8, []
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        found.append(png[at + 4 : at + 8])
        assert zlib.crc32(png[at + 4 : at + 8 + length]) == int.from_bytes(
            png[at + 8 + length : at + 12 + length], "big"
        )
        at += 12 + length
    return found


def addresses(carried):
    for case in carried["cases"]:
        yield from (source["image"] for source in case["sources"])
        yield from case["images"].values()


def test_every_image_is_what_its_method_made(carried, key):
    shown = {case["case"]: case for case in carried["cases"]}
    assert [case["number"] for case in key["cases"]] == [1, 2, 3, 4]
    for case in key["cases"]:
        assert set(shown[case["case"]]["images"]) == set(case["images"])
        for code, method in case["images"].items():
            pixels = pixels_of(shown[case["case"]]["images"][code])
            assert np.array_equal(pixels, picture(LEVELS[method], case["number"]))
        labels, images = zip(
            *((one["label"], one["image"]) for one in shown[case["case"]]["sources"]), strict=True
        )
        assert labels == (("MR", "CT") if case["task"] == "ct-mri" else ("MR", "PET"))
        assert [pixels_of(image)[0, 0] for image in images] == [255, 250]
    assert sorted(key["cases"][3]["images"].values()) == ["averaged", "maximum"]


def test_the_page_names_no_method_no_file_and_no_patient(made, carried, pictures):
    page = made.read_text(encoding="utf-8")
    for word in (*METHODS, PATIENT, "pairs", str(pictures), "ct-mri", "CT-MRI"):
        assert word not in page
    for address in addresses(carried):
        png = decoded(address)
        assert set(chunks_of(png)) <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
        assert PATIENT.encode() not in png
    assert "://" not in page
    assert "default-src 'none'" in page


def test_neither_place_nor_code_tells_the_method(pictures, tmp_path, run_command):
    """Over many pages each method is first in the page about as often as any other."""
    asked = read_questions()
    pair = find_pairs(pictures / "pairs")[0]
    shown = show_pair(pair, find_methods([str(pictures / m) for m in METHODS], [pair]))
    first = dict.fromkeys(METHODS, 0)
    for _ in range(300):
        study = blinded.Blinded(asked, seed=0)
        study.add(1, pair, shown)
        page, key = study.halves()
        first[key["cases"][0]["images"][next(iter(page["cases"][0]["images"]))]] += 1
    assert min(first.values()) > 50  # of 100: six standard deviations


def test_identity_is_of_all_that_is_shown(pictures):
    asked = read_questions()
    pair = find_pairs(pictures / "pairs")[0]
    shown = show_pair(pair, find_methods([str(pictures / m) for m in METHODS], [pair]))
    studies = [blinded.Blinded(asked, seed) for seed in (0, 0)]
    for study in studies:
        study.add(1, pair, shown)
    (page, key), (other, _) = (study.halves() for study in studies)
    assert page["study"] == key["study"] != other["study"]
    assert re.fullmatch("[0-9a-f]{64}", page["study"])


def test_the_kind_of_a_file_does_not_tell_its_method(pictures, tmp_path):
    """One method writes grey as colour; the page holds both in one kind of PNG, and colour too."""
    pair = find_pairs(pictures / "pairs")[0]
    grey = picture(90, 1)
    colour = np.stack([grey, grey, 255 - grey], -1)
    shown = Shown((grey, grey), {"a": grey, "b": np.stack([grey] * 3, -1), "c": colour}, 1.0, None)
    study = blinded.Blinded(read_questions(), seed=0)
    study.add(1, pair, shown)
    page, key = study.halves()
    files = {
        method: decoded(page["cases"][0]["images"][code])
        for code, method in key["cases"][0]["images"].items()
    }
    assert files["a"] == files["b"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(files["c"]))), colour)


def test_command_writes_page_and_key(pictures, tmp_path, run_command):
    page = tmp_path / "new" / "study.html"
    words = ("study", "make", pictures / "pairs", *(pictures / m for m in METHODS), "-o", page)
    done = run_command(*words)
    assert done.code == 0, done.err
    assert "4 cases, 11 images to choose from" in done.out
    assert "study.html: 4 of 4 cases" in done.out
    assert f"{METHODS[2]} has nothing of pet-mri" in done.err
    assert sorted(path.name for path in page.parent.iterdir()) == ["study.html", "study.key.json"]
    before = page.read_bytes()
    assert run_command(*words).refused("study.html exists already; add --overwrite")
    page.unlink()
    assert run_command(*words).refused("study.key.json exists already; add --overwrite")
    assert run_command(*words, "--overwrite", "--quiet") == (0, "", "")
    assert page.read_bytes() != before  # codes are drawn anew


def test_a_network_fuses_as_the_command_fuse_does(files, pictures, run_command):
    """Pictures and volumes, the network by its name and by the folder of its results."""
    task = pictures / "pairs" / "CT-MRI"
    sources = [task / kind / "2.png" for kind in ("MRI", "CT")]
    fuse_volumes(*sources, task="ct-mri", output="ours/2.png", check=False)
    pair = Pair("ct-mri", "2", *sources)
    shown = show_pair(pair, find_methods(["ours", "pixel_weights"], [pair]))
    assert np.array_equal(shown.fused["ours"], shown.fused["pixel_weights"])
    assert np.array_equal(shown.sources[0], np.asarray(Image.open(sources[0])))
    assert (shown.slice, shown.aspect) == (None, WIDTH / HEIGHT)


def test_of_volumes_one_slice_is_shown_as_radiologists_see_it(files):
    """The slice that was named, patient right on the left, in the recipe's window."""
    mr = nibabel.load("mr.nii.gz")
    fuse_volumes("mr.nii.gz", "pet.nii.gz", task="pet-mri", output="ours/mr.nii.gz", check=False)
    numbers = np.zeros((*mr.shape, 3), np.uint8)
    numbers[..., 0] = np.arange(mr.shape[2])
    numbers[-1, -1, :, 1] = 200  # right and front, in RAS
    records = numbers.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    (files / "other").mkdir()
    nibabel.save(nibabel.Nifti1Image(records, mr.affine), "other/mr.nii.gz")
    pair = Pair("pet-mri", "mr", files / "mr.nii.gz", files / "pet.nii.gz", 1)
    methods = find_methods(["ours", "other"], [pair])
    shown = show_pair(pair, methods)
    assert shown.slice == 1
    assert shown.sources[0].shape == (28, 24)
    assert shown.sources[1].shape == shown.fused["ours"].shape == (28, 24, 3)
    assert set(shown.fused["other"][..., 0].flat) == {1}
    assert np.argwhere(shown.fused["other"][..., 1]).tolist() == [[0, 0]]
    assert shown.aspect == pytest.approx(24 / 28)
    stored = np.asarray(nibabel.load("ours/mr.nii.gz").dataobj)[..., 1]
    for place, channel in enumerate("RGB"):
        assert np.array_equal(shown.fused["ours"][..., place], stored[channel][::-1, ::-1].T)
    middle = show_pair(Pair("pet-mri", "mr", pair.anatomical, pair.partner), methods)
    assert middle.slice == 2
    with pytest.raises(InputError, match="no axial slice 4; choose one from 0 to 3"):
        show_pair(Pair("pet-mri", "mr", pair.anatomical, pair.partner, 4), methods)


def test_a_fused_volume_elsewhere_is_refused_or_said(files):
    mr = nibabel.load("mr.nii.gz")
    levels = np.full(mr.shape, 99, np.uint8)
    levels[0, 0, 0] = 0
    for name, shift in (("near", 20), ("far", 1000)):
        affine = mr.affine.copy()
        affine[0, 3] += shift
        (files / name).mkdir()
        nibabel.save(nibabel.Nifti1Image(levels, affine), f"{name}/mr.nii.gz")
    pair = Pair("pet-mri", "mr", files / "mr.nii.gz", files / "pet.nii.gz", 1)
    with pytest.warns(UserWarning, match="near/mr.nii.gz covers 79 % of the slice"):
        shown = show_pair(pair, find_methods(["near", "far"], [pair])[:1])
    assert np.mean(shown.fused["near"] == 99) == pytest.approx(19 / 24)
    with pytest.raises(InputError, match="does not reach the slice"):
        show_pair(pair, find_methods(["near", "far"], [pair])[1:])


def test_a_table_names_pairs(pictures, files):
    task = pictures / "pairs" / "CT-MRI"
    table = files / "pairs.csv"
    table.write_text(
        "task,anatomical,partner,slice,name\n"
        f"CT-MRI,{task}/MRI/2.png,{task}/CT/2.png,,\n"
        "pet-mri,mr.nii.gz,pet.nii.gz,3,head\n"
    )
    assert find_pairs(table) == [
        Pair("ct-mri", "2", task / "MRI/2.png", task / "CT/2.png"),
        Pair("pet-mri", "head", files / "mr.nii.gz", files / "pet.nii.gz", 3),
    ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("task,anatomical\nct-mri,a\n", "it needs task, anatomical, partner"),
        ("task,anatomical,partner,notes\n", "the columns task, anatomical, partner, notes"),
        ("task,anatomical,partner\n", "holds no pairs"),
        ("task,anatomical,partner\nct-mri,mr.nii.gz\n", "line 2 has another number of fields"),
        ("task,anatomical,partner\nbrain,mr.nii.gz,pet.nii.gz\n", "unknown task 'brain'"),
        ("task,anatomical,partner\npet-mri,mr.nii.gz,\n", "names no partner"),
        ("task,anatomical,partner\npet-mri,mr.nii.gz,none.nii\n", "none.nii does not exist"),
        ("task,anatomical,partner,slice\npet-mri,mr.nii.gz,pet.nii.gz,-1\n", "not '-1'"),
        (f"task,anatomical,partner\n{2 * 'pet-mri,mr.nii.gz,pet.nii.gz' + chr(10)}", "fields"),
        ("task,anatomical,partner\n" + 2 * "pet-mri,mr.nii.gz,pet.nii.gz\n", "are called mr"),
    ],
)
def test_a_wrong_table_is_refused(lines, sentence, files, run_command):
    (files / "pairs.csv").write_text(lines)
    assert run_command(
        "study", "make", "pairs.csv", "pixel_weights", "dilran", "-o", "s.html"
    ).refused(sentence)


@pytest.fixture
def changed(tmp_path):
    """Folders that a test may spoil."""
    return make_folders(tmp_path)


def remove_one(folder):
    (folder / "averaged/CT-MRI/3.png").unlink()


def remove_partner(folder):
    (folder / "pairs/CT-MRI/CT/3.png").unlink()


def other_size(folder):
    save(folder / "averaged/CT-MRI/3.png", picture(1, 1)[:-1])


def damaged(folder):
    (folder / "maximum/CT-MRI/3.png").write_bytes(b"no picture")


def no_modality(folder):
    (folder / "pairs/CT-MRI/CT").rename(folder / "pairs/CT-MRI/xCT")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (remove_one, "has no fused image called 3; a method shows all pairs of a task, or none"),
        (remove_partner, "has no counterpart"),
        (other_size, "20 x 15 pixels and"),
        (damaged, "3.png cannot be read"),
        (no_modality, "should hold the sources of ct-mri"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_left(spoil, sentence, changed, run_command):
    spoil(changed)
    methods = [changed / name for name in METHODS]
    page = changed / "out" / "study.html"
    done = run_command("study", "make", changed / "pairs", *methods, "-o", page)
    assert done.refused(sentence), done.err
    assert not page.parent.exists()


@pytest.mark.parametrize(
    ("methods", "sentence"),
    [
        (["averaged"], "has images of 1 method; readers choose among 2 to 9"),
        (["averaged", "dilan"], "dilan is no folder of fused images, and no network"),
        (["averaged", "./averaged/"], "Two methods are called averaged"),
        (["averaged", "pairs"], "holds no fused image"),
    ],
)
def test_wrong_methods_are_refused(methods, sentence, pictures, run_command, monkeypatch, tmp_path):
    monkeypatch.chdir(pictures)
    page = tmp_path / "study.html"
    assert run_command("study", "make", "pairs", *methods, "-o", page).refused(sentence)
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_it_says_so(run_command):
    assert run_command("study").refused("Missing command (see 'mactfusion study --help')")


def test_inputs_are_never_replaced(pictures, tmp_path, run_command):
    questions = tmp_path / "study.key.json"
    questions.write_text("{}")
    words = ("study", "make", pictures / "pairs", "dilran", "cminet", "-o", tmp_path / "study.html")
    assert run_command(*words, "--questions", questions, "--overwrite").refused("write elsewhere")
    assert questions.read_text() == "{}"


def test_a_page_that_browsers_hardly_open_is_refused(pictures, tmp_path, run_command, monkeypatch):
    monkeypatch.setattr(blinded, "LARGEST_PAGE", 1000)
    methods = [pictures / name for name in METHODS]
    done = run_command("study", "make", pictures / "pairs", *methods, "-o", tmp_path / "s.html")
    assert done.refused("images, which browsers hardly open: it was full at case 2")
    assert list(tmp_path.iterdir()) == []


QUESTION = '{"questions": [{"id": "best", "kind": "choice", "text": "Which?"}, %s]}'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("questions: [", "neither YAML nor JSON"),
        ("questions: []", "$.questions"),
        ("- 1", "is not of type 'object'"),
        (QUESTION % '{"id": "best", "kind": "text", "text": "?"}', "two questions of one id"),
        (QUESTION % '{"id": "B!", "kind": "text", "text": "?"}', "$.questions[1].id"),
        (QUESTION % '{"id": "b", "kind": "sum", "text": "?"}', "'sum' is not one of"),
        (QUESTION % '{"id": "b", "kind": "rating", "text": "?", "scale": 10}', "maximum of 9"),
        (QUESTION % '{"id": "b", "kind": "text", "text": "?", "scale": 3}', "'scale' was unexp"),
        ('{"questions": [{"id": "b", "kind": "text", "text": "?"}]}', "asks for no choice"),
    ],
)
def test_wrong_questions_are_refused(text, sentence, pictures, tmp_path, run_command):
    questions = tmp_path / "questions.yaml"
    questions.write_text(text)
    words = ("study", "make", pictures / "pairs", "dilran", "cminet", "-o", tmp_path / "study.html")
    assert run_command(*words, "--questions", questions).refused(sentence)


def test_questions_may_be_json_and_say_what_they_leave_out(tmp_path):
    path = tmp_path / "questions.json"
    path.write_text(QUESTION % '{"id": "q", "kind": "rating", "text": "How?", "of": "images"}')
    assert json.loads(json.dumps(read_questions(path))) == {
        "instructions": "",
        "questions": [
            {"id": "best", "kind": "choice", "text": "Which?", "required": True},
            {
                "id": "q",
                "kind": "rating",
                "text": "How?",
                "required": True,
                "of": "images",
                "scale": 5,
                "ends": ["lowest", "highest"],
            },
        ],
    }


def test_the_cases_are_those_of_the_folder(key):
    tasks = [task.lower() for task, names in CASES.items() for _ in names]
    assert [case["task"] for case in key["cases"]] == tasks
