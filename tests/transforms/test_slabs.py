from __future__ import annotations

import pytest
import torch

from mactfusion.transforms import slabs
from mactfusion.transforms.slabs import by_slabs


@pytest.mark.parametrize("voxels", [1, 7 * 5, 2 * 7 * 5, 2**17])
def test_slabs_cover_every_slice_once(monkeypatch, voxels):
    monkeypatch.setattr(slabs, "SLAB_VOXELS", voxels)
    covered = [index for slab in slabs.slabs((5, 7, 5)) for index in range(5)[slab]]
    assert covered == list(range(5))


def test_a_function_of_slabs_is_that_of_the_volume(monkeypatch):
    first, second = torch.rand(1, 5, 7, 5), torch.rand(2, 5, 7, 5)

    def both(one, two):
        return torch.cat([one * two[:1], two, one])

    monkeypatch.setattr(slabs, "SLAB_VOXELS", 2 * 7 * 5)
    assert torch.equal(by_slabs(both, first, second), both(first, second))


def test_the_type_of_the_result_is_that_which_was_asked_for():
    levels = by_slabs(lambda voxels: voxels * 255, torch.rand(1, 3, 4, 4), dtype=torch.uint8)
    assert levels.dtype == torch.uint8
