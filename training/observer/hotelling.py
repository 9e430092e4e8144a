"""The Hotelling observer: the best linear weights of responses, and noise of its own.

Weights are those of K. J. Myers and H. H. Barrett, "Addition of a channel mechanism to the
ideal-observer model", J. Opt. Soc. Am. A 4, 2447-2457, 1987, and J. Yao and H. H. Barrett,
"Predicting human performance by a channelized Hotelling observer model", Proc. SPIE 1768, 161-168,
1992. A. E. Burgess and B. Colborne, "Visual signal detection. IV. Observer inconsistency", J. Opt.
Soc. Am. A 5, 617-627, 1988, found two noises in people: a static one, and one that grows with that
of the picture, to 0.75 of it. The first is put on each channel and the second on the score, two of
the ways that Y. Zhang, B. T. Pham and M. P. Eckstein, "Evaluation of internal noise methods for
Hotelling observer models", Med. Phys. 34, 3312-3322, 2007, compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import ndtr

from mactfusion.trust.lesions import Lesion, draw_spots
from training.observer.channels import REACH_MM, gabor_channels, respond

if TYPE_CHECKING:
    from numpy.typing import NDArray

JUST_SEEN = 0.02
"""Difference in OKLab that one just sees, of CSS Color 4."""
INDUCED = 0.75
"""Noise of the score that a picture induces, as a share of the score's own standard deviation."""
_LEAST_VARIANCE = 1e-6
"""Of all responses, as a share of their mean."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the observer's own noise.

    Attributes:
        static: of each channel's response.
        induced: of the score, as a share of the deviation that backgrounds give it.
    """

    static: float
    induced: float


@dataclass(frozen=True)
class Template:
    """A trained observer.

    Attributes:
        weights: ``(F,)``, of the responses.
        noise: standard deviation of what is added to a score.
    """

    weights: NDArray[np.float64]
    noise: float

    def score(self, responses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score places ``(N, F)`` without the noise, ``(N,)``: high where a lesion seems to be."""
        return responses @ self.weights


@cache
def human_noise() -> Noise:
    """Return the noise of a person.

    The static part is such that a disk of 12 mm, :data:`JUST_SEEN` lighter than an even
    background, is seen with d' = 1.
    """
    side = 2 * int(REACH_MM) + 1
    centre = torch.tensor([[side // 2, side // 2]])
    disk = draw_spots(Lesion("disk", JUST_SEEN, 12.0), centre, torch.zeros(1), (side, side)).share
    signal = respond(JUST_SEEN * disk, gabor_channels((1.0, 1.0)))
    return Noise(float(signal.norm()), INDUCED)


@dataclass(frozen=True)
class Lesson:
    """What an observer learns from.

    Attributes:
        signal: ``(F,)``, mean of what lesions change.
        spread: ``(F, F)``, covariance of responses, the mean of that with and without lesions.
    """

    signal: NDArray[np.float64]
    spread: NDArray[np.float64]

    def template(self, noise: Noise) -> Template:
        """Train an observer with this noise of its own."""
        # A grey picture has no colour to respond to, nor then a variance.
        least = _LEAST_VARIANCE * float(np.diag(self.spread).mean())
        static = noise.static**2
        inner = self.spread + (static + least) * np.eye(len(self.signal))
        weights = np.asarray(np.linalg.solve(inner, self.signal), np.float64)
        outer = float(weights @ self.spread @ weights)
        own = static * float(weights @ weights) + noise.induced**2 * outer
        return Template(weights, own**0.5)


def told_apart(
    present: NDArray[np.float64], absent: NDArray[np.float64], noise: float
) -> NDArray[np.float64]:
    """Return how likely each place with a lesion gets a higher score than each without.

    The mean is the area under the ROC curve.

    Args:
        present: scores ``(M,)``.
        absent: scores ``(N,)``.
        noise: standard deviation of what is added to each score.

    Returns:
        ``(M, N)`` in [0, 1].
    """
    difference = present[:, None] - absent[None]
    if noise == 0:
        return (np.sign(difference) + 1) / 2
    return ndtr(difference / (2**0.5 * noise))
