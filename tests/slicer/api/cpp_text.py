"""The text of a C++ header without what says nothing about its interface."""

from __future__ import annotations

import re

_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
_LEFT_OUT = re.compile(r"#\s*if(def)?\s*(0\b|.*Q_(CLANG_)?QDOC|.*Q_NO_TEMPLATE)")


def cleaned(text: str) -> str:
    """Return a header without comments, preprocessor lines, and branches that are not compiled."""
    text = text.replace("\\\n", " ")
    text = _COMMENT_OR_STRING.sub(lambda m: '""' if m.group()[0] == '"' else " ", text)
    kept, branches, is_first_only = [], [], []
    for line in text.split("\n"):
        bare = line.strip()
        if not bare.startswith("#"):
            if all(branches):
                kept.append(line)
        elif re.match(r"#\s*if", bare):
            branches.append(_LEFT_OUT.match(bare) is None)
            is_first_only.append(re.match(r"#\s*ifndef\s+QT_NO_", bare) is not None)
        elif re.match(r"#\s*el", bare) and branches:
            branches[-1] = not is_first_only[-1]
        elif re.match(r"#\s*endif", bare) and branches:
            branches.pop()
            is_first_only.pop()
    return "\n".join(kept)


def balanced_end(text: str, start: int, pair: str) -> int:
    """Return the place after the bracket that closes the one at ``start``, -1 where none does."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == pair[0]) - (text[place] == pair[1])
        if depth == 0:
            return place + 1
    return -1


def split_arguments(text: str) -> list:
    """Split at commas that are in no bracket; parts are stripped, and empty ones are left out."""
    parts, depth, part = [], 0, ""
    for sign in text:
        depth += (sign in "(<{[") - (sign in ")>}]")
        if sign == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += sign
    return [stripped for each in [*parts, part] if (stripped := " ".join(each.split()))]
