"""What a partner that was moved looked like before, for a picture of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.transforms.align import align_to
from mactfusion.transforms.middle import middle_planes
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeepBefored(Transform):
    """Add ``before`` to a ``partner`` that was moved: three planes of it as it lay.

    They are :func:`~mactfusion.transforms.middle.middle_planes` of the grid of ``anatomical``, in
    the partner's own values, and NaN beyond its field of view. The volume is not resampled twice.
    """

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the planes."""
        pose = data["pose"].double()
        if torch.equal(pose, torch.eye(4, dtype=torch.float64)):
            return dict(data)
        partner = data["partner"]
        as_read = with_voxels(partner, partner, pose @ partner.affine.double())
        before = []
        for plane in middle_planes(data["anatomical"]):
            shown, seen = align_to(as_read, plane)
            before.append(with_voxels(shown, plain(shown).where(plain(seen), torch.nan)))
        return {**data, "before": before}
