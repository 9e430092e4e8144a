"""What the guide of the panel puts in italics is what the panel shows, word for word."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from functools import lru_cache

import pytest
from blocks import ROOT

GUIDE = ROOT / "docs" / "user_guide.md"
OF_SLICER = {
    *("Edit", "Application Settings", "Modules", "Additional module paths", "Add Data"),
    *("Examine", "No", "PyTorch", "Threshold", "Grow from seeds", "Segment Statistics"),
}
"""Words of Slicer and of its extensions."""

ITALIC = re.compile(r"(?<![*\w])\*([^*]+)\*(?!\*)")
VARIES = re.compile(r"…|\{[^{}]*\}|\d+(?:\.\d+)?")


@lru_cache(maxsize=1)
def shown():
    """Every text of the forms, of the panel's code, and of the library's, which it passes on."""
    texts = set()
    for form in (ROOT / "MACTFusionSlicer" / "Resources" / "UI").glob("*.ui"):
        texts |= {element.text or "" for element in ET.parse(form).iter("string")}
    for folder in ("MACTFusionSlicer/MACTFusionLib", "monai_bundle/mactfusion"):
        for path in (ROOT / folder).rglob("*.py"):
            texts |= set(_texts_of(ast.parse(path.read_text(encoding="utf-8"))))
    return [_pieces(text) for text in texts if text]


def _texts_of(tree):
    """Every string but those that stand alone, which document."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in alone:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _pieces(text):
    """The parts of a text that are always the same."""
    return [piece.strip(" .:,;") for piece in VARIES.split(" ".join(text.split()))]


def is_shown(words):
    """Whether a text is shown that holds these words in this order; "…" and numbers vary."""
    wanted = [piece for piece in _pieces(words) if piece]
    return any(_follow(wanted, pieces) for pieces in shown())


def _follow(wanted, pieces):
    rest = iter(pieces)
    return all(any(piece in other for other in rest) for piece in wanted)


def said():
    """The words in italics, without captions, which are whole lines."""
    text = re.sub(r"^\*[^*]+\*$", "", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return sorted({" ".join(found.split()) for found in ITALIC.findall(text)})


@pytest.mark.parametrize("words", said())
def test_words_are_those_of_the_panel(words):
    places = [words] if is_shown(words) else re.split(r"[,:] ", words)
    unknown = [place for place in places if place not in OF_SLICER and not is_shown(place)]
    assert unknown == []


def test_other_words_are_found():
    assert len(said()) > 60
    assert is_shown("… is off … by about 12 mm and 8°")
    assert is_shown("Apply")
    assert not is_shown("Fuse it now")
    assert not is_shown("Adds the files of a series")  # a docstring alone says so
    assert not is_shown("… by about 12 mm is off …")
