"""EN: how many bits a pixel of the fused picture carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from mactfusion.metrics.pictures import Picture


def entropy(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return EN = -sum_i p_i log2 p_i over the 256 grey levels of the fused picture.

    Larger counts as better in the field, yet noise raises it, and so does a grey veil over black
    background. The sources play no part.

    Source: Shannon 1948; Roberts, van Aardt and Ahmed, "Assessment of image fusion procedures
    using entropy, image quality, and multispectral classification", J. Appl. Remote Sens. 2,
    2008.

    Other code: entropy of a network's unrounded output, :func:`entropy_of_floats`. Some MATLAB
    code prints EN under the name MI (``analysis_MI.m`` of DILRAN: its joint entropies are 0, so
    the mutual information with each source is H(F)); ``MI_dil`` is that figure.

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255, rounded to whole grey levels here.
        source_a: the same shape.
        source_b: the same shape.

    Returns:
        0 to 8 bits.

    Raises:
        InputError: the pictures cannot be compared.
    """
    fused, _, _ = as_pictures(fused, source_a, source_b)
    return bits(np.bincount(grey_levels(fused).ravel()))


def entropy_of_floats(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return the entropy of the unrounded picture, every distinct number a symbol.

    ``skimage.measure.shannon_entropy`` on a network's raw output, as in DILRAN's script: 0 to
    log2(H W), so that values above 8 are possible, and only this way. Neither larger nor smaller
    is better: it counts how many numbers differ in the last digit. Of an 8-bit picture it is EN;
    of output that was clipped to 0 to 255, all that was clipped to one end is one symbol.
    """
    fused, _, _ = as_pictures(fused, source_a, source_b)
    return bits(np.unique(fused, return_counts=True)[1])


def grey_levels(picture: Picture) -> NDArray[np.intp]:
    """Return the picture rounded to whole grey levels."""
    return np.rint(picture).astype(np.intp)


def bits(counts: NDArray[np.integer]) -> float:
    """Return the entropy of a histogram in bits."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0  # no minus before 0
