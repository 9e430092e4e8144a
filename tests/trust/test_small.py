"""Small bright structure of a partner, on its own grid and on that of the result."""

import pytest
import torch
from monai.data import MetaTensor

from mactfusion.trust.small import Small, find_small


@pytest.mark.parametrize("shape", [(1, 1, 40), (40, 1, 1), (1, 24, 24), (24, 24, 2), (3, 3, 3)])
def test_volumes_of_few_slices_are_looked_at_too(shape):
    fine = torch.zeros(1, *(2 * size for size in shape))
    fine[:, ::2, ::2, ::2] = torch.rand(shape, generator=torch.Generator().manual_seed(0)) ** 8
    coarse = torch.nn.functional.avg_pool3d(fine[None], 2)[0]
    affine = torch.eye(4, dtype=torch.float64)
    affine[:3, 3] = -0.5
    found = find_small(
        MetaTensor(fine, affine=affine),
        MetaTensor(coarse, affine=torch.diag(torch.tensor([2.0, 2, 2, 1], dtype=torch.float64))),
    )
    assert found.shape[1] == len(Small._fields)
    assert torch.isfinite(found).all()
