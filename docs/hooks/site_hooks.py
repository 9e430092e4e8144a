"""What MkDocs does here beyond what it can: pages from elsewhere, and pages that are made.

Each function is called by MkDocs at the moment that its name says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from command_line_page import command_line_page
from configuration_page import configuration_page
from library_pages import library_pages
from mactfusion import __version__
from notebook_pages import notebook_pages
from site_addresses import DOCS, FROM_ELSEWHERE, ROOT, TUTORIALS, text_on_site

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DECISIONS = "adr"
FETCHED = re.compile(
    r"<(?:script|img|iframe|link(?![^>]*\bcanonical\b))\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^\">]*"
)
"""What a browser would fetch from elsewhere when it opens a page."""

ORIGIN: dict[str, str] = {
    **{place: path for path, place in FROM_ELSEWHERE.items()},
    **{
        f"{TUTORIALS}/{path.stem}.md": f"{DOCS}/{TUTORIALS}/{path.name}"
        for path in (ROOT / DOCS / TUTORIALS).glob("*.ipynb")
    },
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put all pages of a folder where the navigation has ``FOLDER/*``."""
    made = sorted(library_pages())
    written = sorted(str(path.relative_to(ROOT / DOCS)) for path in (ROOT / DOCS).rglob("*.md"))
    config.nav = _with_folders(config.nav, [*written, *made])
    return config


def _with_folders(nav: Any, pages: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _with_folders(inner, pages) for title, inner in nav.items()}
    if not isinstance(nav, list):
        return nav
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and entry.endswith("/*"):
            folder = Path(entry[:-2])
            named = [page for page in nav if isinstance(page, str)]
            found += [p for p in pages if Path(p).parent == folder and p not in named]
        else:
            found.append(_with_folders(entry, pages))
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside ``docs/``, and those that are made."""
    made: dict[str, str | bytes] = {
        "reference/command_line.md": command_line_page(__version__),
        "reference/configuration.md": configuration_page(),
        **library_pages(),
        **notebook_pages(),
    }
    for path, place in FROM_ELSEWHERE.items():
        made[place] = (ROOT / path).read_text(encoding="utf-8")
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Lead the links of a page of the repository where the site has what they lead to."""
    place = page.file.src_uri
    if page.file.generated_by is not None and place not in ORIGIN:
        return markdown
    path = ORIGIN.get(place, f"{DOCS}/{place}")
    if place == f"{DECISIONS}/README.md":
        markdown += f"\n{list_of_decisions()}\n"
    return text_on_site(markdown, path, config.extra["repository"])


def list_of_decisions() -> str:
    """Return the headings of all decisions, as links to them."""
    pages = sorted((ROOT / DOCS / DECISIONS).glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for page in pages]
    lines = [f"[{title}]({page.name})" for page, title in zip(pages, titles, strict=True)]
    return "\n\n".join(lines)


def on_post_page(output: str, page: Page, **_: Any) -> None:
    """Fail where a page would fetch anything from elsewhere."""
    if found := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches {found.group()!r} from elsewhere.")
