"""Whole inputs of every format, which are to be mutated: files by their names."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import tifffile
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

if TYPE_CHECKING:
    from pathlib import Path

Files = dict[str, bytes]
"""What an input consists of; the first is the one to read, or all are of one folder."""

VOXELS = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 101 - 20).astype(np.int16)
AFFINE = np.array([[1.92, -0.84, 0, -10], [0.56, 2.88, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])
"""A turn of 16 degrees, and voxels of 2 x 3 x 4 mm."""

PIXELS = (np.arange(9 * 13).reshape(9, 13) * 211 % 60000).astype(np.uint16)


def nifti(image: nibabel.Nifti1Image, *, sform: int = 1, qform: int = 1, unit: str = "mm") -> bytes:
    image.set_sform(AFFINE, sform)
    image.set_qform(AFFINE, qform)
    image.header.set_xyzt_units(unit)
    return image.to_bytes()


def nifti_inputs() -> dict[str, Files]:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours = np.random.default_rng(0).integers(0, 255, (*VOXELS.shape, 3), np.uint8)
    scaled = nibabel.Nifti1Image(VOXELS, AFFINE)
    scaled.header.set_slope_inter(0.5, 3)
    swapped = nibabel.Nifti1Image(VOXELS, AFFINE).header.as_byteswapped(">")
    pair = nibabel.Nifti1Pair(VOXELS, AFFINE)
    maps = nibabel.Nifti1Pair.make_file_map({key: io.BytesIO() for key in ("header", "image")})
    pair.to_file_map(maps)
    halves = {kind: maps[kind].fileobj.getvalue() for kind in ("header", "image")}
    mgh = nibabel.MGHImage(VOXELS, AFFINE).to_bytes()
    return {
        "nii": {"a.nii": nifti(nibabel.Nifti1Image(VOXELS, AFFINE))},
        "nii qform": {"a.nii": nifti(nibabel.Nifti1Image(VOXELS * 1.5, AFFINE), sform=0)},
        "nii slope": {"a.nii": nifti(scaled, unit="micron")},
        "nii big": {"a.nii": nifti(nibabel.Nifti1Image(VOXELS, AFFINE, swapped))},
        "nii 2": {"a.nii": nifti(nibabel.Nifti2Image(VOXELS, AFFINE))},
        "nii rgb": {"a.nii": nifti(nibabel.Nifti1Image(colours.view(rgb)[..., 0], AFFINE))},
        "nii gz": {"a.nii.gz": gzip.compress(nifti(nibabel.Nifti1Image(VOXELS, AFFINE)))},
        "nii pair": {"a.hdr": halves["header"], "a.img": halves["image"]},
        "mgh": {"a.mgh": mgh},
        "mgz": {"a.mgz": gzip.compress(mgh)},
    }


def lps_text(column: int) -> str:
    lps = np.diag([-1, -1, 1, 1]) @ AFFINE
    return ",".join(f"{value:.12g}" for value in lps[:3, column])


def nrrd_inputs() -> dict[str, Files]:
    def header(**other: str) -> bytes:
        fields = {
            "type": "short",
            "dimension": "3",
            "space": "left-posterior-superior",
            "sizes": "5 6 7",
            "space directions": " ".join(f"({lps_text(axis)})" for axis in range(3)),
            "kinds": "domain domain domain",
            "endian": "little",
            "encoding": "raw",
            "space origin": f"({lps_text(3)})",
        } | {key.replace("_", " "): value for key, value in other.items()}
        lines = [f"{key}: {value}" for key, value in fields.items() if value]
        return ("NRRD0005\n# by hand\n" + "\n".join(lines) + "\n\n").encode()

    raw = VOXELS.astype("<i2").tobytes("F")
    colours = np.random.default_rng(0).integers(0, 255, 3 * VOXELS.size, np.uint8).tobytes()
    text = " ".join(map(str, VOXELS.ravel("F").tolist())).encode()
    directions = " ".join(f"({lps_text(axis)})" for axis in range(3))
    rgb = header(
        type="uchar",
        dimension="4",
        sizes="3 5 6 7",
        kinds="RGB-color domain domain domain",
        space_directions=f"none {directions}",
        endian="",
    )
    return {
        "nrrd": {"a.nrrd": header() + raw},
        "nrrd gzip": {
            "a.nrrd": header(encoding="gzip", space_units='"um" "um" "um"') + gzip.compress(raw)
        },
        "nrrd ras": {
            "a.nrrd": header(space="RAS", measurement_frame="(1,0,0) (0,1,0) (0,0,1)") + raw
        },
        "nrrd text": {"a.nrrd": header(encoding="ascii", endian="") + text},
        "nrrd rgb": {"a.nrrd": rgb + colours},
        "nhdr": {"a.nhdr": header(data_file="a.raw"), "a.raw": raw},
        "nhdr list": {
            "a.nhdr": header(data_file="LIST\n" + "\n".join(f"{each}.raw" for each in range(7)))[
                :-1
            ],
            **{f"{index}.raw": raw[60 * index : 60 * index + 60] for index in range(7)},
        },
        "nhdr gz": {
            "a.nhdr": header(data_file="a.raw.gz", encoding="gzip"),
            "a.raw.gz": gzip.compress(raw),
        },
    }


def meta_inputs() -> dict[str, Files]:
    def header(**other: str) -> bytes:
        lps = np.diag([-1, -1, 1, 1]) @ AFFINE
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        fields = {
            "ObjectType": "Image",
            "NDims": "3",
            "BinaryData": "True",
            "BinaryDataByteOrderMSB": "False",
            "CompressedData": "False",
            "TransformMatrix": " ".join(map(repr, (lps[:3, :3] / spacing).T.ravel().tolist())),
            "Offset": " ".join(map(repr, lps[:3, 3].tolist())),
            "CenterOfRotation": "0 0 0",
            "AnatomicalOrientation": "RAI",
            "ElementSpacing": " ".join(map(repr, spacing.tolist())),
            "DimSize": "5 6 7",
            "ElementType": "MET_SHORT",
        } | other
        fields["ElementDataFile"] = fields.pop("ElementDataFile", "LOCAL")
        return "".join(f"{key} = {value}\n" for key, value in fields.items()).encode()

    raw = VOXELS.astype("<i2").tobytes("F")
    packed = zlib.compress(raw)
    compressed = {"CompressedData": "True", "CompressedDataSize": str(len(packed))}
    text = " ".join(map(str, VOXELS.ravel("F").tolist())).encode()
    colours = np.random.default_rng(0).integers(0, 255, 3 * VOXELS.size, np.uint8).tobytes()
    rgb = {"ElementType": "MET_UCHAR", "ElementNumberOfChannels": "3"}
    return {
        "mha": {"a.mha": header() + raw},
        "mha zlib": {"a.mha": header(**compressed) + packed},
        "mha text": {"a.mha": header(BinaryData="False") + text + b"\n"},
        "mha rgb": {"a.mha": header(**rgb) + colours},
        "mhd": {"a.mhd": header(ElementDataFile="a.raw", HeaderSize="-1"), "a.raw": raw},
        "mhd list": {
            "a.mhd": header(ElementDataFile="LIST")
            + b"".join(b"%d.raw\n" % index for index in range(7)),
            **{f"{index}.raw": raw[60 * index : 60 * index + 60] for index in range(7)},
        },
        "mhd zraw": {"a.mhd": header(**compressed, ElementDataFile="a.zraw"), "a.zraw": packed},
    }


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def picture_inputs() -> dict[str, Files]:
    def tiff(pixels: np.ndarray, **options: object) -> Files:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, metadata=None, **options)
        return {"a.tif": buffer.getvalue()}

    colours = np.stack([PIXELS, PIXELS[::-1], PIXELS // 3], axis=-1)
    grey = Image.fromarray((PIXELS // 256).astype(np.uint8))
    rgb = Image.fromarray((colours // 256).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.stack([PIXELS, PIXELS], -1))
    header = struct.pack(">IIBBBBB", 13, 9, 16, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    both = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return {
        "png grey": {"a.png": saved(grey, "PNG", exif=exif)},
        "png deep": {"a.png": saved(Image.fromarray(PIXELS), "PNG")},
        "png rgb": {"a.png": saved(rgb, "PNG")},
        "png palette": {"a.png": saved(rgb.convert("P"), "PNG", transparency=3)},
        "png deep alpha": {"a.png": b"\x89PNG\r\n\x1a\n" + both},
        "jpg": {"a.jpg": saved(rgb, "JPEG", exif=exif)},
        "tif": tiff(PIXELS.astype(np.int16), photometric="minisblack"),
        "tif float": tiff(PIXELS.astype(np.float32), compression="zlib"),
        "tif tiles": tiff(np.tile(colours, (3, 3, 1)), photometric="rgb", tile=(16, 16)),
        "tif planes": tiff(np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate"),
        "tif big": tiff(PIXELS, byteorder=">", bigtiff=True, photometric="miniswhite"),
        "tif lzw": {"a.tif": saved(grey, "TIFF", compression="tiff_lzw")},
        "tif lzw deep": {"a.tif": saved(Image.fromarray(PIXELS), "TIFF", compression="tiff_lzw")},
        "tif palette": {"a.tif": saved(rgb.convert("P"), "TIFF", compression="packbits")},
        "tif jpeg": {"a.tif": saved(rgb, "TIFF", compression="jpeg")},
    }


def dicom_inputs() -> dict[str, Files]:
    files: Files = {}
    for index in range(3):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{index + 1}"
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_ = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        slice_.SOPClassUID = CTImageStorage
        slice_.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID = "1.2.3", "1.2.3.9"
        slice_.FrameOfReferenceUID, slice_.Modality = "1.2.8", "CT"
        slice_.PatientID, slice_.PatientBirthDate = "P", "19700101"
        slice_.InstanceNumber, slice_.Rows, slice_.Columns = index + 1, 6, 5
        slice_.PixelSpacing, slice_.SliceThickness = [1.5, 1.25], 3
        slice_.ImageOrientationPatient = [0.96, 0.28, 0, -0.28, 0.96, 0]
        slice_.ImagePositionPatient = [-20, -30, 10 + 3 * index]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
        slice_.PixelRepresentation, slice_.RescaleSlope, slice_.RescaleIntercept = 1, 1, -1024
        pixels = (VOXELS[:, :, index].T + 100 * index).astype("<i2")
        slice_.PixelData = pixels.tobytes()
        buffer = io.BytesIO()
        slice_.save_as(buffer, enforce_file_format=True)
        files[f"series/{index}.dcm"] = buffer.getvalue()
    return {"dicom": files}


@cache
def inputs() -> dict[str, Files]:
    """All whole inputs by what they are."""
    return {
        **nifti_inputs(),
        **nrrd_inputs(),
        **meta_inputs(),
        **picture_inputs(),
        **dicom_inputs(),
    }


def write(files: Files, folder: Path) -> Path:
    """Write an input into an empty folder; return what is to be read."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    first = folder / next(iter(files))
    return first.parent if first.parent != folder else first
