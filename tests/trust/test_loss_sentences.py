"""What is said of a loss: however small, it is not called 0 %."""

from __future__ import annotations

import re

import nibabel
import numpy as np
import pytest

from mactfusion import fuse_volumes
from mactfusion.amounts import percent
from mactfusion.trust.regions import INVENTED, LOST, MILLIMETRES, Region
from mactfusion.trust.sentences import sentence_of

NAMES = {"anatomical": "the MR", "partner": "the PET"}


def region(kind=LOST, source="partner", kept=0.0):
    position = [1.0, -2.0, 3.0]
    return Region(
        kind=kind, source=source, position=position, size=8.0, unit=MILLIMETRES, kept=kept
    )


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1e-9, "less than 1 %"),
        (0.0099, "less than 1 %"),
        (0.01, "1 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.997, "more than 99 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_rounded_to_neither_nothing_nor_all(share, text):
    assert percent(share) == text


@pytest.mark.parametrize("share", [1e-9, 0.004])
def test_a_tiny_lesion_that_is_wholly_lost_is_said_with_its_place(share):
    assert sentence_of([region()], {"anatomical": 0.0, "partner": share}, NAMES) == (
        "The fused volume lost less than 1 % of what the PET alone shows, in 1 region; the largest "
        "loss is 8 mm long at R, A, S 1, -2, 3 mm, nothing kept."
    )


def test_no_sentence_says_0_per_cent():
    regions = [region(), region(source="anatomical", kept=0.12), region(INVENTED, "fused")]
    said = sentence_of(regions, {"anatomical": 1e-6, "partner": 1e-6}, NAMES)
    assert not re.search(r"\b0 %", said)
    assert "12 % kept" not in said, "the first is the largest"


def test_a_small_focus_in_a_large_brain_is_said(tmp_path, pixel_maximum):
    """The pixel maximum shows nothing of a faint focus over bright anatomy."""
    shape = (96, 96, 6)
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    x, y, _ = np.indices(shape)
    stripes = 200 * ((x // 8 + y // 8) % 2)
    ct = (300 + stripes).astype(np.float32)  # what it alone shows, and the result does
    mr = np.full(shape, 100, np.float32)
    mr[40:56, 40:56] = 900
    ct[40:56, 40:56] = 100
    ct[46:50, 46:50, 2:4] = 300
    for name, array in {"mr": mr, "ct": ct}.items():
        nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / f"{name}.nii.gz")
    result = fuse_volumes(
        tmp_path / "mr.nii.gz",
        tmp_path / "ct.nii.gz",
        task="mr-mr",
        window=(500, 1000),
        anatomical_window=(500, 1000),
        register="off",
        weights=pixel_maximum,
    )
    focus_mm = np.array([95.0, 95.0, 10.0])
    lost = [
        one
        for one in result.regions
        if one["source"] == "partner" and np.abs(np.array(one["position"]) - focus_mm).max() <= 8
    ]
    assert lost
    (sentence,) = (text for text in result.record["notes"] if "alone shows" in text)
    assert not re.search(r"\b0 %", sentence)
