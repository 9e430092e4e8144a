"""A DICOM tree: pairs by study or patient, in folders of their own or among others."""

from __future__ import annotations

import shutil

import pytest

from mactfusion.batch.plan import checked_plan
from mactfusion.batch.source import make_plan
from mactfusion.batch.table import write_plan
from mactfusion.errors import InputError
from tests.io.dicom.dicom_made import classic, made

MR = {"SeriesDescription": "T1 axial", "SeriesNumber": 1}
PET = {"SeriesDescription": "FDG", "SeriesNumber": 2, "Units": "CNTS"}


def add_study(root, number, *, mr=True, pet=True, flat=False, **tags):
    """Write a study into a folder of its own, or into the root."""
    folder = root if flat else root / f"study {number}"
    name = f"{number}-{{kind}}-{{{{:03d}}}}.dcm"
    tags = {"StudyInstanceUID": f"1.2.3.{number}", "PatientID": f"P{number}", **tags}
    size = {"slices": 6, "rows": 20, "columns": 22}
    if mr:
        volume = made(**size, seed=number)
        classic(folder, volume, "MR", name=name.format(kind="mr"), **MR, **tags)
    if pet:
        volume = made(**size, seed=100 + number)
        classic(folder, volume, "PT", name=name.format(kind="pt"), **PET, **tags)
    return folder


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for number in (1, 2):
        add_study(root, number)
    add_study(root, 3, pet=False)
    return root


def test_studies_are_paired_by_their_uid(tree):
    first, second, third = make_plan(tree, common={}).studies
    assert first.anatomical == tree / "study 1"
    assert first.what == "1 MR 'T1 axial' (22 x 20 x 6) + 2 PT 'FDG' (22 x 20 x 6)"
    assert first.options == {"anatomical_series": "1", "partner_series": ["2"]}
    assert not first.left_out
    assert not first.group
    assert "holds one volume" in third.left_out
    names = {study.name for study in (first, second, third)}
    assert len(names) == 3
    assert not any("P1" in name or "1.2.3" in name for name in names)


def test_a_study_is_fused_from_its_folder(tree, run):
    outcomes = run(make_plan(tree, common={}), common={"register": "off"})
    assert sorted(one.outcome for one in outcomes.values()) == ["done", "done", "left out"]


def test_studies_that_share_a_folder_are_told_apart(tmp_path, run, output):
    alone, mixed = tmp_path / "alone", tmp_path / "mixed"
    for number in (1, 2):
        add_study(alone, number)
        add_study(mixed, number, flat=True)
    plan = make_plan(mixed, common={})
    assert [study.group.partition(":")[0] for study in plan.studies] == ["study", "study"]
    path = write_plan(tmp_path / "plan.csv", plan)
    again = make_plan(path, common={})
    assert [study.files for study in again.studies] == [study.files for study in plan.studies]
    outcomes = run(again)
    assert {one.outcome for one in outcomes.values()} == {"done"}
    names = [study.name for study in plan.studies]
    fused = [(output / name / "fused.nii.gz").read_bytes() for name in names]
    shutil.rmtree(output)
    run(make_plan(alone, common={}))
    assert [(output / name / "fused.nii.gz").read_bytes() for name in names] == fused


def test_volumes_of_one_patient_are_paired_where_asked(tmp_path):
    same = {"PatientID": "P"}
    add_study(tmp_path, 1, pet=False, **same)
    add_study(tmp_path, 2, mr=False, **same)
    add_study(tmp_path, 3, mr=False, **same, PatientBirthDate="19991231")
    assert [bool(study.left_out) for study in make_plan(tmp_path, common={}).studies] == [True] * 3
    one, other = make_plan(tmp_path, by="patient", common={}).studies
    assert one.what.startswith("1 MR 'T1 axial'")
    assert "PT" in one.what
    assert not one.left_out
    assert other.left_out


def test_rules_choose_among_several(tmp_path):
    add_study(tmp_path, 1)
    folder = tmp_path / "study 1"
    tags = {"StudyInstanceUID": "1.2.3.1", "PatientID": "P1"}
    small = made(slices=5, rows=20, columns=22, seed=7)
    classic(folder, small, "MR", name="x{:03d}.dcm", SeriesDescription="T2 axial", **tags)
    (study,) = make_plan(tmp_path, common={}).studies
    assert "several volumes may be meant" in study.left_out
    rules = {"choose_anatomical": ["flair", "axial t2"], "choose_partner": ["pt"]}
    (study,) = make_plan(tmp_path, **rules, common={}).studies
    assert "'T2 axial'" in study.what
    assert not study.left_out
    (study,) = make_plan(tmp_path, **{**rules, "choose_anatomical": ["axial"]}, common={}).studies
    assert "'T1 axial'" in study.what  # it has more slices
    (study,) = make_plan(tmp_path, choose_partner=["rubidium"], common={}).studies
    assert study.left_out == "no volume is called rubidium"


def test_a_study_that_has_changed_since_the_plan_is_refused(tree, run):
    plan = make_plan(tree, common={})
    tags = {"StudyInstanceUID": "1.2.3.1", "PatientID": "P1"}
    volume = made(slices=6, rows=20, columns=22, seed=9)
    scout = {"SeriesDescription": "A first", "SeriesNumber": 0}
    classic(tree / "study 1", volume, "MR", name="new{:03d}.dcm", **scout, **tags)
    outcomes = list(run(plan).values())
    assert [one.outcome for one in outcomes] == ["failed", "done", "left out"]
    assert "make the plan anew" in outcomes[0].sentence


def test_files_that_are_gone_since_the_plan_are_said(tmp_path, run):
    mixed = tmp_path / "mixed"
    for number in (1, 2):
        add_study(mixed, number, flat=True)
    plan = make_plan(mixed, common={})
    path = write_plan(tmp_path / "plan.csv", plan)
    plan.studies[0].files[0].unlink()
    outcomes = list(run(plan).values())
    assert [one.outcome for one in outcomes] == ["failed", "done"]
    assert "does not exist" in outcomes[0].sentence
    for file in plan.studies[0].files:
        file.unlink(missing_ok=True)
    with pytest.raises(InputError, match="holds no file of it any more"):
        make_plan(path, common={})


def test_a_dicom_series_is_written_where_asked(tree, run, output):
    plan = checked_plan(make_plan(tree, common={}).studies[:1], {})
    (outcome,) = run(plan, common={"format": "dicom"}).values()
    assert outcome.files[0] == "fused"
    assert len(list((output / outcome.study / "fused").iterdir())) == 6
