"""An option in a sentence: as the command line, Python or the panel calls it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.option_table import OPTIONS
from mactfusion.words import in_commands, in_python, option, worded
from mactfusion.worker.words import _SHOWN, in_panel

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "monai_bundle" / "mactfusion"

OWN_WORDS = ("cli", "engine", "words.py")
"""The command line's own files, trainings by the bundle's, and where the words are made."""

FLAG = re.compile(r"--([a-z][a-z-]*)")


def sources():
    for path in sorted(LIBRARY.rglob("*.py")):
        if path.relative_to(LIBRARY).parts[0] not in OWN_WORDS:
            yield path, ast.parse(path.read_text("utf-8"))


def no_sentences(tree):
    """Texts that are documentation, and the help of the command line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        if isinstance(node, ast.keyword) and node.arg == "help":
            yield from (id(inner) for inner in ast.walk(node))


def flags_in(tree):
    """Options of the command line that sentences name as they are."""
    left_out = set(no_sentences(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            flags = FLAG.findall(node.value) if id(node) not in left_out else []
            yield from (flag for flag in flags if flag.replace("-", "_") in OPTIONS)


def named_in(tree):
    """Arguments of each call of ``option``, where they are written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "option":
            texts = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
            value = node.args[1].value if len(node.args) > 1 else None
            yield from ((text.value, value) for text in texts if text.value in OPTIONS)


NAMED = sorted({each for _path, tree in sources() for each in named_in(tree)}, key=str)


def test_no_sentence_names_an_option_of_the_command_line_alone():
    found = {str(path): list(flags_in(tree)) for path, tree in sources()}
    assert {path: flags for path, flags in found.items() if flags} == {}


def test_such_a_sentence_is_noticed():
    assert list(flags_in(ast.parse("InputError(f'{name}: use --register off.')"))) == ["register"]
    assert list(flags_in(ast.parse("def f():\n    '''Says --register.'''"))) == []
    assert list(flags_in(ast.parse("Option(help='With --register ' 'rigid')"))) == []


@pytest.mark.parametrize(("name", "value"), NAMED)
def test_each_option_in_a_sentence_can_be_chosen_and_has_words(name, value):
    if isinstance(value, str) and OPTIONS[name].choices:
        assert value in OPTIONS[name].choices
    assert (value is True) == (OPTIONS[name].kind is bool)
    assert in_commands(name, value).startswith("--")
    for words in (in_python, in_panel):
        assert "--" not in words(name, value)


def test_many_sentences_name_options():
    assert len(NAMED) > 15
    assert {("register", "rigid"), ("register", "off"), ("accept_doubtful", True)} <= set(NAMED)


def test_the_panel_has_what_its_words_say():
    forms = (ROOT / "MACTFusionSlicer" / "Resources" / "UI").glob("*.ui")
    form = "".join(path.read_text("utf-8") for path in sorted(forms))
    lists = (ROOT / "MACTFusionSlicer" / "MACTFusionLib" / "parameters.py").read_text("utf-8")
    for name, value in _SHOWN:
        assert (name, value) in NAMED
        for quoted in re.findall("'([^']+)'", in_panel(name, value)):
            label, _, choice = quoted.partition(": ")
            assert f"<string>{label}" in form
            assert choice in ("", "CPU") or f'_("{choice}' in lists


def test_the_outer_words_stand():
    assert option("register", "off") == "--register off"
    with worded(in_panel), worded(in_python):
        assert option("register", "off") == "'Registration: Off' under Advanced"
    with worded(in_python):
        assert option("accept_doubtful", True) == "accept_doubtful=True"
    assert option("weights") == "--weights"


def test_python_reads_of_its_own_options():
    volume = (np.zeros((4, 4, 4)), np.eye(4))
    with pytest.raises(InputError, match=r"do not exist; give a file with the option weights\.$"):
        fuse_volumes(volume, volume, weights="none.pt")
