"""V′ of MsgFusion: the brightness of HSV, turned round so that it shows uptake or bone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def brightness_map(rgb: Tensor, of_ct: bool, full_scale: float = 1.0) -> Tensor:
    """Compute the new brightness V′ of colour slices, before the stretch to [0, 1].

    With ``S = R + G + B`` it is, for PET and SPECT, ``S − max(R, G, B)``: the sum of the two
    smaller channels. For CT it is ``S − min(S, full scale)``: nothing up to a third of full
    scale, three times the slope above. Both are cut off at full scale.

    Args:
        rgb: ``(B, 3, H, W)``, 0 to ``full_scale``.
        of_ct: the formula for CT, otherwise that for PET and SPECT.
        full_scale: 1, or 255 for the exact integers of 8-bit slices.

    Returns:
        ``(B, 1, H, W)``, 0 to ``full_scale``. The authors then stretch each slice to [0, 1].
    """
    total = rgb.sum(dim=1, keepdim=True)
    taken = total.clamp(max=full_scale) if of_ct else rgb.amax(dim=1, keepdim=True)
    return (total - taken).clamp(0, full_scale)
