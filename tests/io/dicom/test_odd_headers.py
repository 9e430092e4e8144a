"""Headers that lead astray: what would have been a wrong volume is told apart, said or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from dicom_made import (
    Made,
    assert_same_volume,
    classic,
    enhanced,
    frame_groups,
    header,
    item,
    made,
    nuclear,
    put_pixels,
    save,
    shared_groups,
)

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path


def sizes(folder: Path) -> list[tuple[int, int]]:
    with Studies() as studies:
        return [(series.slices, series.frames) for series in studies.listing(folder).volumes]


@pytest.mark.parametrize("tag", ["PatientID", "FrameOfReferenceUID", "PatientBirthDate"])
def test_two_patients_or_places_in_one_series_are_two_volumes(tmp_path: Path, tag: str) -> None:
    """The slices of the second lie right behind those of the first."""
    for number in (0, 1):
        volume = made(5, seed=number, first_mm=(-20.0, -30.0, 5.0 + 15 * number))
        value = f"1.9.{number}" if tag.endswith("UID") else f"1970010{number + 1}"
        tags = {tag: value, "SeriesInstanceUID": "1.2"}
        classic(tmp_path, volume, "MR", name=f"{number}_{{}}", **tags)
    assert sizes(tmp_path) == [(5, 1), (5, 1)]
    what = "frame of reference" if tag.endswith("UID") else "patient"
    with Studies() as studies:
        labels = [series.label for series in studies.listing(tmp_path).series]
    assert labels == [f"{what} 1", f"{what} 2"]


def test_two_patients_in_one_folder_are_counted(tmp_path: Path) -> None:
    for number in (1, 2):
        tags = {"PatientID": f"Q{number}", "SeriesDescription": "T1"}
        classic(tmp_path / str(number), made(), "MR", **tags)
    with Studies() as studies:
        listing = studies.listing(tmp_path)
    assert [series.description for series in listing.series] == ["T1, patient 1", "T1, patient 2"]


def test_a_patient_who_is_not_named_everywhere_is_one(tmp_path: Path) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        dataset.PatientBirthDate = "" if index < 3 else "19700101"

    folder = classic(tmp_path / "s", volume, "MR", change=change)
    assert_same_volume(read_volume(folder), volume)
    with Studies() as studies:
        assert studies.series(folder).label == ""


@pytest.mark.parametrize("offset_mm", [0.0, 1.5])
def test_doses_are_told_apart_by_what_they_sum(tmp_path: Path, offset_mm: float) -> None:
    for number, kind in enumerate(("PLAN", "BEAM")):
        tags = {"DoseSummationType": kind, "SeriesInstanceUID": "1.2"}
        dataset = header("RTDOSE", DoseGridScaling="0.001", DoseUnits="GY", **tags)
        put_pixels(dataset, made(5, seed=number).values, "<u4")
        dataset.NumberOfFrames = 5
        dataset.ImagePositionPatient = [-20.0, -30.0, number * offset_mm]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.GridFrameOffsetVector = [1.5, 1.25], [0, 3, 6, 9, 12]
        save(dataset, tmp_path / f"{kind}.dcm")
    with Studies() as studies:
        labels = [series.label for series in studies.listing(tmp_path).series]
    assert labels == ["dose BEAM", "dose PLAN"]


@pytest.mark.parametrize("value", [None, 0, "missing"])
def test_nm_without_a_signed_step_is_refused(tmp_path: Path, value: Any) -> None:
    """SliceThickness has no sign, and the other side would be a mirror image."""
    volume = made()
    step = None if value == "missing" else value
    path = nuclear(tmp_path / "t.dcm", volume.values, volume, SpacingBetweenSlices=step)
    if value == "missing":
        dataset = pydicom.dcmread(path)
        del dataset.SpacingBetweenSlices
        dataset.save_as(path)
    with pytest.raises(InputError, match="unknown on which side of the first one the others lie"):
        read_volume(tmp_path)


def test_files_of_many_planes_that_interleave_are_volumes_of_their_own(tmp_path: Path) -> None:
    for number in (0, 1):
        volume = made(5, seed=number, first_mm=(-20.0, -30.0, 5.0 + 1.5 * number))
        uid = {"SeriesInstanceUID": "1.2"}
        nuclear(tmp_path / "nm" / f"{number}.dcm", volume.values, volume, **uid)
        groups = [frame_groups(volume, index) for index in range(5)]
        path = tmp_path / "mr" / f"{number}.dcm"
        enhanced(path, volume.values, shared_groups(volume), groups, **uid)
    assert sizes(tmp_path / "nm") == [(5, 1), (5, 1)]
    assert sizes(tmp_path / "mr") == [(5, 1), (5, 1)]


def test_files_of_many_planes_that_follow_each_other_are_one_volume(tmp_path: Path) -> None:
    volume = made(8)
    for first in (0, 4):
        groups = [frame_groups(volume, index) for index in range(first, first + 4)]
        planes = volume.values[first : first + 4]
        path = tmp_path / f"{first}.dcm"
        enhanced(path, planes, shared_groups(volume), groups, SeriesInstanceUID="1.2")
    assert_same_volume(read_volume(tmp_path), volume)


def test_a_tilt_is_no_rounding_however_few_decimals_there_are(tmp_path: Path) -> None:
    volume = made(20, 12, 10)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageOrientationPatient = ["1.0", "0.0", "0.0", "0.0", "1.0", "0.0"]
        dataset.ImagePositionPatient = [-20.0, -30.0 + 0.4 * index, 5.0 * index]

    with pytest.warns(FusionWarning, match="gantry tilted by 4.6 degrees"):
        read_volume(classic(tmp_path / "s", volume, change=change))


@pytest.mark.parametrize("value", ["NaN", "1,5", ["1", "2"]])
def test_a_slope_that_is_no_number_is_refused(tmp_path: Path, value: Any) -> None:
    def change(index: int, dataset: Any) -> None:
        if index == 2:
            dataset.add_new("RescaleSlope", "LO", value)

    folder = classic(tmp_path / "s", made(), change=change)
    with pytest.raises(InputError, match=r"RescaleSlope is no number|header"):
        read_volume(folder)


@pytest.mark.parametrize("value", [None, "missing"])
def test_a_slope_that_some_slices_lack_is_refused(tmp_path: Path, value: Any) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope = 0.25
        if index == 2:
            dataset.RescaleSlope = None
            if value == "missing":
                del dataset.RescaleSlope

    folder = classic(tmp_path / "s", made(), "PT", change=change)
    with pytest.raises(InputError, match="1 of its 6 slices have no RescaleSlope"):
        read_volume(folder)


def test_a_lookup_table_is_refused_by_name(tmp_path: Path) -> None:
    table = item(LUTDescriptor=[2, 0, 16], ModalityLUTType="HU", LUTData=bytes(4))
    folder = classic(tmp_path / "s", made(), ModalityLUTSequence=[table])
    with pytest.raises(InputError, match="Modality LUT"):
        read_volume(folder)


@pytest.mark.filterwarnings("ignore:.*not in SUV")
def test_real_world_values_have_their_own_slope_and_units(tmp_path: Path) -> None:
    volume = made()
    groups = [frame_groups(volume, index) for index in range(6)]
    shared = shared_groups(volume)
    code = item(CodeValue="{SUVbw}g/ml", CodingSchemeDesignator="UCUM", CodeMeaning="SUV")
    mapping = item(RealWorldValueSlope=0.01, RealWorldValueIntercept=0.0)
    mapping.MeasurementUnitsCodeSequence = [code]
    shared.RealWorldValueMappingSequence = [mapping]
    enhanced(tmp_path / "e.dcm", volume.values, shared, groups, "PT")
    read = read_volume(tmp_path)
    assert_same_volume(read, Made(volume.values * 0.01))
    assert read.meta["units"] == "SUV"


@pytest.mark.parametrize("is_named", [False, True])
def test_a_rescale_at_the_top_of_an_enhanced_header(tmp_path: Path, is_named: bool) -> None:
    """That of the frames comes first."""
    volume = made()
    groups = [frame_groups(volume, index) for index in range(6)]
    shared = shared_groups(volume)
    if is_named:
        shared.PixelValueTransformationSequence = [item(RescaleSlope=2, RescaleIntercept=-1000)]
    rescale = {"RescaleSlope": 1, "RescaleIntercept": -1024}
    enhanced(tmp_path / "e.dcm", volume.values, shared, groups, "CT", **rescale)
    read = read_volume(tmp_path)
    assert_same_volume(read, Made(volume.values * 2 - 1000 if is_named else volume.values - 1024))
    assert read.meta["units"] == "HU"


@pytest.mark.parametrize("tag", ["TriggerTime", "AcquisitionTime", "FrameReferenceTime"])
def test_images_with_a_time_of_their_own_each_are_frames_by_their_order(
    tmp_path: Path, tag: str
) -> None:
    moments = [made(seed=seed) for seed in (1, 2)]
    for number, volume in enumerate(moments):

        def change(index: int, dataset: Any, number: int = number) -> None:
            value = 100000 + 100 * number + index
            setattr(dataset, tag, str(value) if tag == "AcquisitionTime" else float(value))

        classic(tmp_path, volume, "MR", name=f"{number}_{{}}", change=change, SeriesInstanceUID="1")
    with Studies() as studies:
        series = studies.series(tmp_path)
        assert (series.slices, series.frames) == (6, 2)
        for number, volume in enumerate(moments, 1):
            assert_same_volume(studies.read(tmp_path, series, str(number)), volume)


def test_frames_of_which_one_lacks_a_slice_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        keep = range(5) if number == 2 else range(6)
        tags = {"TemporalPositionIdentifier": number + 1, "SeriesInstanceUID": "1"}
        classic(tmp_path, made(seed=number), "MR", name=f"{number}_{{}}", keep=keep, **tags)
    with pytest.raises(InputError, match="lie at the position of another one"):
        read_volume(tmp_path)


@pytest.mark.parametrize("field", ["Rows", "BitsAllocated", "NumberOfFrames"])
def test_more_pixels_than_the_header_tells_of_are_refused(tmp_path: Path, field: str) -> None:
    volume = made()
    if field == "NumberOfFrames":
        nuclear(tmp_path / "t.dcm", volume.values, volume, NumberOfFrames=4)
    else:
        classic(tmp_path, volume, **{field: 6 if field == "Rows" else 8})
    with pytest.raises(InputError, match="more pixels than its rows, columns and frames"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("tail", "is_damaged"),
    [
        (bytes(64), False),
        (b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0\0\0\0\0", False),
        (b"\x21\0\x1d\0\x44\0\xf0\xff" * 4, True),
    ],
)
def test_what_follows_the_pixels(tmp_path: Path, tail: bytes, is_damaged: bool) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume)
    path = folder / "002.dcm"
    path.write_bytes(path.read_bytes() + tail)
    if not is_damaged:
        assert_same_volume(read_volume(folder), volume)
        return
    with pytest.raises(InputError, match=r"002\.dcm goes on after its pixels"):
        read_volume(folder)


@pytest.mark.parametrize(
    "tags",
    [{"NumberOfFrames": ["1", "2"]}, {"BitsAllocated": [16, 8]}],
)
def test_one_odd_file_does_not_stand_for_all(tmp_path: Path, tags: dict[str, Any]) -> None:
    volume = made()
    classic(tmp_path / "a", volume, "MR")
    odd = header("PT")
    put_pixels(odd, np.ones((4, 5), int))
    for keyword, value in tags.items():
        setattr(odd, keyword, value)
    save(odd, tmp_path / "b" / "odd.dcm")
    with pytest.warns(FusionWarning, match=r"1 damaged file was passed over \(odd\.dcm"):
        assert_same_volume(read_volume(tmp_path), volume)


@pytest.mark.parametrize(("written", "modality"), [("ct", "CT"), ("pt", "PT"), ("", "CT")])
def test_modality_in_any_letters_or_by_the_kind_of_object(
    tmp_path: Path, written: str, modality: str
) -> None:
    kind = "PT" if written == "pt" else "CT"
    folder = classic(tmp_path / "s", made(), kind, Modality=written, Units="CNTS")
    with Studies() as studies:
        assert studies.series(folder).modality == modality


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    tags = {"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "T1\x1b[31m 日本"}
    folder = classic(tmp_path / "s", made(), "MR", **tags)
    with Studies() as studies:
        assert studies.series(folder).description == "T1 [31m 日本"


def test_wider_gaps_than_the_header_tells_of_are_said(tmp_path: Path) -> None:
    keep = range(0, 20, 2)
    folder = classic(tmp_path / "s", made(20), "MR", keep=keep, SpacingBetweenSlices=3)
    with pytest.warns(FusionWarning, match=r"6 mm apart.* slices between them may be missing"):
        assert read_volume(folder).shape[-1] == 10


def test_a_slice_alone_is_said(tmp_path: Path) -> None:
    folder = classic(tmp_path / "s", made(), "MR", keep=[3])
    with pytest.warns(FusionWarning, match="one slice alone"):
        read_volume(folder / "003.dcm")
