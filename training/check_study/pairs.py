"""Pairs of slices to put lesions into, on the recipe's way between window and colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mactfusion.engine.pairs import list_pairs
from mactfusion.errors import unheard
from mactfusion.options import Options
from mactfusion.recipe import Recipe
from mactfusion.transforms.color import MergeChrominanced, merge_chrominance, rgb_to_ycbcr
from mactfusion.transforms.join import JoinPartnersd
from mactfusion.transforms.volume import is_picture, plain, with_voxels
from training.comparison.scores import evenly_spaced
from training.lesion_study.sources import LEAST_TISSUE, SLICES, TISSUE, VOLUMES
from training.observer.heads import PHANTOM_PARTNERS
from training.registration.sources import Synthetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from mactfusion.case import Case

    Step = Callable[[Any], Any]


WINDOWED = 2
"""Steps of the stage "scale" after which both volumes are in their windows."""
FIRST_HEAD = 31
"""Seed."""


@dataclass(frozen=True)
class CheckedPair:
    """A pair of slices, both in their windows.

    Attributes:
        task: such as ``ct-mri``.
        origin: ``slices`` or ``volumes``.
        case: of one slice, after its partner was scaled.
        recipe: what comes after that.
        spacing_mm: of rows and of columns.
    """

    task: str
    origin: str
    case: Case
    recipe: Recipe
    spacing_mm: tuple[float, float]

    @property
    def sources(self) -> Tensor:
        """Both sources as the network sees them, ``(1, 2, H, W)`` in [0, 1]."""
        return plain(self.joined()["image"])[None, :, 0]

    @property
    def values(self) -> Tensor:
        """Both sources as scaled, ``(2, H, W)`` in [0, 1]; of a partner in colour its luminance."""
        partner = plain(self.case["partners"][0]["partner"])
        own = rgb_to_ycbcr(partner)[:1] if len(partner) == 3 else partner
        return torch.cat([plain(self.case["anatomical"]), own])[:, 0]

    def joined(self, values: Tensor | None = None) -> Case:
        """Return the case as the network takes it.

        Args:
            values: ``(2, N, H, W)``, N slices in place of the one; the colours stay.
        """
        case: Any = dict(self.case)
        if values is not None:
            anatomical, partner = case["anatomical"], case["partners"][0]
            own = plain(partner["partner"])
            count = values.shape[1]
            if len(own) == 3:
                chrominance = rgb_to_ycbcr(own)[1:].expand(-1, count, -1, -1)
                scaled = merge_chrominance(values[1:], *chrominance.split(1))
            else:
                scaled = values[1:]
            seen = plain(partner["field_of_view"]).expand(-1, count, -1, -1)
            case["anatomical"] = with_voxels(anatomical, values[:1].clone())
            case["partners"] = [
                {
                    **partner,
                    "partner": with_voxels(partner["partner"], scaled),
                    "field_of_view": with_voxels(partner["field_of_view"], seen),
                }
            ]
        with unheard():
            for step in _after_windows(self.recipe):
                case = step(case)
        return case

    def colored(self, case: Mapping[str, Any], fused: Tensor) -> Tensor:
        """Give what a method made its colours, as the recipe does.

        Args:
            case: of :meth:`joined`.
            fused: ``(N, 1, H, W)`` in [0, 1].

        Returns:
            ``(1 or 3, N, H, W)``.
        """
        done = MergeChrominanced()({**case, "pred": fused.transpose(0, 1)})
        return plain(done["pred"])


def picture_pairs(folder: Path, part: str, count: int) -> Iterator[CheckedPair]:
    """Take evenly spaced pairs of each task of a folder in the public layout, 1 mm a pixel."""
    found = list_pairs(folder, part)
    for task in sorted({pair["task"] for pair in found}):
        of_task = [pair for pair in found if pair["task"] == task]
        for index in evenly_spaced(len(of_task), count):
            pair = of_task[index]
            yield from volume_pairs(Path(pair["anatomical"]), Path(pair["partner"]), task, 1)


def head_pairs(count: int, slices: int) -> Iterator[CheckedPair]:
    """Take evenly spaced slices of synthetic heads: T1 with each partner.

    Args:
        count: of heads; no two are alike.
        slices: of each head and partner.
    """
    for seed in range(FIRST_HEAD, FIRST_HEAD + count):
        head = Synthetic.of(seed)
        for task, partner in PHANTOM_PARTNERS.items():
            yield from volume_pairs(head.volume("T1"), head.volume(partner), task, slices)


def volume_pairs(anatomical: Any, partner: Any, task: str, count: int) -> Iterator[CheckedPair]:
    """Take evenly spaced slices with tissue of two volumes; of two pictures the one.

    Args:
        anatomical: a path, or a volume in memory.
        partner: likewise.
        task: what is to be fused.
        count: of slices.
    """
    recipe = Recipe(anatomical, [partner], Options(task=task, register="off"))
    with unheard():
        case: Any = recipe.align()
        for step in _until_windows(recipe):
            case = step(case)
    volume = case["anatomical"]
    brighter = torch.maximum(plain(volume)[0], plain(case["partners"][0]["partner"]).amax(dim=0))
    tissue = (brighter > TISSUE).sum(dim=(1, 2))
    places = (tissue >= LEAST_TISSUE * tissue.max()).nonzero()[:, 0].tolist()
    affine = volume.affine[:3, :3].numpy()
    _, row_mm, column_mm = np.linalg.norm(affine, axis=0).tolist()
    spacing = (1.0, 1.0) if is_picture(volume) else (row_mm, column_mm)
    origin = SLICES if is_picture(volume) else VOLUMES
    for index in evenly_spaced(len(places), count):
        place = places[index]
        yield CheckedPair(task, origin, _one_slice(case, place), recipe, spacing)


def _one_slice(case: Case, place: int) -> Any:
    cut: dict[str, Any] = dict(case)
    cut["anatomical"] = _cut(case["anatomical"], place)
    cut["partners"] = [
        {**one, **{k: _cut(one[k], place) for k in ("partner", "field_of_view")}}
        for one in case["partners"]
    ]
    return cut


def _cut(volume: Any, place: int) -> Any:
    return with_voxels(volume, plain(volume)[:, place : place + 1])


def _until_windows(recipe: Recipe) -> Sequence[Step]:
    return recipe.stages["scale"].transforms[:WINDOWED]


def _after_windows(recipe: Recipe) -> Iterator[Step]:
    for step in recipe.stages["scale"].transforms[WINDOWED:]:
        yield step
        if isinstance(step, JoinPartnersd):
            return
