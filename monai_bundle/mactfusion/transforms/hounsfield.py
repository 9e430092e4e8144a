"""Whether values are Hounsfield units: decided here alone, by their air, soft tissue and bone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mactfusion.transforms.volume import is_8_bit_picture, plain, sample_voxels

if TYPE_CHECKING:
    import torch
    from monai.data import MetaTensor

HU = "HU"
_OFFSETS = (1024, 1000, 32768)
"""How much too high CT is stored where its rescale intercept got lost."""
LEAST_SPAN = 30
"""Noise alone spans more HU than this."""


def judge_hounsfield(volume: MetaTensor) -> tuple[bool, str]:
    """Tell whether a volume's values are Hounsfield units.

    Air near -1000 with soft tissue near 0 shows it. Without air a volume is believed where its
    modality is recorded as CT or its units as HU, unless its values contradict that: none below 0,
    no soft tissue, or next to no range. Values stored too high are never believed, whatever is
    recorded.

    Args:
        volume: ``(C, I, J, K)``, native values.

    Returns:
        Whether they are, and a reason, which completes "It is taken so because …".
    """
    units = str(volume.meta.get("units", "")).strip().upper()
    modality = str(volume.meta.get("modality", ""))
    if len(volume) != 1:
        return False, "it is in colour"
    if is_8_bit_picture(volume):
        return False, "it is a picture of 8 bits"
    if units not in ("", HU):
        return False, f"its units are recorded as {units}"
    if modality not in ("", "CT"):
        return False, f"its modality is recorded as {modality}"
    values = plain(volume).cpu().numpy()  # PyTorch would copy what does not lie in order
    low, high = float(values.min()), float(values.max())
    span = f"its values go from {low:g} to {high:g}"
    is_recorded = units == HU or modality == "CT"
    if not is_recorded and -200 < low < 0:
        return False, f"{span}, which are no Hounsfield units"
    if not is_recorded and low >= 0 and high <= min(_OFFSETS):
        return False, f"{span}, which fits MR, PET and SPECT alike"
    sample = sample_voxels(volume)
    if looks_like_hounsfield(sample):
        return True, f"{span} with the air and soft tissue of Hounsfield units"
    if (offset := offset_of(sample)) is not None:
        return False, f"{span}, like CT stored about {offset} too high (rescale intercept missing)"
    if not is_recorded:
        fits = "which fits MR, PET and SPECT alike" if low >= 0 else "which are no Hounsfield units"
        return False, f"{span}, {fits}"
    if contradiction := _contradiction(sample):
        return False, f"{span}, {contradiction}"
    return True, "its units are recorded as HU" if units else "its modality is recorded as CT"


def looks_like_hounsfield(sample: torch.Tensor) -> bool:
    """Tell by air and soft tissue, with hardly anything denser than bone.

    Phase images and field maps have negative values too, but no peak at the value of air.

    Args:
        sample: ``(N,)``, values.
    """
    air = ((sample >= -1100) & (sample <= -800)).float().mean()
    soft_tissue = ((sample > -200) & (sample <= 300)).float().mean()
    metal = (sample > 2500).float().mean()
    return bool(air >= 0.02 and soft_tissue >= 0.05 and metal <= 0.05)


def offset_of(sample: torch.Tensor) -> int | None:
    """Find by how much a CT is stored too high; None where it is none of the usual offsets.

    There is air near the offset less 1000, and a narrow peak of soft tissue (-20 to 100 HU) above
    the offset, and next to nothing below that air.

    Args:
        sample: ``(N,)``, values.
    """
    for offset in _OFFSETS:
        shifted = sample - offset
        air = ((shifted >= -1100) & (shifted <= -800)).float().mean()
        below = (shifted < -1100).float().mean()
        body = shifted[shifted > -800]
        if body.numel() and air >= 0.05 and below <= 0.01:
            soft_tissue = ((body > -20) & (body <= 100)).float().mean()
            if soft_tissue >= 0.25:
                return offset
    return None


def _contradiction(sample: torch.Tensor) -> str:
    """Say what speaks against Hounsfield units in a volume without air, "" where nothing does."""
    lowest, highest = float(sample.min()), float(sample.max())
    soft_tissue = float(((sample > -200) & (sample <= 300)).float().mean())
    has_bone = float((sample > 300).float().mean()) >= 0.001
    if highest - lowest < LEAST_SPAN:
        return "too small a range for Hounsfield units"
    if lowest >= 0 or (lowest > -30 and not has_bone):
        return "without the air, fat or bone of Hounsfield units"
    if soft_tissue < 0.05 or float((sample > 2500).float().mean()) > 0.05:
        return "without the soft tissue of Hounsfield units"
    return ""
