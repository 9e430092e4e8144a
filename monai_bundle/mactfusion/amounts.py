"""Counts and shares in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    Example:
        >>> counted(1, "copy"), counted(2, "copy"), counted(0, "region")
        ('1 copy', '2 copies', '0 regions')
    """
    several = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count} {what if count == 1 else several}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share in per cent; what is not nothing is not called 0 %, nor nearly all 100 %.

    Args:
        share: 0 to 1.
        decimals: of the number.

    Example:
        >>> percent(0.004), percent(0.004, 1), percent(0.9996, 1), percent(1)
        ('less than 1 %', '0.4 %', 'more than 99.9 %', '100 %')
    """
    least = 10.0**-decimals
    if 0 < share < least / 100:
        return f"less than {least:.{decimals}f} %"
    if 1 - least / 100 < share < 1:
        return f"more than {100 - least:.{decimals}f} %"
    return f"{100 * share:.{decimals}f} %"
