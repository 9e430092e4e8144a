"""One volume given in two places is a mistake, not a fusion."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import torch

from mactfusion.errors import InputError
from mactfusion.transforms.volume import name_of, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monai.data import MetaTensor


def refuse_same(volumes: Sequence[MetaTensor]) -> None:
    """Refuse a volume that was given twice, also under two names.

    Args:
        volumes: on one grid, each ``(C, I, J, K)``.

    Raises:
        InputError: two of them have the same voxels.
    """
    for first, second in combinations(volumes, 2):
        if torch.equal(plain(first), plain(second)):
            raise InputError(
                f"{name_of(first)} and {name_of(second)} are the same volume: give each once."
            )
