"""Where pictures of a fusion begin: at the hottest voxel of the first partner with uptake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.report.grid import ordered
from mactfusion.transforms.color import TASKS_WITH_UPTAKE
from mactfusion.transforms.hottest import hottest_voxel, luminance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monai.data import MetaTensor


def starting_voxel(
    task: str | None, partners: Sequence[MetaTensor], native: Sequence[MetaTensor] | None
) -> list[int]:
    """Return the voxel that a picture of a fusion goes through first.

    It is the hottest of the first PET or SPECT, by its own values where they are known and it has
    no colours of its own, else by its luminance. Without uptake it is the middle of the volume.

    Args:
        task: of the fusion; of several partners their tasks in order, joined by " + ".
        partners: each ``(1 or 3, I, J, K)`` in [0, 1], in the order of the tasks.
        native: ``None``, or the anatomical volume and each partner in their own units.

    Returns:
        Three indices into the volume in LPS order.
    """
    middle = [int(size) // 2 for size in ordered(partners[0]).shape[1:]]
    tasks = (task or "").split(" + ")[: len(partners)]
    number = next((at for at, name in enumerate(tasks) if name in TASKS_WITH_UPTAKE), None)
    if number is None:
        return middle
    values = partners[number] if native is None else native[1 + number]
    if len(values) == 3:
        values = partners[number]
    return hottest_voxel(luminance_of(ordered(values))) or middle
