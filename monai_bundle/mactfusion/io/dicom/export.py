"""The DICOM output of one fusion: what was asked for, refused early, and written."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion import __version__
from mactfusion.case import partner_roles
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.dicom.choices import check_dicom_choices, check_dicom_folder
from mactfusion.io.dicom.folder import IMPLEMENTATION_UID, atomic_folder
from mactfusion.io.dicom.pixels import MOST_BYTES
from mactfusion.io.formats import DICOM_EXTENSION, extension_of, is_dicom_output
from mactfusion.io.guard import guarded
from mactfusion.io.reasons import NOT_SAID
from mactfusion.transforms.volume import is_picture
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydicom.dataset import Dataset

    from mactfusion.io.dicom.origin import Origin
    from mactfusion.io.dicom.spatial_registration import Moved

_LONGEST_VERSION_NAME = 16
_NEW_UIDS = {
    "StudyInstanceUID": "and does not stand beside its sources",
    "FrameOfReferenceUID": "so that viewers may not lay it over its sources",
}
"""What archives and viewers make of it."""


class DicomExport:
    """Writes a fused volume as DICOM, if that was chosen.

    Args:
        output: the file or folder to be written, if any.
        format: see :data:`mactfusion.option_table.OPTIONS`; likewise the others.
        dtype: likewise.
        dicom_template: likewise.
        anonymous: likewise.
        blending_state: likewise.

    Attributes:
        is_chosen: whether DICOM is written at all.
        is_blending: whether an Advanced Blending Presentation State is written with it.

    Raises:
        InputError: options that contradict each other.
    """

    def __init__(
        self,
        output: str | Path | None = None,
        format: str = "auto",  # noqa: A002  the option's name
        dtype: str = "auto",
        dicom_template: str | Path | None = None,
        anonymous: bool = False,
        blending_state: bool = False,
    ) -> None:
        self.output = Path(output or "")
        self.format = format
        self.dtype = dtype
        self.template = None if dicom_template is None else Path(dicom_template)
        self.anonymous = anonymous
        chosen = None if output is None else self.output
        check_dicom_choices(
            chosen,
            format=format,
            dtype=dtype,
            dicom_template=self.template,
            anonymous=anonymous,
            blending_state=blending_state,
        )
        self.is_chosen = chosen is not None and is_dicom_output(chosen, format)
        self.is_blending = self.is_chosen and blending_state

    def check_origins(self, origins: Sequence[Origin | None]) -> None:
        """Refuse sources from which the chosen DICOM cannot be made.

        Args:
            origins: the series of the anatomical volume and of each partner, None where it is none.

        Raises:
            InputError: nobody to whom the result belongs, ...
        """
        if not self.is_chosen:
            return
        owner = self._owner(origins)
        for keyword in ("PatientID", "PatientName"):
            if owner is not None and keyword in owner.invalid:
                raise InputError(
                    f"The {self._owner_in_words(origins)} has a {keyword} that DICOM does not "
                    "allow, so that the result could not be found under the patient: write "
                    f"another format, or add {option('anonymous', True)}."
                )
        if self.is_blending:
            from mactfusion.io.dicom.blending import check_blendable

            check_blendable(origins)
        if self.anonymous and any(origin.has_text for origin in origins if origin is not None):
            raise InputError(
                "A series says that its pixels hold text (Burned In Annotation), which may name "
                "the patient: it cannot become anonymous."
            )

    def sentences(self, origins: Sequence[Origin | None]) -> list[str]:
        """Return what has to be said before the long work.

        Args:
            origins: see :meth:`check_origins`.
        """
        sentences = []
        if self.is_chosen:
            sentences += self._sentences_of_owner(origins)
        if self.is_chosen and self.template is not None:
            sentences.append(
                "The result takes patient, study and frame of reference from the template: check "
                "that the anatomical volume is of that patient and in that place."
                if origins[0] is None
                else "The anatomical volume is a DICOM series itself: the result takes patient, "
                "study and frame of reference from it, not from the template."
            )
        if self.is_blending and any(origin.is_uneven for origin in origins if origin is not None):
            sentences.append(
                "The slices of a series have rescale slopes of their own: the blending state has a "
                "window in stored values for each, which a viewer that rescales them nevertheless "
                "shows wrong."
            )
        return sentences

    def _sentences_of_owner(self, origins: Sequence[Origin | None]) -> list[str]:
        """Say what of the owner's header the result cannot take."""
        from mactfusion.io.dicom.origin import BODY, EQUIPMENT, PATIENT, STUDY

        owner = self._owner(origins)
        if owner is None:
            return []
        whose = self._owner_in_words(origins)
        sentences = [
            f"The {whose} has no valid {keyword}: the result gets a new one, {consequence}."
            for keyword, consequence in _NEW_UIDS.items()
            if not owner.header.get(keyword)
        ]
        copied = {*PATIENT, *STUDY, *BODY} - set(_NEW_UIDS)
        left_out = [key for key in owner.invalid if key in copied]
        left_out += [
            key
            for origin in origins
            if origin is not None
            for key in origin.invalid
            if key in EQUIPMENT
        ]
        if left_out:
            sentences.append(
                "The result leaves out what DICOM does not allow in the headers of its sources: "
                f"{', '.join(dict.fromkeys(left_out))}."
            )
        return sentences

    def _owner_in_words(self, origins: Sequence[Origin | None]) -> str:
        return "template" if origins[0] is None else "anatomical series"

    def _owner(self, origins: Sequence[Origin | None]) -> Origin | None:
        """Return whose patient, study and frame of reference are taken; None for nobody's."""
        if self.anonymous:
            return None
        if origins and origins[0] is not None:
            return origins[0]
        if self.template is None:
            raise InputError(
                "The anatomical volume is no DICOM series, so nothing says to which patient the "
                f"result belongs: add {option('dicom_template')} with the folder of a series of "
                f"the patient, or {option('anonymous', True)}."
            )
        return self._template

    @cached_property
    def _template(self) -> Origin:
        """Asked for before the long work and when the result is written, and read once."""
        from mactfusion.io.dicom.origin import origin_of
        from mactfusion.io.dicom.study import Studies

        with Studies() as studies:
            return origin_of(studies.series(Path(self.template or "")).files)

    def check_case(self, case: Mapping[str, Any], luminance_only: bool) -> None:
        """Refuse a result that DICOM cannot hold, before the long work.

        Args:
            case: with ``image``, ``is_color``, ``grid_shape``, ``partners`` and ``origins``.
            luminance_only: the result will be grey.

        Raises:
            InputError: pictures, which have no place in a patient; a type or a size too large;
                series that a blending state cannot lay over each other.
        """
        if is_picture(case["image"]):
            raise InputError(
                f"{self.output} cannot be written: a picture has no millimetres and no place in "
                "the patient, which a DICOM series needs; write .png or .tif."
            )
        if self.is_blending:
            from mactfusion.io.dicom.blending import check_one_place
            from mactfusion.registration.linear import poses_of_moved

            check_one_place(_origins_of(case), poses_of_moved(case["partners"]))
        is_color = bool(case["is_color"]) and not luminance_only
        if self.dtype not in ("auto", "uint8" if is_color else "uint16"):
            raise InputError(
                f"{self.output} cannot be written: DICOM holds "
                f"{'8 bits of each colour' if is_color else '16 bits of grey'}; leave "
                f"{option('dtype')} at auto."
            )
        size = int(np.prod(case["grid_shape"].tolist())) * (3 if is_color else 2)
        if extension_of(self.output) == DICOM_EXTENSION and size > MOST_BYTES:
            raise InputError(
                f"{self.output} cannot be written: one DICOM file holds 4 GB of pixels; give a "
                f"folder and {option('format', 'dicom')}."
            )

    def sentence_of_grid(self, case: Mapping[str, Any]) -> str:
        """Return what has to be said of the result's grid; "" where there is nothing.

        Args:
            case: with ``grid_affine`` and ``grid_shape``.
        """
        from mactfusion.io.dicom.rectangle import skew_sentence

        return skew_sentence(case["grid_affine"], case["grid_shape"].tolist())

    def sentences_of_moved(self, case: Mapping[str, Any]) -> list[str]:
        """Say of which partners that were moved a folder of DICOM has no registration object.

        Args:
            case: with ``partners`` and ``origins``.
        """
        if not self.is_chosen or extension_of(self.output) == DICOM_EXTENSION:
            return []
        from mactfusion.io.dicom.spatial_registration import without_object

        return without_object(case["partners"], _partners_of(_origins_of(case)), self.anonymous)

    def write(
        self,
        case: Mapping[str, Any],
        record: Mapping[str, Any],
        overwrite: bool = False,
        when_written: Callable[[list[Path]], None] | None = None,
        each: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write the result, complete or not at all.

        Args:
            case: with ``pred``, ``(1 or 3, I, J, K)`` in [0, 1], and ``origins``.
            record: see :mod:`mactfusion.record`.
            overwrite: replace what this program wrote there before.
            when_written: called with the images before they take their names; what it raises leaves
                all as it was.
            each: called with (images written, images in all) after each of a folder; likewise.

        Raises:
            InputError: it cannot be written; what was there is untouched.
        """
        from mactfusion.io.dicom.derived import making_of
        from mactfusion.io.dicom.multi_frame import multi_frame_image
        from mactfusion.io.dicom.planes import planes_of
        from mactfusion.io.dicom.single_frames import single_images

        output, origins = self.output, _origins_of(case)
        owner = self._owner(origins)
        planes = planes_of(case["pred"], record["axis"], output)
        modality = anatomical_modality(origins, record["task"])
        making = making_of(record, origins, owner, modality)
        failure = f"{output} cannot be written"
        if extension_of(output) == DICOM_EXTENSION:
            with guarded(failure, NOT_SAID), atomic_path(output) as temporary:
                write_dataset(multi_frame_image(planes, making), temporary)
                if when_written is not None:
                    when_written([temporary])
            return
        check_dicom_folder(output, overwrite)
        with guarded(failure, NOT_SAID), atomic_folder(output) as folder:
            images = []
            for number, image in enumerate(single_images(planes, making), 1):
                images.append(folder / f"slice-{number:04d}.dcm")
                write_dataset(image, images[-1])
                if each is not None:
                    each(number, len(planes.pixels))
            if when_written is not None:
                when_written(images)
            moved = [] if self.anonymous else self._moved(case, record, origins)
            registration = None
            if moved:
                from mactfusion.io.dicom.spatial_registration import spatial_registration

                registration = spatial_registration(making, origins[0], moved)
                write_dataset(registration, folder / "registration.dcm")
            if self.is_blending:
                from mactfusion.io.dicom.blending import blending_state

                state = blending_state(making, registration, {one.role for one in moved})
                write_dataset(state, folder / "blending-state.dcm")

    def _moved(
        self,
        case: Mapping[str, Any],
        record: Mapping[str, Any],
        origins: Sequence[Origin | None],
    ) -> list[Moved]:
        from mactfusion.io.dicom.spatial_registration import moved_series

        by_role = _partners_of(origins)
        asked = record["options"]["register"]
        each = asked if isinstance(asked, list) else [asked] * len(by_role)
        register = dict(zip(by_role, each, strict=True))
        return moved_series(case["partners"], by_role, register)


def _partners_of(origins: Sequence[Origin | None]) -> dict[str, Origin | None]:
    """Return the series of each partner by its role."""
    return dict(zip(partner_roles(len(origins) - 1), origins[1:], strict=True))


def _origins_of(case: Mapping[str, Any]) -> list[Origin | None]:
    from mactfusion.io.dicom.origin import from_text

    return from_text(case["origins"]) if case.get("origins") else [None]


def anatomical_modality(origins: Sequence[Origin | None], task: str) -> str:
    """Tell what kind of image the result is: by the header, else by the task.

    Args:
        origins: the series of the anatomical volume first, None where it is none.
        task: see :data:`mactfusion.option_values.TASKS`; several with " + " between them.

    Returns:
        "MR", "CT" or "OT".
    """
    known = origins[0].modality if origins and origins[0] is not None else ""
    if not known:
        anatomical = task.split(" + ")[0].rsplit("-", 1)[-1].upper()
        known = {"MRI": "MR"}.get(anatomical, anatomical)
    return known if known in ("MR", "CT") else "OT"


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Write a data set as a DICOM file, not compressed.

    Raises:
        OSError: it cannot be written.
    """
    from pydicom.config import disable_value_validation
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # the writer counts
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"MACTFUSION {__version__}"[:_LONGEST_VERSION_NAME]
    with disable_value_validation():  # what the source has is taken as it is
        file = FileDataset(
            str(path),
            dataset,
            preamble=b"\0" * 128,
            file_meta=meta,
            is_implicit_VR=False,
            is_little_endian=True,
        )
        file.save_as(path)
