"""What a reader of a fused picture should know of its colours, said before the long work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from mactfusion.errors import named, note
from mactfusion.transforms.color_names import COLORS, METALS, OWN, TINTED_CT
from mactfusion.transforms.volume import name_of
from mactfusion.trust.readable import promise_of
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.case import Partner


class NoteColorsd(Transform):
    """Note which colours may not be told apart or read, and a tint that tints nothing.

    Args:
        colors: see :func:`mactfusion.transforms.color.merge_colors`.
        tint: see :class:`mactfusion.transforms.color.SplitLuminanced`.
        luminance_only: the result will be grey.
    """

    def __init__(
        self,
        colors: str = COLORS[0],
        tint: str = "none",
        luminance_only: bool = False,
    ) -> None:
        self.colors = colors
        self.tint = tint
        self.luminance_only = luminance_only

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Look at ``partners`` after SplitLuminanced."""
        result = dict(data)
        partners = data["partners"]
        sentences = []
        if self.tint == "ct" and (reason := self._why_no_tint(partners)):
            sentences.append(f"{option('tint', 'ct')} changes nothing: {reason}.")
        if not self.luminance_only:
            sentences += _doubtful_hues(partners)
            if self.colors == "legible":
                sentences += [sentence for each in partners if (sentence := _promise(each))]
        for sentence in sentences:
            note(result, sentence)
        return result

    def _why_no_tint(self, partners: Sequence[Partner]) -> str:
        if self.luminance_only:
            return "the result is grey"
        if any(partner["colormap"] == TINTED_CT for partner in partners):
            return ""
        if any(partner["task"] == "ct-mri" for partner in partners):
            return "the CT keeps its own colours"
        return "no partner is a CT beside an MR"


def _doubtful_hues(partners: Sequence[Partner]) -> list[str]:
    """Sentences about colours that may not be told apart."""
    in_color = [partner for partner in partners if partner["is_color"]]
    sentences = []
    for place, partner in enumerate(in_color):
        name = named(name_of(partner["partner"]))
        others = [other for other in in_color[:place] if other["colors"] == partner["colors"]]
        if partner["colormap"] == OWN and len(in_color) > 1:
            sentences.append(
                f"{name} keeps its own colours, which may look like those of another partner."
            )
        elif others:
            sentences.append(
                f"{named(name_of(others[0]['partner']))} and {name} have the same colours: give "
                f"{option('colormap')} once for each partner to tell them apart."
            )
    return sentences


def _promise(partner: Partner) -> str:
    """Say what legible colours of a partner cannot promise; nothing where they keep theirs."""
    table, name = partner["colormap"], named(name_of(partner["partner"]))
    if not partner["is_color"] or table in (*METALS, TINTED_CT):
        return ""
    if table == OWN:
        return (
            f"How high {name} is can be read from hue and saturation of its own colours alone, and "
            "not where it is grey or white."
        )
    promise = promise_of(partner["table"])
    if promise.is_kept:
        return ""
    return (
        f"The colour table of {name} ({table}) {promise.sentence}; the colormap {METALS[0]} does "
        "without that."
    )
