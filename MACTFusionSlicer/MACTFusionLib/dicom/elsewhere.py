"""Headers of DICOM files to a worker on another computer, and the series that it wrote back."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..worker.carriers import damaged
from ..worker.conversation import Turn, WorkerError
from ..worker.transfer import TO_WORKER, Tally, fetch_file, send_file

if TYPE_CHECKING:
    from ..worker.conversation import Steps
    from ..worker.session import Session

_DEFLATED = "1.2.840.10008.1.2.1.99"
_PIXELS = (b"\xe0\x7f", b"\x7f\xe0")
_ELEMENT = 12
"""Bytes of the element that holds the pixels by which readers tell whether a file is whole."""


def steps_elsewhere(session: Session, fields: dict[str, Any], output: Path, private: Path) -> Steps:
    """Steps: let a worker that sees none of the files write a series, and fetch it.

    Args:
        session: with the worker.
        fields: of the request ``export``, with ``sources``.
        output: see :func:`MACTFusionLib.dicom.writing.steps_of_writing`.
        private: an empty folder that nobody else can read.

    Returns:
        What the worker says of the files.

    Raises:
        WorkerError: it cannot be written, or was damaged on its way; nothing is left.
    """
    asked = {name: value for name, value in fields.items() if name != "sources"}
    carrier = session.carrier
    name = f"{session.new_name()}.zip"
    try:
        yield from _pack_headers(fields["sources"], private / "headers.zip")
        yield from send_file(carrier, name, private / "headers.zip")
        try:
            wanted = f"fused{output.suffix}"
            reply = yield "export", {**asked, "headers": name, "name": wanted}
        except BaseException:  # also where nobody waits any more
            carrier.drop(name)
            raise
        archive = private / f"{output.name}.zip"
        yield from fetch_file(carrier, reply["file"], archive)
        yield from _unpack(archive, reply["files"], output, private)
    except OSError as error:
        raise WorkerError(
            "input",
            _("The DICOM files cannot be read or written ({reason}).").format(
                reason=error.strerror or error
            ),
        ) from error
    return {**reply, "files": [output.name] if output.suffix else reply["files"]}


def header_of(path: Path) -> bytes:
    """Return a DICOM file up to its pixels, and so much of them as tells how long they are.

    Raises:
        OSError: it cannot be read.
    """
    import pydicom  # comes with Slicer

    with path.open("rb") as file:
        try:
            read = pydicom.dcmread(
                file, stop_before_pixels=True, specific_tags=["Rows"], force=True
            )
            is_deflated = read.file_meta.get("TransferSyntaxUID", "") == _DEFLATED
            end = file.tell()
            has_pixels = not is_deflated and file.read(2) in _PIXELS
        except Exception:  # the worker says what is wrong with it
            has_pixels, end = False, 0
        file.seek(0)
        return file.read(end + _ELEMENT) if has_pixels else file.read()


def _pack_headers(sources: list, archive: Path) -> Steps:
    """Steps: put the headers into a ZIP as docs/worker_protocol.md says."""
    tally, done = Tally(TO_WORKER, _("DICOM headers"), sum(map(len, sources))), 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, files in enumerate(sources):
            for index, file in enumerate(files):
                packed.writestr(f"{number}/{index}", header_of(Path(file)))
                done += 1
                yield Turn((), tally.news(done))
        sizes = [[Path(file).stat().st_size for file in files] for files in sources]
        packed.writestr("sizes.json", json.dumps(sizes))


def _unpack(archive: Path, names: list, output: Path, private: Path) -> Steps:
    """Steps: give the files of a ZIP their place, all of them or none."""
    half = output.with_name(f".{output.name}-half")
    unpacked = private / "unpacked"
    unpacked.mkdir()
    try:
        with zipfile.ZipFile(archive) as packed:
            is_plain = all(Path(name).name == name for name in names)
            if not is_plain or sorted(packed.namelist()) != sorted(names):
                raise damaged()
            for name in names:
                packed.extract(name, unpacked)
                yield Turn()
        if output.suffix:
            shutil.copyfile(unpacked / names[0], half)
        else:
            shutil.copytree(unpacked, half)
        half.rename(output)
    except zipfile.BadZipFile as error:
        raise damaged() from error
    finally:
        if half.is_dir():
            shutil.rmtree(half, ignore_errors=True)
        elif half.exists():
            half.unlink()
