"""What the pages link to and show is there, down to the heading."""

from __future__ import annotations

import re

import pytest
from blocks import PAGES, ROOT

LINK = re.compile(r"\]\(([^()\s]+)\)")


def anchors_of(page):
    """The headings of a page as addresses name them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ +(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    path = ROOT / page
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    lost = []
    for link in LINK.findall(text):
        place, _sign, heading = link.partition("#")
        if re.match(r"[a-z]+:", place):
            continue
        target = (path.parent / place) if place else path
        if not target.exists() or (heading and heading not in anchors_of(target)):
            lost.append(link)
    assert lost == []
