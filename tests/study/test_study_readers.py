"""Three readers in Chromium: they choose by keys, one pauses and goes on in another session."""

from __future__ import annotations

import json

import pytest
from chromium import Browser, places, shown_case
from scipy.stats import chisquare
from study_pictures import LEVELS, METHODS, pixels_of

from mactfusion.study.answers import read_answers
from mactfusion.study.key import key_path

AVERAGED, MAXIMUM, DARK = METHODS
WANTED = {
    "R1": {1: AVERAGED, 2: AVERAGED, 3: DARK, 4: AVERAGED},
    "R2": {1: AVERAGED, 2: MAXIMUM, 3: DARK, 4: MAXIMUM},
    "R3": {1: AVERAGED, 2: AVERAGED, 3: MAXIMUM, 4: AVERAGED},
}
PROBLEM = "return find('problem').textContent"
ENTER, RIGHT, LEFT, DOWN, UP = "\ue007", "\ue014", "\ue012", "\ue015", "\ue013"


def answer(browser, key, reader, cases=4):
    """Choose in some cases, and rate; what is looked at is what the method made."""
    for _ in range(cases):
        own = shown_case(browser)
        place = places(own, key, WANTED[reader])
        address = browser.run(f"return document.querySelectorAll('.fused img')[{place - 1}].src")
        number = next(case["number"] for case in key["cases"] if case["case"] == own["case"])
        assert pixels_of(address)[0, :2].tolist() == [LEVELS[WANTED[reader][number]], number]
        browser.press(str(place), str(number), ENTER)


def first_reader(browser, key):
    """Changes a mind, writes a remark, and looks closer before that."""
    assert browser.sheet() == "start"
    browser.begin("R1")
    first = shown_case(browser)
    browser.press("1", UP, "9", "2", DOWN, "9", "3", "4")  # 9 is neither an image nor a rating
    assert shown_case(browser)["answers"] == {"best": first["order"][1], "useful": 4}
    browser.press("+", "+", "+")
    zoomed = browser.run(
        "setWindow(100, 200);"
        "return [...document.querySelectorAll('#images img')].map(i => getComputedStyle(i))"
        ".map(s => [s.transform, s.filter])"
    )
    assert len({tuple(each) for each in zoomed}) == 1
    assert zoomed[0][0].startswith("matrix(1.95")
    assert "#window" in zoomed[0][1]
    browser.press("r")
    style = "getComputedStyle(document.querySelector('#images img'))"
    assert browser.run(f"return {style}.transform") == "matrix(1, 0, 0, 1, 0, 0)"
    assert browser.run(f"return {style}.filter") == "none"
    browser.driver.find_element("css selector", "textarea").send_keys('3 <b> "noise" r')
    browser.press("\ue00c", RIGHT, LEFT)  # Escape leaves the text
    assert shown_case(browser)["answers"]["remarks"] == '3 <b> "noise" r'
    browser.press(UP)
    answer(browser, key, "R1")
    assert browser.sheet() == "end"
    assert "All 4 cases" in browser.driver.find_element("id", "summary").text
    browser.click("save-all")
    return browser.file("answers-R1.json")


def trial(made, key, folder):
    """Files of three readers, and what was seen on the way."""
    seen = {}
    browser = Browser(folder)
    browser.open(made)
    files = [first_reader(browser, key)]
    browser.open(made)
    browser.begin("R2")
    answer(browser, key, "R2", cases=2)
    browser.press("p")
    assert browser.sheet() == "start"
    clock = "flushClock(); return shownCase().milliseconds"
    assert browser.run(clock) == browser.run(clock)  # it stands still
    browser.begin("R3")
    answer(browser, key, "R3", cases=1)
    browser.click("save")
    half = browser.file("answers-R3.json").rename(folder / "half.json")
    seen["requests"] = browser.run(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    seen["blocked"] = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "document.addEventListener('securitypolicyviolation', e => done(e.blockedURI));"
        "new Image().src = 'http://127.0.0.1:9/x.png';"
    )
    counted = "new Array(6).fill(0)"
    seen["first"] = browser.run(
        f"const n = {counted}; for (let r = 0; r < 400; r += 1) for (let c = 0; c < 15; c += 1)"
        " n[shuffled([0, 1, 2, 3, 4, 5], `7 R${r} ${c}`)[0]] += 1; return n"
    )
    seen["complaints"] = browser.close()

    browser = Browser(folder)
    browser.open(made)
    browser.begin("R2")  # at the first case that is not answered
    seen["place"] = browser.driver.find_element("id", "place").text
    seen["order"] = browser.run("return answers.cases.map(own => own.order)")
    answer(browser, key, "R2", cases=2)
    browser.click("save-all")
    files.append(browser.file("answers-R2.json"))
    fewer = folder / "fewer.json"
    content = json.loads(files[-1].read_text())
    content["cases"][0]["answers"] = {}
    fewer.write_text(json.dumps(content))
    browser.open(made)
    browser.run("window.confirm = question => { window.asked = question; return false; }")
    browser.driver.find_element("id", "open").send_keys(str(fewer))
    seen["asked"] = browser.until("return window.asked")
    seen["kept"] = browser.run("return keptAnswers('R2').cases.filter(isComplete).length")
    browser.run("localStorage.clear()")  # as on another computer
    browser.open(made)
    opening = browser.driver.find_element("id", "open")
    opening.send_keys(str(made))
    seen["no answers"] = browser.until(PROBLEM)
    browser.run("complain('')")
    changed = folder / "changed.json"
    content = json.loads(half.read_text())
    content["cases"][0]["order"].reverse()
    changed.write_text(json.dumps(content))
    opening.send_keys(str(changed))
    seen["changed"] = browser.until(PROBLEM)
    opening.send_keys(str(half))
    browser.until("return !find('case').hidden")
    answer(browser, key, "R3", cases=3)
    browser.click("save-all")
    files.append(browser.file("answers-R3.json"))
    seen["complaints"] += browser.close()
    return files, seen


@pytest.mark.slow
def test_three_readers_are_scored_by_what_they_chose(made, key, run_command, tmp_path):
    files, seen = trial(made, key, tmp_path)
    numbers = tmp_path / "scores.json"
    words = ("study", "score", *files, "--key", key_path(made), "--json", numbers)
    assert run_command(*words).code == 0
    assert_figures_are_those_of(json.loads(numbers.read_text()))
    assert_second_reader_went_on(read_answers(files, key)[1], seen)
    assert_orders_are_drawn(files, seen["first"])
    assert_nothing_is_asked_of_any_other_place(seen)
    assert seen["asked"].startswith(
        "In this browser 4 cases of the reader R2 are answered, in fewer"
    )
    assert seen["kept"] == 4
    assert seen["no answers"] == "study.html is no file of answers."
    assert seen["changed"] == "changed.json: These answers have been changed."


def assert_figures_are_those_of(scores):
    counts = {
        part: {one["method"]: (one["chosen"], one["offered"]) for one in tally["methods"]}
        for part, tally in scores["choices"][0]["tallies"].items()
    }
    assert counts == {
        "all": {AVERAGED: (7, 12), MAXIMUM: (3, 12), DARK: (2, 9)},
        "ct-mri": {AVERAGED: (5, 9), MAXIMUM: (2, 9), DARK: (2, 9)},
        "pet-mri": {AVERAGED: (2, 3), MAXIMUM: (1, 3)},
    }
    assert scores["ratings"][0]["means"] == {"R1": 2.5, "R2": 2.5, "R3": 2.5}
    assert scores["ratings"][0]["alpha"] == pytest.approx(1)
    assert [one["text"] for one in scores["remarks"]] == ['3 <b> "noise" r']
    assert all(seconds > 0 for seconds in scores["seconds"].values())


def assert_second_reader_went_on(answers, seen):
    assert seen["place"] == "Case 3 of 4"
    assert [own["order"] for own in answers.cases.values()] == seen["order"]


def assert_orders_are_drawn(files, first_of_6000):
    contents = [json.loads(path.read_text()) for path in files]
    orders = [[own["case"] for own in content["cases"]] for content in contents]
    codes = [sorted(order) for order in orders]
    assert codes[0] == codes[1] == codes[2]
    ranks = {tuple(codes[0].index(code) for code in order) for order in orders}
    assert len(ranks) == 3
    assert sum(first_of_6000) == 6000
    assert chisquare(first_of_6000).pvalue > 1e-4


def assert_nothing_is_asked_of_any_other_place(seen):
    assert [name for name in seen["requests"] if not name.startswith(("data:", "blob:"))] == []
    assert seen["blocked"].startswith("http://127.0.0.1:9")
    assert [each for each in seen["complaints"] if "http://127.0.0.1:9" not in each] == []


@pytest.mark.slow
def test_a_browser_that_keeps_nothing_loses_nothing_while_the_page_is_open(made, tmp_path):
    browser = Browser(tmp_path)
    browser.open(made)
    browser.run(
        "Storage.prototype.setItem = () => { throw new Error('full'); };"
        "window.confirm = question => { window.asked = question; return false; }"
    )
    browser.begin("R1")
    browser.press("1", "2")
    answers = shown_case(browser)["answers"]
    assert set(answers) == {"best", "useful"}
    assert "keeps nothing" in browser.run(PROBLEM)
    browser.press("p")
    assert browser.driver.find_element("id", "begin").text == "Go on"
    browser.begin("R2")
    assert browser.sheet() == "start"
    assert browser.run("return window.asked").startswith("The answers of the reader R1 are not sav")
    browser.begin("R1")
    assert browser.run("return answers.cases.filter(isComplete).length") == 1
    browser.click("save")
    assert browser.file("answers-R1.json").stat().st_size > 0
    browser.press("p")
    browser.begin("R2")
    assert browser.run("return answers.reader") == "R2"
    browser.close()
