"""Where uptake is highest, in millimetres of the patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from mactfusion import fuse_volumes
from mactfusion.transforms import FindHottestd

SHAPE = (6, 7, 8)
AFFINE = torch.tensor(
    [[0, -2, 0, 11], [3, 0, 0, -20], [0, 0, -4, 30], [0, 0, 0, 1]], dtype=torch.float64
)


def partner(values: torch.Tensor, task: str = "pet-ct", seen: Any = None) -> dict[str, Any]:
    field_of_view = torch.ones(1, *SHAPE, dtype=torch.bool) if seen is None else seen
    volume = MetaTensor(values, affine=AFFINE)
    return {"partner": volume, "task": task, "field_of_view": MetaTensor(field_of_view)}


def spot(index: tuple[int, ...], value: float = 9.0, channels: int = 1) -> torch.Tensor:
    values = torch.zeros(channels, *SHAPE)
    values[(slice(None), *index)] = value
    return values


def place(index: tuple[int, ...]) -> list[float]:
    return (AFFINE @ torch.tensor([*index, 1.0], dtype=torch.float64))[:3].tolist()


def found(*partners: dict[str, Any]) -> Any:
    after = FindHottestd()({"partners": list(partners)})
    return after["hottest_mm"].tolist() if "hottest_mm" in after else None


@pytest.mark.parametrize("channels", [1, 3])
def test_the_hottest_voxel_of_uptake(channels: int) -> None:
    assert found(partner(spot((1, 2, 3), channels=channels))) == place((1, 2, 3))


def test_the_first_with_uptake_counts() -> None:
    each = partner(spot((1, 1, 1)), "ct-mri"), partner(spot((5, 2, 3))), partner(spot((2, 2, 2)))
    assert found(*each) == place((5, 2, 3))


def test_amid_a_plateau() -> None:
    values = torch.zeros(1, *SHAPE)
    values[0, 1:4, 2:5, 3:6] = 5.0
    assert found(partner(values)) == place((2, 3, 4))


def test_what_was_not_seen_is_not_hot() -> None:
    seen = torch.ones(1, *SHAPE, dtype=torch.bool)
    seen[0, 0] = False
    values = spot((1, 2, 3), 1.0) + spot((0, 0, 0), 99.0)
    assert found(partner(values, seen=seen)) == place((1, 2, 3))


def test_nothing_is_hottest() -> None:
    assert found(partner(spot((1, 2, 3)), "ct-mri")) is None
    assert found(partner(torch.full((1, *SHAPE), 3.0))) is None


def test_a_result_tells_the_place_whatever_the_grids() -> None:
    rng = np.random.default_rng(0)
    mr = (rng.random((9, 10, 11)) * 900, np.diag([-2.0, 3, 4, 1]))
    values = rng.random((9, 10, 11))
    values[3, 7, 2] = 50
    result = fuse_volumes(mr, (values, np.diag([-2.0, 3, 4, 1])), task="pet-mri")
    assert result.hottest_mm.tolist() == [-6, 21, 8]
    second = fuse_volumes(mr, (values, np.diag([-2.0, 3, 4, 1])), task="mr-mr")
    assert second.hottest_mm is None
