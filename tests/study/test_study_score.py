"""Answers become figures: what they imply, what is refused, and the page."""

from __future__ import annotations

import csv
import json
import os

import pytest
from study_pictures import METHODS, answers_of, picture, save

from mactfusion.study import report
from mactfusion.study.answers import read_answers
from mactfusion.study.key import key_path
from mactfusion.study.make import make_study
from mactfusion.study.methods import find_methods
from mactfusion.study.pairs import find_pairs
from mactfusion.study.questions import read_questions
from mactfusion.study.report import write_score_report
from mactfusion.study.score import score_study

PLAIN, BRIGHT, DARK = METHODS
FIRST = {1: PLAIN, 2: PLAIN, 3: DARK, 4: PLAIN}
SECOND = {1: PLAIN, 2: BRIGHT, 3: DARK, 4: PLAIN}
THIRD = {1: PLAIN, 2: PLAIN, 3: PLAIN, 4: BRIGHT}


@pytest.fixture
def three(answered):
    readers = {"R2": SECOND, "R1": FIRST, "R3": THIRD}
    return [answered(reader, wanted) for reader, wanted in readers.items()]


def test_scores_are_what_the_choices_imply(three, key):
    scores = score_study(key, read_answers(three, key))
    assert scores.readers == ("R1", "R2", "R3")
    (choice,) = scores.choices
    counts = {
        part: {one.method: (one.chosen, one.offered) for one in tally.methods}
        for part, tally in choice.tallies.items()
    }
    assert counts == {
        "all": {PLAIN: (8, 12), BRIGHT: (2, 12), DARK: (2, 9)},
        "ct-mri": {PLAIN: (6, 9), BRIGHT: (1, 9), DARK: (2, 9)},
        "pet-mri": {PLAIN: (2, 3), BRIGHT: (1, 3)},
    }
    by_task = {one.method: one.strength for one in choice.tallies["ct-mri"].methods}
    assert by_task == pytest.approx({PLAIN: 6 / 9, BRIGHT: 1 / 9, DARK: 2 / 9})
    assert [one.shares[PLAIN] for one in choice.readers] == [3 / 4, 2 / 4, 3 / 4]
    assert [one.agreement for one in choice.readers] == pytest.approx([5 / 8, 4 / 8, 3 / 8])
    assert [dict(one.chosen) for one in choice.cases] == [
        {PLAIN: 3, BRIGHT: 0, DARK: 0},
        {PLAIN: 2, BRIGHT: 1, DARK: 0},
        {PLAIN: 1, BRIGHT: 0, DARK: 2},
        {PLAIN: 2, BRIGHT: 1},
    ]
    assert sum(choice.places) == 12
    assert choice.places == tuple(places_by_hand(three, key))
    (rating,) = scores.ratings
    assert rating.means == {"R1": 3.5, "R2": 3.5, "R3": 3.5}
    assert rating.alpha == pytest.approx(1)
    assert scores.seconds == {"R1": 2.5, "R2": 2.5, "R3": 2.5}


def places_by_hand(paths, key):
    counts = [0] * 3
    for path in paths:
        for case in json.loads(path.read_text())["cases"]:
            counts[case["order"].index(case["answers"]["best"])] += 1
    return counts


def test_who_left_out_an_answer_is_not_counted_and_said(three, answered, key, run_command, made):
    def leave_out(answers):
        del answers["cases"][1]["answers"]["useful"]

    some = answered("R4", FIRST, leave_out)
    done = run_command("study", "score", *three, some, "--key", key_path(made))
    assert done.code == 0
    assert "Reader R4 is not counted: 1 case without an answer that is required." in done.err
    assert "3 readers" in done.out
    assert METHODS[2] in done.out
    alone = run_command("study", "score", some, "--key", key_path(made))
    assert alone.refused("No reader answered every question that is required")


def replaced(**fields):
    return lambda answers: answers.update(fields)


def in_first_case(**fields):
    return lambda answers: answers["cases"][0].update(fields)


def first_answer(**fields):
    return lambda answers: answers["cases"][0]["answers"].update(fields)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (replaced(study="0" * 64), "answers of another study"),
        (replaced(version=2), "not written by the page of this key"),
        (replaced(seed=8), "not written by the page of this key"),
        (replaced(reader="John Doe"), "see $.reader"),
        (replaced(extra=1), "no file of answers"),
        (lambda answers: answers.pop("reader"), "no file of answers"),
        (lambda answers: answers["cases"].pop(), "not each case of the study once"),
        (lambda answers: answers["cases"].append(answers["cases"][0]), "not each case"),
        (in_first_case(milliseconds=-1), "see $.cases[0].milliseconds"),
        (in_first_case(milliseconds=10**400), "see $.cases[0].milliseconds"),
        (in_first_case(order=["0" * 8] * 3), "does not have each image once"),
        (first_answer(best="0" * 8), "no such answer to a question 'best'"),
        (first_answer(best=1), "no such answer to a question 'best'"),
        (first_answer(useful=6), "no such answer to a question 'useful'"),
        (first_answer(useful=True), "see $.cases[0].answers.useful"),
        (first_answer(other=1), "no such answer to a question 'other'"),
    ],
)
def test_answers_that_the_page_does_not_write_are_refused(
    change, sentence, three, answered, made, run_command, tmp_path
):
    wrong = answered("R4", FIRST, change)
    before = sorted(tmp_path.iterdir())
    words = ("--key", key_path(made), "--json", tmp_path / "scores.json")
    assert run_command("study", "score", *three, wrong, *words).refused(sentence)
    assert sorted(tmp_path.iterdir()) == before


def test_two_files_of_one_reader_are_refused(three, answered, made, run_command):
    again = answered("R2", FIRST)
    done = run_command("study", "score", *three, again, "--key", key_path(made))
    assert done.refused("are both of the reader R2; keep one of them")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"study": 1}', "\udcff"])
def test_what_is_no_file_of_answers_or_no_key_is_refused(text, three, made, run_command, tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(text, errors="surrogateescape")
    key = key_path(made)
    assert run_command("study", "score", wrong, "--key", key).refused("is no file of answers")
    assert run_command("study", "score", three[0], "--key", wrong).refused("is no key of a study")
    absent = tmp_path / "absent.json"
    assert run_command("study", "score", absent, "--key", key).refused("cannot be read")


def test_outputs_never_replace_inputs(three, made, run_command):
    words = ("study", "score", *three, "--key", key_path(made))
    before = three[0].read_bytes()
    assert run_command(*words, "--json", three[0], "--overwrite").refused("write elsewhere")
    assert run_command(*words, "--json", three[0]).refused("add --overwrite")
    assert run_command(*words, "--json", "scores.txt").refused(
        "must have a name that ends in .json"
    )
    assert run_command(*words, "--csv", "scores.txt").refused("must have a name that ends in .csv")
    assert run_command(*words, "--report", "scores.txt").refused("ends in .html")
    assert three[0].read_bytes() == before


def test_numbers_and_page_say_the_same(three, answered, key, made, run_command, tmp_path):
    def remark(answers):
        answers["cases"][0]["answers"]["remarks"] = '<script>alert("x")</script>'

    files = [answered("R0", FIRST, remark), *three]
    names = {kind: tmp_path / f"scores.{kind}" for kind in ("json", "csv", "html")}
    words = ("--json", names["json"], "--csv", names["csv"], "--report", names["html"], "--quiet")
    assert run_command("study", "score", *files, "--key", key_path(made), *words) == (0, "", "")
    numbers = json.loads(names["json"].read_text())
    tally = numbers["choices"][0]["tallies"]["all"]
    with names["csv"].open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["cases"] == "all"]
    assert [line["method"] for line in lines] == [one["method"] for one in tally["methods"]]
    assert [float(line["share"]) for line in lines] == [one["share"] for one in tally["methods"]]
    page = names["html"].read_text(encoding="utf-8")
    for one in tally["methods"]:
        assert f"<td>{100 * one['share']:.1f} %</td>" in page
    assert f"kappa:\n    {tally['kappa']:.3f}" in page
    assert "&lt;script&gt;alert" in page
    assert "<script" not in page
    assert "<i>dark" not in page
    assert page.count("<svg") == 2 * 3
    assert "A preference is no diagnostic accuracy" in page
    assert "#0101" not in page  # every stand-in colour was replaced
    again = tmp_path / "again.html"
    write_score_report(again, score_study(key, read_answers(files, key)))
    assert again.read_text(encoding="utf-8") == page


def test_ratings_of_images_are_of_their_methods(three, key, tmp_path):
    question = {
        "id": "sharp",
        "kind": "rating",
        "text": "How sharp?",
        "required": True,
        "of": "images",
        "scale": 5,
        "ends": ["blurred", "sharp"],
    }
    asked = {**key, "questions": [*key["questions"], question]}
    ratings = {PLAIN: 5, BRIGHT: 3, DARK: 2}
    for path in three:
        content = json.loads(path.read_text())
        methods = {code: name for case in key["cases"] for code, name in case["images"].items()}
        for case in content["cases"]:
            case["answers"]["sharp"] = {code: ratings[methods[code]] for code in case["order"]}
        path.write_text(json.dumps(content))
    scores = score_study(asked, read_answers(three, asked))
    sharp = scores.ratings[1]
    assert sharp.means == {PLAIN: 5.0, BRIGHT: 3.0, DARK: 2.0}
    assert sharp.counts == {PLAIN: 12, BRIGHT: 12, DARK: 9}
    assert sharp.alpha == pytest.approx(1)
    content = json.loads(three[0].read_text())
    content["cases"][0]["answers"]["sharp"].popitem()  # one image is not rated
    three[0].write_text(json.dumps(content))
    assert [own.unanswered for own in read_answers(three, asked)] == [0, 1, 0]


STRANGE = (os.fsdecode(b"no UTF-8 \xff"), "$x$ 'y' \"", "two\nlines", "<script>", "\u65e5\u672c")


def test_folders_of_any_name_are_scored(tmp_path, run_command, recwarn):
    for method in STRANGE:
        save(tmp_path / "methods" / method / "1.png", picture(9, 1))
    for kind in ("CT", "MRI"):
        save(tmp_path / "pairs" / "CT-MRI" / kind / "1.png", picture(8, 1))
    page = tmp_path / "study.html"
    folders = [tmp_path / "methods" / method for method in STRANGE]
    assert run_command("study", "make", tmp_path / "pairs", *folders, "-o", page).code == 0
    key = json.loads(key_path(page).read_text())
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(answers_of(key, "R1", {1: STRANGE[0]})))
    files = {kind: tmp_path / f"scores.{kind}" for kind in ("html", "csv", "json")}
    words = ("--report", files["html"], "--csv", files["csv"], "--json", files["json"])
    done = run_command("study", "score", answers, "--key", key_path(page), *words)
    assert (done.code, done.err) == (0, "")
    assert "all: 1 case, 1 reader" in [line.strip() for line in done.out.splitlines()]
    numbers = json.loads(files["json"].read_text())
    assert sorted(STRANGE) == numbers["methods"]
    shown = files["html"].read_text(encoding="utf-8")
    assert "no UTF-8 \\udcff" in shown
    assert "<script" not in shown
    assert "There is one reader" in shown
    assert not list(recwarn)


def test_what_chance_gives_is_drawn_where_every_case_shows_every_method(tmp_path, monkeypatch):
    """Three methods, of which each task lacks another: as many images each, and two in a case."""
    tasks = {"CT-MRI": "bc", "PET-MRI": "ac", "SPECT-MRI": "ab"}
    for task, methods in tasks.items():
        for kind in task.split("-"):
            save(tmp_path / "pairs" / task / kind / "1.png", picture(7, 1))
        for method in methods:
            save(tmp_path / method / task / "1.png", picture(9, 1))
    pairs, page = find_pairs(tmp_path / "pairs"), tmp_path / "study.html"
    methods = find_methods([str(tmp_path / method) for method in "abc"], pairs)
    make_study(pairs, methods, page, key_path(page), questions=read_questions())
    key = json.loads(key_path(page).read_text())
    files = []
    for reader, wanted in (("R1", "bca"), ("R2", "cab")):
        files.append(tmp_path / f"{reader}.json")
        own = answers_of(key, reader, dict(enumerate(wanted, 1)))
        files[-1].write_text(json.dumps(own))
    drawn = []
    for kind in ("share", "strength"):
        monkeypatch.setattr(
            report, f"{kind}_plot", lambda tally, chance: drawn.append(chance) or "<svg></svg>"
        )
    write_score_report(tmp_path / "r.html", score_study(key, read_answers(files, key)))
    assert drawn == pytest.approx([None, 1 / 3, *([1 / 2, 1 / 2] * 3)])
