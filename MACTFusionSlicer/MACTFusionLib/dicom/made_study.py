"""A study of one patient as DICOM files, made on the spot from arrays: for tests.

Here and in the application, which brings pydicom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}
PATIENT = {
    "PatientName": "Nobody^Real",
    "PatientID": "P1",
    "PatientBirthDate": "19700101",
    "StudyInstanceUID": "1.2.826.0.1.1",
    "FrameOfReferenceUID": "1.2.826.0.1.9",
    "StudyDescription": "Head",
}


def turned(
    degrees: float = 0.0,
    spacing: tuple = (1.25, 1.5, 3.0),
    origin: tuple = (11.5, -20.25, 600.5),
    mirrored: bool = False,
) -> np.ndarray:
    """Return an affine in RAS millimetres whose slices are tilted and turned, far from the origin.

    Args:
        degrees: about the axis to the left, and half as much about that upwards.
        spacing: of I, J and K.
        origin: of the first voxel.
        mirrored: I, J and K form a left-handed system.
    """
    tilt, turn = np.radians(degrees), np.radians(degrees / 2)
    about_left = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    about_up = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    signs = np.diag([-1.0, -1.0, -1.0 if mirrored else 1.0])
    affine[:3, :3] = about_up @ about_left @ signs @ np.diag(spacing)
    affine[:3, 3] = origin
    return affine


def write_series(folder: Path, volume: tuple, modality: str, **tags: Any) -> list:
    """Write one file for each K of a volume; returns their paths.

    Args:
        folder: made where it is missing.
        volume: ``(array, affine)``, whole numbers ``(I, J, K)``, and RAS millimetres.
        modality: MR, CT or PT.
        tags: attributes that differ from :data:`PATIENT` and what is usual.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    array, affine = volume
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    along_row, along_column = (lps[:3, :3] / spacing).T[:2]
    series = tags.pop("SeriesInstanceUID", generate_uid())
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(array.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = STORAGE[modality]
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset(
            None,
            {},
            file_meta=meta,
            preamble=b"\0" * 128,
            is_implicit_VR=False,
            is_little_endian=True,
        )
        image.SOPClassUID = meta.MediaStorageSOPClassUID
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.SpecificCharacterSet = "ISO_IR 192"
        image.Modality, image.SeriesInstanceUID = modality, series
        image.StudyDate, image.StudyTime, image.StudyID = "20240102", "100000", "1"
        image.SeriesDate, image.SeriesTime, image.SeriesNumber = "20240102", "101500", 3
        image.SeriesDescription = {"MR": "T1", "CT": "CT head", "PT": "FDG"}[modality]
        image.AccessionNumber, image.InstanceNumber = "", index + 1
        image.Manufacturer = "MAKER"
        image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]
        position = lps[:3, 3] + index * lps[:3, 2]
        image.ImagePositionPatient = [f"{mm:.10g}" for mm in position]
        image.ImageOrientationPatient = [f"{part:.10g}" for part in (*along_row, *along_column)]
        image.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
        image.SliceThickness = f"{spacing[2]:.10g}"
        if modality != "MR":
            image.RescaleSlope, image.RescaleIntercept = 1, 0
        if modality == "PT":
            image.Units = "BQML"
        image.Rows, image.Columns = array.shape[1], array.shape[0]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.PixelData = np.ascontiguousarray(array[:, :, index].T, "<i2").tobytes()
        image["PixelData"].VR = "OW"
        for keyword, value in {**PATIENT, **tags}.items():
            if value is None:
                if keyword in image:
                    delattr(image, keyword)
            else:
                setattr(image, keyword, value)
        paths.append(folder / f"{index:03d}.dcm")
        image.save_as(paths[-1])
    return paths
