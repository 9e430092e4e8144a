"""From the DICOM database to a fused series in the database: choose, load, fuse, save."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")
pytest.importorskip("pydicom", reason="needs pydicom: run make setup-panel")

import numpy as np
import pydicom
import qt
import slicer
from dicom_scene import TILTED, add_series, add_study, apply, load, press_save, save, series_in
from MACTFusionLib.dicom import elsewhere, importing
from MACTFusionLib.dicom.kept import KEPT, SERIES
from MACTFusionLib.dicom.made_study import PATIENT, turned
from MACTFusionLib.dicom.save_dialog import Wish
from MACTFusionLib.nodes.volumes import VolumeError, geometry_of, voxels_of
from MACTFusionLib.worker.carriers import Wire
from MACTFusionLib.worker.environment import log
from standins import dicom
from waiting import until, wait

PLACES = {"straight": turned(), "tilted": TILTED, "mirrored": turned(1.5, mirrored=True)}


@pytest.fixture
def database(scene, monkeypatch, tmp_path):
    return dicom.install(monkeypatch, tmp_path / "database")


@pytest.fixture
def fused(warm_panel, database, tmp_path):
    """MR and PET of the database, chosen, loaded and fused by the buttons of the panel."""
    add_study(database, tmp_path / "files")
    load(warm_panel)
    return apply(warm_panel)


@pytest.fixture
def target(monkeypatch, tmp_path):
    """The folder that the dialog is answered with."""
    folder = tmp_path / "target"
    folder.mkdir()
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    return folder


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


def assert_nothing_left(database, before):
    assert series_in(database) == before
    assert [path.name for path in log().parent.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("place", PLACES)
def test_a_study_becomes_a_fused_series_of_the_study(warm_panel, database, tmp_path, place):
    sources = add_study(database, tmp_path / "files", PLACES[place])
    chosen = load(warm_panel)
    assert (chosen.anatomical.GetName(), chosen.partner.GetName()) == ("3: T1", "3: FDG")
    fused = apply(warm_panel)
    said = save(warm_panel)
    assert "in the DICOM database (6 images), in the study of 3: T1." in said
    (new,) = set(series_in(database)) - set(sources.values())
    files = database.filesForSeries(new)
    assert_same_in_space(fused, files)
    assert database.patients() == ("1",)
    assert database.studyForSeries(new) == PATIENT["StudyInstanceUID"]
    assert database.changes == 1
    images = [pydicom.dcmread(file) for file in files]
    for keyword, value in PATIENT.items():
        assert all(image.get(keyword) == value for image in images)
    named = {each.ReferencedSOPInstanceUID for one in images for each in one.SourceImageSequence}
    for series in sources.values():
        assert named & set(database.instancesForSeries(series))
    assert fused.GetAttribute(SERIES) == new
    assert_nothing_left(database, [*sources.values(), new])


def test_images_are_told_in_the_order_of_the_slices(warm_panel, fused, database):
    save(warm_panel)
    instances = fused.GetAttribute("DICOM.instanceUIDs").split()
    affine = geometry_of(fused).affine
    for index, uid in enumerate(instances):
        image = pydicom.dcmread(database.fileForInstance(uid))
        position = np.array(image.ImagePositionPatient, float) * (-1, -1, 1)
        corner = (affine @ (0, 0, index, 1))[:3]
        assert abs((corner - position) @ np.cross(*affine[:3, :2].T)) < 1e-2


def test_each_time_is_a_new_series_and_a_new_fusion_forgets_it(warm_panel, fused, database):
    assert "one more series" not in save(warm_panel)
    first = fused.GetAttribute(SERIES)
    assert "the one that was saved before stays" in save(warm_panel)
    second = fused.GetAttribute(SERIES)
    assert first != second
    assert {first, second} < set(series_in(database))
    warm_panel._parameters.output = fused
    assert apply(warm_panel) is fused
    assert fused.GetAttribute(SERIES) is None
    assert fused.GetAttribute("DICOM.instanceUIDs") is None
    assert "one more series" not in save(warm_panel)


def test_edited_voxels_are_refused(warm_panel, fused, database):
    before = series_in(database)
    slicer.util.arrayFromVolume(fused)[2, 3, 4] ^= 1
    slicer.util.arrayFromVolumeModified(fused)
    assert "changed after the fusion" in save(warm_panel)
    assert_nothing_left(database, before)
    assert fused.GetAttribute(SERIES) is None


def under_transform(nodes, mm):
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = np.eye(4)
    matrix[0, 3] = mm
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return matrix


def test_moved_volume_is_refused_and_may_belong_to_nobody(warm_panel, fused, database, target):
    before = series_in(database)
    under_transform([fused], 5.0)
    assert "lies under a transform" in save(warm_panel)
    assert "is saved as DICOM" in save(warm_panel, destination=1, anonymous=True)
    (folder,) = target.iterdir()
    assert folder.name == "fused-MR-PET"
    assert_same_in_space(fused, sorted(folder.iterdir()))
    assert b"Nobody" not in next(folder.iterdir()).read_bytes()
    fused.HardenTransform()  # nothing in the node tells of it any more; the worker compares places
    assert "does not lie where the images" in save(warm_panel)
    assert_nothing_left(database, before)


def test_where_a_partner_was_moved_goes_with_the_series(warm_panel, database, tmp_path):
    sources = add_study(database, tmp_path / "files")
    chosen = load(warm_panel)
    matrix = under_transform([chosen.partner], 4.0)
    fused = apply(warm_panel)
    save(warm_panel)
    new = set(series_in(database)) - set(sources.values())
    (registration,) = new - {fused.GetAttribute(SERIES)}
    told = pydicom.dcmread(database.filesForSeries(registration)[0])
    item = told.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    found = np.array(item.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert np.allclose(lps @ found @ lps, matrix)


def test_partner_that_was_hardened_is_said(warm_panel, database, tmp_path):
    add_study(database, tmp_path / "files")
    chosen = load(warm_panel)
    under_transform([chosen.partner], 4.0)
    chosen.partner.HardenTransform()
    fused = apply(warm_panel)
    said = save(warm_panel)
    assert "The partner does not lie where the images of its own series lie (4 mm apart)" in said
    assert fused.GetAttribute(SERIES) in series_in(database)


def test_a_saved_scene_can_be_exported_also_without_its_sources(
    warm_panel, fused, database, scene, tmp_path
):
    path = str(tmp_path / "scene.mrml")
    slicer.mrmlScene.SetURL(path)
    storage = slicer.vtkMRMLNRRDStorageNode()
    slicer.mrmlScene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "fused.nrrd"))
    fused.SetAndObserveStorageNodeID(storage.GetID())
    assert storage.WriteData(fused)
    name, kept = fused.GetName(), fused.GetAttribute(KEPT)
    assert slicer.mrmlScene.Commit(path)
    slicer.mrmlScene.Clear(False)
    warm_panel.setParameterNode(None)
    slicer.mrmlScene.SetURL(path)
    assert slicer.mrmlScene.Import()
    warm_panel.initializeParameterNode()
    (again,) = (
        node for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if node.GetName() == name
    )
    assert again.GetAttribute(KEPT) == kept
    for name in ("3: T1", "3: FDG"):
        slicer.mrmlScene.RemoveNode(slicer.util.getNode(name))
    warm_panel.runs.fused = again
    assert "in the study of its sources" in save(warm_panel)
    assert_same_in_space(again, database.filesForSeries(again.GetAttribute(SERIES)))


def test_to_a_folder_as_series_or_object(warm_panel, fused, database, target):
    before = series_in(database)
    for form in (0, 0, 1, 1):
        said = save(warm_panel, destination=1, form=form)
        assert str(target) in said
    names = ["fused-MR-PET", "fused-MR-PET-2", "fused-MR-PET-2.dcm", "fused-MR-PET.dcm"]
    assert sorted(path.name for path in target.iterdir()) == names
    for name in names:
        path = target / name
        assert_same_in_space(fused, sorted(path.iterdir()) if path.is_dir() else [path])
    assert fused.GetAttribute(SERIES) is None  # they are in no database
    assert_nothing_left(database, before)


def test_one_object_goes_into_the_database_too(warm_panel, fused, database):
    assert "(1 image)" in save(warm_panel, form=1)
    assert_same_in_space(fused, database.filesForSeries(fused.GetAttribute(SERIES)))


def test_database_that_is_full_gets_nothing(warm_panel, fused, database):
    before = series_in(database)
    database.room_for = 4
    said = save(warm_panel)
    assert "2 of 6 files are missing" in said
    assert "Nothing was added" in said
    assert fused.GetAttribute(SERIES) is None
    assert_nothing_left(database, before)
    stored = {path.stem for path in (database._folder / "dicom").rglob("*.dcm")}
    assert stored == {uid for series in before for uid in database.instancesForSeries(series)}


def test_cancel_while_it_is_copied_leaves_nothing(warm_panel, fused, database, monkeypatch):
    before, seen = series_in(database), []

    def show(percent):
        seen.append(percent)
        if len(seen) == 3:
            assert warm_panel.logic.is_running
            assert not warm_panel.ui.applyButton.enabled
            warm_panel.ui.cancelButton.click()

    monkeypatch.setattr(warm_panel.runs, "show_import", show)
    assert "Cancelled" in save(warm_panel)
    assert len(seen) < 6
    assert_nothing_left(database, before)


def test_closing_the_panel_while_it_is_copied_leaves_nothing(
    warm_panel, fused, database, monkeypatch
):
    before, seen = series_in(database), []

    def show(percent):
        seen.append(percent)
        if len(seen) == 3:
            warm_panel.dicom.stop()

    monkeypatch.setattr(warm_panel.runs, "show_import", show)
    assert "Cancelled" in save(warm_panel)
    assert len(seen) < 6
    assert fused.GetAttribute(SERIES) is None
    assert_nothing_left(database, before)


def test_a_run_is_not_disturbed_by_saving(warm_panel, fused, database):
    before = series_in(database)
    warm_panel.runs.fused = None
    warm_panel._settled()
    warm_panel.ui.applyButton.click()
    warm_panel.dicom.save(fused, Wish(None, is_object=False, is_anonymous=False))
    assert "A run is under way" in warm_panel.ui.messageLabel.text
    wait(warm_panel, lambda: warm_panel.runs.fused is not None)
    assert "is ready" in warm_panel.ui.messageLabel.text
    assert_nothing_left(database, before)


def test_the_folder_is_remembered_but_not_in_the_settings(warm_panel, fused, monkeypatch, tmp_path):
    """A folder may be named after a patient."""
    folder, asked = tmp_path / "Nobody Real", []
    folder.mkdir()

    def answer(_parent, _title, begin):
        asked.append(begin)
        return str(folder)

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", answer)
    save(warm_panel, destination=1)
    save(warm_panel, destination=1)
    assert asked == [str(Path.home()), str(folder)]
    settings = qt.QSettings()
    settings.sync()
    assert "Nobody" not in str([settings.value(key) for key in settings.allKeys()])


def test_output_that_was_loaded_from_dicom_forgets_its_images(warm_panel, fused, database):
    save(warm_panel)
    (loaded,) = dicom.load_series([fused.GetAttribute(SERIES)])
    output = slicer.mrmlScene.GetNodeByID(loaded)
    assert output.GetAttribute("DICOM.instanceUIDs")
    warm_panel._parameters.output = output
    again = apply(warm_panel)
    assert again is output
    assert again.GetAttribute("DICOM.instanceUIDs") is None
    assert "in the DICOM database" in save(warm_panel)


def test_cancel_while_it_is_written_leaves_nothing(warm_panel, fused, database):
    before = series_in(database)
    press_save(warm_panel)
    warm_panel.ui.cancelButton.click()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    assert "Cancelled" in warm_panel.ui.messageLabel.text
    assert_nothing_left(database, before)


def test_closing_the_scene_drops_what_is_being_written(warm_panel, fused, database):
    before = series_in(database)
    press_save(warm_panel)
    slicer.mrmlScene.Clear(False)
    assert_nothing_left(database, before)
    session = warm_panel.logic.session
    until(lambda: not session.is_busy, warm_panel.logic.pump)
    assert_nothing_left(database, before)


@pytest.mark.parametrize("answer", [False, True])
def test_sources_of_two_patients_are_asked_about(
    warm_panel, database, tmp_path, monkeypatch, answer
):
    add_study(database, tmp_path / "files")
    other = {"PatientID": "P2", "PatientName": "Other", "StudyInstanceUID": "1.2.826.0.2.1"}
    add_series(database, tmp_path / "ct", "CT", **other)
    chosen = load(warm_panel)
    dicom.load_series([database.seriesForStudy(other["StudyInstanceUID"])[0]])
    chosen.partner = slicer.util.getNode("3: CT head")
    fused = apply(warm_panel)
    before, asked = series_in(database), []
    monkeypatch.setattr(
        slicer.util, "confirmYesNoDisplay", lambda *words: asked.append(words[0]) or answer
    )
    said = save(warm_panel)
    assert "a partner belongs to another patient" in asked[0]
    assert "CT head" not in asked[0]  # Slicer writes the question into its log
    if answer:
        assert "different patients" in said
        series = fused.GetAttribute(SERIES)
        assert pydicom.dcmread(database.filesForSeries(series)[0]).PatientID == "P1"
    else:
        assert said == "Nothing was saved."
        assert_nothing_left(database, before)


def test_volumes_that_are_no_dicom_belong_to_nobody(warm_panel, database, volumes, target):
    chosen = warm_panel._parameters
    chosen.anatomical, chosen.partner = volumes[:2]
    fused = apply(warm_panel)
    assert "MR was not loaded from DICOM" in save(warm_panel)
    assert "is saved as DICOM" in save(warm_panel, destination=1, anonymous=True)
    (folder,) = target.iterdir()
    assert_same_in_space(fused, sorted(folder.iterdir()))


def test_files_that_left_the_database_are_said(warm_panel, fused, database, monkeypatch, target):
    mr, _pet = series_in(database)
    database.removeSeries(mr)
    assert "The DICOM files of 3: T1 are not in the database" in save(warm_panel)
    monkeypatch.setattr(slicer, "dicomDatabase", None)
    assert "database that 3: T1 was loaded from is not open" in save(warm_panel, destination=1)
    assert list(target.iterdir()) == []


def test_database_that_is_closed_meanwhile_is_said(warm_panel, fused, database):
    press_save(warm_panel)
    database.closeDatabase()
    wait(warm_panel, lambda: not warm_panel.logic.is_running)
    assert "No DICOM database is open" in warm_panel.ui.messageLabel.text
    assert_nothing_left(database, series_in(database))


def test_fault_of_the_import_is_said(warm_panel, fused, database, monkeypatch):
    def fail(*_):
        raise RuntimeError("the database broke")

    monkeypatch.setattr(importing.Import, "run", fail)
    assert "the database broke" in save(warm_panel)
    assert not warm_panel.logic.is_running
    assert_nothing_left(database, series_in(database))


@pytest.fixture
def far_away(warm_panel, monkeypatch):
    """The worker sees none of our files; the requests that it gets."""
    session, asked = warm_panel.logic.session, []
    process = session._process
    monkeypatch.setattr(session, "_carrier", Wire(process))
    request = process.request

    def watch(kind, listener, **fields):
        asked.append((kind, fields))
        return request(kind, listener, **fields)

    monkeypatch.setattr(process, "request", watch)
    return asked


@pytest.mark.parametrize("form", [0, 1])
def test_worker_elsewhere_gets_headers_and_gives_files(
    warm_panel, fused, database, far_away, target, form
):
    before = series_in(database)
    assert "is saved as DICOM" in save(warm_panel, destination=1, form=form)
    (output,) = target.iterdir()
    assert_same_in_space(fused, sorted(output.iterdir()) if output.is_dir() else [output])
    assert "in the DICOM database" in save(warm_panel, form=form)
    series = fused.GetAttribute(SERIES)
    assert_same_in_space(fused, database.filesForSeries(series))
    assert database.studyForSeries(series) == PATIENT["StudyInstanceUID"]
    folder = str(database._folder)
    for kind, fields in far_away:
        assert folder not in str(fields)
        assert kind != "export" or not {"sources", "output"} & set(fields)
    sent = sum(len(fields["data"]) for kind, fields in far_away if kind == "put")
    assert 0 < sent < 200_000
    session = warm_panel.logic.session
    until(lambda: not session.is_busy, warm_panel.logic.pump)
    assert list(Path(session.hello["folder"]).iterdir()) == []
    assert_nothing_left(database, [*before, series])


@pytest.mark.parametrize("flaw", ["cut", "renamed", "none"])
def test_series_that_is_damaged_on_its_way_is_refused(
    warm_panel, fused, database, far_away, target, monkeypatch, flaw
):
    fetch = elsewhere.fetch_file

    def damage(carrier, name, path):
        yield from fetch(carrier, name, path)
        if flaw == "cut":
            path.write_bytes(path.read_bytes()[:-100])
        if flaw == "renamed":
            with zipfile.ZipFile(path, "a") as packed:
                packed.writestr("../outside", b"")
        if flaw == "none":
            path.unlink()

    monkeypatch.setattr(elsewhere, "fetch_file", damage)
    said = save(warm_panel, destination=1)
    assert ("cannot be read or written" if flaw == "none" else "damaged on its way") in said
    assert list(target.iterdir()) == []
    assert_nothing_left(database, series_in(database))


def test_header_is_what_comes_before_the_pixels(database, tmp_path):
    add_study(database, tmp_path / "files")
    path = tmp_path / "files" / "MR" / "000.dcm"
    whole = path.read_bytes()
    header = elsewhere.header_of(path)
    pixels = pydicom.dcmread(path).PixelData
    assert whole.startswith(header)
    assert header[-12:-8] == b"\xe0\x7f\x10\x00"
    assert len(whole) - len(header) == len(pixels)
    path.write_bytes(b"no DICOM")
    assert elsewhere.header_of(path) == b"no DICOM"
    image = pydicom.dcmread(tmp_path / "files" / "MR" / "001.dcm")
    del image.PixelData
    image.save_as(path)
    assert elsewhere.header_of(path) == path.read_bytes()


def test_scripts_write_it_too(warm_panel, fused, database, tmp_path):
    logic = warm_panel.logic
    told = logic.write_dicom(fused, str(tmp_path / "series"))
    assert_same_in_space(fused, [tmp_path / "series" / name for name in told["files"]])
    fused.RemoveAttribute(KEPT)
    with pytest.raises(VolumeError, match="does not say how it was fused"):
        logic.write_dicom(fused, str(tmp_path / "again"))
    warm_panel.refresh()
    assert not warm_panel.ui.exportButton.enabled
    assert "fuse again" in warm_panel.ui.exportButton.toolTip
