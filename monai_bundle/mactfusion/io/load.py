"""First step of the recipe: both volumes, and what has to be said about them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from mactfusion.errors import InputError, listening, note
from mactfusion.io.coerce import as_volume
from mactfusion.io.dicom import same_patient_warning

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("anatomical", "partner")


class LoadVolumed(Transform):
    """Read ``anatomical`` and ``partner``; see :func:`~mactfusion.io.as_volume`.

    Warnings of the readers become ``notes``. ``started`` is the time, in seconds since 1970.

    Args:
        folder: where relative paths start.
    """

    def __init__(self, folder: str | Path = ".") -> None:
        self.folder = Path(folder)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read both volumes.

        Raises:
            InputError: one is missing or cannot be fused.
        """
        result = {**data, "notes": data.get("notes", ""), "started": time.time()}
        for key in KEYS:
            source = data.get(key)
            if source is None:
                raise InputError(f"There is no {key} volume; give one.")
            if isinstance(source, str | Path):
                source = self.folder / source
            sentences: list[str] = []
            with listening(sentences.append):
                result[key] = as_volume(source)
            # The notes end up in the record, where no folder's name belongs.
            name = str(result[key].meta["filename_or_obj"])
            for sentence in sentences:
                note(result, sentence.replace(name, Path(name).name))
        if message := same_patient_warning(result["anatomical"], result["partner"]):
            note(result, message)
        for key in KEYS:  # compared, and of no use from here on
            for about_patient in ("patient_digest", "frame_of_reference"):
                result[key].meta[about_patient] = ""
        return result
