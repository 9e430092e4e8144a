"""Quality of a fused picture against its two sources, without a ground truth.

Every function takes ``(fused, source_a, source_b)``: three 2-D luminance pictures of one size,
values 0 to 255 (8-bit scale, any number type), and returns one float. Of most of them larger is
better, see :data:`LARGER_IS_BETTER`, and the sources may be exchanged (except in VIFF, VIF_A and
VIF_B).

Not here: RQ of the MsgFusion paper, whose definition is not known to us.

Nothing here needs torch; :mod:`mactfusion.metrics.cumulative` makes MONAI metrics of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.metrics.average_gradient import average_gradient
from mactfusion.metrics.correlation import correlation_coefficient
from mactfusion.metrics.edge_preservation import (
    edge_preservation,
    edge_preservation_of_unit_scale,
    edge_preservation_with_equal_edges_kept,
)
from mactfusion.metrics.entropy import entropy, entropy_of_floats
from mactfusion.metrics.feature_mutual_information import feature_mutual_information
from mactfusion.metrics.feature_similarity import (
    feature_similarity,
    feature_similarity_of_unit_scale,
)
from mactfusion.metrics.lost_structure import invented_structure, lost_structure
from mactfusion.metrics.ms_ssim_fusion import mef_ssim, ms_ssim_fusion
from mactfusion.metrics.multi_scale_structural_similarity import multi_scale_structural_similarity
from mactfusion.metrics.mutual_information import (
    mean_mutual_information,
    mutual_information,
    mutual_information_8_bit,
    mutual_information_in_nats,
    normalised_mutual_information,
)
from mactfusion.metrics.peak_signal_to_noise_ratio import (
    mean_peak_signal_to_noise_ratio,
    peak_signal_to_noise_ratio,
    peak_signal_to_noise_ratio_of_mixed_scales,
    peak_signal_to_noise_ratio_of_source_range,
)
from mactfusion.metrics.spatial_frequency import (
    relative_spatial_frequency_error,
    spatial_frequency,
    spatial_frequency_of_unit_scale,
    spatial_frequency_per_pixel,
)
from mactfusion.metrics.standard_deviation import standard_deviation, standard_deviation_8_bit
from mactfusion.metrics.structural_similarity import (
    structural_similarity,
    structural_similarity_of_range_two,
)
from mactfusion.metrics.sum_of_correlations_of_differences import (
    sum_of_correlations_of_differences,
    sum_of_correlations_of_saturated_differences,
)
from mactfusion.metrics.visual_information_fidelity import (
    visual_information_fidelity,
    visual_information_fidelity_8_bit,
    visual_information_fidelity_to_a,
    visual_information_fidelity_to_b,
)
from mactfusion.metrics.visual_information_fidelity_for_fusion import (
    visual_information_fidelity_for_fusion,
)
from mactfusion.metrics.weighted_fusion_quality import (
    edge_dependent_fusion_quality,
    fusion_quality,
    fusion_quality_without_constants,
    weighted_fusion_quality,
    weighted_fusion_quality_without_constants,
)
from mactfusion.metrics.yang_similarity import yang_similarity

if TYPE_CHECKING:
    from collections.abc import Callable

METRICS: dict[str, Callable[..., float]] = {
    "SCD": sum_of_correlations_of_differences,
    "MS_SSIM": ms_ssim_fusion,
    "Qabf": edge_preservation,
    "Qw": weighted_fusion_quality,
    "VIF": visual_information_fidelity,
    "VIFF": visual_information_fidelity_for_fusion,
    "MI": mutual_information,
    "Q_MI": normalised_mutual_information,
    "FMI": feature_mutual_information,
    "SSIM": structural_similarity,
    "FSIM": feature_similarity,
    "Q": fusion_quality,
    "Qe": edge_dependent_fusion_quality,
    "Q_Y": yang_similarity,
    "CC": correlation_coefficient,
    "PSNR": peak_signal_to_noise_ratio,
    "EN": entropy,
    "SD": standard_deviation,
    "SF": spatial_frequency,
    "AG": average_gradient,
    "rSFe": relative_spatial_frequency_error,
    "LOST": lost_structure,
    "INVENTED": invented_structure,
}
"""Names that papers print to functions, all called as ``(fused, source_a, source_b)``.

The first five are those that methods are ranked by here, see :data:`RANKING`.
"""

VARIANTS: dict[str, Callable[..., float]] = {
    "SCD_u8": sum_of_correlations_of_saturated_differences,
    "MS_SSIM_wang": multi_scale_structural_similarity,
    "MEF_SSIM": mef_ssim,
    "Qabf_01": edge_preservation_of_unit_scale,
    "Qabf_one": edge_preservation_with_equal_edges_kept,
    "Q_uqi": fusion_quality_without_constants,
    "Qw_uqi": weighted_fusion_quality_without_constants,
    "VIF_A": visual_information_fidelity_to_a,
    "VIF_B": visual_information_fidelity_to_b,
    "VIF_u8": visual_information_fidelity_8_bit,
    "MI_u8": mutual_information_8_bit,
    "MI_nats": mutual_information_in_nats,
    "MI_mean": mean_mutual_information,
    "MI_dil": entropy,
    "SSIM_cdd": structural_similarity_of_range_two,
    "FSIM_dil": feature_similarity_of_unit_scale,
    "PSNR_mean": mean_peak_signal_to_noise_ratio,
    "PSNR_dil": peak_signal_to_noise_ratio_of_source_range,
    "PSNR_tang": peak_signal_to_noise_ratio_of_mixed_scales,
    "EN_float": entropy_of_floats,
    "SD_u8": standard_deviation_8_bit,
    "SF_01": spatial_frequency_of_unit_scale,
    "SF_mn": spatial_frequency_per_pixel,
}
"""What other code computes under one of the names above, called the same way.

Needed to compare with published tables, which rarely say what they hold. The part of the name
before the underscore is the one that tables print: ``u8`` is 8-bit MATLAB arithmetic, ``01``
pictures of 0 to 1, ``dil`` DILRAN's scripts, ``cdd`` CDDFuse's, ``tang`` Tang's. ``MI_dil`` is EN.
"""

OF_COLORS = ("READ", "DISTURBED")
"""How well uptake is read from the colours of a fused volume, and how far the MR disturbs that:
:class:`~mactfusion.metrics.readability.Readability`, of a volume as a whole."""

RANKING = ("SCD", "MS_SSIM", "Qabf", "Qw", "VIF")
"""The metrics of the MACTFusion paper (but SD), of all of which larger is better."""

_NEITHER = ("rSFe", "SD_u8", "EN_float", "VIF_A", "VIF_B")
_SMALLER = ("LOST", "INVENTED", "DISTURBED")
LARGER_IS_BETTER: dict[str, bool | None] = {
    name: None if name in _NEITHER else name not in _SMALLER
    for name in (*METRICS, *VARIANTS, *OF_COLORS)
}
"""Direction of every metric and variant; None: neither larger nor smaller is better.

EN, SD, SF and AG look at the fused picture alone: larger is better by custom, and noise is best.
"""


def find_metric(name: str) -> Callable[..., float]:
    """Return a metric or variant by its name.

    Raises:
        InputError: there is none of this name; the sentence lists all.
    """
    functions = METRICS | VARIANTS
    if name not in functions:
        msg = f"There is no metric {name}; there are {', '.join(functions)}."
        raise InputError(msg)
    return functions[name]


__all__ = ["LARGER_IS_BETTER", "METRICS", "RANKING", "VARIANTS", "find_metric"]
