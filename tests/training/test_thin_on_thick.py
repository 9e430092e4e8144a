from __future__ import annotations

import numpy as np

from mactfusion.trust.lesions import LOST_BELOW
from training.benchmarks.thin_on_thick import WAYS, calcifications, kept, thick_slices


def test_calcifications_are_lost_by_picking_and_kept_by_averaging():
    """Of 40 spheres of 3 mm in slices of 5 mm, picking loses those between the planes."""
    ct, middles = calcifications(seed=0)
    assert len(middles) == 40
    anatomical = thick_slices(0.0)
    results = [bring(ct, anatomical) for bring in WAYS.values()]
    lost = {
        window: [int((kept(ct, result, middles, window) < LOST_BELOW).sum()) for result in results]
        for window in ("auto", "bone")
    }
    assert lost == {"auto": [12, 0, 0], "bone": [21, 6, 0]}


def test_the_spheres_have_their_volume():
    ct, _ = calcifications(seed=1)
    filled_mm3 = (ct[0].numpy() - 40).sum() / 960
    assert np.isclose(filled_mm3 / 40, 4 / 3 * np.pi * 1.5**3, rtol=0.02)
