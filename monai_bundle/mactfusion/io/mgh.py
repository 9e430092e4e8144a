"""MGH files of FreeSurfer through nibabel."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import nibabel
from nibabel.fileholders import FileHolder

from mactfusion.errors import InputError
from mactfusion.io.guard import guarded, one_sentence
from mactfusion.io.nibabel_image import volume_from_nibabel
from mactfusion.io.nifti import left_after_voxels, length_of, opened

if TYPE_CHECKING:
    from pathlib import Path

    from monai.data import MetaTensor

    from mactfusion.io.frames import FrameChoice

_FORMAT = ">7ih"
"""Version, three sizes, frames, type, degrees of freedom, and whether its place is known."""


def read_mgh(path: Path, choice: FrameChoice) -> MetaTensor:
    """Read ``.mgh`` or ``.mgz`` at the place that its header gives.

    Args:
        path: the file.
        choice: which of several frames.

    Returns:
        The volume, see `make_volume`.

    Raises:
        InputError: damaged file, unknown position, no such frame, ...
    """
    name = str(path)
    with one_sentence(f"{name} cannot be read"):
        with opened(path) as stream:
            if stream is not None:
                start = stream.read(struct.calcsize(_FORMAT))
            else:
                with path.open("rb") as file:
                    start = file.read(struct.calcsize(_FORMAT))
        if len(start) < struct.calcsize(_FORMAT):
            raise EOFError
        version, *_, is_place_known = struct.unpack(_FORMAT, start)
    if version != 1:
        raise InputError(f"{name} cannot be read: it is no MGH file of version 1")
    if is_place_known != 1:
        raise InputError(
            f"{name} does not say where it lies in the patient (goodRASFlag is not set); convert it"
            " again from the original"
        )
    with opened(path) as stream:
        content: Any = stream
        holder = FileHolder(fileobj=content) if content else FileHolder(str(path.absolute()))
        with guarded(f"{name} cannot be read"):
            image = nibabel.MGHImage.from_file_map({"image": holder})
        volume = volume_from_nibabel(image, name, choice)
        length = path.stat().st_size if stream is None else length_of(stream, name)
        left_after_voxels(image, length, name)
    return volume
