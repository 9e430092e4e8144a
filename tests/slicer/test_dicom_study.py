"""From the DICOM database to a fused series in the database: choose, load, fuse, save."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")
pytest.importorskip("pydicom", reason="needs pydicom: run make setup-panel")

import numpy as np
import pydicom
import slicer
from MACTFusionLib.dicom.kept import SERIES
from MACTFusionLib.nodes.volumes import geometry_of, voxels_of
from standins import dicom
from waiting import wait

sys.path.append(str(Path(__file__).resolve().parents[1]))
from dicom_study import PATIENT, turned, write_series

SHAPES = {"MR": (20, 24, 6), "PT": (16, 18, 8)}
PLACES = {"straight": turned(), "tilted": turned(10.0), "mirrored": turned(1.5, mirrored=True)}


def made(shape, affine, seed):
    """A volume in which no two voxels are equal, and no plane is like its mirror image."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(count).reshape(shape) + 1, affine


def add_study(database, folder, affine, **tags):
    """Put MR and PET into the database as the module DICOM does; returns the series' UIDs."""
    pet_affine = affine @ np.diag([1.2, 1.3, 0.7, 1.0])
    uids = {}
    for seed, (modality, place) in enumerate({"MR": affine, "PT": pet_affine}.items()):
        volume = made(SHAPES[modality], place, seed)
        files = write_series(folder / modality, volume, modality, **tags)
        for file in files:
            database.take(file, is_copied=True)
        uids[modality] = pydicom.dcmread(files[0]).SeriesInstanceUID
    return uids


@pytest.fixture
def database(scene, monkeypatch, tmp_path):
    return dicom.install(monkeypatch, tmp_path / "database")


@pytest.fixture(params=PLACES)
def affine(request):
    return PLACES[request.param]


@pytest.fixture
def fused(warm_panel, database, affine, tmp_path):
    """MR and PET of the database, chosen, loaded and fused by the buttons of the panel."""
    add_study(database, tmp_path / "files", affine)
    ui = warm_panel.ui
    ui.databaseButton.click()
    warm_panel.dicom.dialog.ui.acceptButton.click()
    chosen = warm_panel._parameters
    assert chosen.anatomical.GetName() == "3: T1"
    assert chosen.partner.GetName() == "3: FDG"
    warm_panel._settled()
    ui.applyButton.click()
    wait(warm_panel, lambda: warm_panel.runs.fused is not None)
    return warm_panel.runs.fused


def assert_same_in_space(node, files):
    """Slicer's reader finds every voxel of a node in the files, within 1e-3 mm, by place."""
    read = dicom.read(files, slicer.vtkMRMLScene())
    theirs, ours = voxels_of(read), voxels_of(node)
    shape = ours.shape[:3]
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    to_theirs = np.linalg.inv(geometry_of(read).affine) @ geometry_of(node).affine
    found = index @ to_theirs[:3, :3].T + to_theirs[:3, 3]
    rounded = np.rint(found).astype(int)
    spacing = np.linalg.norm(geometry_of(read).affine[:3, :3], axis=0)
    assert np.abs((found - rounded) * spacing).max() < 1e-3
    np.testing.assert_array_equal(theirs[tuple(np.moveaxis(rounded, -1, 0))], ours)


def save(panel, **choices):
    """Save as DICOM by the button; returns what the panel says then."""
    panel.refresh()
    panel.ui.exportButton.click()
    ui = panel.dicom.dialog.ui
    ui.destinationComboBox.setCurrentIndex(choices.get("destination", 0))
    ui.formatComboBox.setCurrentIndex(choices.get("form", 0))
    ui.anonymousCheckBox.checked = choices.get("anonymous", False)
    ui.acceptButton.click()
    wait(panel, lambda: not panel.logic.is_running)
    return panel.ui.messageLabel.text


def series_in(database):
    return [
        series
        for patient in database.patients()
        for study in database.studiesForPatient(patient)
        for series in database.seriesForStudy(study)
    ]


def test_a_study_becomes_a_fused_series_of_the_study(warm_panel, fused, database):
    before = series_in(database)
    said = save(warm_panel)
    assert "in the DICOM database (6 images), in the study of 3: T1" in said
    (new,) = set(series_in(database)) - set(before)
    files = sorted(database.filesForSeries(new))
    assert_same_in_space(fused, files)
    assert database.patients() == ("1",)
    assert database.studyForSeries(new) == PATIENT["StudyInstanceUID"]
    images = [pydicom.dcmread(file) for file in files]
    for keyword, value in PATIENT.items():
        assert all(image.get(keyword) == value for image in images)
    named = {each.ReferencedSOPInstanceUID for one in images for each in one.SourceImageSequence}
    for series in before:
        assert named & set(database.instancesForSeries(series))
    assert fused.GetAttribute(SERIES) == new
    assert set(fused.GetAttribute("DICOM.instanceUIDs").split()) == {
        image.SOPInstanceUID for image in images
    }
