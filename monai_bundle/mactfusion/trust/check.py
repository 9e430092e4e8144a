"""What was lost: a fused volume is compared with its sources, place by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from monai.transforms import Transform

from mactfusion.errors import named, note
from mactfusion.structure.marks import mark
from mactfusion.structure.traces import repeated
from mactfusion.transforms.slabs import slabs
from mactfusion.transforms.volume import is_picture, new_voxels, noted, plain
from mactfusion.trust.regions import (
    FUSED,
    INVENTED,
    KEPT_STEPS,
    LOST,
    MOST_LISTED,
    STRUCTURE_STEPS,
    find_regions,
    in_8_bits,
    place_of,
)
from mactfusion.trust.resampling import read_averaged
from mactfusion.trust.seen import seen, seen_levels
from mactfusion.trust.sentences import sentence_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor
    from numpy.typing import NDArray

INVENTED_CODE = 128
"""On the map; 1 is the anatomical volume, and 2, 4, 8 … are the partners as the record has them."""
_LAST_SOURCE = 6
"""From here on partners share a code."""


class CheckLostd(Transform):
    """Say what ``pred`` shows of its sources no more, and what it shows that no source has.

    Adds ``lost``, a map ``(1, slices, rows, columns)`` uint8, and ``regions``, a list of
    :class:`~mactfusion.trust.regions.Region`. A sentence is noted where there is one. The sources
    are the first channel of ``image`` and ``scaled``. Slices are looked at one by one, as
    :func:`~mactfusion.structure.marks.mark` does; regions reach through them. A voxel of the map
    is the sum of 1 (structure of the anatomical volume is lost there), 2, 4, 8 … (of the first,
    second, third … of ``partners``) and 128 (invented).

    ``pred`` stays as it is.

    Args:
        check: whether to do it.
    """

    def __init__(self, check: bool = True) -> None:
        self.check = check

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check the fused volume."""
        result = dict(data)
        if not self.check:
            return result
        image: MetaTensor = data["image"]
        called = {"anatomical": f"the anatomical volume {noted(image)}"}
        for partner in data["partners"]:
            called[partner["input"]] = f"the {partner['input']} {named(partner['name'])}"
        result["lost"], found = _marked(data)
        place = place_of(image, found.steps)
        regions = []
        for number, role in enumerate(called):
            own = found.own[number], found.kept[number]
            regions += find_regions(LOST, role, found.is_lost[number], *own, place)
        nothing = np.zeros_like(found.new)
        regions += find_regions(INVENTED, FUSED, found.new > 0, found.new, nothing, place)
        regions.sort(key=lambda one: -one[0])
        every = [region for _, region in regions]
        result["regions"] = [*read_averaged(data), *every][:MOST_LISTED]
        sentence = sentence_of(every, dict(zip(called, found.shares(), strict=True)), called)
        if sentence:
            note(result, sentence)
        return result


class _Found(NamedTuple):
    """What was marked, in cells; structure and shares see :func:`in_8_bits`."""

    steps: tuple[int, int]
    is_lost: NDArray[np.bool_]
    own: NDArray[np.uint8]
    kept: NDArray[np.uint8]
    new: NDArray[np.uint8]

    def shares(self) -> list[float]:
        """Return how much of what each source alone shows is lost."""
        pairs = zip(self.own, self.is_lost, strict=True)
        sums = [(own[lost].sum(dtype=np.int64), own.sum(dtype=np.int64)) for own, lost in pairs]
        return [float(lost / total) if total else 0.0 for lost, total in sums]


def _marked(data: Mapping[str, Any]) -> tuple[torch.Tensor, _Found]:
    """Return the map, and what was marked, slab by slab."""
    image, fused = data["image"], plain(data["pred"])
    shape = fused.shape[1:]
    lengths = np.linalg.norm(image.affine[:3, :3].double().numpy(), axis=0)
    spacing = (1.0, 1.0) if is_picture(image) else (float(lengths[1]), float(lengths[2]))
    lost = new_voxels((1, *shape), torch.uint8)
    parts = []
    for slab in slabs(shape):
        sources = [seen(plain(image)[:1, slab])]
        sources += [seen_levels(volume[:, slab]) for volume in data["scaled"]]
        marks = mark(seen(fused[:, slab]).numpy(), torch.cat(sources).numpy(), spacing)
        codes = marks.is_new.astype(np.uint8) * INVENTED_CODE
        for number, one in enumerate(marks.is_lost):
            codes |= one.astype(np.uint8) << min(number, _LAST_SOURCE)
        lost[0, slab] = torch.from_numpy(repeated(codes, marks.steps, shape[1:]))
        parts.append(
            _Found(
                marks.steps,
                marks.is_lost,
                in_8_bits(marks.own, STRUCTURE_STEPS),
                in_8_bits(marks.kept, KEPT_STEPS),
                in_8_bits(marks.new, STRUCTURE_STEPS),
            )
        )
    joined = (np.concatenate(each, axis=-3) for each in list(zip(*parts, strict=True))[1:])
    return lost, _Found(parts[0].steps, *joined)
