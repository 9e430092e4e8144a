"""First step of the recipe: all volumes, and what has to be said about them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from mactfusion.errors import InputError, listening, named, note
from mactfusion.io.coerce import as_volume
from mactfusion.io.dicom import DicomExport, image_files, same_patient_warning
from mactfusion.io.formats import base_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor


class LoadVolumesd(Transform):
    """Read ``anatomical`` and ``partner``, one or several; see :func:`~mactfusion.io.as_volume`.

    Each source is read once. ``partners`` takes the place of ``partner``, see
    :class:`mactfusion.case.Partner`. Warnings of the readers become ``notes``. ``started`` is the
    time, in seconds since 1970.

    Where DICOM is written, ``origins`` keeps what it needs of the sources.

    Args:
        folder: where relative paths start.
        export: the DICOM output that was chosen, if any.
    """

    def __init__(self, folder: str | Path = ".", export: DicomExport | None = None) -> None:
        self.folder = Path(folder)
        self.export = export or DicomExport()

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read the volumes.

        Raises:
            InputError: one is missing or cannot be fused, or DICOM cannot be made of it.
        """
        result = {**data, "notes": data.get("notes", ""), "started": time.time()}
        given = result.pop("partner", None)
        sources = given if isinstance(given, list) else [given]
        anatomical = self._read(result, data.get("anatomical"), "anatomical")
        volumes = [self._read(result, source, "partner") for source in sources or [None]]
        for volume in volumes:
            if message := same_patient_warning(anatomical, volume):
                note(result, message)
        for volume in (anatomical, *volumes):  # compared, and of no use from here on
            for about_patient in ("patient_digest", "frame_of_reference"):
                volume.meta[about_patient] = ""
        result["origins"] = self._origins(result, [data.get("anatomical"), *sources])
        result["anatomical"] = anatomical
        result["partners"] = [
            {"number": number, "partner": volume} for number, volume in enumerate(volumes)
        ]
        return result

    def _origins(self, result: dict[str, Any], sources: Sequence[Any]) -> str:
        """Keep the headers of the sources, where they are needed, and say what is to be said."""
        if not self.export.is_chosen:
            return ""
        from mactfusion.io.dicom.origin import as_text, origin_of

        folders = [self._dicom_folder(source) for source in sources]
        origins = [None if folder is None else origin_of(image_files(folder)) for folder in folders]
        self.export.check_origins(origins)
        for sentence in self.export.sentences(origins):
            note(result, sentence)
        return as_text(origins)

    def _dicom_folder(self, source: Any) -> Path | None:
        """Return the folder of a series; None for any other source."""
        if not isinstance(source, str | Path):
            return None
        path = self.folder / source
        return path if path.is_dir() else None

    def _read(self, result: dict[str, Any], source: Any, role: str) -> MetaTensor:
        if source is None:
            raise InputError(f"There is no {role} volume; give one.")
        if isinstance(source, str | Path):
            source = self.folder / source
        sentences: list[str] = []
        with listening(sentences.append):
            volume = as_volume(source)
        # The notes end up in the record, where no folder's name belongs.
        name = str(volume.meta["filename_or_obj"])
        for sentence in sentences:
            rest = sentence.removeprefix(name)
            note(result, sentence if rest == sentence else f"{named(base_name(name))}{rest}")
        return volume
