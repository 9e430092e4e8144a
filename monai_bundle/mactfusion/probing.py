"""probe(): what is known of one voxel of a fused volume that lies in a file."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError, listening
from mactfusion.io.formats import PICTURE_EXTENSIONS, base_name
from mactfusion.io.names import check_input, lost_map_path, provenance_path, sidecar_path
from mactfusion.words import in_python, option, worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.trust.probed import Probe, Result

_FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0}


@worded(in_python)
def probe(
    fused: str | Path,
    x: float,
    y: float,
    z: float,
    *,
    voxel: bool = False,
    anatomical: str | Path | None = None,
    partner: str | Path | Sequence[str | Path] | None = None,
) -> Probe:
    """Say what is known of one voxel of a fused volume.

    The record beside the fused volume says what its sources are. Those that are not given are
    looked for beside it, by the hashes of their names and contents in the record.

    Args:
        fused: a file that ``fuse_volumes`` wrote, or a folder of DICOM; one of the images in such a
            folder stands for all of them.
        x: RAS+ millimetres, of a point; or with ``voxel`` an index from 0.
        y: likewise.
        z: likewise.
        voxel: take x, y and z as I, J and K of the fused volume.
        anatomical: the source that it was fused from, as it was then.
        partner: likewise; of several a list, in any order.

    Returns:
        The fused value, each source's value on its own grid, and what is known beside that; what is
        not known is said in its notes.

    Raises:
        InputError: no such volume or voxel; a source that is not the one that was fused.

    Example:
        >>> probe("fused.nii.gz", 12.0, -30.5, 8.0)  # doctest: +SKIP
    """
    fused = Path(fused)
    check_input(fused)
    place = (_number(x), _number(y), _number(z))
    given = [] if partner is None else [partner] if isinstance(partner, str | Path) else partner
    sources = [Path(source) for source in given]
    if anatomical is not None:
        sources.insert(0, Path(anatomical))
    for source in sources:
        check_input(source)
    notes: list[str] = []
    fused = _whole(fused, notes)
    record = _read_record(fused)
    if sources and not record:
        raise InputError(
            f"{sidecar_path(fused)}, the record of {base_name(fused)}, is not there: without it "
            "nothing tells that the sources are those that were fused."
        )
    result = _read_result(fused, record, sources, anatomical is not None, notes)
    with _of_a_whole_record(fused):
        seen = _seen(result, base_name(fused), place, voxel)
    seen.notes.extend(notes)
    return seen


def _read_result(
    fused: Path,
    record: Mapping[str, Any],
    sources: Sequence[Path],
    has_anatomical: bool,
    notes: list[str],
) -> Result:
    """Read a fused volume with all that is known of it; add notes on what is not."""
    from mactfusion.io.recorded import find_beside, find_given, read_again, why_missing
    from mactfusion.trust.probed import Result

    volume, full_scale, files = _read_fused(fused)
    with _of_a_whole_record(fused):
        if volume.meta["is_image"] and record and not _was_of_pictures(record):
            raise InputError(
                f"{base_name(fused)} is a picture of a volume and does not say where it lies: ask "
                "of a result in NIfTI, NRRD, MetaImage or DICOM."
            )
        if _is_changed(files, record):
            notes.append(
                f"{base_name(fused)} is not as it was when it was fused: its values may be others, "
                "and what the record says of it may no longer be true."
            )
        found = find_given(sources, record, has_anatomical) if sources else {}
        found |= find_beside(fused, record, found, notes)
        volumes = {role: read_again(source, record, role) for role, source in found.items()}
        if record:
            missing = [role for role in record["inputs"] if role not in volumes]
            notes += [why_missing(role, record["inputs"][role]) for role in missing]
        else:
            notes.append("There is no record beside it: nothing tells what it was fused from.")
        shares = _read_beside(provenance_path(fused), notes, bool(record.get("provenance")), volume)
        lost = _read_beside(lost_map_path(fused), notes, bool(record), volume)
    return Result(volume, record, volumes, shares, lost, full_scale)


def _seen(result: Result, name: str, place: tuple[float, float, float], voxel: bool) -> Probe:
    """Look at one voxel, or at a point in millimetres.

    Raises:
        InputError: there is none.
    """
    from mactfusion.trust.probed import probe_point, probe_voxel

    shown = " ".join(f"{number:g}" for number in place)
    if voxel:
        if any(number != int(number) for number in place):
            raise InputError(f"A voxel has whole numbers, not {shown}.")
        seen = probe_voxel(result, [int(number) for number in place])
    elif result.fused.meta["is_image"]:
        raise InputError(
            f"{name} is a picture without a place in the patient: ask for a pixel with "
            f"{option('voxel', True)}, column, row and 0."
        )
    else:
        seen = probe_point(result, place)
    if seen is None:
        sizes = " x ".join(str(size) for size in result.fused.shape[1:])
        asked = f"The voxel {shown}" if voxel else f"The point {shown} mm (RAS)"
        raise InputError(f"{asked} lies outside {name} ({sizes} voxels).")
    return seen


def _was_of_pictures(record: Mapping[str, Any]) -> bool:
    names = (str(about["name"]).lower() for about in record["inputs"].values())
    return all(name.endswith(PICTURE_EXTENSIONS) for name in names)


@contextmanager
def _of_a_whole_record(fused: Path) -> Iterator[None]:
    """Refuse a record of which something is missing or not what it was."""
    try:
        yield
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"{sidecar_path(fused)} is damaged: something is missing in it."
        ) from error


def _number(place: Any) -> float:
    """Return a coordinate as a float, of any type of number."""
    try:
        value = float(place) if isinstance(place, Real) else math.nan
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise InputError("A place is three finite numbers.")
    return value


def _whole(fused: Path, notes: list[str]) -> Path:
    """Return the folder of a DICOM series for one of its images, and note that."""
    from mactfusion.io.dicom.source import is_dicom_source

    folder = fused.absolute().parent
    if fused.is_dir() or not folder.name or sidecar_path(fused).is_file():
        return fused
    if not sidecar_path(folder).is_file() or not is_dicom_source(fused):
        return fused
    notes.append(f"{fused.name} is part of the series {folder.name}: the voxel is one of that.")
    return folder


def _read_record(fused: Path) -> dict[str, Any]:
    """Read the record beside a fused volume; {} where there is none.

    Raises:
        InputError: it is no record.
    """
    path = sidecar_path(fused)
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        roles = {partner["input"] for partner in record["partners"]} | {"anatomical"}
        is_record = roles == set(record["inputs"]) and "options" in record
    except (OSError, ValueError, KeyError, TypeError):
        is_record = False
    if not is_record:
        raise InputError(f"{path} is no record of a fusion.")
    return record


def _read_fused(fused: Path) -> tuple[MetaTensor, float, list[Path]]:
    """Read a fused volume; the others are its full scale, and the files of its voxels."""
    from mactfusion.io.dicom.source import is_dicom_source
    from mactfusion.io.read import read_volume

    with listening(lambda _: None):
        files = [fused]
        if is_dicom_source(fused):
            volume, files = _read_dicom(fused)
        else:
            volume = read_volume(fused, may_be_constant=True)
    scale = _FULL_SCALE.get(str(volume.meta["source_dtype"]), 1.0) if len(volume) == 1 else 1.0
    return volume, scale, files


def _is_changed(files: Sequence[Path], record: Mapping[str, Any]) -> bool:
    """Tell whether a fused volume is another than the record is of, as far as that says it."""
    from mactfusion.io.checksum import sha256_of_set

    recorded = (record.get("result") or {}).get("sha256")
    return recorded is not None and recorded != sha256_of_set(files)


def _read_dicom(fused: Path) -> tuple[MetaTensor, list[Path]]:
    """Read images that the export wrote; the readers of sources take no colours of DICOM."""
    import SimpleITK

    from mactfusion.io.frames import FrameChoice
    from mactfusion.io.guard import guarded
    from mactfusion.io.itk_image import volume_from_simpleitk

    with guarded(f"{fused} cannot be read"):
        names = [str(fused)]
        if fused.is_dir():
            reader = SimpleITK.ImageSeriesReader
            series = reader.GetGDCMSeriesIDs(str(fused))
            each = [reader.GetGDCMSeriesFileNames(str(fused), number) for number in series]
            names = list(max(each, key=len, default=()))
        if not names:
            raise InputError(f"{fused} cannot be read: there are no images in it")
        image = SimpleITK.ReadImage(names if len(names) > 1 else names[0])
        volume = volume_from_simpleitk(image, str(fused), FrameChoice())
        return volume, [Path(name) for name in names]


def _read_beside(
    path: Path, notes: list[str], is_recorded: bool, fused: MetaTensor
) -> MetaTensor | None:
    """Read bytes on the grid of a result, ``(C, I, J, K)``; None where they do not belong to it."""
    import nibabel
    import numpy as np
    import torch
    from monai.data import MetaTensor

    if not path.is_file():
        return None
    try:
        image = nibabel.Nifti1Image.from_filename(path)
        array = np.asanyarray(image.dataobj.get_unscaled())  # type: ignore[attr-defined]
    except Exception:  # whatever a damaged file makes nibabel raise
        array = np.empty(0)
    # Of a series of DICOM the axes may be turned.
    is_whole = array.ndim in (3, 4) and sorted(array.shape[:3]) == sorted(fused.shape[1:])
    if array.dtype != np.uint8 or not is_whole or not is_recorded:
        notes.append(f"{path.name} is not what the record says, and is left out.")
        return None
    array = array if array.ndim == 4 else array[..., None]
    return MetaTensor(torch.from_numpy(np.moveaxis(array, -1, 0).copy()), affine=image.affine)
