"""Patients and series that the panel offers from the DICOM database, and how they are loaded."""

from __future__ import annotations

import logging
import sys

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")
pytest.importorskip("pydicom", reason="needs pydicom: run make setup-panel")

import slicer
from api.release import RELEASES, release
from dicom_scene import add_series, add_study, load
from MACTFusionLib.dicom import database as reading
from MACTFusionLib.dicom.database import Series, patients_in, series_of
from MACTFusionLib.dicom.files import files_of, tell_series
from MACTFusionLib.dicom.suitable import best_pair, best_partner, in_order
from MACTFusionLib.nodes.from_dicom import INSTANCES, instances_of
from MACTFusionLib.nodes.guess import units_of
from MACTFusionLib.nodes.patients import DIFFERENT, SURE, doubt, relation
from MACTFusionLib.nodes.whose import patient_of
from standins import dicom

pytestmark = pytest.mark.usefixtures("no_worker")

OTHER = {
    "PatientID": "P2",
    "PatientName": "山田^太郎",
    "PatientBirthDate": "19800202",
    "StudyInstanceUID": "1.2.826.0.2.1",
    "FrameOfReferenceUID": "1.2.826.0.2.9",
    "StudyDate": "20250607",
    "SeriesDate": "20250607",
}


@pytest.fixture
def database(scene, monkeypatch, tmp_path):
    return dicom.install(monkeypatch, tmp_path / "database")


@pytest.fixture
def dialog(panel, database, tmp_path):
    """The window over two patients; the second one has a newer study."""
    panel._parameters.livePreview = False
    add_study(database, tmp_path / "first")
    add_study(database, tmp_path / "second", **OTHER)
    panel.ui.databaseButton.click()
    yield panel.dicom.dialog.ui
    panel.dicom.forget()


def rows_of(box):
    return [box.itemText(row) for row in range(box.count)]


def chosen_in(ui):
    names = ("anatomical", "partner", "third", "fourth")
    return [getattr(ui, f"{name}ComboBox").currentText for name in names]


def choose(ui, role, begin):
    box = getattr(ui, f"{role}ComboBox")
    box.setCurrentIndex(next(n for n, text in enumerate(rows_of(box)) if text.startswith(begin)))


# ---- what is offered


def test_patients_come_with_the_newest_study_first(dialog):
    rows = [dialog.patientList.item(row).text() for row in range(dialog.patientList.count)]
    assert rows == [
        "山田, 太郎 · P2 · born 1980-02-02 · 1 study · 2025-06-07",
        "Nobody, Real · P1 · born 1970-01-01 · 1 study · 2024-01-02",
    ]
    assert chosen_in(dialog) == [
        "MR · T1 · 2025-06-07 · 6 images",
        "PET · FDG · 2025-06-07 · 8 images",
        "None",
        "None",
    ]
    assert dialog.noteLabel.text == "One study, and one frame of reference."
    assert dialog.acceptButton.enabled


@pytest.mark.parametrize("words", ["nobody", "P1", "real no"])
def test_search_finds_by_name_and_identifier(dialog, words):
    dialog.searchEdit.setText(words)
    assert dialog.patientList.count == 1
    assert "2024-01-02" in chosen_in(dialog)[0]
    dialog.searchEdit.setText("nobody else")
    assert dialog.patientList.count == 0
    assert not dialog.acceptButton.enabled
    dialog.searchEdit.setText("")
    assert dialog.patientList.count == 2


def test_another_patient_has_other_series(dialog):
    dialog.patientList.currentRow = 1
    assert rows_of(dialog.anatomicalComboBox)[1:] == ["MR · T1 · 2024-01-02 · 6 images"]
    assert "2025" not in "".join(rows_of(dialog.partnerComboBox))


def test_what_cannot_be_fused_is_not_offered(database, tmp_path):
    uids = add_study(database, tmp_path / "study")
    localizer = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    add_series(database, tmp_path / "scout", "MR", ImageType=localizer)
    add_series(database, tmp_path / "own", "MR", ManufacturerModelName="MACTFusionSlicer")
    add_series(database, tmp_path / "report", "MR", Modality="SR")
    gone = add_series(database, tmp_path / "gone", "CT")
    for file in database.filesForSeries(gone):
        reading.Path(file).unlink()
    (patient,) = patients_in(database)
    assert {one.uid for one in series_of(database, patient.uid)} == set(uids.values())


@pytest.mark.parametrize(
    ("said", "is_usable", "changes"),
    [
        ("Choose the anatomical series: MR or CT.", False, {"anatomical": "None"}),
        ("Choose a partner: PET, SPECT, CT or a second MR.", False, {"partner": "None"}),
        ("A series is chosen twice; choose each once.", False, {"third": "PET"}),
        ("The scanner did not align these series", True, {"third": "CT"}),
        ("The series are of several studies", True, {"third": "MR · before"}),
        ("It is not recorded whether the scanner aligned", True, {"third": "MR · unplaced"}),
        ("On a CT only PET and SPECT are fused", False, {"anatomical": "CT", "partner": "MR"}),
        ("On a CT only PET and SPECT are fused", False, {"anatomical": "CT", "third": "MR"}),
    ],
)
def test_note_says_what_to_know_of_the_choice(panel, database, tmp_path, said, is_usable, changes):
    add_study(database, tmp_path / "study")
    add_series(database, tmp_path / "ct", "CT", FrameOfReferenceUID="1.2.826.0.1.8")
    unplaced = {"FrameOfReferenceUID": None, "SeriesDescription": "unplaced"}
    add_series(database, tmp_path / "unplaced", "MR", **unplaced)
    before = {"StudyInstanceUID": "1.2.826.0.1.5", "SeriesDescription": "before"}
    add_series(database, tmp_path / "before", "MR", SeriesDate="20230101", **before)
    panel.ui.databaseButton.click()
    ui = panel.dicom.dialog.ui
    for role, begin in changes.items():
        choose(ui, role, begin)
    assert ui.noteLabel.text.startswith(said)
    assert ui.acceptButton.enabled is is_usable


def test_other_anatomical_series_brings_its_partner(panel, database, tmp_path):
    add_study(database, tmp_path / "now")
    then = {"StudyInstanceUID": "1.2.826.0.1.5", "FrameOfReferenceUID": "1.2.826.0.1.6"}
    dates = {"StudyDate": "20230101", "SeriesDate": "20230101"}
    add_study(database, tmp_path / "then", **then, **dates)
    panel.ui.databaseButton.click()
    ui = panel.dicom.dialog.ui
    assert "2024-01-02" in ui.partnerComboBox.currentText
    choose(ui, "anatomical", "MR · T1 · 2023-01-01")
    assert "2023-01-01" in ui.partnerComboBox.currentText
    assert ui.noteLabel.text == "One study, and one frame of reference."


def test_without_a_database_it_says_what_to_do(panel, monkeypatch, scene):
    monkeypatch.delattr(slicer, "dicomDatabase", raising=False)
    panel.ui.databaseButton.click()
    assert panel.ui.messageLabel.text.startswith("No DICOM database is open: open the module DICOM")
    assert panel.dicom.dialog is None


def test_leaving_the_module_closes_the_window(panel, database, tmp_path):
    add_study(database, tmp_path / "study")
    panel.ui.databaseButton.click()
    panel.exit()
    assert panel.dicom.dialog is None
    panel.enter()
    assert panel._parameters.anatomical is None


def test_closed_database_is_none(panel, database):
    database.closeDatabase()
    panel.ui.databaseButton.click()
    assert "No DICOM database is open" in panel.ui.messageLabel.text


def test_empty_database_says_so(panel, database):
    panel.ui.databaseButton.click()
    ui = panel.dicom.dialog.ui
    assert ui.noteLabel.text.startswith("The database is empty")
    assert not ui.acceptButton.enabled
    ui.rejectButton.click()
    panel.dicom.forget()  # twice is no harm


def series(uid, kind, **known):
    usual = {
        "study": "1",
        "description": "",
        "date": "2024-01-02",
        "images": 100,
        "frame": "f",
        "is_derived": False,
    }
    return Series(uid=uid, kind=kind, **{**usual, **known})


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"study": "2", "frame": "g"}),
        ({}, {"frame": "g"}),
        ({}, {"frame": ""}),
        ({}, {"description": "PET NAC"}),
        ({}, {"description": "Head uncorrected"}),
        ({}, {"description": "scout"}),
        ({}, {"images": 3}),
        ({"images": 120}, {"images": 100}),
        ({}, {"is_derived": True}),
        ({}, {"kind": "CT"}),
        ({}, {"kind": "MR", "images": 50}),
        ({"kind": "NM"}, {"kind": "CT"}),
    ],
)
def test_the_likelier_partner_is_chosen(better, worse):
    mr = series("mr", "MR")
    partners = [
        series(uid, **{"kind": "PT", **known})
        for uid, known in (("worse", worse), ("better", better))
    ]
    for offered in ([mr, *partners], [*reversed(partners), mr]):
        assert best_pair(offered) == (mr, partners[1])
        assert best_partner(mr, offered) is partners[1]


def test_ct_is_anatomical_where_there_is_uptake_and_no_mr():
    ct, pet = series("ct", "CT"), series("pet", "PT")
    assert best_pair([ct, pet]) == (ct, pet)
    assert best_pair([ct, series("mr", "MR"), pet])[0].kind == "MR"
    assert best_pair([ct]) == ()
    assert best_pair([ct, series("ct2", "CT")]) == ()
    assert best_partner(series("mr", "MR"), []) is None


def test_studies_with_a_pair_come_first():
    alone = series("alone", "MR", study="2", date="2025-01-01")
    old = [series("mr", "MR"), series("pet", "PT")]
    assert in_order([alone, *reversed(old)]) == [*old, alone]


# ---- loading


def test_chosen_series_become_the_chosen_volumes(panel, database, tmp_path):
    panel._parameters.livePreview = False
    add_study(database, tmp_path / "study")
    add_series(database, tmp_path / "ct", "CT")
    panel.ui.databaseButton.click()
    ui = panel.dicom.dialog.ui
    choose(ui, "third", "CT")
    ui.acceptButton.click()
    chosen = panel._parameters
    names = [chosen.anatomical.GetName(), chosen.partner.GetName(), chosen.third.GetName()]
    assert names == ["3: T1", "3: FDG", "3: CT head"]
    assert chosen.fourth is None
    assert panel.ui.messageLabel.text == "Loaded and chosen: 3: T1, 3: FDG, 3: CT head."
    assert units_of(chosen.partner) == "BQML"
    assert units_of(chosen.third) == ""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        assert node.GetBackgroundVolumeID() == chosen.anatomical.GetID()


def test_what_is_loaded_is_not_loaded_again(panel, database, tmp_path):
    panel._parameters.livePreview = False
    add_study(database, tmp_path / "study")
    first = load(panel).anatomical
    again = load(panel).anatomical
    assert again is first
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2


def test_series_that_cannot_be_loaded_is_said(panel, database, tmp_path, monkeypatch):
    add_study(database, tmp_path / "study")

    def fail(_uids):
        raise RuntimeError("no plugin")

    library = sys.modules["DICOMLib"].DICOMUtils
    for broken in (fail, lambda _uids: []):
        monkeypatch.setattr(library, "loadSeriesByUID", broken)
        load(panel)
        assert "The series T1 cannot be loaded" in panel.ui.messageLabel.text
        assert panel.ui.databaseButton.enabled
        assert panel._parameters.anatomical is None


def test_series_of_several_volumes_is_said(panel, database, tmp_path, monkeypatch):
    panel._parameters.livePreview = False
    add_study(database, tmp_path / "study")

    def twice(uids):
        first, second = dicom.load_series(uids), dicom.load_series(uids)
        node = slicer.mrmlScene.GetNodeByID(second[0])
        node.SetAttribute(INSTANCES, " ".join(instances_of(node)[:3]))
        return first + second

    monkeypatch.setattr(sys.modules["DICOMLib"].DICOMUtils, "loadSeriesByUID", twice)
    chosen = load(panel)
    assert len(instances_of(chosen.anatomical)) == 6
    assert "3: T1 is one of 2 volumes of its series" in panel.ui.messageLabel.text


def test_two_patients_of_one_id_are_doubted(panel, database, tmp_path):
    """As two hospitals give them: the subject hierarchy goes by the ID and sees one patient."""
    panel._parameters.livePreview = False
    add_study(database, tmp_path / "first")
    stranger = {**OTHER, "PatientID": "P1"}
    uids = add_study(database, tmp_path / "second", **stranger)
    panel.ui.databaseButton.click()
    ui = panel.dicom.dialog.ui
    assert ui.patientList.count == 2
    ui.patientList.currentRow = 1
    ui.acceptButton.click()
    chosen = panel._parameters
    assert relation([chosen.anatomical, chosen.partner]) == SURE
    (other,) = dicom.load_series([uids["PT"]])
    stranger = slicer.mrmlScene.GetNodeByID(other)
    assert patient_of(stranger) == patient_of(chosen.anatomical) == "P1"
    assert relation([chosen.anatomical, stranger]) == DIFFERENT
    said, is_warning = doubt([chosen.anatomical, stranger])
    assert is_warning
    assert "under more than one patient, all with the same ID" in said


def test_patients_are_never_logged(panel, database, tmp_path, caplog, capfd):
    panel._parameters.livePreview = False
    with caplog.at_level(logging.DEBUG):
        add_study(database, tmp_path / "study", **OTHER)
        load(panel)
    printed = "".join([caplog.text, *capfd.readouterr()])
    for secret in ("山田", "太郎", "P2", "19800202", "1980-02-02", "1.2.826.0.2.1"):
        assert secret not in printed


# ---- which files


def test_files_of_a_node(database, tmp_path):
    uids = add_study(database, tmp_path / "study")
    node = slicer.mrmlScene.GetNodeByID(dicom.load_series([uids["MR"]])[0])
    files = files_of(database, instances_of(node))
    assert sorted(files) == sorted(database.filesForSeries(uids["MR"]))
    node.RemoveAttribute(INSTANCES)  # as other plugins leave it: the hierarchy knows
    assert sorted(files_of(database, instances_of(node))) == sorted(files)
    tell_series(node, "", [])
    assert instances_of(node) == []
    node.SetAttribute(INSTANCES, "Unknown Unknown")
    assert instances_of(node) == []
    assert files_of(database, ["1.2.3"]) == []
    reading.Path(files[0]).unlink()
    assert files_of(database, database.instancesForSeries(uids["MR"])) == []


# ---- the stand-in


@pytest.mark.parametrize("name", RELEASES)
@pytest.mark.parametrize(
    ("kind", "like"), [("ctkDICOMDatabase", dicom.Database), ("ctkDICOMIndexer", dicom.Indexer)]
)
def test_standin_has_nothing_that_a_release_lacks(name, kind, like):
    """``take`` is what the indexer does with the database, behind the scenes."""
    real = release(name)
    own = {each for each in vars(like) if not each.startswith("_")} - {"take", "staticMetaObject"}
    assert own
    for each in own:
        member = real.member(kind, each)
        assert member is not None, each
        is_property = isinstance(vars(like)[each], property)
        assert is_property == (member.kind == "property"), each
