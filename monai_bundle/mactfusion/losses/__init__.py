"""Training criteria: how far a fused slice is from both of its sources.

Every term takes the raw network output ``pred`` ``(B, 1, H, W)`` (not clamped) and ``sources``
``(B, 2, H, W)`` in [0, 1], and returns one number. :class:`FusionLoss` adds them by weight, so
that a training configuration names each term on a line of its own. One file holds what one
published system trains with.
"""

from mactfusion.losses.cminet import MaximumSimilarityLoss, PixelLoss, TextureLoss
from mactfusion.losses.dilran import (
    GradientDifferenceLoss,
    PerceptualLoss,
    ReconstructionLoss,
    dilran_loss,
)
from mactfusion.losses.mactfusion import (
    WANG_WEIGHTS,
    AbsoluteIntensityLoss,
    GradientMagnitudeLoss,
    IntensityLoss,
    LegacyMultiScaleSimilarityLoss,
)
from mactfusion.losses.msgfusion import BothDistanceLoss, BothSimilarityLoss
from mactfusion.losses.quality import (
    DifferenceCorrelationLoss,
    EdgePreservationLoss,
    GradientVectorLoss,
    RangeLoss,
    StrongestStructureLoss,
    WeightedQualityLoss,
)
from mactfusion.losses.weighted_sum import FusionLoss
from mactfusion.losses.windows import (
    gaussian_window,
    local_mean,
    sobel,
    structural_similarity,
)

__all__ = [
    "WANG_WEIGHTS",
    "AbsoluteIntensityLoss",
    "BothDistanceLoss",
    "BothSimilarityLoss",
    "DifferenceCorrelationLoss",
    "EdgePreservationLoss",
    "FusionLoss",
    "GradientDifferenceLoss",
    "GradientMagnitudeLoss",
    "GradientVectorLoss",
    "IntensityLoss",
    "LegacyMultiScaleSimilarityLoss",
    "MaximumSimilarityLoss",
    "PerceptualLoss",
    "PixelLoss",
    "RangeLoss",
    "ReconstructionLoss",
    "StrongestStructureLoss",
    "TextureLoss",
    "WeightedQualityLoss",
    "dilran_loss",
    "gaussian_window",
    "local_mean",
    "sobel",
    "structural_similarity",
]
