"""Counts and shares in words: what is not nothing is not called nothing."""

from __future__ import annotations

import pytest

from mactfusion.amounts import counted, percent


@pytest.mark.parametrize(
    ("share", "whole", "tenths"),
    [
        (0, "0 %", "0.0 %"),
        (0.0003, "less than 1 %", "less than 0.1 %"),
        (0.004, "less than 1 %", "0.4 %"),
        (0.01, "1 %", "1.0 %"),
        (0.5, "50 %", "50.0 %"),
        (0.994, "more than 99 %", "99.4 %"),
        (0.9996, "more than 99 %", "more than 99.9 %"),
        (1, "100 %", "100.0 %"),
    ],
)
def test_percent(share, whole, tenths):
    assert percent(share) == whole
    assert percent(share, 1) == tenths


def test_counted():
    assert [counted(count, "copy") for count in (0, 1, 2)] == ["0 copies", "1 copy", "2 copies"]
