"""Every kind of DICOM object that is a volume: each voxel at its place, with its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import (
    AXIAL,
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

from mactfusion.errors import InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def rotated(degrees: float) -> tuple[float, ...]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (cosine, sine, 0.0, 0.0, 0.0, -1.0)


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, rotated(23.0)])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_one_file_a_slice(tmp_path: Path, orientation: Any, modality: str) -> None:
    volume = made(orientation=orientation)
    assert_same_volume(read_volume(classic(tmp_path / "s", volume, modality)), volume)


@pytest.mark.parametrize("step_mm", [4.4, -4.4])
@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL])
def test_the_sign_of_the_step_says_where_the_next_slice_of_nm_lies(
    tmp_path: Path, step_mm: float, orientation: Any
) -> None:
    volume = made(step_mm=step_mm, orientation=orientation)
    nuclear(tmp_path / "s" / "tomo.dcm", volume.values, volume)
    assert_same_volume(read_volume(tmp_path / "s"), volume)
    assert_same_volume(read_volume(tmp_path / "s" / "tomo.dcm"), volume)


def test_nm_frames_in_the_order_of_their_slice_vector(tmp_path: Path) -> None:
    volume = made()
    order = [4, 0, 5, 2, 1, 3]
    slices = [index + 1 for index in order]
    nuclear(tmp_path / "t.dcm", volume.values[order], volume, SliceVector=slices)
    assert_same_volume(read_volume(tmp_path / "t.dcm"), volume)


def test_nm_of_one_frame_a_file(tmp_path: Path) -> None:
    volume = made()
    uid = "1.2.3.7"
    for index, plane in enumerate(volume.values):
        here = Made(plane[None], first_mm=volume.position(index))
        nuclear(tmp_path / f"{index}", plane[None], here, SeriesInstanceUID=uid)
    assert_same_volume(read_volume(tmp_path), volume)


def test_gated_nm_is_chosen_by_its_time_slot(tmp_path: Path) -> None:
    slots = [made(seed=seed) for seed in (1, 2, 3)]
    planes = np.concatenate([slot.values for slot in slots])
    nuclear(
        tmp_path / "gated.dcm",
        planes,
        slots[0],
        ImageType=["ORIGINAL", "PRIMARY", "RECON GATED TOMO", "EMISSION"],
        SliceVector=[*range(1, 7)] * 3,
        TimeSlotVector=[1] * 6 + [2] * 6 + [3] * 6,
    )
    with pytest.raises(InputError, match=r"holds 3 frames .* --frame 1 to 3"):
        read_volume(tmp_path)
    with Studies() as studies:
        series = studies.series(tmp_path)
        for number, slot in enumerate(slots, 1):
            assert_same_volume(studies.read(tmp_path, series, str(number)), slot)
        mean = Made(np.mean([slot.values for slot in slots], axis=0))
        assert_same_volume(studies.read(tmp_path, series, "mean"), mean)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("TOMO", "not reconstructed"), ("STATIC", "planar"), ("WHOLE BODY", "planar"),
     ("SOMETHING", "does not say RECON TOMO")],
)  # fmt: skip
def test_nm_that_is_no_volume_is_refused_by_name(tmp_path: Path, kind: str, reason: str) -> None:
    volume = made()
    image_type = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    nuclear(tmp_path / "t.dcm", volume.values, volume, ImageType=image_type)
    with pytest.raises(InputError, match=reason):
        read_volume(tmp_path)


@pytest.mark.parametrize("modality", ["MR", "CT", "PT"])
def test_enhanced_one_file(tmp_path: Path, modality: str) -> None:
    volume = made(orientation=rotated(-31.0))
    order = [3, 0, 5, 1, 4, 2]
    groups = [frame_groups(volume, index) for index in order]
    enhanced(tmp_path / "e.dcm", volume.values[order], shared_groups(volume), groups, modality)
    assert_same_volume(read_volume(tmp_path), volume)


def test_enhanced_of_one_frame_a_file(tmp_path: Path) -> None:
    volume = made()
    for index, plane in enumerate(volume.values):
        groups = [frame_groups(volume, index)]
        enhanced(
            tmp_path / f"{index}.dcm",
            plane[None],
            shared_groups(volume),
            groups,
            SeriesInstanceUID="1.2.3.4",
        )
    assert_same_volume(read_volume(tmp_path), volume)


def test_stacks_that_were_taken_in_turns_are_one_volume(tmp_path: Path) -> None:
    volume = made(slices=9)
    order = [*range(2, 9, 3), *range(0, 9, 3), *range(1, 9, 3)]
    groups = [
        frame_groups(volume, index, StackID=str(index % 3 + 1), InStackPositionNumber=index // 3)
        for index in order
    ]
    enhanced(tmp_path / "e.dcm", volume.values[order], shared_groups(volume), groups)
    assert_same_volume(read_volume(tmp_path), volume)


def test_a_slope_for_each_frame_before_one_for_all(tmp_path: Path) -> None:
    volume = made()
    slopes = [0.5 + index for index in range(6)]
    shared = shared_groups(volume)
    shared.PixelValueTransformationSequence = [item(RescaleSlope=9, RescaleIntercept=9)]
    groups = [frame_groups(volume, index) for index in range(6)]
    for group, slope in zip(groups, slopes, strict=True):
        transformation = item(RescaleSlope=slope, RescaleIntercept=-3, RescaleType="HU")
        group.PixelValueTransformationSequence = [transformation]
    enhanced(tmp_path / "e.dcm", volume.values, shared, groups, "CT")
    read = read_volume(tmp_path)
    assert_same_volume(read, Made(volume.values * np.reshape(slopes, (6, 1, 1)) - 3))
    assert read.meta["units"] == "HU"


def test_echoes_in_one_enhanced_file_are_listed_and_chosen(tmp_path: Path) -> None:
    first, second = made(seed=1), made(seed=2)
    groups = [frame_groups(first, index) for index in (*range(6), *range(6))]
    for place, group in enumerate(groups):
        group.MREchoSequence = [item(EffectiveEchoTime=10.0 if place < 6 else 90.0)]
    planes = np.concatenate([first.values, second.values])
    enhanced(tmp_path / "e.dcm", planes, shared_groups(first), groups)
    with pytest.raises(InputError, match=r"2 volumes: .*'echo time 10' .*'echo time 90'"):
        read_volume(tmp_path)
    with Studies() as studies:
        for words, volume in (("time 10", first), ("90", second), ("2", second)):
            series = studies.series(tmp_path, words)
            assert_same_volume(studies.read(tmp_path, series), volume)


def test_a_frame_without_a_place_is_refused(tmp_path: Path) -> None:
    volume = made()
    groups = [frame_groups(volume, index) for index in range(6)]
    del groups[3].PlanePositionSequence
    enhanced(tmp_path / "e.dcm", volume.values, shared_groups(volume), groups)
    with pytest.raises(InputError, match="PlanePositionSequence"):
        read_volume(tmp_path)


def write_dose(path: Path, volume: Made, offsets: list[float], **tags: Any) -> None:
    dataset = header("RTDOSE", DoseGridScaling="0.0001", DoseUnits="GY", **tags)
    put_pixels(dataset, volume.values * 1000, "<u4")
    dataset.NumberOfFrames = len(volume.values)
    dataset.ImagePositionPatient = [float(mm) for mm in volume.first_mm]
    dataset.ImageOrientationPatient = list(volume.orientation)
    dataset.PixelSpacing = list(volume.spacing_mm)
    dataset.GridFrameOffsetVector = offsets
    save(dataset, path)


@pytest.mark.parametrize("start", [0.0, 5.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_dose_in_gray_at_the_offsets_of_its_frames(tmp_path: Path, start: float, sign: int) -> None:
    volume = made(step_mm=sign * 2.5)
    write_dose(tmp_path / "d.dcm", volume, [start + sign * 2.5 * index for index in range(6)])
    read = read_volume(tmp_path)
    assert_same_volume(read, Made(volume.values * 0.1, step_mm=volume.step_mm))
    assert (read.meta["units"], read.meta["modality"]) == ("Gy", "RTDOSE")


def test_dose_that_begins_elsewhere_or_has_no_scaling_is_refused(tmp_path: Path) -> None:
    volume = made()
    write_dose(tmp_path / "a" / "d.dcm", volume, [1.0 + 3 * index for index in range(6)])
    write_dose(tmp_path / "b" / "d.dcm", volume, [3.0 * index for index in range(6)])
    with pytest.raises(InputError, match="GridFrameOffsetVector"):
        read_volume(tmp_path / "a")
    dose = tmp_path / "b" / "d.dcm"
    import pydicom

    dataset = pydicom.dcmread(dose)
    del dataset.DoseGridScaling
    dataset.save_as(dose)
    with pytest.raises(InputError, match="DoseGridScaling"):
        read_volume(dose)


def private_header(count: int, normal: tuple[float, ...]) -> bytes:
    """Siemens' own header of type 2 with what a mosaic needs."""

    def tag(name: str, values: list[str]) -> bytes:
        start = name.encode().ljust(64, b"\0")
        counts = [len(values), 0, 0, len(values), 77]
        numbers = np.array([counts[0]], "<i4").tobytes() + b"FD\0\0"
        numbers += np.array([0, len(values), 77], "<i4").tobytes()
        items = b""
        for value in values:
            text = value.encode()
            items += np.array([len(text), len(text), 77, len(text)], "<i4").tobytes()
            items += text.ljust(-(-len(text) // 4) * 4, b"\0")
        return start + numbers + items

    tags = [
        tag("NumberOfImagesInMosaic", [str(count)]),
        tag("SliceNormalVector", [f"{part:.8f}" for part in normal]),
    ]
    return b"SV10\4\3\2\1" + np.array([len(tags), 77], "<u4").tobytes() + b"".join(tags)


@pytest.mark.parametrize("sign", [1, -1])
def test_mosaic_by_the_normal_of_the_private_header(tmp_path: Path, sign: int) -> None:
    volume = made(slices=7, rows=8, columns=8, spacing_mm=(3.0, 3.0), step_mm=sign * 5.0)
    tiled = np.zeros((24, 24), int)
    for index, plane in enumerate(volume.values):
        row, column = divmod(index, 3)
        tiled[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = plane
    corner = np.array(volume.first_mm) - [8 * 3.0, 8 * 3.0, 0]  # (24 - 8) / 2 pixels of 3 mm
    whole = Made(tiled[None], first_mm=corner, spacing_mm=(3.0, 3.0), step_mm=5.0)

    def change(index: int, dataset: Any) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        dataset.SpacingBetweenSlices = 5.0
        if sign:
            block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
            block.add_new(0x10, "OB", private_header(7, (0.0, 0.0, float(sign))))

    assert_same_volume(read_volume(classic(tmp_path / "m", whole, "MR", change=change)), volume)


def test_mosaic_without_the_private_header_is_refused_by_name(tmp_path: Path) -> None:
    image_type = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    folder = classic(tmp_path / "m", made(1, 24, 24), "MR", ImageType=image_type)
    with pytest.raises(InputError, match="Siemens mosaic without the scanner's private header"):
        read_volume(folder)
