"""`fuse_volumes` and the program around it do not disturb each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.errors import FusionCancelled


@pytest.fixture
def fused(mr, pet):
    return lambda **options: fuse_volumes(mr, pet, task="pet-mri", **options)


@pytest.mark.parametrize("error", [KeyError("mine"), RuntimeError("mine"), FusionCancelled("mine")])
def test_progress_gets_its_own_error_back(fused, error):
    def stop(done, total):
        raise error

    with pytest.raises(type(error)) as caught:
        fused(progress=stop)
    assert caught.value is error


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("options", [{}, {"grid": "isotropic", "colormap": "hot"}])
def test_any_default_type_gives_the_same(fused, dtype, options):
    expected = fused(**options)
    torch.set_default_dtype(dtype)
    try:
        found = fused(**options)
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.fused.dtype == torch.float32
    assert torch.equal(found.fused.as_tensor(), expected.fused.as_tensor())
    assert torch.equal(found.fused.affine, expected.fused.affine)


def test_random_numbers_go_on_where_they_were(fused):
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    fused()
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
    assert random.getstate() == states[2]
