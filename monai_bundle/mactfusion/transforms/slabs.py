"""Work on volumes slab by slab: what a step needs in between stays in the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mactfusion.transforms.volume import new_voxels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SLAB_VOXELS = 2**17
"""Of a slab, or more where one slice has more."""


def slabs(shape: Sequence[int]) -> Iterator[slice]:
    """Cut the first axis of ``(slices, rows, columns)`` into slabs of whole slices."""
    planes = max(1, SLAB_VOXELS // (shape[1] * shape[2]))
    for start in range(0, shape[0], planes):
        yield slice(start, min(start + planes, shape[0]))


def by_slabs(
    function: Callable[..., torch.Tensor],
    *volumes: torch.Tensor,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Apply a function that looks at no other slice.

    Args:
        function: takes a slab of each volume and returns ``(C', slices, rows, columns)``.
        *volumes: each ``(C, slices, rows, columns)``, without meta.
        dtype: of the result.

    Returns:
        ``(C', slices, rows, columns)``.
    """
    shape = volumes[0].shape[1:]
    first, *others = slabs(shape)
    part = function(*(volume[:, first] for volume in volumes))
    result = new_voxels((len(part), *shape), dtype)
    result[:, first] = part
    for slab in others:
        result[:, slab] = function(*(volume[:, slab] for volume in volumes))
    return result
