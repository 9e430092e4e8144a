"""Which images are one volume, which are several, and what is no part of any."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import (
    STORAGE,
    Made,
    assert_same_volume,
    classic,
    enhanced,
    frame_groups,
    header,
    made,
    put_pixels,
    save,
    shared_groups,
)
from pydicom.uid import generate_uid

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

    from mactfusion.io.dicom.listing import Listing


def listed(folder: Path) -> Listing:
    with Studies() as studies:
        return studies.listing(folder)


def read_as(folder: Path, wanted: str, frame: str = "auto") -> Any:
    with Studies() as studies:
        return studies.read(folder, studies.series(folder, wanted), frame)


def test_slices_with_a_series_of_their_own_each_are_joined(tmp_path: Path) -> None:
    volume = made()

    def change(index: int, dataset: Any) -> None:
        dataset.SeriesInstanceUID = generate_uid()
        dataset.SeriesNumber, dataset.SeriesDescription = 4, "T1 axial"

    assert_same_volume(read_volume(classic(tmp_path / "s", volume, "MR", change=change)), volume)


@pytest.mark.parametrize(
    ("tag", "values", "labels"),
    [
        ("EchoTime", (10, 90), ("echo time 10", "echo time 90")),
        ("EchoNumbers", (1, 2), ("echo 1", "echo 2")),
        ("DiffusionBValue", (0.0, 1000.0), ("b-value 0", "b-value 1000")),
        ("ConvolutionKernel", ("B30f", "B70f"), ("kernel B30f", "kernel B70f")),
        ("KVP", (80, 140), ("kVp 140", "kVp 80")),
        ("FlipAngle", (5, 15), ("flip angle 15", "flip angle 5")),
        ("InversionTime", (100, 900), ("inversion time 100", "inversion time 900")),
        ("ImageType", (["DERIVED", "PRIMARY", "W"], ["DERIVED", "PRIMARY", "F"]), ("F", "W")),
    ],
)
def test_images_at_one_place_that_differ_are_listed_and_chosen(
    tmp_path: Path, tag: str, values: Any, labels: tuple[str, str]
) -> None:
    volumes = {}
    for number, value in enumerate(values):
        volume = made(seed=number)
        name = f"{number}_{{:03d}}.dcm"
        tags = {tag: value, "SeriesInstanceUID": "1.2.5"}
        classic(tmp_path / "s", volume, "MR", name=name, **tags)
        volumes[str(value)] = volume
    found = listed(tmp_path).volumes
    assert [series.label for series in found] == list(labels)
    with pytest.raises(InputError, match=r"2 volumes: .*--partner-series by number, or by words"):
        read_volume(tmp_path)
    for series in found:
        value = series.images[0].path.name.startswith("1_")
        assert_same_volume(read_as(tmp_path, str(series.number)), volumes[str(values[int(value)])])


@pytest.mark.parametrize("tag", ["AcquisitionNumber", "EchoTime"])
def test_two_acquisitions_that_interleave_are_two_volumes(tmp_path: Path, tag: str) -> None:
    """As thick as they are apart each: together they would be one at half the distance."""
    first = made(step_mm=4.5, seed=1)
    second = made(step_mm=4.5, seed=2, first_mm=(-20.0, -30.0, 7.25))
    for number, volume in enumerate((first, second), 1):
        tags = {tag: number, "SeriesInstanceUID": "1.2.5"}
        classic(tmp_path, volume, "MR", name=f"{number}_{{:03d}}", **tags)
    assert [series.slices for series in listed(tmp_path).volumes] == [6, 6]
    assert_same_volume(read_as(tmp_path, "1"), first)
    assert_same_volume(read_as(tmp_path, "2"), second)


@pytest.mark.parametrize("thickness", [3.0, None])
@pytest.mark.parametrize("offset_mm", [25.5, 25.0, 17.5])
def test_two_acquisitions_that_overlap_in_part_are_two_volumes(
    tmp_path: Path, offset_mm: float, thickness: Any
) -> None:
    volumes = [made(10, seed=k, first_mm=(-20.0, -30.0, 5 + k * offset_mm)) for k in (0, 1)]
    for number, volume in enumerate(volumes, 1):
        tags = {"AcquisitionNumber": number, "SliceThickness": thickness}
        name = f"{number}_{{}}"
        classic(tmp_path, volume, "CT", name=name, SeriesInstanceUID="1.2", **tags)
    found = listed(tmp_path).volumes
    assert [series.label for series in found] == ["acquisition 1", "acquisition 2"]
    for number, volume in enumerate(volumes, 1):
        assert_same_volume(read_as(tmp_path, str(number)), volume)


@pytest.mark.parametrize(
    ("first", "kinds", "labels"),
    [
        (
            12,
            (["ORIGINAL", "PRIMARY", "OTHER"], ["DERIVED", "SECONDARY", "MIP"]),
            {"ORIGINAL/PRIMARY/OTHER": 12, "DERIVED/SECONDARY/MIP": 1},
        ),
        (5, (["ORIGINAL", "PRIMARY"], ["DERIVED", "PRIMARY"]), {"ORIGINAL": 5, "DERIVED": 8}),
        (
            4,
            (["ORIGINAL", "PRIMARY", "IN_PHASE"], ["ORIGINAL", "PRIMARY", "WATER"]),
            {"IN_PHASE": 4, "WATER": 9},
        ),
    ],
)
def test_kinds_that_follow_each_other_in_space_are_not_joined(
    tmp_path: Path, first: int, kinds: Any, labels: dict[str, int]
) -> None:
    volume = made(13)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageType = kinds[int(index >= first)]

    classic(tmp_path, volume, "MR", change=change)
    found = listed(tmp_path).volumes
    assert {series.label: series.slices for series in found} == labels
    (before,) = [series for series in found if series.slices == first]
    assert_same_volume(read_as(tmp_path, str(before.number)), Made(volume.values[:first]))


def test_what_is_not_said_of_one_slice_parts_nothing(tmp_path: Path) -> None:
    volume = made(8)

    def change(index: int, dataset: Any) -> None:
        dataset.ConvolutionKernel = None if index == 7 else "B30f"
        dataset.EchoTime = None if index < 3 else 10

    assert_same_volume(read_volume(classic(tmp_path, volume, "MR", change=change)), volume)


@pytest.mark.parametrize("tag", ["EchoTime", "InversionTime", "DiffusionBValue"])
def test_settings_that_follow_each_other_in_space_are_not_joined(tmp_path: Path, tag: str) -> None:
    def change(index: int, dataset: Any) -> None:
        setattr(dataset, tag, 10 if index < 5 else 90)

    classic(tmp_path, made(8), "MR", change=change)
    assert [series.slices for series in listed(tmp_path).volumes] == [5, 3]


def test_frames_that_each_count_as_an_acquisition_are_frames(tmp_path: Path) -> None:
    moments = [made(seed=seed) for seed in (1, 2)]
    groups, planes = [], []
    for number, volume in enumerate(moments):
        for index in range(6):
            count = 6 * number + index + 1
            content = {"TemporalPositionIndex": number + 1, "FrameAcquisitionNumber": count}
            groups.append(frame_groups(volume, index, **content))
            planes.append(volume.values[index])
    enhanced(tmp_path / "e.dcm", np.array(planes), shared_groups(moments[0]), groups)
    (series,) = listed(tmp_path).volumes
    assert (series.slices, series.frames) == (6, 2)
    for number, volume in enumerate(moments, 1):
        assert_same_volume(read_as(tmp_path, "", str(number)), volume)


@pytest.mark.parametrize("also", [{}, {"TemporalPositionIdentifier": True}, {"SequenceName": 1}])
def test_acquisitions_that_are_points_of_time_are_frames(tmp_path: Path, also: Any) -> None:
    for number in (1, 2):
        tags = {tag: str(number) for tag in also}
        volume = made(seed=number)
        name = f"{number}_{{}}"
        classic(tmp_path, volume, "MR", name=name, SeriesInstanceUID="1.2",
                AcquisitionNumber=number, **tags)  # fmt: skip
    found = listed(tmp_path).volumes
    assert [series.frames for series in found] == ([1, 1] if "SequenceName" in also else [2])


def obstacle(folder: Path) -> str:
    (series,) = listed(folder).series
    return series.obstacle


def test_a_frame_that_lacks_a_slice_is_named(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        keep = range(5) if number == 3 else None
        tags = {"TemporalPositionIdentifier": number, "SeriesInstanceUID": "1"}
        classic(tmp_path, made(seed=number), "MR", name=f"{number}_{{}}", keep=keep, **tags)
    sentence = "but frame 3 of 3 (by temporal position) has 5 of 6 slices"
    assert obstacle(tmp_path).endswith(sentence)


def test_parts_that_overlap_are_called_so(tmp_path: Path) -> None:
    for bed in range(3):
        volume = made(10, seed=bed, first_mm=(-20.0, -30.0, 24.0 * bed))
        tags = {"FrameReferenceTime": 60000 * bed, "SeriesInstanceUID": "1"}
        classic(tmp_path, volume, "PT", name=f"{bed}_{{}}", **tags)
    assert "4 of 30 slices lie at the position of another one, where 3 parts" in obstacle(tmp_path)
    assert obstacle(tmp_path).endswith("(by frame reference time) overlap")


def test_a_slice_that_was_taken_again_is_called_so(tmp_path: Path) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.AcquisitionTime = f"1010{index:02d}"

    classic(tmp_path, made(8), "MR", SeriesInstanceUID="1", change=change)
    tags = {"AcquisitionTime": "101155", "SeriesInstanceUID": "1"}
    classic(tmp_path, made(8, seed=1), "MR", keep=[3], name="again{}", **tags)
    assert "1 of 9 slices" in obstacle(tmp_path)
    assert "taken again (by acquisition time)" in obstacle(tmp_path)


def test_a_tag_that_differs_is_named_without_its_value(tmp_path: Path) -> None:
    for number, word in enumerate(("Nobody", "Else")):
        tags = {"SequenceName": word, "OperatorsName": word, "SeriesInstanceUID": "1"}
        classic(tmp_path, made(seed=number), "MR", name=f"{number}_{{}}", **tags)
    assert obstacle(tmp_path).endswith(
        "they differ in SequenceName, by which volumes are not told apart"
    )


def test_slices_of_one_volume_that_were_acquired_in_turns_stay_together(tmp_path: Path) -> None:
    volume = made(slices=8)

    def change(index: int, dataset: Any) -> None:
        dataset.AcquisitionNumber = index % 2 + 1

    assert_same_volume(read_volume(classic(tmp_path, volume, "MR", change=change)), volume)


def test_slices_with_an_acquisition_of_their_own_each_stay_together(tmp_path: Path) -> None:
    volume = made(slices=8)

    def change(index: int, dataset: Any) -> None:
        dataset.AcquisitionNumber, dataset.TriggerTime = index + 1, 100 * index
        dataset.FrameReferenceTime = 2000.0 * (index // 3)

    assert_same_volume(read_volume(classic(tmp_path, volume, "MR", change=change)), volume)


@pytest.mark.parametrize(
    "tag",
    ["FrameReferenceTime", "TemporalPositionIdentifier", "TriggerTime", "ImageIndex",
     "AcquisitionTime"],
)  # fmt: skip
def test_points_of_time_are_frames_of_one_volume(tmp_path: Path, tag: str) -> None:
    moments = [made(seed=seed) for seed in (1, 2, 3)]
    for number, volume in enumerate(moments):

        def change(index: int, dataset: Any, number: int = number) -> None:
            dataset.NumberOfSlices = 6
            dataset.ActualFrameDuration = 1000 * (number + 1)
            value = number * 6 + index + 1 if tag == "ImageIndex" else 1000 * number + 1
            setattr(dataset, tag, f"12{number:02d}00" if tag == "AcquisitionTime" else value)

        classic(tmp_path, volume, "MR", name=f"{number}_{{}}", change=change, SeriesInstanceUID="1")
    (series,) = listed(tmp_path).volumes
    assert (series.frames, series.slices) == (3, 6)
    with pytest.raises(InputError, match="--frame 1 to 3, or their mean with --frame mean"):
        read_volume(tmp_path)
    for number, volume in enumerate(moments, 1):
        assert_same_volume(read_as(tmp_path, "", str(number)), volume)
    mean = np.average([volume.values for volume in moments], axis=0, weights=[1, 2, 3])
    assert_same_volume(read_as(tmp_path, "", "mean"), Made(mean), tolerance=1e-5)
    with pytest.raises(InputError, match="--frame 4 is none of them"):
        read_as(tmp_path, "", "4")


def test_copies_count_once(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume, "MR")
    for index in (2, 3):
        shutil.copy(folder / f"{index:03d}.dcm", folder / f"{index:03d} (1).dcm")
    with pytest.warns(FusionWarning, match="2 copies of its slices left out"):
        assert_same_volume(read_volume(folder), volume)


def test_two_other_images_at_one_place_are_refused(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume, "MR", SeriesInstanceUID="1.2")
    other = Made(volume.values + 1)
    classic(folder, other, "MR", SeriesInstanceUID="1.2", keep=[2], name="again_{}.dcm")
    with pytest.raises(InputError, match="1 of 7 slices lie at the position of another"):
        read_volume(folder)


@pytest.mark.parametrize("is_named", [True, False])
def test_a_localizer_in_the_series_is_left_out_and_said(tmp_path: Path, is_named: bool) -> None:
    volume = made(slices=12)
    folder = classic(tmp_path / "s", volume, SeriesInstanceUID="1.2")
    across = made(1, 9, 5, orientation=(0, 1, 0, 0, 0, -1), spacing_mm=(2, 2))
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER" if is_named else "AXIAL"]
    classic(folder, across, SeriesInstanceUID="1.2", name="scout{}.dcm", ImageType=kind)
    with pytest.warns(FusionWarning, match=r"1 image of its series left out: (a localizer|across)"):
        assert_same_volume(read_volume(folder), volume)


def test_the_scout_of_a_series_with_a_hole_is_not_taken_for_it(tmp_path: Path) -> None:
    folder = classic(tmp_path / "s", made(), SeriesInstanceUID="1.2", keep=[0, 1, 2, 4, 5])
    across = made(1, 9, 5, orientation=(0, 1, 0, 0, 0, -1))
    classic(folder, across, SeriesInstanceUID="1.2", name="scout{}.dcm")
    with pytest.raises(InputError, match=r"2 volumes: .*not fusable: 1 DICOM slice"):
        read_volume(folder)


def test_other_objects_beside_are_passed_over(tmp_path: Path) -> None:
    volume = made()
    folder = classic(tmp_path / "s", volume)
    segmentation = header("SEG", "CT")
    segmentation.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    segmentation.file_meta.MediaStorageSOPClassUID = segmentation.SOPClassUID
    put_pixels(segmentation, volume.values > 100, "u1")
    segmentation.NumberOfFrames = 6
    save(segmentation, folder / "seg.dcm")
    report = header("SR", "CT")
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    save(report, folder / "report.dcm")
    (folder / "README.txt").write_text("notes")
    assert_same_volume(read_volume(folder), volume)
    listing = listed(folder)
    assert listing.passed == {"no DICOM": 1, "DICOM without an image": 1}
    assert [series.obstacle for series in listing.series] == ["", "a segmentation"]


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR"])
def test_pictures_in_colour_are_no_measurements(tmp_path: Path, photometric: str) -> None:
    dataset = header("CT")
    count = 3 if photometric == "RGB" else 1
    put_pixels(dataset, np.ones((4, 5 * count), int), "u1")
    dataset.Columns, dataset.SamplesPerPixel = 5, count
    dataset.PhotometricInterpretation = photometric
    save(dataset, tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"colour images|colour table"):
        read_volume(tmp_path)


def test_storage_classes_are_those_of_the_standard() -> None:
    from pydicom.uid import UID

    assert all("Storage" in UID(uid).name for uid in STORAGE.values())
