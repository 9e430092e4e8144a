"""NIfTI files through nibabel.

nibabel and not ITK, because ITK's reader takes a truncated ``.nii.gz`` without a word and leaves
the rest of the volume to chance, reads no float64 affine, and leaves out the position of a 2-D
slice.
"""

from __future__ import annotations

import gzip
import math
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
from nibabel.fileholders import FileHolder

from mactfusion.errors import InputError, warn
from mactfusion.io.formats import extension_of, pair_of
from mactfusion.io.guard import guarded, one_sentence
from mactfusion.io.nibabel_image import volume_from_nibabel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monai.data import MetaTensor

    from mactfusion.io.frames import FrameChoice

_BLOCK_BYTES = 2**20
_LONGEST_END = 2
_ONE_FILE = {348: nibabel.Nifti1Image, 540: nibabel.Nifti2Image}
_TWO_FILES = {348: nibabel.Nifti1Pair, 540: nibabel.Nifti2Pair}
_FORM_CODES = range(6)


def read_nifti(path: Path, choice: FrameChoice) -> MetaTensor:
    """Read ``.nii``, ``.nii.gz``, or ``.hdr`` with ``.img``, at the place of its sform or qform.

    Args:
        path: the file; either of a pair.
        choice: which of several frames.

    Returns:
        The volume, see `make_volume`; slope and intercept are applied.

    Raises:
        InputError: damaged file, unknown position, zero or negative spacing, no such frame, ...
    """
    name = str(path)
    is_pair = extension_of(path) in (".hdr", ".img")
    header_file, voxel_file = pair_of(path) if is_pair else (path, path)
    for file in (header_file, voxel_file):
        if not file.is_file():
            raise InputError(f"{name} cannot be read: {file.name}, which belongs to it, is missing")
    kind, header = _header(header_file, name, is_pair)
    _check_header(header, name, is_pair)
    with opened(header_file) as first, opened(voxel_file) as second:
        holders = {"image": _holder(second, voxel_file)}
        if is_pair:
            holders["header"] = _holder(first, header_file)
        with guarded(f"{name} cannot be read"):
            image = kind.from_file_map(holders)
        if second is None:
            left_over = left_after_voxels(image, voxel_file.stat().st_size, name)
        volume = volume_from_nibabel(image, name, choice)
        if second is not None:
            left_over = left_after_voxels(image, length_of(second, name), name)
    if left_over > _LONGEST_END:
        warn(
            f"{name}: {left_over} bytes follow the voxels that its header tells of; check that its"
            " size and type are right"
        )
    return volume


@contextmanager
def opened(path: Path) -> Iterator[gzip.GzipFile | None]:
    """What a compressed file holds; None for others, which nibabel maps into memory."""
    if path.suffix.lower() not in (".gz", ".mgz"):
        yield None
        return
    with gzip.open(path) as stream:
        yield stream


def length_of(stream: gzip.GzipFile, name: str) -> int:
    """Read a compressed stream to its end, where its checksum is; return the bytes that it holds.

    Raises:
        InputError: it is damaged or cut.
    """
    with one_sentence(f"{name} cannot be read"):
        while stream.read(_BLOCK_BYTES):
            pass
    return stream.tell()


def left_after_voxels(image: Any, length: int, name: str) -> int:
    """Return how many bytes follow the voxels.

    Args:
        image: of nibabel, from a file.
        length: of that file, not compressed, in bytes.
        name: how the message calls it.

    Raises:
        InputError: voxels are missing, of whichever frame.
    """
    count = int(np.prod(image.shape, dtype=object))
    needed = image.dataobj.offset + count * image.get_data_dtype().itemsize
    if length < needed:
        raise InputError(
            f"{name} is incomplete: {length} bytes where its header says {needed}; copy or export"
            " it again"
        )
    return length - needed


def _holder(stream: gzip.GzipFile | None, path: Path) -> FileHolder:
    # of a relative path nibabel would expand a leading "~"
    return FileHolder(fileobj=stream) if stream else FileHolder(str(path.absolute()))


def _header(path: Path, name: str, is_pair: bool) -> tuple[Any, Any]:
    """The class of nibabel that reads the file, and its header as stored."""
    kinds = _TWO_FILES if is_pair else _ONE_FILE
    with one_sentence(f"{name} cannot be read"):
        with opened(path) as stream:
            if stream is not None:
                start = stream.read(max(kinds))
            else:
                with path.open("rb") as file:
                    start = file.read(max(kinds))
        sizes = [struct.unpack(f"{order}i", start[:4].ljust(4))[0] for order in "<>"]
        size = next((size for size in sizes if size in kinds), None)
        if size is None:
            raise InputError(
                f"{name} cannot be read: the file is damaged, or no NIfTI file (size of its header)"
            )
        if len(start) < size:
            raise EOFError
        kind = kinds[size]
        header = kind.header_class(start[:size], check=False)
    magic = bytes(header["magic"])[:4].rstrip(b"\0")
    expected = {348: b"ni1" if is_pair else b"n+1", 540: b"ni2" if is_pair else b"n+2"}[size]
    if is_pair and size == 348 and magic[:2] not in (b"ni", b"n+"):
        raise InputError(
            f"{name} is an Analyze image, whose header does not say where left and right are;"
            " convert it again from the original to NIfTI"
        )
    if magic != expected:
        raise InputError(
            f"{name} cannot be read: its header is not that of a NIfTI file with this extension"
        )
    return kind, header


def _check_header(header: Any, name: str, is_pair: bool) -> None:
    """Refuse what nibabel would mend in its own copy of the header, or take for something else."""
    dimensions = int(header["dim"][0])
    if not 1 <= dimensions <= 7:
        raise InputError(f"{name} has {dimensions} dimensions; repair its header")
    spacing_mm = header["pixdim"][1 : 1 + min(dimensions, 3)]
    if not (spacing_mm > 0).all():
        numbers = " x ".join(f"{value:g}" for value in spacing_mm)
        raise InputError(
            f"{name} has a voxel spacing that is not positive ({numbers} mm); repair its header"
        )
    offset = float(header["vox_offset"])
    first = 0 if is_pair else header.single_vox_offset
    if not first <= offset < 2**53 or offset % 1:
        raise InputError(
            f"{name} says that its voxels begin at byte {offset:g} (vox_offset), which cannot be;"
            " repair its header"
        )
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    is_scaled = math.isfinite(slope) and slope != 0
    if math.isinf(slope) or (is_scaled and not math.isfinite(intercept)):
        raise InputError(
            f"{name} has a slope of {slope:g} and an intercept of {intercept:g} (scl_slope,"
            " scl_inter), so its values are unknown; repair its header"
        )
    if header["sform_code"] <= 0 < header["qform_code"] and header["pixdim"][0] not in (-1, 0, 1):
        raise InputError(
            f"{name} does not say whether its slices are mirrored (pixdim[0] is"
            f" {header['pixdim'][0]:g}); repair its header"
        )
    for form in ("sform", "qform"):
        code = int(header[f"{form}_code"])
        if code not in _FORM_CODES:
            warn(f"{name}: its {form} was left out, NIfTI knows no {form} code {code}")
