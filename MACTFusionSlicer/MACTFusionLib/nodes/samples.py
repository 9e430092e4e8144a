"""Sample data: a synthetic head as MR and PET, made by this project and shipped with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import slicer
from slicer.i18n import tr as _

_FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "Samples"
_FILES = (
    (
        "mr.nrrd",
        "MR head (synthetic)",
        "MR",
        "006cb3bff92008eb593d39e78ee49752cee8c0f114e910a1cb05a34bfc5b4c44",
    ),
    (
        "pet.nrrd",
        "PET head (synthetic)",
        "PT",
        "b97a2adafbaecbff7184635be54bb5736f99a541ffa042a2e3d6d478d50fd212",
    ),
)


def load_samples(_source: object = None) -> list:
    """Load both volumes and return their nodes.

    Raises:
        OSError: a file is missing or damaged.
    """
    return [_load(*sample) for sample in _FILES]


def register_samples() -> None:
    """Add the pair to the module Sample Data."""
    import SampleData

    # Slicer wants an address, a name and a hash for each file, also of data that come otherwise.
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MACTFusion",
        sampleName=_("MR head + PET, synthetic"),
        thumbnailFileName=str(_FOLDER / "thumbnail.png"),
        uris=[(_FOLDER / file).as_uri() for file, _name, _modality, _digest in _FILES],
        fileNames=[file for file, _name, _modality, _digest in _FILES],
        nodeNames=[name for _file, name, _modality, _digest in _FILES],
        checksums=[f"SHA256:{digest}" for _file, _name, _modality, digest in _FILES],
        customDownloader=load_samples,
    )


def _load(file_name: str, name: str, modality: str, digest: str) -> slicer.vtkMRMLScalarVolumeNode:
    path = _FOLDER / file_name
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise OSError(_("{name} is damaged; install the extension again.").format(name=file_name))
    node = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLScalarVolumeNode", slicer.mrmlScene.GenerateUniqueName(name)
    )
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        slicer.mrmlScene.RemoveNode(node)
        raise OSError(_("{name} cannot be read.").format(name=file_name))
    node.SetAttribute("DICOM.Modality", modality)
    node.CreateDefaultDisplayNodes()
    return node
