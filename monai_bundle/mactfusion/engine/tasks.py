"""Whether a criterion that weighs its terms by task knows the tasks of what is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.losses import FusionLoss

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn


def check_tasks(criterion: nn.Module, pairs: Iterable[Mapping[str, Any]]) -> None:
    """Refuse pairs of a task that no weight of a criterion names.

    Terms with weights by task would be left out for such pairs, and the network would be trained on
    what is left of the criterion.

    Args:
        criterion: what is trained on; others than :class:`mactfusion.losses.FusionLoss` take all
            tasks.
        pairs: each names its ``task``.

    Raises:
        InputError: there are such pairs.
    """
    weights = criterion.weights if isinstance(criterion, FusionLoss) else []
    by_task = [weight for weight in weights if isinstance(weight, Mapping)]
    if not by_task:
        return
    known = set().union(*by_task)
    unknown = sorted({pair["task"] for pair in pairs} - known)
    if unknown:
        raise InputError(
            f"The criterion has no weights for the task {' and '.join(unknown)}, and "
            f"{len(by_task)} of its {len(weights)} terms would be left out: name the task in "
            "the weights of loss#terms, or train the default network on, with "
            "configs/fine_tune.yaml laid over train.yaml."
        )
