"""Profiles along a volume and their means."""

from __future__ import annotations

import numpy as np
import pytest

from mactfusion.errors import InputError
from mactfusion.metrics import METRICS
from mactfusion.metrics.volume import (
    FAINTEST_CONTENT,
    has_content,
    profile_means,
    slice_profile,
)

NAMES = ["SCD", "SSIM", "PSNR_tang"]


@pytest.fixture
def volumes():
    """Three volumes of six axial slices; the first two and the last show nothing."""
    generator = np.random.default_rng(0)
    fused, source_a, source_b = (generator.integers(0, 256, (14, 16, 6)) for _ in range(3))
    for index, level in {0: 0, 1: 90, 5: 0}.items():
        source_a[..., index], source_b[..., index] = level, 2 * level
    source_a[..., 5] += generator.integers(0, 6, (14, 16))  # noise of air
    source_b[..., 2] = 7  # one flat source: still a slice with content
    return fused, source_a, source_b


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("axis", [-1, 2, 0, 1])
def test_each_slice_has_the_value_of_its_picture(axis, volumes):
    moved = [np.moveaxis(volume, -1, axis) for volume in volumes]
    profiles = slice_profile(*moved, NAMES, axis=axis)
    assert list(profiles) == NAMES
    for values in profiles.values():
        assert np.isnan(values).tolist() == [True, True, False, False, False, True]
    pictures = [volume[..., 3] for volume in volumes]
    assert profiles["SCD"][3] == METRICS["SCD"](*pictures)
    assert profiles["SSIM"][3] == METRICS["SSIM"](*pictures)


@pytest.mark.filterwarnings("error")
def test_blank_slices_do_not_count_in_the_mean(volumes):
    profiles = slice_profile(*volumes, NAMES)
    means = profile_means(profiles)
    assert means == {name: pytest.approx(profiles[name][2:5].mean()) for name in NAMES}
    blank = np.zeros((12, 12, 3))
    assert np.isnan(profile_means(slice_profile(blank, blank, blank, ["SCD"]))["SCD"])


@pytest.mark.parametrize(
    ("shapes", "names", "axis", "message"),
    [
        (((8, 8, 3), (8, 8, 3), (8, 8, 4)), ["SCD"], -1, "one shape"),
        (((8, 8),) * 3, ["SCD"], -1, "three volumes"),
        (((8, 8, 3),) * 3, ["Nothing"], -1, "no metric Nothing"),
        (((8, 8, 3),) * 3, ["SCD"], 3, "axes 0, 1 and 2"),
    ],
)
def test_bad_input_is_refused(shapes, names, axis, message):
    with pytest.raises(InputError, match=message):
        slice_profile(*(np.zeros(shape) for shape in shapes), names, axis=axis)


def test_too_small_slices_are_refused(volumes):
    with pytest.raises(InputError, match="41 pixels"):
        slice_profile(*volumes, ["VIF"])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_slice_has_content_when_one_source_spans_more_than_noise(dtype):
    flat, noise, content = (np.full((4, 5), 200, dtype) for _ in range(3))
    noise[0, 0] += FAINTEST_CONTENT
    content[0, 0] += FAINTEST_CONTENT + 1
    assert not has_content(flat, noise)
    assert has_content(flat, content)
    assert has_content(content, flat)
