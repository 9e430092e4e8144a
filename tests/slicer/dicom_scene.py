"""A DICOM database with studies in it, and the two buttons of the panel as a user presses them."""

from __future__ import annotations

import numpy as np
import pydicom
from MACTFusionLib.dicom.made_study import turned, write_series
from waiting import wait

TILTED = turned(10.0)
SHAPES = {"MR": (20, 24, 6), "PT": (16, 18, 8), "CT": (16, 18, 12)}


def made(modality, affine):
    """A volume in which no two voxels are equal, and no plane is like its mirror image."""
    shape = SHAPES[modality]
    count = int(np.prod(shape))
    return np.random.default_rng(len(modality)).permutation(count).reshape(shape) + 1, affine


def add_series(database, folder, modality, affine=TILTED, **tags):
    """Put a series into the database as the module DICOM does; returns its UID."""
    files = write_series(folder, made(modality, affine), modality, **tags)
    for file in files:
        database.take(file, is_copied=True)
    return pydicom.dcmread(files[0]).SeriesInstanceUID


def add_study(database, folder, affine=TILTED, **tags):
    """Put MR and PET into the database; returns the series' UIDs."""
    pet_affine = affine @ np.diag([1.2, 1.3, 0.7, 1.0])
    places = {"MR": affine, "PT": pet_affine}
    return {
        modality: add_series(database, folder / modality, modality, place, **tags)
        for modality, place in places.items()
    }


def load(panel):
    """Load what *From DICOM* offers; returns the choices of the panel."""
    panel.ui.databaseButton.click()
    panel.dicom.dialog.ui.acceptButton.click()
    panel._settled()
    return panel._parameters


def apply(panel):
    """Fuse what is chosen; returns the node."""
    panel.runs.fused = None
    panel._settled()
    panel.ui.applyButton.click()
    wait(panel, lambda: panel.runs.fused is not None)
    return panel.runs.fused


def press_save(panel, destination=0, form=0, anonymous=False):
    """Save as DICOM with choices in the dialog."""
    panel.refresh()
    panel.ui.exportButton.click()
    ui = panel.dicom.dialog.ui
    ui.destinationComboBox.setCurrentIndex(destination)
    ui.formatComboBox.setCurrentIndex(form)
    ui.anonymousCheckBox.checked = anonymous
    ui.acceptButton.click()


def save(panel, **choices):
    """Likewise, and wait; returns what the panel says then."""
    press_save(panel, **choices)
    wait(panel, lambda: not panel.logic.is_running)
    return panel.ui.messageLabel.text


def series_in(database):
    """SeriesInstanceUIDs of all that is in the database."""
    return [
        series
        for patient in database.patients()
        for study in database.studiesForPatient(patient)
        for series in database.seriesForStudy(study)
    ]
