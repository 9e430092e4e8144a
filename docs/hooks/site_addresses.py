"""Where a link of a page leads on the site: to another page of it, or to the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs"
TUTORIALS = "tutorials"
"""Folder in ``docs/`` of the notebooks, of which the site has pages."""
FROM_ELSEWHERE = {
    "README.md": "all_in_one.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "monai_bundle/docs/README.md": "model_card.md",
}
"""Pages that lie outside ``docs/``: path in the repository, and what the site calls them."""

FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(\]\()([^()\s]+)(\))")
NOT_RUN = re.compile(r"^<!-- not run: (.*) -->\n", re.MULTILINE)


def place_on_site(path: str) -> str | None:
    """Return what the site calls a file of the repository; None of what is not on the site.

    Example:
        >>> place_on_site("docs/trust.md"), place_on_site("README.md"), place_on_site("Makefile")
        ('trust.md', 'all_in_one.md', None)
    """
    if path in FROM_ELSEWHERE:
        return FROM_ELSEWHERE[path]
    if path.startswith(f"{DOCS}/{TUTORIALS}/") and path.endswith(".ipynb"):
        return f"{path.removeprefix(f'{DOCS}/').removesuffix('.ipynb')}.md"
    is_page = path.startswith(f"{DOCS}/") and (ROOT / path).is_file()
    return path.removeprefix(f"{DOCS}/") if is_page else None


def led_on_site(link: str, page: str, repository: str) -> str:
    """Return a link as the page needs it on the site.

    Args:
        link: as it stands in the page: an address, ``#heading``, or a relative path.
        page: path of the page in the repository.
        repository: its address, for what is not on the site.

    Example:
        >>> led_on_site("../Makefile", "docs/trust.md", "https://host/repository")
        'https://host/repository/blob/main/Makefile'
        >>> led_on_site("docs/trust.md#before", "README.md", "https://host/repository")
        'trust.md#before'
    """
    place, sign, heading = link.partition("#")
    if not place or re.match(r"[a-z]+:", place):
        return link
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), place))
    if not (ROOT / target).exists():
        return link  # MkDocs finds it broken
    on_site = place_on_site(target)
    if on_site is None:
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"{repository}/{kind}/main/{target}{sign}{heading}"
    folder = posixpath.dirname(place_on_site(page) or "")
    return f"{posixpath.relpath(on_site, folder or '.')}{sign}{heading}"


def text_on_site(text: str, page: str, repository: str) -> str:
    """Return the Markdown of a page as the site shows it.

    Links lead on the site where they can, and why the tests do not run a block of commands stands
    above it for readers too.

    Args:
        text: the page.
        page: its path in the repository.
        repository: address of the repository.
    """

    def led(prose: str) -> str:
        prose = NOT_RUN.sub(r'\n<p class="not-run">No test runs this: it \1.</p>\n\n', prose)
        return LINK.sub(
            lambda found: f"{found[1]}{led_on_site(found[2], page, repository)}{found[3]}", prose
        )

    parts, end = [], 0
    for block in FENCED.finditer(text):
        parts += [led(text[end : block.start()]), block.group()]
        end = block.end()
    return "".join([*parts, led(text[end:])])
