"""Heads that pairs are made of: synthetic ones, and public volumes in folders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.io.read import read_volume
from mactfusion.phantom import HeadPhantom

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor

FIRST_MM, LAST_MM = np.array([-100.0, -118.0, -125.0]), np.array([100.0, 122.0, 105.0])
"""Opposite corners of what is sampled of a synthetic head."""

SHARP_MM, EMISSION_MM = 1.5, 2.0

TEMPLATES = {
    "T1": "avg152T1.nii",
    "T1 smooth": "T1.nii",
    "T2": "avg152T2.nii.gz",
    "PD": "avg152PD.nii.gz",
    "CT": "CT_HU_from_scct.nii.gz",
    "PET": "PET.nii",
    "SPECT": "SPECT.nii",
}
"""Files of the public MNI templates; one space, averages of many people."""

PATIENT = {"T1": "T1.nii.gz", "T2": "T2.nii.gz", "FLAIR": "FLAIR.nii.gz"}
"""Files of one patient after a stroke, without skull."""


@dataclass
class Subject(ABC):
    """A head in several modalities, all in one place.

    Attributes:
        name: for tables.
        anatomical: modalities that can be the anatomical volume.
        partners: modalities that can be the partner.
        is_symmetric: left and right cannot be told apart, by averaging.
    """

    name: str
    anatomical: tuple[str, ...]
    partners: tuple[str, ...]
    is_symmetric: bool = False
    _kept: dict[str, MetaTensor] = field(default_factory=dict)

    def volume(self, modality: str) -> MetaTensor:
        """Return one modality, ``(1, I, J, K)``; it is made or read once."""
        if modality not in self._kept:
            self._kept[modality] = self._made(modality)
        return self._kept[modality]

    @abstractmethod
    def _made(self, modality: str) -> MetaTensor:
        """Make or read one modality."""


@dataclass
class Synthetic(Subject):
    """The synthetic head of a seed."""

    seed: int = 0

    @classmethod
    def of(cls, seed: int) -> Synthetic:
        """Return the head of a seed."""
        return cls(f"synthetic {seed}", ("T1",), ("T2", "CT", "PET", "SPECT"), seed=seed)

    def _made(self, modality: str) -> MetaTensor:
        mm = EMISSION_MM if modality in ("PET", "SPECT") else SHARP_MM
        affine = np.diag([mm, mm, mm, 1.0])
        affine[:3, 3] = FIRST_MM
        shape = np.ceil((LAST_MM - FIRST_MM) / mm).astype(int)
        return HeadPhantom(self.seed).sample(modality, shape.tolist(), affine)


@dataclass
class Stored(Subject):
    """Volumes in files.

    Attributes:
        files: by modality.
    """

    files: dict[str, Path] = field(default_factory=dict)

    def _made(self, modality: str) -> MetaTensor:
        return read_volume(self.files[modality])


def templates(folder: Path, one_mm: Path | None = None) -> Subject:
    """Return the MNI templates; with the T1 of 1 mm as the only anatomical volume where given."""
    files = {modality: folder / name for modality, name in TEMPLATES.items()}
    partners = ("PD", "CT", "PET", "SPECT")
    if one_mm is None:
        return Stored("templates", ("T1", "T1 smooth", "T2"), partners, True, files=files)
    files["T1"] = one_mm
    return Stored("templates, T1 of 1 mm", ("T1",), ("T2", *partners[1:]), True, files=files)


def patient(folder: Path) -> Subject:
    """Return the patient after a stroke."""
    files = {modality: folder / name for modality, name in PATIENT.items()}
    return Stored("patient after a stroke", tuple(files), tuple(files), files=files)


def single(name: str, path: Path) -> Subject:
    """Return a head of which there is a T1 alone: it is another patient for all others."""
    return Stored(name, (), ("T1",), files={"T1": path})
