"""Whose volumes they are: listed by patient, never put together across patients in silence."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import qt
import slicer
from MACTFusionLib.made_volumes import put_in_study
from MACTFusionLib.nodes.guess import guess_pair, kind_of
from MACTFusionLib.nodes.pairs import find_pairs, loaded_volumes
from MACTFusionLib.nodes.patients import DIFFERENT, SURE, UNKNOWN, doubt, patients_of, relation
from MACTFusionLib.nodes.whose import hierarchy, patient_of
from MACTFusionLib.self_test import SHAPE, add_volume

pytestmark = pytest.mark.usefixtures("scene", "no_worker")


def volume(name):
    return add_volume(name, np.zeros(SHAPE, np.int16), np.diag([2.0, 2.0, 5.0, 1.0]))


def names_of(pairs):
    return [
        "+".join(node.GetName() for node in (a, *(p if isinstance(p, list) else [p])))
        for a, p in pairs
    ]


def test_pairs_stay_within_a_patient_and_reach_over_its_studies():
    mr, pet, ct, other = (volume(name) for name in ("MR a", "PET a", "CT b", "MR b"))
    put_in_study("Doe^A", "first", mr)
    put_in_study("Doe^A", "second", pet)  # another day: another study, the same patient
    put_in_study("Roe^B", "first", ct, other)
    assert names_of(find_pairs()) == ["MR a+PET a", "MR b+CT b"]


def test_two_patients_in_one_folder_are_two_patients():
    """Both lie under one folder item, which is the direct parent that tells nothing."""
    mr, pet = volume("MR"), volume("PET")
    tree = hierarchy()
    put_in_study("Doe^A", "s", mr)
    folder = tree.CreateFolderItem(put_in_study("Roe^B", "s", pet), "attenuation corrected")
    tree.SetItemParent(tree.GetItemByDataNode(pet), folder)
    assert relation([mr, pet]) == DIFFERENT
    assert find_pairs() == []


def test_follow_up_does_not_cross_with_the_baseline():
    volumes = [volume(name) for name in ("MR 1", "PET 1", "MR 2", "PET 2", "CT 2")]
    put_in_study("Doe^A", "baseline", *volumes[:2])
    put_in_study("Doe^A", "follow-up", *volumes[2:])
    assert names_of(find_pairs()) == [
        *("MR 1+PET 1", "MR 1+CT 2", "MR 1+PET 1+CT 2"),
        *("MR 2+PET 2", "MR 2+CT 2", "MR 2+PET 2+CT 2"),
    ]


def test_volumes_of_files_are_listed_by_themselves_and_said_to_be():
    recorded, mr, pet = volume("MR recorded"), volume("MR"), volume("PET")
    put_in_study("Doe^A", "s", recorded)
    assert names_of(find_pairs()) == ["MR+PET"]
    assert relation([mr, pet]) == UNKNOWN
    assert relation([recorded, pet]) == UNKNOWN
    assert doubt([mr, pet]) == (
        "– No patient is recorded with these volumes: make sure that they are of one.",
        False,
    )
    sentence, is_warning = doubt([recorded, None, pet])
    assert is_warning
    assert sentence == (
        "⚠ The patient of PET is not recorded: make sure that it is Doe^A (ID-Doe^A)."
    )


def test_two_patients_are_a_warning_with_both_names():
    mr, pet = volume("MR"), volume("PET")
    put_in_study("Doe^A", "s", mr)
    put_in_study("Anonymous", "s", pet, patient_id="X7")
    assert doubt([mr, pet]) == (
        "⚠ More than one patient is recorded: MR is of Doe^A (ID-Doe^A), PET is of Anonymous (X7). "
        "Fuse them only if it is one person.",
        True,
    )
    put_in_study("Doe^A", "other", pet)
    assert doubt([mr, pet]) == ("", False)
    assert doubt([mr]) == doubt([None, mr]) == ("", False)
    assert relation([mr, pet]) == SURE


def test_an_attribute_names_the_patient_where_the_hierarchy_has_none():
    mr, pet = volume("MR"), volume("PET")
    for node in (mr, pet):
        node.SetAttribute("DICOM.PatientID", "17")
    assert relation([mr, pet]) == SURE
    pet.SetAttribute("DICOM.PatientID", "18")
    assert relation([mr, pet]) == DIFFERENT
    assert "MR is of 17, PET is of 18" in doubt([mr, pet])[0]


def test_a_patient_that_the_user_made_counts():
    mr, pet = volume("MR"), volume("PET")
    tree = hierarchy()
    for node, name in ((mr, "A"), (pet, "B")):
        tree.CreateItem(tree.CreateSubjectItem(tree.GetSceneItemID(), name), node)
    assert relation([mr, pet]) == DIFFERENT
    assert "MR is of A, PET is of B" in doubt([mr, pet])[0]


def test_patients_are_listed_with_their_series_by_role():
    mr, flair, pet, ct, loose = (volume(name) for name in ("T1", "FLAIR", "PET", "CT", "x"))
    put_in_study("Roe^B", "s", ct)
    put_in_study("Doe^A", "first", pet, mr)
    put_in_study("Doe^A", "second", flair)
    found = patients_of([loose, *loaded_volumes()[:-1]])
    assert [patient.name for patient in found] == ["Doe^A", "Roe^B", ""]
    assert found[0].by_kind == {"MR": [mr, flair], "PT": [pet]}
    assert found[0].volumes == [mr, flair, pet]
    assert found[1].by_kind == {"CT": [ct]}
    assert found[2].by_kind == {"": [loose]}
    assert found[2].key == patient_of(loose) == ""


def test_detect_never_takes_two_patients():
    mr, ct, pet = (volume(name) for name in ("MR", "CT", "PET"))
    put_in_study("Doe^A", "s", mr)
    put_in_study("Roe^B", "s", ct, pet)
    assert guess_pair([mr, ct, pet]) == (ct, pet)  # the only whole pair
    put_in_study("Roe^C", "s", pet)
    assert guess_pair([mr, ct, pet]) == (mr, None)
    loose_mr, loose_pet = volume("MR loose"), volume("PET loose")
    assert guess_pair([mr, ct, pet, loose_mr, loose_pet]) == (loose_mr, loose_pet)
    assert guess_pair([mr, loose_pet]) == (mr, loose_pet)
    assert doubt([mr, loose_pet])[1]


def test_detect_takes_the_partner_of_the_same_study():
    follow_up, mr, pet = (volume(name) for name in ("PET 2", "MR 1", "PET 1"))
    put_in_study("Doe^A", "follow-up", follow_up)
    put_in_study("Doe^A", "baseline", mr, pet)
    assert guess_pair([follow_up, mr, pet]) == (mr, pet)


def test_a_frame_is_of_the_patient_of_its_sequence():
    frame = volume("PET")
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "dynamic")
    sequence.SetDataNodeAtValue(frame, "0")
    slicer.mrmlScene.RemoveNode(frame)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    logic.UpdateProxyNodesFromSequences(browser)
    shown = browser.GetProxyNode(sequence)
    put_in_study("Doe^A", "s", sequence)
    tree = hierarchy()
    tree.SetItemAttribute(tree.GetItemByDataNode(sequence), "DICOM.Modality", "NM")
    mr = volume("MR")
    put_in_study("Doe^A", "s", mr)
    assert relation([mr, shown]) == SURE
    assert kind_of(shown) == "NM"
    logic.SetMRMLScene(None)


def test_the_list_of_pairs_checks_only_what_is_recorded_as_one_patient(panel):
    mr, pet, ct = (volume(name) for name in ("MR", "PET", "CT"))
    panel.ui.findPairsButton.click()
    items = [panel.ui.pairList.item(row) for row in range(panel.ui.pairList.count)]
    assert [item.text() for item in items] == [
        f"{names} (patient not recorded)" for names in ("MR + PET", "MR + CT", "MR + PET + CT")
    ]
    assert all(item.checkState() == qt.Qt.Unchecked for item in items)
    assert all("make sure" in item.toolTip() for item in items)
    put_in_study("Doe^A", "s", mr, pet)
    put_in_study("Roe^B", "s", ct)
    panel.ui.findPairsButton.click()
    assert panel.ui.pairList.count == 1
    assert panel.ui.pairList.item(0).text() == "MR + PET"
    assert panel.ui.pairList.item(0).checkState() == qt.Qt.Checked
