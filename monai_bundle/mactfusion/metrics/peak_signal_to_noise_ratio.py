"""PSNR: the squared distance of the fused picture to its sources, in decibels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mactfusion.metrics.pictures import Picture, as_pictures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PEAK = 255.0


def peak_signal_to_noise_ratio(fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike) -> float:
    """Return PSNR = 10 log10(255^2 / ((MSE(A, F) + MSE(B, F)) / 2)).

    Larger is better, but the pixel average of the sources is the best possible picture: PSNR is
    a measure of distance, not of fusion.

    Source: Ma, Ma and Li, "Infrared and visible image fusion methods and applications: a survey",
    Information Fusion 45, 2019.

    Other code: the mean of one PSNR per source (:func:`mean_peak_signal_to_noise_ratio`); each
    source's maximum as peak (:func:`peak_signal_to_noise_ratio_of_source_range`); 48.13 dB more,
    where pictures were scaled to 0 to 1 and the peak was not
    (:func:`peak_signal_to_noise_ratio_of_mixed_scales`).

    Args:
        fused: F, shape ``(H, W)``, luminance 0 to 255.
        source_a: A, the same shape.
        source_b: B, the same shape.

    Returns:
        Decibels, 0 upwards; infinity for three equal pictures.

    Raises:
        InputError: the pictures cannot be compared.
    """
    fused, source_a, source_b = as_pictures(fused, source_a, source_b)
    return _decibels((_squared_error(source_a, fused) + _squared_error(source_b, fused)) / 2, PEAK)


def mean_peak_signal_to_noise_ratio(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return (PSNR(A, F) + PSNR(B, F)) / 2 with the peak 255, in decibels. Larger is better."""
    fused, *sources = as_pictures(fused, source_a, source_b)
    return sum(_decibels(_squared_error(source, fused), PEAK) for source in sources) / 2


def peak_signal_to_noise_ratio_of_source_range(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return (PSNR(A, F) + PSNR(B, F)) / 2, the peak being each source's own maximum.

    Decibels, larger is better; minus infinity where a source is black and F is not. The default
    of torchmetrics up to 0.11, which DILRAN's script uses.
    """
    fused, *sources = as_pictures(fused, source_a, source_b)
    values = [_decibels(_squared_error(source, fused), source.max()) for source in sources]
    return min(values) if min(values) == float("-inf") else sum(values) / 2


def peak_signal_to_noise_ratio_of_mixed_scales(
    fused: ArrayLike, source_a: ArrayLike, source_b: ArrayLike
) -> float:
    """Return PSNR + 48.13 dB: errors on the scale 0 to 1 under the peak 255 (Tang's code).

    Larger is better.
    """
    return peak_signal_to_noise_ratio(fused, source_a, source_b) + float(20 * np.log10(PEAK))


def _squared_error(first: Picture, second: Picture) -> float:
    return float(((first - second) ** 2).mean())


def _decibels(squared_error: float, peak: float) -> float:
    if squared_error == 0:
        return float("inf")
    return float(10 * np.log10(peak**2 / squared_error)) if peak > 0 else float("-inf")
