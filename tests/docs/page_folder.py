"""A folder with what a reader of the pages has: the clone's folders, and small images."""

from __future__ import annotations

import shutil

import nibabel
import numpy as np
import pydicom
from PIL import Image

SHAPE = (44, 48, 5)
"""As few pixels as every metric takes, or little more; the outer slices are blank."""
SPACING_MM = (4.0, 4.0, 10.0)


KINDS = {
    "MR": pydicom.uid.MRImageStorage,
    "CT": pydicom.uid.CTImageStorage,
    "PT": pydicom.uid.PositronEmissionTomographyImageStorage,
}


def head(scale, seed):
    """A round head with noise, int16, SHAPE."""
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    noise = np.random.default_rng(seed).random(SHAPE)
    return (np.clip(1 - radius, 0, 1) * (0.5 + noise / 2) * scale).astype(np.int16)


def prepare(folder, clone):
    """Fill a folder with links to what is in ``clone``, and images by the names in the pages."""
    for path in clone.iterdir():
        if not path.name.startswith((".", "runs", "demo")):
            (folder / path.name).symlink_to(path)  # what is run writes to new names alone
    mr = head(900, seed=0)
    ct = np.where(mr > 500, 900, np.where(mr > 0, 40, -1000)).astype(np.int16)
    volumes = {"MR": mr, "CT": ct, "PET": head(8000, seed=1), "SPECT": head(300, seed=2)}
    for name, array in volumes.items():
        affine = np.diag([*SPACING_MM, 1.0])
        nibabel.save(nibabel.Nifti1Image(array, affine), folder / f"{name}.nii.gz")
    (folder / "demo").mkdir()
    for name, source in (("T1", "MR"), ("PET", "PET")):
        shutil.copyfile(folder / f"{source}.nii.gz", folder / "demo" / f"{name}.nii.gz")
    for name, modality, array in (("mr", "MR", mr), ("ct", "CT", ct)):
        write_dicom(folder / "dicom" / name, modality, array)
    for name, modality, array in (("t1 axial", "MR", mr), ("brain ac", "PT", volumes["PET"])):
        write_dicom(folder / "STUDY" / modality, modality, array, SeriesDescription=name)
    write_pictures(folder / "slices/MRI", mr)
    write_pictures(folder / "slices/CT", ct)
    for part in ("train", "test"):
        write_pictures(folder / "DATA/CT-MRI" / part / "MRI", mr, name="{}001")
        write_pictures(folder / "DATA/CT-MRI" / part / "CT", ct, name="{}001")


def write_pictures(folder, array, name="{}"):
    """The inner slices in grey, 8 bits; in the data that networks train on each is a case."""
    folder.mkdir(parents=True)
    grey = np.interp(array, (array.min(), array.max()), (0, 255)).astype(np.uint8)
    for index in range(1, SHAPE[2] - 1):
        Image.fromarray(grey[..., index]).save(folder / f"{name.format(index)}.png")


def write_dicom(folder, modality, array, **tags):
    """A series of axial slices."""
    folder.mkdir(parents=True)
    for index in range(SHAPE[2]):
        meta = pydicom.dataset.FileMetaDataset()
        kind = KINDS[modality]
        meta.MediaStorageSOPClassUID = kind
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        slice_ = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        slice_.SOPClassUID, slice_.SOPInstanceUID = kind, f"1.2.3.{len(modality)}.{index + 1}"
        slice_.Modality, slice_.PatientID, slice_.InstanceNumber = modality, "P1", index + 1
        slice_.StudyInstanceUID, slice_.FrameOfReferenceUID = "1.2.3", "1.2.9"
        slice_.SeriesInstanceUID = f"1.2.4.{ord(modality[0])}"
        slice_.Columns, slice_.Rows = SHAPE[:2]
        slice_.PixelSpacing, slice_.SliceThickness = list(SPACING_MM[:2]), SPACING_MM[2]
        slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        slice_.ImagePositionPatient = [0, 0, index * SPACING_MM[2]]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
        slice_.PixelRepresentation, slice_.RescaleSlope, slice_.RescaleIntercept = 1, 1, 0
        for keyword, value in tags.items():
            setattr(slice_, keyword, value)
        slice_.PixelData = np.ascontiguousarray(array[..., index].T).tobytes()
        slice_.save_as(folder / f"{index:03d}.dcm", enforce_file_format=True)
