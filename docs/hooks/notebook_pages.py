"""The pages of the notebooks: their text, code, and what they printed and drew when last run."""

from __future__ import annotations

from nbconvert import MarkdownExporter

from site_addresses import DOCS, ROOT, TUTORIALS

DRAWN = "![jpeg]("
DESCRIBED = "![What the lines above draw]("


def notebook_pages() -> dict[str, str | bytes]:
    """Return what the site has of the notebooks by address: pages, and the pictures on them."""
    made: dict[str, str | bytes] = {}
    for path in sorted((ROOT / DOCS / TUTORIALS).glob("*.ipynb")):
        text, resources = MarkdownExporter().from_filename(
            str(path), resources={"unique_key": path.stem}
        )
        for name, content in resources["outputs"].items():
            made[f"{TUTORIALS}/{name}"] = content
        text = text.replace(DRAWN, DESCRIBED)
        made[f"{TUTORIALS}/{path.stem}.md"] = f"{text}\n{_last(path.name)}"
    return made


def _last(name: str) -> str:
    return f'<p class="notebook">This page is a notebook: <a href="{name}">{name}</a>.</p>\n'
