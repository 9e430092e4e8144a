"""The worker fuses with every network of the registry, as the library does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.io.write import stored_values
from mactfusion.networks.registry import MODELS
from mactfusion.weights import save_state


@pytest.mark.parametrize("name", MODELS)
def test_result_is_that_of_the_library(name, worker, mr, pet, tmp_path):
    torch.manual_seed(1)
    save_state(MODELS[name].network().state_dict(), tmp_path / "weights.pt")
    mr, pet = ((array[::2, ::2].copy(), affine * [2, 2, 1, 1]) for array, affine in (mr, pet))
    options = {"model": name, "task": "pet-mri", "device": "cpu"}
    fields = {"anatomical": worker.load(mr), "partner": worker.load(pet)}
    chosen = {**options, "weights": str(tmp_path / "weights.pt")}
    result = worker.ask("fuse", **fields, options=chosen)
    expected = fuse_volumes(mr, pet, weights=tmp_path / "weights.pt", **options)
    assert result["record"]["options"]["model"] == name
    assert result["record"]["weights"] == expected.record["weights"]
    voxels = worker.voxels(result)
    assert voxels.std() > 5
    assert np.array_equal(voxels, stored_values(expected.fused, "uint8", tmp_path / "x.nrrd"))
