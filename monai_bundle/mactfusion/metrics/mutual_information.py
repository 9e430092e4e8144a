"""MI: how much the fused picture's grey levels tell about those of its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mactfusion.metrics.entropy import bits, grey_levels
from mactfusion.metrics.pictures import as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEVELS = 256


class _Entropies(NamedTuple):
    """H(X), H(F) and H(X, F) in bits."""

    source: float
    fused: float
    joint: float

    @property
    def shared(self) -> float:
        """I(X; F)."""
        return self.source + self.fused - self.joint


def mutual_information(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return MI = I(A; F) + I(B; F) in bits, I(X; F) = H(X) + H(F) - H(X, F).

    Entropies are those of the histograms of 256 and 256 x 256 grey levels. Larger is better.

    Source: Qu, Zhang and Yan, "Information measure for performance of image fusion", Electronics
    Letters 38(7), 2002.

    Other code: natural logarithm (0.693 times as much), mean of the sources (half), 254 and 255
    counted as one level in the joint histogram (up to 0.04 more), or normalised. DenseFuse's and
    DILRAN's ``analysis_MI.m`` print H(F), see :func:`mactfusion.metrics.entropy.entropy`.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, rounded to whole grey levels here.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        0 to 2 H(F), at most 16 bits.

    Raises:
        InputError: the pictures cannot be compared.
    """
    return sum(entropies.shared for entropies in _entropies(fused, source_a, source_b))


def mutual_information_in_nats(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return MI with the natural logarithm, 0 to 11.1 (CDDFuse, scikit-learn). Larger is better."""
    return mutual_information(fused, source_a, source_b) * float(np.log(2))


def mean_mutual_information(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return MI / 2, the mean of both sources in bits, 0 to 8. Larger is better."""
    return mutual_information(fused, source_a, source_b) / 2


def mutual_information_8_bit(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return MI as MATLAB code gives it that indexes the joint histogram by ``uint8 + 1``.

    There 255 + 1 saturates, so that levels 254 and 255 share a row of the joint histogram, though
    not of the marginal ones: 0.00 to 0.04 bits more than MI. Larger is better. Only for comparison
    with tables made by Tang's evaluation code.
    """
    return sum(entropies.shared for entropies in _entropies(fused, source_a, source_b, LEVELS - 2))


def normalised_mutual_information(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return Q_MI = 2 (I(A; F) / (H(A) + H(F)) + I(B; F) / (H(B) + H(F))).

    0 to 2, larger is better. Two constant pictures share nothing: their term is 0.

    Source: Hossny, Nahavandi and Creighton, "Comments on 'Information measure for performance of
    image fusion'", Electronics Letters 44(18), 2008.
    """
    return 2 * sum(
        entropies.shared / (entropies.source + entropies.fused)
        for entropies in _entropies(fused, source_a, source_b)
        if entropies.source + entropies.fused > 0
    )


def _entropies(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike, largest_joint: int = LEVELS - 1
) -> list[_Entropies]:
    """Return the entropies with each source; the joint histogram ends at ``largest_joint``."""
    levels, *sources = (
        grey_levels(picture).ravel() for picture in as_pictures(fused, source_a, source_b)
    )
    return [
        _Entropies(
            bits(np.bincount(source)),
            bits(np.bincount(levels)),
            bits(_joint(np.minimum(source, largest_joint), np.minimum(levels, largest_joint))),
        )
        for source in sources
    ]


def _joint(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.bincount(first * LEVELS + second)
