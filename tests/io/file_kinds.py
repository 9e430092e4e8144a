"""Files of every kind, one small example of each: made, read, and told in a sentence."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import tifffile
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Kind = Callable[[Path], Path]

KINDS: dict[str, Kind] = {}
"""By what it is called: writes into a folder, and returns the file to be read."""

FRAMES: dict[str, str] = {}
"""By what it is called: the frame to read of it."""

VALUES = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 101).astype(np.int16)
PICTURE = (np.arange(600).reshape(20, 30) * 100).astype(np.uint16)
AFFINE = np.diag([2.0, 3.0, 4.0, 1.0])

NRRD = {"type": "short", "dimension": "3", "space": "LPS", "sizes": "5 6 7",
        "space directions": "(2,0,0) (0,3,0) (0,0,4)", "endian": "little", "encoding": "raw",
        "space origin": "(10,20,30)"}  # fmt: skip
META = {"ObjectType": "Image", "NDims": "3", "BinaryData": "True", "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "10 20 30", "ElementSpacing": "2 3 4",
        "DimSize": "5 6 7", "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL"}  # fmt: skip


def kind(name: str, frame: str = "auto") -> Callable[[Kind], Kind]:
    def keep(write: Kind) -> Kind:
        KINDS[name], FRAMES[name] = write, frame
        return write

    return keep


def nrrd(path: Path, data: bytes = VALUES.tobytes("F"), **fields: Any) -> Path:
    lines = [f"{key}: {value}" for key, value in {**NRRD, **fields}.items()]
    path.write_bytes(("NRRD0005\n" + "\n".join(lines) + "\n\n").encode() + data)
    return path


def meta(path: Path, data: bytes = VALUES.tobytes("F"), **fields: str) -> Path:
    chosen = {**META, **fields}
    last = chosen.pop("ElementDataFile")
    lines = [f"{key} = {value}" for key, value in chosen.items()] + [f"ElementDataFile = {last}"]
    path.write_bytes(("\n".join(lines) + "\n").encode() + data)
    return path


def nifti(path: Path, change: Callable[[Any], None] = lambda header: None) -> Path:
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    nibabel.save(image, path)
    if path.suffix == ".nii":
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)
    return path


@kind("NIfTI, in capitals, too")
def _nifti(folder: Path) -> Path:
    return nifti(folder / "a.nii.gz").rename(folder / "SCAN.NII.GZ")


@kind("NIfTI without sform and qform")
def _no_form(folder: Path) -> Path:
    def change(content: bytearray) -> None:
        content[252:256] = bytes(4)

    return nifti(folder / "a.nii", change)


@kind("NIfTI with an unknown unit of length")
def _odd_units(folder: Path) -> Path:
    def change(content: bytearray) -> None:
        content[123] = 7

    return nifti(folder / "a.nii", change)


@kind("NIfTI whose voxels begin within its header (vox_offset 16)")
def _odd_offset(folder: Path) -> Path:
    def change(content: bytearray) -> None:
        content[108:112] = np.float32(16).tobytes()

    return nifti(folder / "a.nii", change)


@kind("NIfTI as a pair, .hdr and .img")
def _pair(folder: Path) -> Path:
    image = nibabel.Nifti1Pair(VALUES, AFFINE)
    image.set_sform(AFFINE, 1)
    nibabel.save(image, folder / "a.img")
    return folder / "a.hdr"


@kind("Analyze 7.5, which has no place")
def _analyze(folder: Path) -> Path:
    nibabel.save(nibabel.AnalyzeImage(VALUES, AFFINE), folder / "a.img")
    return folder / "a.hdr"


@kind("FreeSurfer's .mgz")
def _mgz(folder: Path) -> Path:
    nibabel.save(nibabel.MGHImage(VALUES.astype(np.int32), AFFINE), folder / "a.mgz")
    return folder / "a.mgz"


@kind("the same with `--frame mean`", "mean")
@kind("the same with `--frame 2`", "2")
@kind("NIfTI, NRRD, MetaImage or MGH with several frames (4-D)")
def _frames(folder: Path) -> Path:
    frames = np.stack([VALUES, VALUES[::-1], VALUES[:, ::-1]], axis=-1)
    nibabel.save(nibabel.Nifti1Image(frames, AFFINE), folder / "a.nii.gz")
    return folder / "a.nii.gz"


@kind("a compressed NIfTI that ends early")
def _cut_nifti(folder: Path) -> Path:
    path = nifti(folder / "a.nii.gz")
    path.write_bytes(path.read_bytes()[:-40])
    return path


@kind("NRRD in micrometres")
def _nrrd_units(folder: Path) -> Path:
    return nrrd(folder / "a.nrrd", **{"space units": '"um" "um" "um"'})


@kind("NRRD in left-anterior-superior space")
def _nrrd_las(folder: Path) -> Path:
    return nrrd(folder / "a.nrrd", space="left-anterior-superior")


@kind("NRRD in a space that is no patient's")
def _nrrd_scanner(folder: Path) -> Path:
    return nrrd(folder / "a.nrrd", space="scanner-xyz")


@kind("NRRD with a damaged compressed body")
def _nrrd_damaged(folder: Path) -> Path:
    body = bytearray(gzip.compress(VALUES.tobytes("F")))
    body[len(body) // 2] ^= 0x55
    return nrrd(folder / "a.nrrd", bytes(body), encoding="gzip")


@kind("MetaImage with a damaged compressed body")
def _meta_damaged(folder: Path) -> Path:
    body = bytearray(zlib.compress(VALUES.tobytes("F")))
    body[len(body) // 2] ^= 0x55
    sizes = {"CompressedData": "True", "CompressedDataSize": str(len(body))}
    return meta(folder / "a.mha", bytes(body), **sizes)


@kind("MetaImage with decimal commas")
def _meta_commas(folder: Path) -> Path:
    return meta(folder / "a.mha", Offset="10,5 20,5 30,5")


@kind("MetaImage with 99999 dimensions")
def _meta_dimensions(folder: Path) -> Path:
    return meta(folder / "a.mha", NDims="99999")


@kind("TIFF with a sign, such as HU in 16 bits")
def _signed(folder: Path) -> Path:
    tifffile.imwrite(folder / "a.tif", PICTURE.astype(np.int32).astype(np.int16) - 1024)
    return folder / "a.tif"


@kind("TIFF in which white is zero")
def _white_is_zero(folder: Path) -> Path:
    tifffile.imwrite(folder / "a.tif", PICTURE, photometric="miniswhite")
    return folder / "a.tif"


@kind("TIFF of several pages")
def _pages(folder: Path) -> Path:
    tifffile.imwrite(folder / "a.tif", np.stack([PICTURE, PICTURE + 1]), photometric="minisblack")
    return folder / "a.tif"


@kind("a picture turned by its EXIF tag")
def _exif(folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((PICTURE // 256).astype(np.uint8)).save(folder / "a.png", exif=exif)
    return folder / "a.png"


@kind("a CMYK picture")
def _cmyk(folder: Path) -> Path:
    Image.new("CMYK", (30, 20), (10, 20, 30, 40)).save(folder / "a.tif")
    return folder / "a.tif"


@kind("a file of 0 bytes")
def _empty(folder: Path) -> Path:
    (folder / "a.nii").write_bytes(b"")
    return folder / "a.nii"
