"""Grey levels of what is evaluated."""

from __future__ import annotations

import numpy as np
import pytest
from noise_pictures import save

from mactfusion.errors import InputError
from mactfusion.io.luminance import grey_levels, read_grey_levels
from mactfusion.io.volume import make_volume


@pytest.mark.parametrize(
    ("dtype", "values", "levels"),
    [
        (np.uint8, [0, 1, 255], [0, 1, 255]),
        (np.uint16, [0, 257, 65535], [0, 1, 255]),
        (np.float32, [0, 0.2, 1], [0, 51, 255]),
        (np.float32, [0, 51.4, 255], [0, 51, 255]),
        (np.int16, [0, 51, 200], [0, 51, 200]),
    ],
)
def test_grey_levels_by_type(dtype, values, levels):
    volume = make_volume(np.array(values, dtype).reshape(3, 1, 1), np.eye(4), name="v")
    assert grey_levels(volume).ravel().tolist() == levels


@pytest.mark.parametrize("values", [[-1, 3], [0, 300]])
def test_values_that_are_no_grey_levels_are_refused(values):
    volume = make_volume(np.array(values, np.int16).reshape(2, 1, 1), np.eye(4), name="v.nii")
    with pytest.raises(InputError, match=r"v\.nii has values from .* no grey levels"):
        grey_levels(volume)


def test_colour_is_rounded_bt601_luminance(tmp_path):
    path = save(tmp_path / "colour.png", [[[255, 0, 0], [0, 255, 0], [1, 2, 200]]])
    assert read_grey_levels(path).tolist() == [[76, 150, 24]]
