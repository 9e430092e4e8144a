"""Which slices count."""

from __future__ import annotations

import numpy as np
import pytest

from mactfusion.metrics.content import FAINTEST_CONTENT, has_content


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_slice_has_content_when_one_source_spans_more_than_noise(dtype):
    flat, noise, content = (np.full((4, 5), 200, dtype) for _ in range(3))
    noise[0, 0] += FAINTEST_CONTENT
    content[0, 0] += FAINTEST_CONTENT + 1
    assert not has_content(flat, noise)
    assert has_content(flat, content)
    assert has_content(content, flat)
