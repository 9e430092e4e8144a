"""Whether images and volumes are of one patient and lie in one frame of reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monai.data import MetaTensor

PATIENT = ("PatientID", "PatientBirthDate")
"""What tells patients apart."""

DIFFERENT_PATIENTS = "different patients (identifier or birth date)"
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
    if differ(_parts(anatomical, "patient_digest"), _parts(partner, "patient_digest")):
        differing.append(DIFFERENT_PATIENTS)
    if differ(_parts(anatomical, "frame_of_reference"), _parts(partner, "frame_of_reference")):
        differing.append(_FRAMES)
    if not differing:
        return None
    return (
        f"The DICOM headers of the two volumes name {' and '.join(differing)};"
        " check that they belong together and register them"
    )


def share_frame_of_reference(anatomical: MetaTensor, partner: MetaTensor) -> bool:
    """Tell whether the headers of two volumes name one frame of reference."""
    own, other = _parts(anatomical, "frame_of_reference"), _parts(partner, "frame_of_reference")
    return bool(own) and own == other and all(own)


def patient_numbers(patients: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """Count patients from 1, in the order in which they come.

    Args:
        patients: digests of identifier and birth date, "" where they are not filled in. What is
            not filled in tells nothing, unless it could be said of several patients.

    Returns:
        The number of each that was given.
    """
    known: list[list[tuple[str, ...]]] = []
    every = list(dict.fromkeys(patients))
    for patient in sorted(every, key=lambda patient: -sum(map(bool, patient))):
        fitting = [same for same in known if not any(differ(patient, other) for other in same)]
        if len(fitting) == 1:
            fitting[0].append(patient)
        else:
            known.append([patient])
    known.sort(key=lambda same: min(map(every.index, same)))
    return {patient: number for number, same in enumerate(known, 1) for patient in same}


def _parts(volume: MetaTensor, key: str) -> list[str]:
    return str(volume.meta.get(key, "")).split("|")


def differ(first: Sequence[str], second: Sequence[str]) -> bool:
    """Tell whether two records cannot be of one; what one of them leaves empty tells nothing."""
    return any(a and b and a != b for a, b in zip(first, second, strict=False))
