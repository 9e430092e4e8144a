"""Docstrings as the site shows them: names become links, and examples code."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`(~?)([\w.]+)`")


def linked(text: str, scope: griffe.Object) -> str:
    """Return a docstring with links; what no page documents stays code.

    Args:
        text: the docstring.
        scope: what it documents, where its names are looked up.
    """

    def link(found: re.Match[str]) -> str:
        name = found[2]
        shown = name.rpartition(".")[2] if found[1] else name
        try:
            place = scope.resolve(name)
        except griffe.NameResolutionError:
            place = name
        return f'<autoref identifier="{place}" optional><code>{shown}</code></autoref>'

    return ROLE.sub(link, text)


class Docstrings(griffe.Extension):
    """Used by mkdocstrings, as ``mkdocs.yml`` says."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of what was read."""
        if obj.docstring is not None:
            text = linked(obj.docstring.value, obj)
            obj.docstring.value = EXAMPLE.sub("Examples:", text)
