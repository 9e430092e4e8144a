"""Check that a release says its version everywhere, and that its tag is that version.

python -m training.release_check v0.1.0
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer
import yaml

from mactfusion import __version__
from mactfusion.errors import InputError
from training.refusals import refusals

CLONE = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
DATE = r"\d{4}-\d{2}-\d{2}"


def what_is_wrong(clone: Path, version: str, tag: str) -> list[str]:
    """Return a sentence for each place that does not say the version.

    Args:
        clone: the project's folder.
        version: of the library.
        tag: that the release is to have.
    """
    wrong = []
    if tag != f"v{version}":
        wrong.append(f"The tag is {tag}, the library's version {version}: it should be v{version}.")
    metadata = json.loads((clone / "monai_bundle/configs/metadata.json").read_text("utf-8"))
    if metadata["version"] != version:
        wrong.append(f"metadata.json has version {metadata['version']}, not {version}.")
    if version not in metadata["changelog"]:
        wrong.append(f"The changelog of metadata.json does not have {version}.")
    citation = yaml.safe_load((clone / "CITATION.cff").read_text("utf-8"))
    if citation["version"] != version:
        wrong.append(f"CITATION.cff has version {citation['version']}, not {version}.")
    first = HEADING.search((clone / "CHANGELOG.md").read_text("utf-8"))
    if first is None or not re.fullmatch(f"{re.escape(version)} – {DATE}", first[1]):
        wrong.append(f"CHANGELOG.md does not begin with {version} and a date, as 2026-01-31.")
    return wrong


@refusals()
def check(tag: Annotated[str, typer.Argument(help="Of the release, as v0.1.0.")]) -> None:
    """Say what is wrong, or that nothing is."""
    wrong = what_is_wrong(CLONE, __version__, tag)
    if wrong:
        raise InputError(" ".join(wrong))
    typer.echo(f"Version {__version__} is said everywhere, and {tag} is its tag.")


if __name__ == "__main__":
    typer.run(check)
