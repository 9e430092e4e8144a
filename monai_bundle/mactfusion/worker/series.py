"""A fused volume that the panel holds becomes a DICOM series, by the library's own writer."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import torch
from monai.data import MetaTensor
from monai.data.utils import orientation_ras_lps
from pydicom.config import disable_value_validation

from mactfusion.case import partner_roles
from mactfusion.errors import InputError, warn
from mactfusion.io.dicom import DicomExport
from mactfusion.io.dicom.origin import as_text, origin_of
from mactfusion.io.dicom.patient import DIFFERENT_PATIENTS, PATIENT, differ
from mactfusion.io.dicom.same_field import why_elsewhere
from mactfusion.io.formats import DICOM_EXTENSION, extension_of
from mactfusion.io.reasons import reason_of
from mactfusion.option_values import AXES, REGISTER, TASKS
from mactfusion.transforms.slices import slice_axis
from mactfusion.worker.folder import file_in
from mactfusion.worker.pace import Pace
from mactfusion.worker.packed import pack, unpack_headers
from mactfusion.worker.protocol import RequestError
from mactfusion.worker.volumes import MOST_PARTNERS, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mactfusion.io.dicom.origin import Origin
    from mactfusion.worker.jobs import Job
    from mactfusion.worker.protocol import Channel
    from mactfusion.worker.volumes import Volumes

_FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_WORD = re.compile(r"[\w.+: -]{1,64}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9_-]{1,32}(\.dcm)?")
_HASH = re.compile(r"[0-9a-f]{64}")
_POSITION = "ImagePositionPatient"
_NO_IMAGES = ("REG", "PR")
_VERSIONS = ("mactfusion", "torch", "monai")


class SeriesWriter:
    """Does the request ``export``.

    Args:
        folder: where files come and go of those who do not share a disk with the worker.
        volumes: has the fused volume.
        channel: where progress goes.
    """

    def __init__(self, folder: Path, volumes: Volumes, channel: Channel) -> None:
        self._folder = folder
        self._volumes = volumes
        self._channel = channel

    def work(self, job: Job) -> dict[str, Any]:
        """Write the series; see docs/worker_protocol.md.

        Raises:
            RequestError: the request cannot be understood.
            InputError: no such series can be made of it, or it cannot be written.
            FusionCancelled: somebody ended the job; nothing is left of it.
        """
        request = job.request
        private = self._folder / f"export-{request.id}"
        private.mkdir()
        try:
            if "headers" in request.fields:
                archive = file_in(self._folder, request.get("headers", str))
                try:
                    sources = unpack_headers(archive, private)
                finally:
                    archive.unlink(missing_ok=True)
            else:
                sources = _sources(request.get("sources", list))
            if not 2 <= len(sources) <= 1 + MOST_PARTNERS:
                raise RequestError("bad-request", "The sources are not those of a fusion.")
            if "output" in request.fields:
                return self._write(job, sources, _output(request.get("output", str)))
            output = private / _name(request.fields.get("name", "fused"))
            fields = self._write(job, sources, output)
            packed = self._folder / f"series-{request.id}.zip"
            try:
                pack([output] if output.is_file() else sorted(output.iterdir()), packed)
            except OSError as error:
                packed.unlink(missing_ok=True)
                raise InputError(f"The series cannot be written: {reason_of(error)}.") from error
            return {**fields, "file": packed.name}
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _write(self, job: Job, sources: Sequence[Sequence[Path]], output: Path) -> dict[str, Any]:
        request = job.request
        self._channel.send("progress", request.id, **Pace.unknown("prepare"))
        record = _record(request.get("record", dict))
        fused = self._fused(job)
        moved = _moved(request.fields.get("poses"), len(sources) - 1)
        places = _places(request.fields.get("places"), len(sources))
        is_anonymous = request.fields.get("anonymous", False) is True
        export = DicomExport(
            output,
            "auto" if extension_of(output) == DICOM_EXTENSION else "dicom",
            anonymous=is_anonymous,
        )
        origins = self._origins(job, sources)
        if origins[0] is None and not is_anonymous:
            raise InputError(
                "The anatomical volume is no DICOM series, so nothing says to which patient the "
                "result belongs."
            )
        export.check_origins(origins)
        case = {
            "image": fused,
            "pred": fused,
            "is_color": len(fused) == 3,
            "grid_shape": torch.tensor(fused.shape[1:]),
            "grid_affine": fused.affine,
            "partners": moved,
            "origins": as_text(origins),
        }
        export.check_case(case, luminance_only=False)
        if not is_anonymous:
            _check_place(fused, sources[0])
        said = [*export.sentences(origins), export.sentence_of_grid(case), *_strangers(origins)]
        if not is_anonymous:
            said += _moved_before(places, sources, job)
        for sentence in filter(None, said):
            warn(sentence)
        job.check()

        def each(done: int, total: int) -> None:
            fields = {**Pace.unknown("write"), "done": done, "total": total}
            self._channel.send("progress", request.id, **fields)
            job.check()

        export.write(case, record, each=each)
        return _written(output, fused, record["axis"])

    def _fused(self, job: Job) -> MetaTensor:
        """Return the fused volume in [0, 1].

        Raises:
            InputError: its voxels are not those of the fusion.
        """
        volume = self._volumes.get(job.request.get("volume", str))
        told = job.request.get("voxels_sha256", str)
        voxels = np.moveaxis(volume.numpy(), 0, -1)
        voxels = voxels[..., 0] if voxels.shape[-1] == 1 else voxels
        if digest_of(voxels) != told:
            raise InputError(
                "The voxels of the fused volume were changed after the fusion, so that nothing "
                "says any more how they came about: fuse again, and save that."
            )
        full_scale = _FULL_SCALE.get(voxels.dtype.name)
        if full_scale is None:
            raise RequestError("bad-request", f"Nothing fused has voxels of {voxels.dtype}.")
        scaled = np.moveaxis(voxels.reshape(*voxels.shape[:3], -1), -1, 0) / np.float32(full_scale)
        return MetaTensor(
            torch.from_numpy(np.ascontiguousarray(scaled, np.float32)),
            affine=volume.affine,
            meta={"is_image": False},
        )

    def _origins(self, job: Job, sources: Sequence[Sequence[Path]]) -> list[Origin | None]:
        origins: list[Origin | None] = []
        for files in sources:
            origins.append(origin_of(files) if files else None)
            job.check()
        return origins


def _check_place(fused: MetaTensor, files: Sequence[Path]) -> None:
    with disable_value_validation():
        reason = why_elsewhere(fused.affine.double().numpy(), fused.shape[1:], files)
    if reason:
        raise InputError(f"The fused volume {reason}.")


def _moved_before(
    places: Sequence[tuple[np.ndarray, list[int]]], sources: Sequence[Sequence[Path]], job: Job
) -> list[str]:
    """Say which partners were not where their images are, which no matrix tells."""
    sentences = []
    for role, place, files in zip(
        partner_roles(len(sources) - 1), places[1:], sources[1:], strict=False
    ):
        if not files:
            continue
        job.check()
        with disable_value_validation():
            reason = why_elsewhere(*place, files, "own")
        if reason:
            sentences.append(
                f"The {role} {reason}; it was moved before the fusion, and nothing in the result "
                "says where to."
            )
    return sentences


def _strangers(origins: Sequence[Origin | None]) -> list[str]:
    """Say it when the headers of sources name different patients."""
    owner, *others = (
        [str(one.header.get(keyword, "") or "") for keyword in PATIENT] if one is not None else []
        for one in origins
    )
    if not any(differ(owner, other) for other in others):
        return []
    return [
        f"The DICOM headers of the sources name {DIFFERENT_PATIENTS}: check that they belong "
        "together."
    ]


def _record(told: dict[str, Any]) -> dict[str, Any]:
    """Take from a record what the objects tell of it.

    Raises:
        RequestError: it is no record of a fusion.
    """
    try:
        register = told["options"]["register"]
        registers = register if isinstance(register, list) else [register]
        words = [told["options"]["model"], *(told["versions"][name] for name in _VERSIONS)]
        is_known = (
            set(told["task"].split(" + ")) <= set(TASKS)
            and told["axis"] in AXES
            and all(one in REGISTER for one in registers)
            and all(_WORD.fullmatch(word) for word in words)
            and _HASH.fullmatch(told["weights"]["sha256"])
        )
    except (KeyError, TypeError, AttributeError):
        is_known = False
    if not is_known:
        raise RequestError("bad-request", "The field 'record' is not that of a fusion.")
    return told


def _sources(told: list[Any]) -> list[list[Path]]:
    is_list = all(
        isinstance(files, list) and all(isinstance(file, str) for file in files) for files in told
    )
    if not is_list:
        raise RequestError("bad-request", "The sources are not a list of files for each volume.")
    paths = [[Path(file) for file in files] for files in told]
    if not all(path.is_absolute() for files in paths for path in files):
        raise RequestError("bad-request", "The files of the sources are not absolute paths.")
    return paths


def _moved(told: Any, count: int) -> list[dict[str, Any]]:
    """Return where each partner was moved, as a case tells it."""
    told = [np.eye(4).tolist()] * count if told is None else told
    try:
        poses = [np.array(pose, np.float64) for pose in told]
    except (TypeError, ValueError):
        poses = []
    is_linear = all(pose.shape == (4, 4) and np.isfinite(pose).all() for pose in poses)
    if len(poses) != count or not is_linear or any(np.linalg.det(pose) == 0 for pose in poses):
        raise RequestError("bad-request", "The poses are not 4 rows of 4 numbers for each partner.")
    return [
        {"input": role, "name": role, "pose": torch.from_numpy(pose)}
        for role, pose in zip(partner_roles(count), poses, strict=True)
    ]


def _places(told: Any, count: int) -> list[tuple[np.ndarray, list[int]]]:
    if told is None:
        return []
    try:
        places = [(np.array(one["affine"], np.float64), list(one["shape"])) for one in told]
    except (TypeError, ValueError, KeyError):
        places = []
    is_usable = all(
        affine.shape == (4, 4)
        and np.isfinite(affine).all()
        and np.linalg.det(affine) != 0
        and len(shape) == 3
        and all(type(size) is int and size > 0 for size in shape)
        for affine, shape in places
    )
    if len(places) != count or not is_usable:
        raise RequestError("bad-request", "The places are not those of the sources.")
    return places


def _output(told: str) -> Path:
    output = Path(told)
    if not output.is_absolute():
        raise RequestError("bad-request", "The output is no absolute path.")
    return output


def _name(told: Any) -> str:
    if not isinstance(told, str) or not _FILE.fullmatch(told):
        raise RequestError("bad-request", "The name of the result is not usable.")
    return told


def _written(output: Path, fused: MetaTensor, axis: str) -> dict[str, Any]:
    """Return the names of what was written, and the UIDs by which the images are found.

    The images are in the order in which they are slices of the volume that was handed over.
    """
    files = sorted(output.iterdir()) if output.is_dir() else [output]
    tags = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality"]
    headers = [pydicom.dcmread(file, specific_tags=[*tags, _POSITION]) for file in files]
    images = [header for header in headers if header.Modality not in _NO_IMAGES]
    affine = fused.affine.double().numpy()
    array_axis, _ = slice_axis(fused.affine, axis)

    def index_of(image: pydicom.Dataset) -> float:
        lps = [*map(float, image.get(_POSITION, (0, 0, 0))), 1.0]
        return float((np.linalg.inv(affine) @ orientation_ras_lps(np.eye(4)) @ lps)[array_axis])

    images.sort(key=index_of)
    return {
        "files": [file.name for file in files],
        "study": str(images[0].StudyInstanceUID),
        "series": str(images[0].SeriesInstanceUID),
        "instances": [str(image.SOPInstanceUID) for image in images],
        "array_axis": array_axis,
        "others": [str(each.SeriesInstanceUID) for each in headers if each.Modality in _NO_IMAGES],
    }
