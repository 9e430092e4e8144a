"""What is averaged of a partner that is much finer than the grid is said."""

from __future__ import annotations

import numpy as np
import pytest

from mactfusion.errors import FusionWarning
from mactfusion.transforms import fineness
from mactfusion.transforms.align import AlignPartnerd
from mactfusion.transforms.grid import isotropic


def box(make_volume, spacing_mm, seed=0, **meta):
    """A box of 36 mm around the origin, of random values."""
    shape = [round(36 / mm) for mm in spacing_mm]
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return make_volume(np.random.default_rng(seed).random((1, *shape)), affine, **meta)


AVERAGED = "The partner ct.nii has a voxel each {} mm where the result has one each {} mm: what is "
AVERAGED += "smaller is averaged and loses contrast"


@pytest.mark.parametrize(
    ("ct_mm", "mr_mm", "expected"),
    [
        (
            (0.9, 0.9, 1.0),
            (0.9, 0.9, 6.0),
            AVERAGED.format("1", "6")
            + "; cubic voxels of 0.9 mm (--grid isotropic) keep more of it.",
        ),
        (
            (0.5, 0.5, 1.0),
            (1.2, 1.2, 4.0),
            AVERAGED.format("1", "4")
            + "; cubic voxels of 1.2 mm (--grid isotropic) keep more of it.",
        ),
        ((0.5, 0.5, 1.0), (1.2, 1.2, 1.2), AVERAGED.format("0.5", "1.2") + "."),
        ((0.5, 0.5, 4.0), (1.2, 1.2, 4.0), AVERAGED.format("0.5", "1.2") + "."),
    ],
)
def test_what_is_averaged_is_said(make_volume, ct_mm, mr_mm, expected):
    ct = box(make_volume, ct_mm, filename_or_obj="/x/ct.nii")
    with pytest.warns(FusionWarning) as said:
        AlignPartnerd()({"anatomical": box(make_volume, mr_mm), "partner": ct})
    assert [str(one.message) for one in said] == [expected]


@pytest.mark.filterwarnings("error::mactfusion.errors.FusionWarning")
@pytest.mark.parametrize("ct_mm", [(0.5, 0.5, 2.0), (1.0, 1.0, 4.0), (2.0, 2.0, 2.0)])
def test_up_to_twice_as_fine_nothing_is_said(make_volume, ct_mm):
    mr = box(make_volume, (1.0, 1.0, 4.0))
    ct = box(make_volume, ct_mm, seed=1)
    assert "notes" not in AlignPartnerd()({"anatomical": mr, "partner": ct})


def test_cubes_are_not_proposed_where_they_would_be_too_many(make_volume, monkeypatch):
    mr, ct = (box(make_volume, (1.0, 1.0, mm)) for mm in (4.0, 1.0))
    assert fineness.much_finer(ct, mr).cubes_mm == pytest.approx(1.0)
    monkeypatch.setattr(fineness, "MOST_VOXELS", 36**3 - 1)
    assert fineness.much_finer(ct, mr).cubes_mm is None


def test_the_advice_is_right(make_volume):
    """In the cubes that are proposed nothing is left to be said, and more of the CT is left."""
    mr, ct = box(make_volume, (1.0, 1.0, 4.0)), box(make_volume, (1.0, 1.0, 1.0))
    with pytest.warns(FusionWarning, match="isotropic"):
        thick = AlignPartnerd()({"anatomical": mr, "partner": ct})
    cubes = AlignPartnerd()({"anatomical": isotropic(mr), "partner": ct})
    assert "notes" not in cubes
    assert float(cubes["partner"].std()) == pytest.approx(float(ct.std()))
    assert float(thick["partner"].std()) < 0.7 * float(ct.std())
