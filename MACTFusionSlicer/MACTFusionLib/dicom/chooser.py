"""The dialog of *From DICOM*: a patient, and the series that are to be fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..panel.sources import kind_name
from .database import patients_in, series_of
from .dialog import Dialog
from .suitable import PARTNERS, best_pair, best_partner, in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Patient, Series


class Chooser:
    """Shows the database and asks what to load.

    Args:
        path: of the ``.ui`` file.
        database: an open one.
        parent: widget whose window it stands before.
        chosen: called with a list of :class:`MACTFusionLib.dicom.database.Series`, the anatomical
            one first.
    """

    def __init__(
        self, path: str, database: Any, parent: Any, chosen: Callable[[list], None]
    ) -> None:
        self._dialog = Dialog(path, _("Load a patient from the DICOM database"), parent)
        self.ui: Any = self._dialog.ui
        self._database = database
        self._chosen = chosen
        self._patients = patients_in(database)
        self._shown: list[Patient] = []
        self._series: list[Series] = []
        self._boxes = [
            getattr(self.ui, f"{role}ComboBox")
            for role in ("anatomical", "partner", "third", "fourth")
        ]
        ui = self.ui
        ui.searchEdit.textChanged.connect(self._fill_patients)
        ui.patientList.currentRowChanged.connect(self._fill_series)
        self._boxes[0].currentIndexChanged.connect(self._suggest)
        for box in self._boxes[1:]:
            box.currentIndexChanged.connect(self._tell)
        ui.acceptButton.clicked.connect(self._accept)
        ui.rejectButton.clicked.connect(self._dialog.close)
        self._fill_patients()
        self._dialog.open()

    def close(self) -> None:
        """Close it without a word to anybody."""
        self._dialog.close()

    def _fill_patients(self, *_unused: object) -> None:
        """List the patients that the search is about; the first one is chosen."""
        words = self.ui.searchEdit.text.lower().split()
        self._shown = [
            patient
            for patient in self._patients
            if all(word in f"{patient.name} {patient.identifier}".lower() for word in words)
        ]
        rows = self.ui.patientList
        was_blocked = rows.blockSignals(True)
        rows.clear()
        for patient in self._shown:
            rows.addItem(_row_of(patient))
        rows.currentRow = 0 if self._shown else -1
        rows.blockSignals(was_blocked)
        self._fill_series()

    def _fill_series(self, *_unused: object) -> None:
        """Offer the series of the patient, with the likeliest pair chosen."""
        row = self.ui.patientList.currentRow
        patient = self._shown[row] if 0 <= row < len(self._shown) else None
        self._series = [] if patient is None else in_order(series_of(self._database, patient.uid))
        pair = best_pair(self._series)
        anatomical = [one for one in self._series if one.kind in PARTNERS]
        self._fill(self._boxes[0], anatomical, pair[0] if pair else None)
        for number, box in enumerate(self._boxes[1:]):
            self._fill(box, self._series, pair[1] if pair and number == 0 else None)
        self._tell()

    def _fill(self, box: Any, series: list, wanted: Series | None) -> None:
        was_blocked = box.blockSignals(True)
        box.clear()
        box.addItem(_("None"), "")
        for one in series:
            box.addItem(_text_of(one), one.uid)
        box.setCurrentIndex(0 if wanted is None else 1 + series.index(wanted))
        box.blockSignals(was_blocked)

    def _suggest(self, *_unused: object) -> None:
        """Choose the likeliest partner for another anatomical series."""
        anatomical = self._series_in(self._boxes[0])
        if anatomical is not None:
            partner = best_partner(anatomical, self._series)
            box = self._boxes[1]
            was_blocked = box.blockSignals(True)
            box.setCurrentIndex(0 if partner is None else 1 + self._series.index(partner))
            box.blockSignals(was_blocked)
        self._tell()

    def _series_in(self, box: Any) -> Series | None:
        uid = box.itemData(box.currentIndex)
        return next((one for one in self._series if one.uid == uid), None)

    def _tell(self, *_unused: object) -> None:
        """Say what stands against the choice, or what to know of it."""
        chosen = [self._series_in(box) for box in self._boxes]
        said, is_usable = _said_of(chosen, bool(self._patients), self._series)
        self.ui.noteLabel.text = said
        self.ui.acceptButton.enabled = is_usable

    def _accept(self, *_unused: object) -> None:
        chosen = [self._series_in(box) for box in self._boxes]
        self._dialog.close()
        self._chosen([one for one in chosen if one is not None])


def _row_of(patient: Patient) -> str:
    studies = _("1 study") if patient.studies == 1 else _("{count} studies")
    parts = [
        patient.name or _("No name"),
        patient.identifier,
        _("born {date}").format(date=patient.born) if patient.born else "",
        studies.format(count=patient.studies),
        patient.last_date,
    ]
    return " · ".join(filter(None, parts))


def _text_of(series: Series) -> str:
    images = _("1 image") if series.images == 1 else _("{count} images")
    parts = [
        kind_name(series.kind),
        series.description or _("no description"),
        series.date,
        images.format(count=series.images),
    ]
    return " · ".join(filter(None, parts))


def _said_of(chosen: list, has_patients: bool, offered: list) -> tuple:
    """Return a sentence on a choice, and whether it can be loaded."""
    anatomical, *partners = chosen
    partners = [one for one in partners if one is not None]
    if not has_patients:
        return _("The database is empty: import the patient's files in the module DICOM."), False
    if not offered:
        return _("This patient has no MR, CT, PET or SPECT on this computer."), False
    if anatomical is None:
        return _("Choose the anatomical series: MR or CT."), False
    uids = [anatomical.uid, *(one.uid for one in partners)]
    if len(set(uids)) < len(uids):
        return _("A series is chosen twice; choose each once."), False
    if not partners:
        return _("Choose a partner: PET, SPECT, CT or a second MR."), False
    if any(one.kind not in PARTNERS[anatomical.kind] for one in partners):
        return _(
            "On a CT only PET and SPECT are fused; to fuse CT with MR, choose the MR as the "
            "anatomical series."
        ), False
    if any(one.study != anatomical.study for one in partners):
        return _(
            "The series are of several studies: between them the patient was moved, so look at "
            "what the panel says of their places."
        ), True
    if not anatomical.frame or not all(one.frame for one in partners):
        return _(
            "It is not recorded whether the scanner aligned these series (a frame of reference is "
            "missing): look at what the panel says of their places."
        ), True
    if any(one.frame != anatomical.frame for one in partners):
        return _(
            "The scanner did not align these series (they have several frames of reference): look "
            "at what the panel says of their places."
        ), True
    return _("One study, and one frame of reference."), True
