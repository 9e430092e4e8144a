"""probe(): what is known of one voxel of a fused volume that lies in a file."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError, listening
from mactfusion.io.formats import PICTURE_EXTENSIONS, base_name
from mactfusion.io.names import check_input, provenance_path, sidecar_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.trust.probed import Probe

_FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0}
_NEAR_MM = 1e-2


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
        fused: a file that ``fuse_volumes`` wrote, or a folder of DICOM.
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
    if not all(isinstance(place, int | float) and math.isfinite(place) for place in (x, y, z)):
        raise InputError("A place is three finite numbers.")
    given = [] if partner is None else [partner] if isinstance(partner, str | Path) else partner
    sources = [Path(source) for source in given]
    if anatomical is not None:
        sources.insert(0, Path(anatomical))
    for source in sources:
        check_input(source)
    record = _read_record(fused)
    if sources and not record:
        raise InputError(
            f"{sidecar_path(fused)}, the record of {base_name(fused)}, is not there: without it "
            "nothing tells that the sources are those that were fused."
        )

    from mactfusion.trust.probed import Result, probe_point, probe_voxel

    notes: list[str] = []
    volume, full_scale = _read_fused(fused)
    if volume.meta["is_image"] and record and not _was_of_pictures(record):
        raise InputError(
            f"{base_name(fused)} is a picture of a volume and does not say where it lies: ask of a "
            "result in NIfTI, NRRD, MetaImage or DICOM."
        )
    with _of_a_whole_record(fused):
        found = _found(sources, record, anatomical is not None) if sources else {}
        found |= _beside(fused, record, found, notes)
        volumes = {role: _read_source(source, record, role) for role, source in found.items()}
        if record:
            missing = [role for role in record["inputs"] if role not in volumes]
            notes += [f"The {role} {_given_by(role)}" for role in missing]
        else:
            notes.append("There is no record beside it: nothing tells what it was fused from.")
        result = Result(
            volume,
            record,
            volumes,
            _read_beside(provenance_path(fused), notes, bool(record.get("provenance")), volume),
            _read_beside(fused.with_name(f"{fused.name}.lost.nii.gz"), notes, bool(record), volume),
            full_scale,
        )
        if voxel:
            if any(place != int(place) for place in (x, y, z)):
                raise InputError(f"A voxel has whole numbers, not {x:g} {y:g} {z:g}.")
            seen = probe_voxel(result, [int(x), int(y), int(z)])
        elif volume.meta["is_image"]:
            raise InputError(
                f"{base_name(fused)} is a picture without a place in the patient: ask for a pixel "
                "with --voxel, column, row and 0."
            )
        else:
            seen = probe_point(result, (x, y, z))
    if seen is None:
        sizes = " x ".join(str(size) for size in volume.shape[1:])
        what = "The voxel" if voxel else "The point"
        unit = "" if voxel else " mm (RAS)"
        raise InputError(
            f"{what} {x:g} {y:g} {z:g}{unit} lies outside {base_name(fused)} ({sizes} voxels)."
        )
    seen.notes.extend(notes)
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


def _given_by(role: str) -> str:
    option = "--anatomical" if role == "anatomical" else "--partner"
    called = "volume is" if role == "anatomical" else "is"
    return f"{called} not at hand: give it with {option}."


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


def _read_fused(fused: Path) -> tuple[MetaTensor, float]:
    """Read a fused volume; the second is its full scale."""
    from mactfusion.io.dicom.source import is_dicom_source
    from mactfusion.io.read import read_volume

    with listening(lambda _: None):
        if is_dicom_source(fused):
            volume = _read_dicom(fused)
        else:
            volume = read_volume(fused, may_be_constant=True)
    scale = _FULL_SCALE.get(str(volume.meta["source_dtype"]), 1.0) if len(volume) == 1 else 1.0
    return volume, scale


def _read_dicom(fused: Path) -> MetaTensor:
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
        return volume_from_simpleitk(image, str(fused), FrameChoice())


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


def _found(
    sources: Sequence[Path], record: Mapping[str, Any], has_anatomical: bool
) -> dict[str, Path]:
    """Return each given source by the role that the record has for its content.

    Raises:
        InputError: it was not fused.
    """
    from mactfusion.io.load import digests_of

    found: dict[str, Path] = {}
    for number, source in enumerate(sources):
        digests = digests_of(source)
        is_anatomical = has_anatomical and number == 0
        roles = [
            role
            for role, about in record["inputs"].items()
            if about.get("sha256") in digests and role not in found
        ]
        named = [role for role in roles if (role == "anatomical") == is_anatomical]
        if not named:
            said = "another place" if roles else "other content"
            place = "anatomical volume" if is_anatomical else "partner"
            raise InputError(
                f"{base_name(source)} is not the {place} that was fused: the record has {said} for "
                f"{'it' if roles else 'that'}."
            )
        # A folder of DICOM that was given as the anatomical source may hold the partners too.
        found |= dict.fromkeys(roles if is_anatomical else named[:1], source)
    return found


def _beside(
    fused: Path, record: Mapping[str, Any], found: Mapping[str, Path], notes: list[str]
) -> dict[str, Path]:
    """Look for the sources that were not given where the fused volume is, by name and content."""
    from mactfusion.io.load import digests_of

    wanted = {
        about["name_sha256"]: role
        for role, about in (record.get("inputs") or {}).items()
        if role not in found and "name_sha256" in about
    }
    beside = {}
    for path in sorted(fused.parent.iterdir()) if wanted else ():
        digest = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()
        role = next((wanted[start] for start in wanted if digest.startswith(start)), None)
        if role is None or path == fused:
            continue
        try:
            is_same = record["inputs"][role]["sha256"] in digests_of(path)
        except (InputError, OSError):
            is_same = False
        if is_same:
            beside[role] = path
        else:
            notes.append(f"{path.name} is not as it was when it was fused, and is left out.")
    return beside


def _read_source(source: Path, record: Mapping[str, Any], role: str) -> MetaTensor:
    """Read a source as it was read then: the same series, frame and units."""
    from mactfusion.io.checksum import sha256_of_files
    from mactfusion.io.coerce import as_volume
    from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER
    from mactfusion.io.dicom.source import is_dicom_source
    from mactfusion.io.dicom.study import Studies
    from mactfusion.io.volume import keeping_non_finite

    options, kind = record["options"], PARTNER
    if role == "anatomical":
        frame, units, kind = options["anatomical_frame"], "auto", ANATOMICAL
    else:
        frame, units = (_of(options[name], role) for name in ("frame", "units"))
    with listening(lambda _: None), keeping_non_finite():
        if not is_dicom_source(source):
            return as_volume(source, frame=frame, role=kind)
        with Studies() as studies:
            series = next(
                series
                for series in studies.listing(source).volumes
                if sha256_of_files(series.files) == record["inputs"][role]["sha256"]
            )
            return studies.read(source, series, frame, units, kind)


def _of(value: Any, role: str) -> Any:
    """Return what was chosen for a partner, of a list in the order in which they were given."""
    if not isinstance(value, list):
        return value
    return value[int(role.rpartition(" ")[2]) - 1]
