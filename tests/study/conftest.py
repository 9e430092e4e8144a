"""A study of small pictures, made once."""

from __future__ import annotations

import json
import re

import pytest
from study_pictures import METHODS, answers_of, make_folders

from mactfusion.study.key import key_path
from mactfusion.study.make import make_study
from mactfusion.study.methods import find_methods
from mactfusion.study.pairs import find_pairs
from mactfusion.study.questions import read_questions


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Folders of pairs and of fused pictures."""
    return make_folders(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def made(pictures, tmp_path_factory):
    """The path of a page; its key is beside it."""
    page = tmp_path_factory.mktemp("study") / "study.html"
    pairs = find_pairs(pictures / "pairs")
    methods = find_methods([str(pictures / name) for name in METHODS], pairs)
    make_study(pairs, methods, page, key_path(page), questions=read_questions(), seed=7)
    return page


@pytest.fixture(scope="session")
def key(made):
    return json.loads(key_path(made).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def carried(made):
    """What the page's script reads."""
    page = made.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="study">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def answered(key, tmp_path):
    """``answered("R1", {1: "averaged", ...}, change)``: a file of answers, changed or not."""

    def write(reader, wanted, change=lambda answers: None):
        answers = answers_of(key, reader, wanted)
        change(answers)
        path = tmp_path / f"answers-{reader}-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(answers), encoding="utf-8")
        return path

    return write
