"""The order of the partners, which is not that in which they were given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.transforms import Transform

from mactfusion.option_values import TASKS
from mactfusion.transforms.color import TASKS_WITH_UPTAKE
from mactfusion.transforms.same import refuse_same
from mactfusion.transforms.volume import name_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mactfusion.case import Partner


class OrderPartnersd(Transform):
    """Sort ``partners`` by task, name and content, and number those that take a colour table.

    So the order in which they were given changes nothing.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Sort the partners.

        Raises:
            InputError: two of them are the same volume.
        """
        partners = list(data["partners"])
        refuse_same([partner["partner"] for partner in partners])
        if len(partners) > 1:
            partners.sort(key=_place)
        tracers = [partner["number"] for partner in partners if _has_table(partner)]
        return {
            **data,
            "partners": [
                {**partner, "tracer": tracers.index(partner["number"])}
                if _has_table(partner)
                else partner
                for partner in partners
            ],
        }


def _has_table(partner: Partner) -> bool:
    """Tell whether a partner gets its colours from a table."""
    return partner["task"] in TASKS_WITH_UPTAKE and len(partner["partner"]) == 1


def _place(partner: Partner) -> tuple[int, str, str]:
    """Return what the partners are sorted by."""
    voxels = np.ascontiguousarray(plain(partner["partner"]).numpy())
    digest = hashlib.sha256(voxels.data).hexdigest()
    return TASKS.index(partner["task"]), name_of(partner["partner"]), digest
