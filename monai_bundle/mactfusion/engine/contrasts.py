"""Pairs of one patient that nobody took: an image beside itself in another contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.networks.layers import GaussianFilter
from monai.transforms import Randomizable, Transform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

SYNTHETIC = "synthetic"
"""Task of such a pair, by which a criterion weighs its terms."""
DARK = 0.06
"""Brightness above which there is tissue; black stays black, but for what is smoothed into it."""
LEVELS = (3, 6)
"""Fewest and most brightnesses that get a new one; those between them follow linearly."""
BLURRED = 0.5
"""Share of the contrasts that are as smooth as uptake."""
SIGMAS = (0.6, 4.0)
"""Least and most that they are smoothed by, in pixels."""
BRIGHTEST = (0.6, 1.0)
"""Range of its brightest pixel, before :data:`DIMMEST`."""
DIMMEST = 0.3
"""Brightest pixel that gets the full range; one that is darker is not stretched as far."""
ON_CT = 0.4
"""Share of the contrasts of pairs with CT that lie on the CT instead of the MR."""


class RandSecondContrastd(Randomizable, Transform):
    """Put the MR in another contrast in the partner's place.

    Every brightness of the tissue becomes another one, in any order: what was bright may be dark,
    as between T1 and T2. Half of the contrasts are smoothed, as uptake is, and fade towards the
    edge of the crop; of pairs with CT some lie on the CT.

    Args:
        prob: share of the pairs that this is done to.
    """

    def __init__(self, prob: float) -> None:
        self.prob = prob

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Change ``image`` ``(2, H, W)`` in [0, 1] and ``task``, now and then."""
        if self.R.uniform() >= self.prob:
            return dict(data)
        mr, partner = torch.as_tensor(data["image"])
        on_ct = data["task"] == "ct-mri" and self.R.uniform() < ON_CT
        image = torch.stack([partner if on_ct else mr, self._contrast(mr)])
        return {**data, "image": image, "task": SYNTHETIC}

    def _contrast(self, mr: Tensor) -> Tensor:
        count = self.R.randint(LEVELS[0], LEVELS[1] + 1)
        levels = np.concatenate([[0.0], np.linspace(DARK, 1.0, count)])
        values = np.concatenate([[0.0, self.R.uniform(0, 0.3)], self.R.uniform(0, 1, count - 1)])
        contrast = torch.from_numpy(np.interp(mr.numpy(), levels, values)).float()
        if self.R.uniform() < BLURRED:
            smooth = GaussianFilter(2, self.R.uniform(*SIGMAS))
            contrast = smooth(contrast[None, None])[0, 0]
        brightest = contrast.amax().clamp_min(DIMMEST)
        return (contrast / brightest * self.R.uniform(*BRIGHTEST)).clamp(0, 1)
