"""The worker writes a fused node as DICOM, by the library's own writer."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..worker.carriers import SharedFolder
from ..worker.environment import log
from .elsewhere import steps_elsewhere

if TYPE_CHECKING:
    import slicer

    from ..worker.conversation import Steps
    from ..worker.session import Session

SUFFIX = ".dcm"


def steps_of_writing(
    session: Session, fused: slicer.vtkMRMLVolumeNode, fields: dict[str, Any], output: Path
) -> Steps:
    """Steps: hand the volume over, and let the worker write it.

    Args:
        session: with the worker.
        fused: volume node.
        fields: see :func:`MACTFusionLib.dicom.request.request_for`.
        output: a new folder for a series, or a name that ends in ``.dcm`` for one object.

    Returns:
        What the worker says of the files, see docs/worker_protocol.md.

    Raises:
        WorkerError: it cannot be written; nothing is left.
    """
    yield from session.greet()
    volume = yield from session.load(fused, is_fresh=True)
    asked = {**fields, "volume": volume}
    if isinstance(session.carrier, SharedFolder):  # paths mean the same to both
        return (yield "export", {**asked, "output": str(output.absolute())})
    private = private_folder()
    try:
        return (yield from steps_elsewhere(session, asked, output, private))
    finally:
        remove_private_folder(private)


def private_folder() -> Path:
    """Make a folder that nobody else can read; it goes with the module's at the latest."""
    return Path(tempfile.mkdtemp(prefix="series-", dir=log().parent))


def remove_private_folder(folder: Path) -> None:
    """Remove it with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def new_name(folder: Path, stem: str, suffix: str) -> Path:
    """Return a name that nothing in a folder has, such as ``fused-MR-PET-2``."""
    number, path = 1, folder / f"{stem}{suffix}"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
