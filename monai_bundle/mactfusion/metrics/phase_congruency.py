"""Phase congruency: where the frequencies of a picture are in phase, there are features.

Both forms take log-Gabor filters of four scales in several orientations. For an orientation, with
the complex responses e_s and their sum e, the energy is the sum over s of
``Re(e_s conj(u)) - |Im(e_s conj(u))|``, u = e / (``|e|`` + 1e-4), less the energy that noise would
have, at least 0. Noise is estimated from the median response of the finest scale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2, ifft2, ifftshift

if TYPE_CHECKING:
    from mactfusion.metrics.pictures import Picture

SCALES = 4
SHORTEST_WAVELENGTH = 6.0  # pixels; doubles with every scale
BUTTERWORTH_CUTOFF, BUTTERWORTH_ORDER = 0.45, 15
NOISE_DEVIATIONS = 2.0  # above the mean energy of noise
OFFSET = 1e-4

Responses = NDArray[np.complex128]


class _Bank(NamedTuple):
    """The filters of one orientation for one picture size, zero frequency first."""

    filters: NDArray[np.float64]
    """Frequency responses, ``(4, H, W)``."""
    noise_gain: float
    """Energy of noise in the sum of the scales for each mean square of the finest response."""


def phase_congruency_of_energies(picture: Picture) -> Picture:
    """Return PC_2 of Kovesi's ``phasecong2.m`` as FSIM's authors use it, 0 to 1.

    Sum of the energies of four orientations over the sum of all amplitudes. Gaussian orientation
    filters, radial bandwidth 0.55; the energy of noise is computed from the filters and divided by
    1.7.

    Source: Kovesi, "Image features from phase congruency", Videre 1(3), 1999; parameters of Zhang,
    Zhang, Mou and Zhang, "FSIM", IEEE TIP 20(8), 2011.

    Args:
        picture: shape ``(H, W)``.

    Returns:
        The same shape; 0 where nothing responds.
    """
    banks = _banks(picture.shape, bandwidth=0.55, orientations=4, gaussian=True)
    spectrum = fft2(picture)
    energies, amplitudes = np.zeros(picture.shape), np.zeros(picture.shape)
    for bank in banks:
        responses = ifft2(spectrum * bank.filters)
        amplitude = np.abs(responses)
        mean_square = np.median(amplitude[0] ** 2) / np.log(2)
        noise = np.sqrt(bank.noise_gain * mean_square)
        energies += np.maximum(_energy(responses) - _threshold(noise) / 1.7, 0)
        amplitudes += amplitude.sum(axis=0)
    return np.divide(energies, amplitudes, out=np.zeros(picture.shape), where=amplitudes > 0)


def phase_congruency_of_orientations(picture: Picture) -> Picture:
    """Return the sum over six orientations of Kovesi's ``phasecong3.m``, 0 to 6.

    For each orientation energy over amplitude, weighted by 1 / (1 + exp(10 (0.5 - width))), width
    the share of scales that respond. Cosine orientation filters, radial bandwidth 0.5978; the
    noise of coarser scales is that of the finest, halved with each scale.

    Source: Kovesi, "Phase congruency detects corners and edges", DICTA 2003; parameters of the
    Python package image-similarity-measures.

    Args:
        picture: shape ``(H, W)``, scaled to 0 to 1.

    Returns:
        The same shape; 0 where nothing responds.
    """
    banks = _banks(picture.shape, bandwidth=0.5978, orientations=6, gaussian=False)
    spectrum = fft2(picture)
    total = np.zeros(picture.shape)
    for bank in banks:
        responses = ifft2(spectrum * bank.filters)
        amplitudes = np.abs(responses)
        noise = np.median(amplitudes[0]) / np.sqrt(np.log(4)) * (1 - 0.5**SCALES) / (1 - 0.5)
        energy = np.maximum(_energy(responses) - max(_threshold(noise), OFFSET), 0)
        amplitude = amplitudes.sum(axis=0)
        width = (amplitude / (amplitudes.max(axis=0) + OFFSET) - 1) / (SCALES - 1)
        weighted = energy / (1 + np.exp(10 * (0.5 - width)))
        total += np.divide(weighted, amplitude, out=np.zeros(picture.shape), where=amplitude > 0)
    return total


def _energy(responses: Responses) -> Picture:
    """Return the energy of one orientation before noise is taken off."""
    total = responses.sum(axis=0)
    direction = total / (np.abs(total) + OFFSET)
    turned = responses * direction.conj()
    return (turned.real - np.abs(turned.imag)).sum(axis=0)


def _threshold(rayleigh: float) -> float:
    """Return mean plus two standard deviations of a Rayleigh distribution."""
    return float(rayleigh * (np.sqrt(np.pi / 2) + NOISE_DEVIATIONS * np.sqrt(2 - np.pi / 2)))


@lru_cache(maxsize=4)
def _banks(
    shape: tuple[int, ...], *, bandwidth: float, orientations: int, gaussian: bool
) -> list[_Bank]:
    """Return one log-Gabor bank an orientation; the slices of a volume share them."""
    vertical, horizontal = np.meshgrid(*(_frequencies(size) for size in shape), indexing="ij")
    radius = np.hypot(horizontal, vertical)
    lowpass = 1 / (1 + (radius / BUTTERWORTH_CUTOFF) ** (2 * BUTTERWORTH_ORDER))
    radius[0, 0] = 1  # no logarithm of 0
    wavelengths = SHORTEST_WAVELENGTH * 2 ** np.arange(SCALES)
    logarithms = np.log(radius * wavelengths[:, None, None])
    radial = np.exp(-(logarithms**2) / (2 * np.log(bandwidth) ** 2)) * lowpass
    radial[:, 0, 0] = 0
    angle = np.arctan2(-vertical, horizontal)
    turns = np.arange(orientations) * np.pi / orientations
    distance = np.abs(np.angle(np.exp(1j * (angle - turns[:, None, None]))))
    if gaussian:
        sigma = np.pi / orientations / 1.2
        angular = np.exp(-(distance**2) / (2 * sigma**2))
    else:
        angular = (np.cos(np.minimum(distance * orientations / 2, np.pi)) + 1) / 2
    return [_bank(radial * around) for around in angular]


def _bank(filters: NDArray[np.float64]) -> _Bank:
    kernel = ifft2(filters.sum(axis=0)).real
    gain = (kernel**2).sum() * kernel.size / (filters[0] ** 2).sum()
    return _Bank(filters, float(gain))


def _frequencies(size: int) -> NDArray[np.float64]:
    """Return cycles per pixel, zero first; for odd sizes stretched to end at 0.5 as in the code."""
    return ifftshift(np.arange(-(size // 2), (size + 1) // 2) / (size - size % 2))
