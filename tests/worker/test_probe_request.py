"""A voxel of the last fusion or preview, asked of the worker."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def loaded(worker, mr, pet):
    array, affine = mr
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirrored[0, 3] = len(array) - 1  # the same head, its first axis to the left
    return {
        "anatomical": worker.load((array[::-1].copy(), affine @ mirrored)),
        "partner": worker.load(pet, units="BQML"),
    }


OPTIONS = {"task": "pet-mri", "device": "cpu", "provenance": True}


def test_before_anything_was_fused_there_is_no_voxel(start):
    worker = start()
    worker.hello()
    reply = worker.ask("probe", position=[0, 0, 0])
    assert (reply["reply"], reply["code"]) == ("error", "nothing-fused")


def test_a_voxel_of_the_fused_volume_and_then_of_a_preview(worker, loaded, mr, pet):
    result = worker.ask("fuse", **loaded, options=OPTIONS)
    fused = worker.voxels(result)
    found = worker.ask("probe", position=[-13.0, 5.0, 6.0])["found"]
    anatomical, partner = found["sources"]
    # 24 voxels of 4 mm around the origin, from the patient's right in the volume that was loaded.
    assert found["voxel"] == anatomical["voxel"] == [23 - 8, 15, 2]
    assert anatomical["value"] == pytest.approx(float(mr[0][8, 15, 2]))
    i, j, k = np.rint(np.linalg.solve(pet[1], [-13.0, 5.0, 6.0, 1.0])[:3]).astype(int)
    assert partner["voxel"] == [i, j, k]
    assert partner["value"] == pytest.approx(float(pet[0][i, j, k]))
    assert partner["units"] == "Bq/ml"
    assert found["fused"] == pytest.approx((fused[15, 15, 2] / 255).tolist())
    assert anatomical["share"] + partner["share"] == pytest.approx(1)
    assert worker.ask("probe", position=[500, 0, 0])["found"] is None

    worker.voxels(worker.ask("preview", **loaded, options=OPTIONS, slice=1))
    of_slice = worker.ask("probe", position=[-13.0, 5.0, -4.0])["found"]
    assert of_slice["sources"][0]["voxel"] == [15, 15, 1]
    assert of_slice["sources"][0]["share"] is not None
    assert worker.ask("probe", position=[-13.0, 5.0, 6.0])["found"] is None


@pytest.mark.parametrize("position", [[0, 0], [0, 0, "0"], [0, 0, True], [0, 0, 1e999], 7])
def test_a_place_is_three_numbers(worker, loaded, position):
    worker.voxels(worker.ask("fuse", **loaded, options=OPTIONS))
    assert worker.ask("probe", position=position)["code"] == "bad-request"
