"""Sample data: a synthetic head as MR, CT and PET, made by this project and shipped with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import slicer
from slicer.i18n import tr as _

_FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "Samples"
_PATIENT = "MACTFusion synthetic head"


@dataclass(frozen=True)
class _File:
    """A volume that is shipped.

    Attributes:
        name: of the file.
        title: of the node.
        modality: DICOM's.
        digest: SHA-256.
        units: UCUM code and its meaning, ("", "") without.
    """

    name: str
    title: str
    modality: str
    digest: str
    units: tuple = ("", "")


_MR = _File(
    "mr.nrrd",
    "MR head (synthetic)",
    "MR",
    "f0c570064aa1c0ae38fff687b57b7785160b94a03149304b554d1c56b0f64afb",
)
_CT = _File(
    "ct.nrrd",
    "CT head (synthetic)",
    "CT",
    "fa0678d34c6b5091a4c5fbea12676fe18f0ad7a56a52dc92dd6c5a114a1f621e",
    ("[hnsf'U]", "Hounsfield unit"),
)
_PET = _File(
    "pet.nrrd",
    "PET head (synthetic)",
    "PT",
    "47af7abecc26ddd38c75c593febace3d24494551a2d8b016bd9d6c93d12154de",
    ("{SUVbw}g/ml", "Standardized Uptake Value body weight"),
)
_PAIRS = {"mr-pet": (_MR, _PET), "mr-ct": (_MR, _CT), "ct-pet": (_CT, _PET)}
STANDARD = "mr-pet"
"""The pair that is loaded where none is named."""


def sample_titles() -> dict:
    """Return what each pair is called, by its name."""
    return {"mr-pet": _("MR + PET"), "mr-ct": _("MR + CT"), "ct-pet": _("CT + PET")}


def load_samples(name: str = STANDARD) -> list:
    """Load a pair and return its nodes, the anatomical one first.

    Args:
        name: one of :func:`sample_titles`.

    Raises:
        OSError: a file is missing or damaged; nothing is loaded then.
    """
    pair = _PAIRS[name]
    for file in pair:
        _check(file)
    return [_load(file) for file in pair]


def register_samples() -> None:
    """Add the pairs to the module Sample Data."""
    import SampleData

    titles = sample_titles()
    for name, pair in _PAIRS.items():
        # Slicer wants address, name and hash of each file, also of data that come otherwise.
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="MACTFusion",
            sampleName=_("Head {pair}, synthetic").format(pair=titles[name]),
            thumbnailFileName=str(_FOLDER / f"{name}.png"),
            uris=[(_FOLDER / file.name).as_uri() for file in pair],
            fileNames=[file.name for file in pair],
            nodeNames=[file.title for file in pair],
            checksums=[f"SHA256:{file.digest}" for file in pair],
            customDownloader=partial(_load_for_slicer, name),
        )


def _load_for_slicer(name: str, _source: object) -> list:
    return load_samples(name)


def _check(file: _File) -> None:
    path = _FOLDER / file.name
    if hashlib.sha256(path.read_bytes()).hexdigest() != file.digest:
        raise OSError(_("{name} is damaged; install the extension again.").format(name=file.name))


def _load(file: _File) -> slicer.vtkMRMLScalarVolumeNode:
    node = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(file.title)
    )
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(_FOLDER / file.name))
    if not storage.ReadData(node):
        slicer.mrmlScene.RemoveNode(node)
        raise OSError(_("{name} cannot be read.").format(name=file.name))
    node.SetAttribute("DICOM.Modality", file.modality)
    node.SetAttribute("DICOM.PatientID", _PATIENT)
    node.SetAttribute("DICOM.PatientName", _PATIENT)
    code, meaning = file.units
    if code:
        entry = slicer.vtkCodedEntry()
        entry.SetValueSchemeMeaning(code, "UCUM", meaning)
        node.SetVoxelValueUnits(entry)
    node.CreateDefaultDisplayNodes()
    return node
