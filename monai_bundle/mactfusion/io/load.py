"""First step of the recipe: all volumes, and what has to be said about them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from mactfusion.errors import InputError, inform, listening, named, note
from mactfusion.io.checksum import sha256_of, sha256_of_set
from mactfusion.io.coerce import as_volume
from mactfusion.io.dicom.choose import ANATOMICAL, PARTNER
from mactfusion.io.dicom.export import DicomExport
from mactfusion.io.dicom.patient import same_patient_warning, share_frame_of_reference
from mactfusion.io.dicom.source import is_dicom_source
from mactfusion.io.dicom.study import Studies
from mactfusion.io.formats import base_name
from mactfusion.io.names import check_input
from mactfusion.io.volume import check_not_constant
from mactfusion.option_values import is_automatic
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor

    from mactfusion.io.dicom.listing import Series


class LoadVolumesd(Transform):
    """Read ``anatomical`` and ``partner``, one or several; see :func:`~mactfusion.io.as_volume`.

    Each source is read once. Where the anatomical source is a DICOM study and a partner is None or
    the same study, the study holds both. ``partners`` takes the place of ``partner``, see
    :class:`mactfusion.case.Partner`. Warnings of the readers become ``notes``. ``started`` is the
    time, in seconds since 1970; ``sha256`` the digests of what was read.

    Args:
        folder: where relative paths start.
        anatomical_series: which volume of a DICOM source, see
            :func:`mactfusion.io.dicom.choose.choose`; "auto" for the only one that fits.
        partner_series: likewise for each partner.
        anatomical_frame: which of several frames, see
            :class:`mactfusion.io.frames.FrameChoice`.
        frame: likewise for each partner.
        units: see :func:`mactfusion.io.dicom.volume.read_series`, for each partner.
        export: the DICOM output that was chosen, if any; ``origins`` keeps what it needs.
    """

    def __init__(
        self,
        folder: str | Path = ".",
        anatomical_series: str = "auto",
        partner_series: Sequence[str] = ("auto",),
        anatomical_frame: str = "auto",
        frame: Sequence[str] = ("auto",),
        units: Sequence[str] = ("auto",),
        export: DicomExport | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.series = [anatomical_series, *partner_series]
        self.frames = [anatomical_frame, *frame]
        self.units = ["auto", *units]
        self.export = export or DicomExport()

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read the volumes.

        Raises:
            InputError: one is missing or cannot be fused, or DICOM cannot be made of it.
        """
        result = {**data, "notes": data.get("notes", ""), "started": time.time()}
        given = result.pop("partner", None)
        given = given if isinstance(given, list) else [given]
        sources = [self._place(source) for source in (data.get("anatomical"), *(given or [None]))]
        with Studies() as studies:
            chosen = self._choose(studies, sources)
            volumes = [
                self._read(result, studies, source, series, number)
                for number, (source, series) in enumerate(zip(sources, chosen, strict=True))
            ]
            result["sha256"] = [
                sha256_of_set(series.files)
                if series is not None
                else sha256_of(source)
                if isinstance(source, Path)
                else ""
                for source, series in zip(sources, chosen, strict=True)
            ]
            result["origins"] = self._origins(result, chosen, volumes)
        anatomical, *partners = volumes
        for volume in partners:
            if message := same_patient_warning(anatomical, volume):
                note(result, message)
        result["partners"] = [
            {
                "number": number,
                "partner": volume,
                "same_frame_of_reference": share_frame_of_reference(anatomical, volume),
            }
            for number, volume in enumerate(partners)
        ]
        for volume in volumes:  # compared, and of no use from here on
            for about_patient in ("patient_digest", "frame_of_reference"):
                volume.meta[about_patient] = ""
        result["anatomical"] = anatomical
        return result

    def _origins(
        self,
        result: dict[str, Any],
        chosen: Sequence[Series | None],
        volumes: Sequence[MetaTensor],
    ) -> str:
        """Keep the headers of the sources, where they are needed, and say what is to be said."""
        if not self.export.is_chosen:
            return ""
        from mactfusion.io.dicom.origin import as_text, origin_of

        origins = [None if series is None else origin_of(series.files) for series in chosen]
        if self.export.is_blending:
            from mactfusion.io.dicom.scales import with_scales

            for number, (origin, series) in enumerate(zip(origins, chosen, strict=True)):
                if origin is not None and series is not None:
                    factor = float(volumes[number].meta["units_factor"])
                    frame = _at(self.frames, number)
                    origins[number] = with_scales(origin, series, frame, factor)
        self.export.check_origins(origins)
        for sentence in self.export.sentences(origins):
            note(result, sentence)
        return as_text(origins)

    def _place(self, source: Any) -> Any:
        return self.folder / source if isinstance(source, str | Path) else source

    def _choose(self, studies: Studies, sources: list[Any]) -> list[Series | None]:
        """Choose the DICOM series of each source; None for what is no DICOM.

        A source that is None becomes the study that the anatomical volume comes from.
        """
        study = sources[0]
        if study is None:
            raise InputError("There is no anatomical volume; give one.")
        for source in sources:
            if isinstance(source, Path):
                check_input(source)
        is_study = isinstance(study, Path) and is_dicom_source(study)
        if None in sources and not is_study:
            raise InputError("There is no partner volume; give one.")
        sources[1:] = [study if source is None else source for source in sources[1:]]
        every = [_at(self.series, number) for number in range(len(sources))]
        wanted = ["" if is_automatic(each) else each for each in every]
        if is_study and all(_is_same(study, source) for source in sources[1:]):
            chosen: list[Series | None] = list(studies.pair(study, wanted[0], wanted[1:]))
        else:
            chosen = [
                studies.series(source, words, PARTNER if number else ANATOMICAL)
                if isinstance(source, Path) and is_dicom_source(source)
                else None
                for number, (source, words) in enumerate(zip(sources, wanted, strict=True))
            ]
        for source, series, words in zip(sources, chosen, wanted, strict=True):
            if series is None and words:
                raise InputError(
                    f"{_called(source)} is no DICOM, so that there is no series '{words}' in it"
                )
        return chosen

    def _read(
        self,
        result: dict[str, Any],
        studies: Studies,
        source: Any,
        series: Series | None,
        number: int,
    ) -> MetaTensor:
        frame, units = _at(self.frames, number), _at(self.units, number)
        role = PARTNER if number else ANATOMICAL
        sentences: list[str] = []
        with listening(sentences.append):
            if series is None:
                _refuse_without_header(source, units)
                volume = as_volume(source, frame=frame, role=role)
            else:
                listing = studies.listing(source)
                if len(listing.candidates) > 1:
                    inform(f"{base_name(source)}: {series.said()} is taken.")
                volume = check_not_constant(studies.read(source, series, frame, units, role))
        # The notes end up in the record, where no folder's name belongs.
        name = str(volume.meta["filename_or_obj"])
        for sentence in sentences:
            rest = sentence.removeprefix(name)
            note(result, sentence if rest == sentence else f"{named(base_name(name))}{rest}")
        return volume


def digests_of(source: Path) -> set[str]:
    """SHA-256 of what a source may be read as: a file, or any volume of a DICOM source.

    Raises:
        InputError: a DICOM source that cannot be read.
    """
    if not is_dicom_source(source):
        return {sha256_of(source)}
    with Studies() as studies:
        return {sha256_of_set(series.files) for series in studies.listing(source).volumes}


def _at(values: Sequence[str], number: int) -> str:
    """Return the value for a source, the last one for all that are not named."""
    return values[min(number, len(values) - 1)]


def _refuse_without_header(source: Any, units: str) -> None:
    if units == "suv":
        raise InputError(
            f"{_called(source)} is no DICOM, so that dose and weight for SUV are unknown; give"
            f" {option('units', 'native')}"
        )


def _called(source: Any) -> str:
    return str(source) if isinstance(source, Path) else "A volume in memory"


def _is_same(study: Path, source: Any) -> bool:
    return isinstance(source, Path) and source.resolve() == study.resolve()
