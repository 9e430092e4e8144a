"""A criterion that weighs by task takes the pairs of tasks that it names, and says so otherwise."""

from __future__ import annotations

import pytest
from torch import nn

from mactfusion.engine.tasks import check_tasks
from mactfusion.errors import InputError
from mactfusion.losses import FusionLoss, IntensityLoss, RangeLoss

TERMS = [
    {"weight": {"ct-mri": 2.0, "pet-mri": 1.0}, "term": IntensityLoss()},
    {"weight": {"ct-mri": 1.0, "spect-mri": 4.0}, "term": IntensityLoss()},
    {"weight": 5.0, "term": RangeLoss()},
]


def pairs(*tasks):
    return [{"task": task, "image": None} for task in tasks]


@pytest.mark.parametrize("tasks", [(), ("ct-mri",), ("pet-mri", "spect-mri", "ct-mri")])
def test_tasks_that_a_term_names_are_taken(tasks):
    check_tasks(FusionLoss(TERMS), pairs(*tasks))


@pytest.mark.parametrize("criterion", [FusionLoss(TERMS[2:]), nn.MSELoss()])
def test_a_criterion_that_does_not_weigh_by_task_takes_all(criterion):
    check_tasks(criterion, pairs("gfp-pc"))


def test_tasks_that_no_term_names_are_refused():
    with pytest.raises(InputError) as refused:
        check_tasks(FusionLoss(TERMS), pairs("ct-mri", "pet-ct", "gfp-pc", "pet-ct"))
    said = str(refused.value)
    assert said.startswith("The criterion has no weights for the task gfp-pc and pet-ct, and 2 of")
    assert "2 of its 3 terms would be left out" in said
