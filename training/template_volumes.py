"""Volumes of an average head in one space: names of the public MNI templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MR, CT, PET, SPECT = "T1.nii", "CT_HU_from_scct.nii.gz", "PET.nii", "SPECT.nii"
WITH_MR = {"ct-mri": CT, "pet-mri": PET, "spect-mri": SPECT}
"""Task to the file of the partner of the MR."""
ON_CT = {"pet-ct": PET, "spect-ct": SPECT}
"""Task to the file of the partner of the CT."""


def template_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Task to the MR and its partner; all are in one space, so that nothing is registered."""
    return {task: (folder / MR, folder / partner) for task, partner in WITH_MR.items()}


def template_pairs_on_ct(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Task to the CT and its partner, likewise."""
    return {task: (folder / CT, folder / partner) for task, partner in ON_CT.items()}
