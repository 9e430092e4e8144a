"""The page of a run: worst first, filters that filter, and names that do no harm."""

from __future__ import annotations

import re

import pytest

from mactfusion.batch.index import write_index
from mactfusion.batch.outcome import Outcome
from mactfusion.batch.summary import worst_first
from tests.study.chromium import Browser

HOSTILE = "<script>alert(1)</script>\"'&"


def result(study, verdict="in place", coverage=1.0, **more):
    files = ("fused.nii.gz", "picture.png", "report.html")
    about = {"task": "pet-mri", "verdict": verdict, "coverage": coverage, "lost": 0, "lost_mm": 0.0}
    return Outcome(study, "done", files=files, **{**about, **more})


OUTCOMES = [
    result("fine"),
    result("lost", lost=2, lost_mm=9.0),
    result("little", coverage=0.2),
    result("elsewhere", verdict="does not match"),
    Outcome("broken", "failed", "It is broken."),
    Outcome("other", "by another run"),
    result("doubtful", verdict="cannot tell", task="ct-mri"),
]


def test_the_worst_comes_first():
    assert [one.study for one in worst_first(OUTCOMES)] == [
        "broken", "elsewhere", "doubtful", "little", "lost", "fine", "other",
    ]  # fmt: skip


def test_equal_runs_give_equal_pages(tmp_path):
    first = write_index(tmp_path, OUTCOMES).read_bytes()
    assert write_index(tmp_path, OUTCOMES[::-1]).read_bytes() == first


def test_pictures_and_reports_are_linked_where_they_are(tmp_path):
    page = write_index(tmp_path, [*OUTCOMES, result("a b#é")]).read_text(encoding="utf-8")
    assert 'src="fine/picture.png"' in page
    assert 'href="a%20b%23%C3%A9/report.html"' in page
    assert "broken/" not in page


def test_hostile_names_are_text(tmp_path):
    outcome = result("x", notes=(HOSTILE,), task=HOSTILE, verdict=HOSTILE)
    page = write_index(tmp_path, [outcome, Outcome("y", "failed", HOSTILE)]).read_text()
    assert len(re.findall("<script", page)) == 1
    assert "alert(1)</script>" not in page


@pytest.fixture
def browser(tmp_path):
    opened = Browser(tmp_path / "browser")
    yield opened
    opened.driver.quit()


SHOWN = """
return [...document.querySelectorAll('article')].filter((card) => !card.hidden)
  .map((card) => card.querySelector('h2').firstChild.data.trim())
"""


@pytest.mark.slow
def test_filters_in_a_browser(tmp_path, browser):
    hostile = result("hostile", notes=(HOSTILE,), task=HOSTILE)
    browser.open(write_index(tmp_path, [*OUTCOMES, hostile]))
    assert len(browser.run(SHOWN)) == 8
    for field, value, expected in (
        ("rank", "failed", ["broken"]),
        ("verdict", "cannot tell", ["doubtful"]),
        ("task", HOSTILE, ["hostile"]),
    ):
        choose = f"const f = document.getElementById('{field}'); f.value = arguments[0];"
        choose += "f.dispatchEvent(new Event('input'))"
        browser.driver.execute_script(choose, value)
        assert browser.run(SHOWN) == expected
        browser.driver.execute_script(choose, "")
    browser.driver.find_element("id", "words").send_keys("elsew")
    assert browser.run(SHOWN) == ["elsewhere"]
    assert browser.run("return document.getElementById('shown').value") == "1 of 8 shown"
    assert browser.run("return document.querySelectorAll('script').length") == 1
