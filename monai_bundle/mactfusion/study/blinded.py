"""Images behind codes: what the page carries, and what only the key knows."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mactfusion.study.pairs import Pair
    from mactfusion.study.questions import Questions
    from mactfusion.study.shown import Shown

PAGE_VERSION = 1
"""Of what the page writes into the answers and of the key; another one is not understood."""

LARGEST_PAGE = 256 * 2**20
"""Bytes of images in a page. One of this size was opened in Chromium."""

LABELS = {"mri": "MR", "pc": "Phase contrast"}
"""What readers see above the sources, where it is not the modality in capitals."""


class Blinded:
    """Takes the images of a study in, and gives the page's half and the key's half of it.

    Codes are drawn by the operating system, and images lie in the order of their codes, so that the
    page says nothing about methods. Pictures are PNG without any text or time.

    Args:
        questions: what readers are asked.
        seed: of the order that each reader sees.
    """

    def __init__(self, questions: Questions, seed: int) -> None:
        self._questions, self._seed = questions, seed
        self._cases: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._codes: set[str] = set()
        self.bytes = 0

    def add(self, number: int, pair: Pair, shown: Shown) -> None:
        """Take one case in.

        Args:
            number: its place among the pairs, from 1, by which the key calls it.
            pair: the sources.
            shown: their images.

        Raises:
            InputError: the page would become larger than browsers open.
        """
        methods = {self._code(): method for method in shown.fused}
        partner, _, anatomical = pair.task.partition("-")
        code = self._code()
        page = {
            "case": code,
            "aspect": round(shown.aspect, 6),
            "sources": [
                {"label": LABELS.get(kind, kind.upper()), "image": self._address(pixels)}
                for kind, pixels in zip((anatomical, partner), shown.sources, strict=True)
            ],
            "images": {code: self._address(shown.fused[methods[code]]) for code in sorted(methods)},
        }
        key = {"case": code, "number": number, "task": pair.task, "images": methods}
        self._cases.append((page, key if shown.slice is None else {**key, "slice": shown.slice}))

    def halves(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the page carries and what the key holds, under one identity.

        That is the SHA-256 of all that the page carries else.
        """
        ordered = sorted(self._cases, key=lambda both: both[0]["case"])
        common = {"version": PAGE_VERSION, "seed": self._seed}
        page = {**common, **self._questions, "cases": [own for own, _ in ordered]}
        identity = hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()
        by_number = sorted((key for _, key in ordered), key=lambda case: case["number"])
        key = {**common, **self._questions, "cases": by_number}
        return {"study": identity, **page}, {"study": identity, **key}

    def _code(self) -> str:
        """Draw a code that nothing else has."""
        while (code := secrets.token_hex(4)) in self._codes:
            continue
        self._codes.add(code)
        return code

    def _address(self, pixels: NDArray[np.uint8]) -> str:
        """Return an image as the address of an embedded PNG.

        Grey is stored as grey, so that the kind of a method's files does not tell it.
        """
        if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
            pixels = np.ascontiguousarray(pixels[..., 0])
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="PNG", optimize=True)
        text = base64.b64encode(file.getvalue()).decode("ascii")
        self.bytes += len(text)
        if self.bytes > LARGEST_PAGE:
            raise InputError(
                f"The page would carry more than {LARGEST_PAGE // 2**20} MB of images, which "
                f"browsers hardly open: it was full at case {len(self._cases) + 1}. Make several "
                "studies of fewer cases, or of smaller images."
            )
        return f"data:image/png;base64,{text}"


def method_names(key: Mapping[str, Any]) -> list[str]:
    """Return the methods of a key, in alphabetical order."""
    cases: Sequence[Mapping[str, Any]] = key["cases"]
    return sorted({method for case in cases for method in case["images"].values()})
