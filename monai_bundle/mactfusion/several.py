"""Several partners beside one anatomical volume: each prepared as a pair, then joined."""

from __future__ import annotations

import hashlib
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mactfusion.errors import InputError, note
from mactfusion.recipe import Recipe
from mactfusion.transforms import TASKS, cut_slice, merge_chrominance, refuse_same
from mactfusion.transforms.color import TASKS_WITH_UPTAKE
from mactfusion.transforms.colormap import TABLES_OF_TRACERS, apply_color_table, color_table
from mactfusion.transforms.volume import name_of, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.recipe import Data

OPTIONS_OF_A_PARTNER = ("task", "window", "colormap")

GREY, OWN = "grey", "its own"
"""What a record calls the colours of a partner without a table."""

_STOPS = 17

_HUE_CONTRAST = 4
"""Power of the luminance that weighs hues: the stronger tracer's wins, without a hard edge."""


def options_of_each(options: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Deal out the options of several partners.

    Args:
        options: those of ``fuse_volumes``; of ``task``, ``window`` and ``colormap`` a list has one
            value for each partner. Only "auto" and one colour table are for all of them: a task
            or a window that fits one partner is wrong for another.
        count: number of partners.

    Returns:
        The options of each partner.

    Raises:
        InputError: more or fewer values than partners.
    """
    each: list[dict[str, Any]] = [dict(options) for _ in range(count)]
    for name in OPTIONS_OF_A_PARTNER:
        values = options[name] if _is_list_of_values(options[name]) else [options[name]]
        if len(values) == 1 and (name == "colormap" or _is_automatic(values[0])):
            values = values * count
        if len(values) != count:
            raise InputError(
                f"The {name} is given {len(values)} times for {count} partners: give it once for "
                "each, in their order; 'auto' is possible."
            )
        for own, value in zip(each, values, strict=True):
            own[name] = value
    return each


def _is_automatic(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() == "auto"


def _is_list_of_values(value: Any) -> bool:
    """Tell a list of texts, windows or colour tables from one window or one table."""
    if not isinstance(value, list):
        return False
    is_one_window = bool(value) and all(isinstance(item, Real) for item in value)
    is_one_table = len(value) > 1 and all(_is_color(item) for item in value)
    return not is_one_window and not is_one_table


def _is_color(item: Any) -> bool:
    """Tell whether this is a row of a colour table: three or four numbers."""
    parts = list(item) if np.iterable(item) else []
    return len(parts) in (3, 4) and not any(np.iterable(part) for part in parts)


def joint_record(choices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put together what the record says of the choices, as ``record`` of the configuration does.

    Args:
        choices: of each pair, checked, in the order in which the partners were given.
    """
    first = choices[0]
    partners = {f"partner {number}": own["partner"] for number, own in enumerate(choices, start=1)}
    common = (
        *("model", "anatomical_window", "grid", "axis", "luminance", "dtype"),
        *("precision", "batch_size"),
    )
    return {
        "inputs": {"anatomical": first["anatomical"], **partners},
        "options": {
            **{name: [own[name] for own in choices] for name in OPTIONS_OF_A_PARTNER},
            **{name: first[name] for name in common},
            "device": str(first["device"]),
        },
    }


class JointRecipe(Recipe):
    """The stages of :class:`~mactfusion.recipe.Recipe` for several partners.

    The partners' luminances are joined to one channel, their pixel maximum, before the network,
    and their colours to one; see docs/adr/0005-three-modalities.md. The partners are put in an
    order by task (as in :data:`~mactfusion.transforms.task.TASKS`), name and content, so that the
    order in which they were given changes nothing.

    Args:
        recipes: one for each partner, with the same network; the first also writes the result.
    """

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        self._recipes = list(recipes)
        self.network = recipes[0].network

    def align(self) -> Data:
        """Align each partner; see :meth:`Recipe.align`.

        Returns:
            ``pairs``: what each pair's recipe returned, in the fixed order.

        Raises:
            InputError: see :meth:`Recipe.align`; two volumes are the same.
        """
        pairs = [recipe.align() for recipe in self._recipes]
        refuse_same([pair["partner"] for pair in pairs])
        for number, pair in enumerate(pairs):
            pair["number"] = number
        pairs.sort(key=_place)
        with_table = [pair for pair in pairs if _has_table(pair)]
        for tracer, pair in enumerate(with_table):
            pair["tracer"] = tracer
        return {"pairs": pairs}

    def cut(self, data: Mapping[str, Any], index: int) -> Data:
        """Keep one slice of each pair; see :meth:`Recipe.cut`."""
        return {"pairs": [cut_slice(pair, index) for pair in data["pairs"]]}

    def scale(self, data: Mapping[str, Any]) -> Data:
        """Scale each pair and join them; see :meth:`Recipe.scale`.

        Returns:
            Also ``partners``, what the record says of each, and ``shown``, each partner as
            ``(1 or 3, slices, rows, columns)`` uint8.

        Raises:
            InputError: see :meth:`Recipe.scale`.
        """
        scaled = [self._recipes[pair["number"]].scale(pair) for pair in data["pairs"]]
        joined = _joined(scaled)
        joined["started"] = data.get("started", joined["started"])
        names = [name_of(pair["partner"]) for pair in data["pairs"]]
        joined["partners"] = [
            self._described(pair, name) for pair, name in zip(scaled, names, strict=True)
        ]
        joined["shown"] = [_shown(pair) for pair in scaled]
        for sentence in _doubtful_hues(joined["partners"]):
            note(joined, sentence)
        return joined

    def infer(self, data: Mapping[str, Any]) -> Data:
        """Fuse; see :meth:`Recipe.infer`."""
        return self._recipes[0].infer(data)

    def finish(self, data: Mapping[str, Any]) -> Data:
        """Complete, write, record; see :meth:`Recipe.finish`."""
        return self._recipes[0].finish(data)

    def _described(self, pair: Data, name: str) -> dict[str, Any]:
        """Say for the record what became of one partner."""
        table = self._recipes[pair["number"]].colormap
        if not pair["is_color"]:
            table = GREY
        elif "tracer" not in pair:
            table = OWN
        elif isinstance(table, str) and table == "auto":
            table = TABLES_OF_TRACERS[pair["tracer"]]
        return {
            "input": f"partner {pair['number'] + 1}",
            "name": name,
            "task": pair["task"],
            "task_reason": pair["task_reason"],
            "level_width": [round(float(value), 6) for value in pair["level_width"]],
            "colormap": table if isinstance(table, str) else "as given",
            "colors": [] if isinstance(table, str) and table == OWN else _stops(table),
            "coverage": float(pair["coverage"]),
        }


def _shown(pair: Data) -> torch.Tensor:
    """Return a partner as a picture of it needs: ``(1 or 3, …)`` in 8 bits, to save memory."""
    luminance = plain(pair["image"])[1:]
    if pair["is_color"]:
        luminance = merge_chrominance(luminance, *plain(pair["chrominance"]).split(1))
    return (luminance * 255).round().to(torch.uint8)


def _stops(table: Any) -> list[str]:
    """Return evenly spaced colours of a table as ``#rrggbb``, from its lowest to its highest."""
    colors = apply_color_table(torch.linspace(0, 1, _STOPS)[None], color_table(table)).T
    return ["#" + "".join(f"{round(255 * float(part)):02x}" for part in color) for color in colors]


def _doubtful_hues(partners: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about colours that may not be told apart."""
    in_color = [partner for partner in partners if partner["colormap"] != GREY]
    sentences = []
    for place, partner in enumerate(in_color):
        others = [other for other in in_color[:place] if other["colors"] == partner["colors"]]
        if partner["colormap"] == OWN and len(in_color) > 1:
            sentences.append(
                f"{partner['name']} keeps its own colours, which may look like those of another "
                "partner."
            )
        elif others:
            sentences.append(
                f"{others[0]['name']} and {partner['name']} have the same colours: give --colormap "
                "once for each partner to tell them apart."
            )
    return sentences


def _has_table(pair: Data) -> bool:
    """Tell whether a partner gets its colours from a table."""
    return pair["task"] in TASKS_WITH_UPTAKE and len(pair["partner"]) == 1


def _place(pair: Data) -> tuple[int, str, str]:
    """Return what the partners are sorted by."""
    voxels = np.ascontiguousarray(plain(pair["partner"]).numpy())
    digest = hashlib.sha256(voxels.data).hexdigest()
    return TASKS.index(pair["task"]), name_of(pair["partner"]), digest


def _joined(pairs: Sequence[Data]) -> Data:
    """Make one case of several pairs on one grid.

    Returns:
        The first pair's data, with ``image`` ``(2, …)``: the anatomical volume and the pixel
        maximum of all partners; ``chrominance`` of the stronger tracer; what is known of all.
    """
    first = pairs[0]
    images = [plain(pair["image"]) for pair in pairs]
    luminance = torch.stack([image[1] for image in images]).amax(dim=0)
    joined = {
        **first,
        "image": with_voxels(first["image"], torch.stack([images[0][0], luminance])),
        "is_color": any(bool(pair["is_color"]) for pair in pairs),
        "task": " + ".join(str(pair["task"]) for pair in pairs),
        "task_reason": " ".join(str(pair["task_reason"]) for pair in pairs),
        "level_width": [pair["level_width"] for pair in pairs],
        "coverage": min(float(pair["coverage"]) for pair in pairs),
        "started": min(pair["started"] for pair in pairs),
        "prepared": max(pair["prepared"] for pair in pairs),
    }
    sentences = [line for pair in pairs for line in str(pair["notes"]).splitlines()]
    joined["notes"] = "".join(f"{sentence}\n" for sentence in dict.fromkeys(sentences))
    in_color = [pair for pair in pairs if pair["is_color"]]
    if in_color:
        joined["chrominance"] = with_voxels(first["image"], _chrominance(in_color))
    return joined


def _chrominance(pairs: Sequence[Data]) -> torch.Tensor:
    """Mix Cb and Cr ``(2, …)``, each pair weighed by the fourth power of its luminance."""
    if len(pairs) == 1:
        return plain(pairs[0]["chrominance"])
    weights = torch.stack([plain(pair["image"])[1] for pair in pairs]) ** _HUE_CONTRAST
    weights /= weights.sum(dim=0).clamp(min=1e-12)
    differences = torch.stack([plain(pair["chrominance"]) - 0.5 for pair in pairs])
    return (weights[:, None] * differences).sum(dim=0) + 0.5
