"""Whether two volumes are of one patient and lie in one frame of reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai.data import MetaTensor

_PATIENTS = "different patients (identifier or birth date)"
_FRAMES = "different frames of reference (not aligned by the scanner)"


def same_patient_warning(anatomical: MetaTensor, partner: MetaTensor) -> str | None:
    """Say so when the headers of two volumes tell of two patients or two frames of reference.

    What one of them leaves empty tells nothing.

    Args:
        anatomical: a volume of DICOM; others tell nothing, so None is returned.
        partner: the same.

    Returns:
        One sentence without patient data, or None.
    """
    differing = []
    if _differ(_parts(anatomical, "patient_digest"), _parts(partner, "patient_digest")):
        differing.append(_PATIENTS)
    if _differ(_parts(anatomical, "frame_of_reference"), _parts(partner, "frame_of_reference")):
        differing.append(_FRAMES)
    if not differing:
        return None
    return (
        f"The DICOM headers of the two volumes name {' and '.join(differing)};"
        " check that they belong together and register them"
    )


def _parts(volume: MetaTensor, key: str) -> list[str]:
    return str(volume.meta.get(key, "")).split("|")


def _differ(first: list[str], second: list[str]) -> bool:
    return any(a and b and a != b for a, b in zip(first, second, strict=False))
