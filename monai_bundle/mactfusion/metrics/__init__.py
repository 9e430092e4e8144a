"""Quality of a fused picture against its two sources, without a ground truth.

Every function takes ``(fused, source_a, source_b)``: three 2-D luminance pictures of one size,
values 0 to 255 (8-bit scale, any number type), and returns one float; larger is better, and the
two sources may be exchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.metrics.edge_preservation import edge_preservation
from mactfusion.metrics.ms_ssim_fusion import ms_ssim_fusion
from mactfusion.metrics.sum_of_correlations_of_differences import sum_of_correlations_of_differences
from mactfusion.metrics.visual_information_fidelity import visual_information_fidelity
from mactfusion.metrics.weighted_fusion_quality import weighted_fusion_quality

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS: dict[str, Callable[..., float]] = {
    "SCD": sum_of_correlations_of_differences,
    "MS_SSIM": ms_ssim_fusion,
    "Qabf": edge_preservation,
    "Qw": weighted_fusion_quality,
    "VIF": visual_information_fidelity,
}
"""Names that papers print to functions, all called as ``(fused, source_a, source_b)``."""

__all__ = [
    "METRICS",
    "edge_preservation",
    "ms_ssim_fusion",
    "sum_of_correlations_of_differences",
    "visual_information_fidelity",
    "weighted_fusion_quality",
]
