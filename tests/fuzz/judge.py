"""What became of an input: right, refused, or a fault."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pydicom
import SimpleITK
from PIL import Image

from mactfusion.errors import InputError, listening
from mactfusion.io.formats import NRRD_EXTENSIONS, PICTURE_EXTENSIONS, extension_of
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

MILLIMETRES = {1: 1e3, 3: 1e-3}
UNITS = {"m": 1e3, "cm": 10.0, "um": 1e-3}


def verdict(path: Path) -> tuple[str, str]:
    """How reading ends: ``("refused", sentence)``, ``("read", "")`` or ``("fault", what)``."""
    sentences: list[str] = []
    try:
        with listening(sentences.append):
            volume = read_volume(path)
            again = read_volume(path)
    except InputError as error:
        sentence = str(error)
        if "\n" in sentence or "not enough memory" in sentence:
            return "fault", sentence
        return "refused", sentence
    except BaseException:
        return "fault", traceback.format_exc()
    if not np.array_equal(volume.numpy(), again.numpy()):
        return "fault", "two readings differ"
    found = volume.affine.numpy()
    try:
        expected = independent(path, volume.shape)
    except Exception:  # what another library cannot read it says nothing of
        return "read", ""
    if expected is None or np.allclose(found, expected, rtol=1e-4, atol=1e-4):
        return "read", ""
    return "fault", f"place {found.tolist()} is {expected.tolist()} to another library; {sentences}"


def independent(path: Path, shape: Any) -> np.ndarray | None:
    """The affine as another library than that of the reader has it, from index to RAS+."""
    if path.is_dir():
        return _of_dicom(path, shape)
    extension = extension_of(path)
    if extension in PICTURE_EXTENSIONS:
        with Image.open(path) as picture:
            assert sorted(picture.size) == sorted(shape[1:3])
        return np.diag([-1.0, -1.0, 1.0, 1.0])
    if extension in (".nii", ".nii.gz", ".hdr", ".mgh", ".mgz"):
        image = nibabel.load(path)
        unit = int(image.header["xyzt_units"]) & 7 if "xyzt_units" in image.header else 2
        return np.diag([MILLIMETRES.get(unit, 1.0)] * 3 + [1.0]) @ image.affine
    image = SimpleITK.ReadImage(str(path))
    dimension = image.GetDimension()
    axes = np.reshape(image.GetDirection(), (dimension, dimension)) * image.GetSpacing()
    affine = np.eye(4)
    kept = min(dimension, 3)
    affine[:kept, :kept] = axes[:kept, :kept]
    affine[:kept, 3] = image.GetOrigin()[:kept]
    return np.diag([-1, -1, 1, 1]) @ np.diag([*_factors(path), 1]) @ affine


def _factors(path: Path) -> list[float]:
    header = path.read_bytes()[:4000].decode("latin-1")
    if extension_of(path) in NRRD_EXTENSIONS:
        line = re.search(r"(?im)^space units:(.*)$", header)
        units = re.findall(r"\w+", line[1]) if line else []
    else:
        line = re.search(r"(?m)^DistanceUnits *= *(\w+)", header)
        units = [line[1]] * 3 if line else []
    return [UNITS.get(unit.lower(), 1.0) for unit in units or ["mm"] * 3]


def _of_dicom(folder: Path, shape: Any) -> np.ndarray | None:
    """By hand from positions; None where planes differ, are one alone, or lie unevenly.

    Planes shifted sideways lie on a rectangular grid that holds all of them.
    """
    headers = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    axes = {tuple(map(float, header.ImageOrientationPatient)) for header in headers}
    spacings = {tuple(map(float, header.PixelSpacing)) for header in headers}
    if len(axes) > 1 or len(spacings) > 1 or len(headers) != shape[3] or len(headers) == 1:
        return None
    row, column = np.reshape(axes.pop(), (2, 3))
    row_mm, column_mm = spacings.pop()
    normal = np.cross(row, column)
    places = [np.array(header.ImagePositionPatient, float) for header in headers]
    places.sort(key=lambda place: place @ normal)
    gaps = np.diff(places, axis=0) @ normal
    if np.ptp(gaps) > 1e-3 * gaps.min():
        return None
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = row * column_mm, column * row_mm, normal * gaps[0]
    offsets = np.array(places) - places[0]
    affine[:3, 3] = places[0] + sum(axis * (offsets @ axis).min() for axis in (row, column))
    return np.diag([-1, -1, 1, 1]) @ affine
