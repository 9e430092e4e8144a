"""A plan: from tables and folders, to a table and back."""

from __future__ import annotations

import shutil
import sys

import pytest

from mactfusion.batch.folders import studies_of_folders
from mactfusion.batch.plan import Study, check_name, checked_plan, options_of
from mactfusion.batch.source import make_plan
from mactfusion.batch.table import check_table, studies_of_table, write_plan, write_table
from mactfusion.errors import InputError

TWO = {"partner_series": ["1", "2"], "window": ["auto", "40,80"]}


@pytest.fixture
def table(tmp_path):
    """``table("study,anatomical", "a,a.nii")`` writes a table and returns its path."""

    def write(*lines, name="plan.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


def test_a_table_names_volumes_and_options(table, tmp_path):
    path = table(
        "study,anatomical,partner,partner_2,window,window_2,luminance,batch_size,task",
        "first,mr.nii,pet.nii,ct.nii,auto,bone,yes,4,",
        ",/far/mr.nii,pet.nii,,,,,,pet-mri",
    )
    first, second = studies_of_table(path)
    assert first.name == "first"
    assert first.anatomical == tmp_path / "mr.nii"
    assert first.partners == (tmp_path / "pet.nii", tmp_path / "ct.nii")
    assert first.options == {"window": ["auto", "bone"], "luminance": True, "batch_size": 4}
    assert (second.name, str(second.anatomical)) == ("study-2", "/far/mr.nii")
    assert second.options == {"task": "pet-mri"}
    assert options_of(first, {}).of_each(2)["window"] == ["auto", "bone"]


def test_a_table_of_a_spreadsheet_is_read(table):
    path = table("study,anatomical,partner", "é,mr.nii,pet.nii", encoding="utf-8-sig")
    assert studies_of_table(path)[0].name == "é"


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_plan_comes_back_as_it_was(tmp_path, kind):
    if kind == ".parquet":
        pytest.importorskip("pyarrow")
    studies = [
        Study("a", tmp_path / "a,1.nii", (tmp_path / "b.nii", tmp_path / 'c"2".nii')),
        Study(
            "d", tmp_path, options={"partner_series": ["3"], "anonymous": True}, what="1 MR + 3 PT"
        ),
        Study("e", None, (tmp_path / "e.nii",), left_out="no counterpart"),
        Study("f", tmp_path, options=TWO, group="study:study-1"),
    ]
    path = write_plan(tmp_path / f"plan{kind}", checked_plan(studies, {}))
    back = studies_of_table(path)
    assert [(s.name, s.anatomical, s.partners, s.group, s.what, s.left_out) for s in back] == [
        (s.name, s.anatomical, s.partners, s.group, s.what, s.left_out) for s in studies
    ]
    assert [study.options for study in back] == [
        {}, {"partner_series": "3", "anonymous": True}, {}, TWO,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("study,partner", "a,b"), "no column 'anatomical'"),
        (("study,anatomical,colour", "a,b,red"), "column 'colour'"),
        (("study,anatomical,output", "a,b,c"), "column 'output'"),
        (("study,anatomical,axis_2", "a,b,axial"), "column 'axis_2'"),
        (("study,anatomical", "a,b,c"), "line 2"),
        (("study,anatomical", "a"), "line 2"),
        (("study,anatomical",), "no line of a study"),
        (("study,anatomical,luminance", "a,b,perhaps"), "true or false"),
        (("study,anatomical,batch_size", "a,b,many"), "whole number"),
    ],
)
def test_a_table_that_cannot_be_a_plan_is_refused(table, lines, said):
    with pytest.raises(InputError, match=said):
        studies_of_table(table(*lines))


def test_what_is_no_table_is_refused(table, tmp_path):
    path = table("\x00\x01\x02", name="plan.parquet")
    pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match="cannot be read"):
        studies_of_table(path)
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        check_table(tmp_path / "plan.xlsx")


def test_parquet_without_its_library_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"mactfusion\[batch\]"):
        check_table(tmp_path / "plan.parquet")


def test_values_that_cannot_be_are_refused_before_anything_is_done(table):
    path = table("study,anatomical,partner,window", "a,b,c,purple")
    with pytest.raises(InputError, match=r"a: .*purple"):
        checked_plan(studies_of_table(path), {})
    path = table("study,anatomical,partner,window,window_2", "a,b,c,auto,bone")
    with pytest.raises(InputError, match=r"a: .*2 times for 1 partner"):
        checked_plan(studies_of_table(path), {})


def test_a_table_can_be_written_without_lines(tmp_path):
    assert write_table(tmp_path / "t.csv", ["a", "b"], []).read_text() == "a,b\n"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", ".hidden", "a:", "a\n", "x" * 151, " a", "é" * 80, "a."]
)
def test_names_that_no_folder_has_are_refused(name):
    with pytest.raises(InputError, match="cannot be called"):
        check_name(name)


def test_two_studies_of_one_name_are_refused(tmp_path):
    studies = [Study(name, tmp_path, (tmp_path / "b",)) for name in ("a", "A")]
    with pytest.raises(InputError, match="Two studies"):
        checked_plan(studies, {})


def test_files_of_two_folders_are_paired_by_name(archive):
    (archive / "mr" / "a.nii.gz").rename(archive / "mr" / "lonely.nii.gz")
    studies = studies_of_folders(archive / "mr", archive / "pet")
    assert [(study.name, study.left_out) for study in studies] == [
        ("a", f"{archive / 'mr'} has no file of this name"),
        ("b", ""),
        ("c", ""),
        ("lonely", f"{archive / 'pet'} has no file of this name"),
    ]
    assert studies[1].partners == (archive / "pet" / "b.nii.gz",)
    with pytest.raises(InputError, match="no file names in common"):
        studies_of_folders(archive / "mr", archive)


def bids_file(root, name, source):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)
    return path


def test_a_bids_data_set_is_paired_by_session(archive, tmp_path):
    root = tmp_path / "bids"
    mr, pet = archive / "mr" / "a.nii.gz", archive / "pet" / "a.nii.gz"
    t1 = bids_file(root, "sub-01/anat/sub-01_T1w.nii.gz", mr)
    bids_file(root, "sub-01/anat/sub-01_T2w.nii.gz", mr)
    uptake = bids_file(root, "sub-01/pet/sub-01_trc-FDG_pet.nii.gz", pet)
    bids_file(root, "sub-02/ses-1/anat/sub-02_ses-1_run-1_T1w.nii.gz", mr)
    bids_file(root, "sub-02/ses-1/anat/sub-02_ses-1_run-2_T1w.nii.gz", mr)
    bids_file(root, "sub-02/ses-1/pet/sub-02_ses-1_pet.nii.gz", pet)
    bids_file(root, "sub-02/ses-2/pet/sub-02_ses-2_pet.nii.gz", pet)
    bids_file(root, "sub-03/func/sub-03_bold.nii.gz", mr)
    bids_file(root, "derivatives/x/sub-04/anat/sub-04_T1w.nii.gz", mr)
    root.joinpath("dataset_description.json").write_text("{}")
    first, second, third = make_plan(root, common={}).studies
    assert (first.name, first.anatomical, first.partners) == ("sub-01", t1, (uptake,))
    assert (first.left_out, first.what) == ("", "T1w + pet")
    assert second.name == "sub-02_ses-1"
    assert "2 images T1w may be meant" in second.left_out
    assert (third.name, third.left_out) == ("sub-02_ses-2", "no image T1w or T2w or FLAIR or PDw")
    chosen = make_plan(root, choose_anatomical=["T2w"], common={}).studies
    assert chosen[0].what == "T2w + pet"


def test_a_bids_data_set_without_subjects_is_refused(tmp_path):
    tmp_path.joinpath("dataset_description.json").write_text("{}")
    with pytest.raises(InputError, match="no folder of a subject"):
        make_plan(tmp_path, common={})


def test_rules_belong_to_sources_that_have_volumes_to_choose_from(archive, table):
    with pytest.raises(InputError, match="two folders"):
        make_plan(archive / "mr", archive / "pet", choose_partner=["pet"], common={})
    with pytest.raises(InputError, match="a table"):
        make_plan(table("anatomical", "a"), by="patient", common={})


def test_sources_that_are_none_are_refused(archive, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        make_plan(tmp_path / "nowhere", common={})
    with pytest.raises(InputError, match="no source of studies"):
        make_plan(archive / "mr" / "a.nii.gz", common={})
    with pytest.raises(InputError, match="is no folder"):
        make_plan(archive / "mr", archive / "pet" / "a.nii.gz", common={})
    with pytest.raises(InputError, match="holds no DICOM files"):
        make_plan(archive, common={})
