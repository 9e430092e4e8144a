"""Inputs of the panel: patients, Detect, what is said of the chosen volumes, and sample data."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import slicer
from MACTFusionLib.made_volumes import make_pair, put_in_study
from MACTFusionLib.nodes import samples
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.panel.sources import units_name
from special_volumes import beside

pytestmark = pytest.mark.usefixtures("no_worker")
MOST_BYTES = 200_000


def entries(combo):
    return [combo.itemText(index) for index in range(combo.count)]


def pick(combo, index):
    """Choose an entry as a user does."""
    combo.currentIndex = index
    combo.activated.emit(index)


def with_units(node, code, meaning):
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(code, "UCUM", meaning)
    node.SetVoxelValueUnits(entry)


@pytest.fixture
def two_patients(panel):
    """Two patients with an MR and a PET each; the second has another MR."""
    volumes = {}
    for patient in ("Doe^A", "Roe^B"):
        mr, pet = make_pair()
        mr.SetName(f"MR {patient}")
        pet.SetName(f"PET {patient}")
        put_in_study(patient, "s", mr, pet)
        volumes[patient] = mr, pet
    second = beside(volumes["Roe^B"][0], "MR FLAIR")
    put_in_study("Roe^B", "s", second)
    panel._settled()
    return volumes


def test_choosing_a_patient_chooses_its_volumes_and_no_others(panel, two_patients):
    combo, chosen = panel.ui.patientComboBox, panel._parameters
    assert entries(combo) == ["Doe^A · MR, PET", "Roe^B · 2 MR, PET"]
    chosen.anatomical, chosen.partner = two_patients["Doe^A"]
    chosen.third = two_patients["Doe^A"][0]
    assert combo.currentIndex == 0
    pick(combo, 1)
    assert (chosen.anatomical, chosen.partner) == two_patients["Roe^B"]
    assert chosen.third is None
    assert combo.currentIndex == 1
    chosen.partner = None
    panel.ui.guessButton.click()
    assert chosen.partner is two_patients["Roe^B"][1]  # of the patient that is chosen
    slicer.mrmlScene.Clear(False)
    assert entries(combo) == []
    assert not combo.enabled
    assert "No volume is loaded" in combo.toolTip


def test_sources_are_said_with_units_voxels_and_what_else_there_is(panel, two_patients):
    mr, pet = two_patients["Roe^B"]
    with_units(pet, "{SUVbw}g/ml", "Standardized Uptake Value body weight")
    panel._parameters.anatomical, panel._parameters.partner = mr, pet
    assert panel.ui.sourcesLabel.text.splitlines() == [
        "Anatomical: MR, 24×20×6, 2×2×5\u00a0mm",
        "Partner: PET, SUV (body weight), 12×10×6, 4×4×5\u00a0mm",
        "Not chosen: MR: MR FLAIR",
    ]
    assert panel.ui.sourcesLabel.textFormat == panel.ui.gridLabel.textFormat
    pet.SetName("<b>PET</b>")  # a name is no markup
    panel.refresh()
    assert "<b>" not in panel.ui.sourcesLabel.text


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("PT", "{SUVlbm}g/ml", "SUV (lean body mass)"),
        ("PT", "Bq/ml", "Becquerels/milliliter"),
        ("PT", "", "units not recorded"),
        ("NM", "", "units not recorded"),
        ("CT", "", "HU"),
        ("MR", "", ""),
    ],
)
def test_units(scene, kind, code, said):
    _mr, node = make_pair()
    if code:
        with_units(node, code, "Becquerels/milliliter")
    assert units_name(node, kind) == said


def test_doubts_about_the_patient_are_said(panel, two_patients):
    ui, chosen = panel.ui, panel._parameters
    chosen.anatomical, chosen.partner = two_patients["Doe^A"][0], two_patients["Roe^B"][1]
    assert "More than one patient" in ui.placeLabel.text
    assert ui.verdictLabel.accessibleDescription == "unsure"
    assert ui.applyButton.enabled  # two records may be of one person
    chosen.anatomical, chosen.partner = make_pair()
    assert "No patient is recorded" in ui.sourcesLabel.text
    assert "patient" not in ui.placeLabel.text


@pytest.mark.parametrize("index", range(3))
def test_samples_are_offered_while_nothing_is_loaded(panel, index):
    ui = panel.ui
    assert not ui.sampleFrame.isHidden()
    assert entries(ui.sampleComboBox) == ["MR + PET", "MR + CT", "CT + PET"]
    ui.sampleComboBox.currentIndex = index
    ui.sampleButton.click()
    panel._settled()
    assert ui.sampleFrame.isHidden()
    chosen = panel._parameters
    kinds = [node.GetAttribute("DICOM.Modality") for node in (chosen.anatomical, chosen.partner)]
    assert kinds == [["MR", "PT"], ["MR", "CT"], ["CT", "PT"]][index]
    assert ui.applyButton.enabled
    assert "No patient" not in ui.sourcesLabel.text
    slicer.mrmlScene.Clear(False)
    assert not ui.sampleFrame.isHidden()


def test_samples_are_small_and_lie_on_grids_of_their_own(scene):
    files = {file.name: file for pair in samples._PAIRS.values() for file in pair}
    assert len(files) == 3
    for name in files:
        assert (samples._FOLDER / name).stat().st_size < MOST_BYTES
    for name in samples.sample_titles():
        anatomical, partner = samples.load_samples(name)
        assert geometry_of(anatomical).shape != geometry_of(partner).shape
    pet = slicer.util.getNode("PET head (synthetic)")
    assert units_name(pet, "PT") == "SUV (body weight)"
    assert 10 < slicer.util.arrayFromVolume(pet).max() < 30
