"""The page of a study, and the key to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mactfusion import __version__
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.page import write_page
from mactfusion.io.reasons import reason_of
from mactfusion.study.blinded import Blinded
from mactfusion.study.shown import show_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.progress import Progress
    from mactfusion.study.methods import Method
    from mactfusion.study.pairs import Pair
    from mactfusion.study.questions import Questions

TEMPLATE = Path(__file__).with_name("page.html.jinja")


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes:
        cases: how many readers will see.
        images: to choose from, in all cases together.
        bytes: size of the page.
    """

    cases: int
    images: int
    bytes: int


def make_study(
    pairs: Sequence[Pair],
    methods: Sequence[Method],
    page: Path,
    key: Path,
    *,
    questions: Questions,
    seed: int = 0,
    progress: Progress | None = None,
) -> Made:
    """Write one self-contained page for readers, and beside it the key for who scores.

    The page has no name of a method, of a file or of a patient; codes are drawn anew each time, so
    that two pages of the same images are two studies.

    Args:
        pairs: the cases.
        methods: what is compared; a case has an image of each that shows it.
        page: the HTML file; replaced when it exists.
        key: the JSON file; likewise.
        questions: what readers are asked.
        seed: of the order that each reader sees, 0 to 2**32 - 1.
        progress: called with (cases done, cases in all).

    Raises:
        InputError: an image cannot be read, made or compared with the others of its case; the page
            would be too large; or a file cannot be written. Then neither is there.
    """
    blinded = Blinded(questions, seed)
    images = 0
    for number, pair in enumerate(pairs, 1):
        shown = show_pair(pair, [method for method in methods if method.shows(pair)])
        blinded.add(number, pair, shown)
        images += len(shown.fused)
        if progress is not None:
            progress(number, len(pairs))
    for_page, for_key = blinded.halves()
    try:
        with atomic_path(key) as unfinished:
            unfinished.write_text(json.dumps(for_key, indent=2) + "\n", encoding="utf-8")
            write_page(page, TEMPLATE, study=for_page, software=f"mactfusion {__version__}")
    except OSError as error:
        raise InputError(f"The key cannot be written to {key}: {reason_of(error)}.") from error
    return Made(len(pairs), images, page.stat().st_size)
