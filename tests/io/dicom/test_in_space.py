"""Tags that differ within a volume, and volumes that interleave: their places tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import (
    assert_same_volume,
    classic,
    enhanced,
    frame_groups,
    item,
    made,
    shared_groups,
)

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mactfusion.io.dicom.listing import Series


def listed(folder: Path) -> list[Series]:
    with Studies() as studies:
        return studies.listing(folder).series


def chosen(folder: Path, wanted: str) -> Any:
    with Studies() as studies:
        return studies.read(folder, studies.series(folder, wanted))


def by(tag: str, value: Callable[[int], Any]) -> Callable[[int, Any], None]:
    return lambda index, dataset: setattr(dataset, tag, value(index))


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("EchoTime", lambda index: "98.12" if index % 2 else "98.13"),
        ("EchoTime", lambda index: f"{98.1 + 0.004 * (index % 5):.3f}"),
        ("KVP", lambda index: "119.9" if index % 3 else "120"),
        ("InversionTime", lambda index: "2500" if index % 2 else "2499.99"),
        ("ImageType", lambda index: ["ORIGINAL", "PRIMARY", "M", *([""] if index % 2 else [])]),
        ("TriggerTime", lambda index: "500" if index % 2 else "620"),
        ("TriggerTime", lambda index: 500 + index * 7 % 5),
        ("FrameOfReferenceUID", lambda index: "" if index == 4 else "1.2.9"),
    ],
)
def test_what_differs_slightly_or_in_turns_parts_nothing(
    tmp_path: Path, tag: str, value: Callable[[int], Any]
) -> None:
    volume = made(20)
    assert_same_volume(read_volume(classic(tmp_path, volume, "MR", change=by(tag, value))), volume)
    (series,) = listed(tmp_path)
    assert series.sentences == []
    assert_same_volume(read_volume(tmp_path / "003.dcm"), volume)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        (
            "ImageType",
            lambda index: ["ORIGINAL", "PRIMARY", "M", *([] if index in (3, 9) else ["NORM"])],
            "image type",
        ),
        (
            "ImageType",
            lambda index: ["DERIVED" if index in (5, 6, 7, 14) else "ORIGINAL", "PRIMARY"],
            "image type",
        ),
        ("FlipAngle", lambda index: 150 if index < 12 else 148, "flip angle"),
        ("KVP", lambda index: 140 if index < 12 else 120, "kVp"),
        ("EchoTime", lambda index: 90 if index in (3, 9) else 80, "echo time"),
    ],
)
def test_parts_that_have_gaps_alone_or_go_on_are_one_volume(
    tmp_path: Path, tag: str, value: Callable[[int], Any], said: str
) -> None:
    volume = made(20)
    classic(tmp_path, volume, "MR", change=by(tag, value))
    with pytest.warns(FusionWarning, match=f"its slices differ in {said}; by their places"):
        assert_same_volume(read_volume(tmp_path), volume)


def test_a_head_ct_whose_base_has_thinner_slices_and_more_kv_is_one_volume(tmp_path: Path) -> None:
    depths = [*np.arange(0, 30, 2.5), *np.arange(30, 100, 5)]

    def change(index: int, dataset: Any) -> None:
        is_base = depths[index] < 30
        dataset.ImagePositionPatient = ["-20", "-30", f"{depths[index]}"]
        dataset.SliceThickness, dataset.KVP = (2.5, 140) if is_base else (5, 120)

    classic(tmp_path, made(26), "CT", change=change)
    assert [series.slices for series in listed(tmp_path)] == [26]


def test_beds_of_pet_whose_times_alternate_where_they_overlap_are_one_volume(
    tmp_path: Path,
) -> None:
    volume = made(21)

    def change(index: int, dataset: Any) -> None:
        bed = index % 2 if 7 <= index <= 11 else int(index >= 9)
        dataset.FrameReferenceTime = 180000 * bed + 89000

    classic(tmp_path, volume, "PT", change=change)
    assert [series.slices for series in listed(tmp_path)] == [21]


def test_echo_times_of_frames_that_differ_slightly_part_nothing(tmp_path: Path) -> None:
    volume = made(12)
    groups = [frame_groups(volume, index) for index in range(12)]
    for index, group in enumerate(groups):
        group.MREchoSequence = [item(EffectiveEchoTime=98.12 + 0.01 * (index % 2))]
    enhanced(tmp_path / "e.dcm", volume.values, shared_groups(volume), groups)
    assert_same_volume(read_volume(tmp_path), volume)


def test_slices_that_overlap_and_were_taken_in_turns_are_one_volume_where_told(
    tmp_path: Path,
) -> None:
    volume = made(21, step_mm=2.5)
    tags = {"SliceThickness": 5, "SpacingBetweenSlices": 2.5}
    change = by("AcquisitionNumber", lambda index: 1 + index % 2)
    assert_same_volume(read_volume(classic(tmp_path, volume, "MR", change=change, **tags)), volume)
    assert listed(tmp_path)[0].sentences == []


def interleaved(folder: Path, tag: str, values: tuple[Any, Any], numbering: int) -> list[Any]:
    """Two volumes of slices 3 mm thick, half a slice apart, which one tag tells apart."""
    volumes = [made(20, seed=k, first_mm=(-20.0, -30.0, 5 + 1.5 * k)) for k in (0, 1)]
    for number, volume in enumerate(volumes):

        def change(index: int, dataset: Any, number: int = number) -> None:
            in_turns = 2 * index + 1 + number
            dataset.InstanceNumber = in_turns if numbering == 1 else index + 1 + 20 * number
            if tag:
                setattr(dataset, tag, values[number])

        name = f"{number}_{{}}.dcm"
        classic(folder, volume, "MR", name=name, SeriesInstanceUID="1.2", change=change)
    return volumes


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("RepetitionTime", ("500", "4000")),
        ("SequenceName", ("*fl3d", "*tse2d")),
        ("ScanningSequence", ("GR", "SE")),
        ("ContrastBolusAgent", ("", "Gd")),
        ("SeriesDescription", ("T1", "T2")),
        ("SeriesNumber", (3, 4)),
        ("SeriesTime", ("101500", "103000")),
        ("ProtocolName", ("T1", "T2")),
        ("AcquisitionTime", ("101500", "103000")),
        ("DerivationDescription", ("", "ADC")),
        ("ReconstructionDiameter", ("200", "210")),
        ("FilterType", ("A", "B")),
        ("TriggerTime", (0, 500)),
    ],
)
def test_volumes_in_turns_are_told_apart_by_any_tag(
    tmp_path: Path, tag: str, values: tuple[Any, Any]
) -> None:
    volumes = interleaved(tmp_path, tag, values, numbering=1)
    found = listed(tmp_path)
    assert [series.slices for series in found] == [20, 20]
    for number in (0, 1):
        first = found[number].images[0].path.name[0]
        assert_same_volume(chosen(tmp_path, str(number + 1)), volumes[int(first)])


def test_volumes_in_turns_are_told_apart_by_blocks_of_numbers(tmp_path: Path) -> None:
    interleaved(tmp_path, "", (1, 1), numbering=2)
    labels = [series.label for series in listed(tmp_path)]
    assert labels == [f"part {part} of 2 by blocks of InstanceNumber" for part in (1, 2)]


def test_slices_that_overlap_by_half_are_said_where_nothing_tells(tmp_path: Path) -> None:
    volume = made(20, step_mm=1.5)
    classic(tmp_path, volume, SliceThickness=3)
    with pytest.warns(FusionWarning, match=r"3 mm thick and 1\.5 mm apart; no tag says"):
        assert_same_volume(read_volume(tmp_path), volume)


def test_a_part_whose_gaps_are_filled_by_another_is_said(tmp_path: Path) -> None:
    classic(tmp_path, made(20), "MR", change=by("EchoTime", lambda index: 10 + 80 * (index % 2)))
    assert [series.slices for series in listed(tmp_path)] == [10, 10]
    with pytest.warns(FusionWarning, match=r"lie beside it \(9 between its own.*may be missing"):
        chosen(tmp_path, "1")


def test_a_part_that_another_continues_is_said(tmp_path: Path) -> None:
    kinds = (["ORIGINAL", "PRIMARY"], ["DERIVED", "PRIMARY"])
    classic(tmp_path, made(20), change=by("ImageType", lambda index: kinds[index == 19]))
    for part, other in (("1", 19), ("2", 1)):
        with pytest.warns(FusionWarning, match=rf"lie beside it \({other} beyond its first"):
            chosen(tmp_path, part)


def test_one_slice_of_another_spacing_is_said(tmp_path: Path) -> None:
    change = by("PixelSpacing", lambda index: [1.6 if index == 10 else 1.5, 1.25])
    classic(tmp_path, made(20), change=change)
    (alone,) = [series for series in listed(tmp_path) if series.slices == 1]
    with pytest.warns(FusionWarning, match="slices of its own may be missing"):
        chosen(tmp_path, str(alone.number))


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_every_other_slice_missing_is_said_by_their_numbers(tmp_path: Path, modality: str) -> None:
    classic(tmp_path, made(20), modality, keep=range(0, 20, 2))
    with pytest.warns(FusionWarning, match=r"numbers \(InstanceNumber\) skip"):
        read_volume(tmp_path)


def test_two_echoes_whose_numbers_take_turns_lack_no_slices(tmp_path: Path) -> None:
    for echo in (0, 1):
        change = by("InstanceNumber", lambda index, echo=echo: 2 * index + 1 + echo)
        tags = {"EchoTime": 10 + 80 * echo, "SliceThickness": 1, "SeriesInstanceUID": "1.2"}
        classic(tmp_path, made(seed=echo), "MR", name=f"{echo}_{{}}", change=change, **tags)
    assert [series.sentences for series in listed(tmp_path)] == [[], []]


@pytest.mark.parametrize("step_mm", [1.25, 1.5, 2.5])
def test_the_one_slice_that_is_missing_among_rounded_positions_is_named(
    tmp_path: Path, step_mm: float
) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = ["-20", "-30", f"{5.03 + step_mm * index:.0f}"]

    keep = [index for index in range(30) if index != 10]
    classic(tmp_path, made(30, step_mm=step_mm), change=change, keep=keep)
    sentence = rf"1 DICOM slice\(s\) missing, after slice 10 of 29 .* slices are {step_mm:g} mm"
    with pytest.raises(InputError, match=sentence):
        read_volume(tmp_path)


@pytest.mark.parametrize("step_mm", [0.5, 0.7])
def test_slices_that_fall_together_by_rounding_are_called_so(
    tmp_path: Path, step_mm: float
) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.ImagePositionPatient = ["-20", "-30", f"{5.03 + step_mm * index:.0f}"]
        dataset.AcquisitionTime = f"1015{index:02d}"

    classic(tmp_path, made(30, step_mm=step_mm), change=change)
    with pytest.raises(InputError, match=r"rounded to whole millimetres, so that \d+ of 30 slices"):
        read_volume(tmp_path)


def test_passes_of_a_perfusion_ct_are_frames(tmp_path: Path) -> None:
    passes = [made(seed=seed) for seed in range(4)]
    for number, volume in enumerate(passes):

        def change(index: int, dataset: Any, number: int = number) -> None:
            seconds = 2 * number + index / 10
            dataset.AcquisitionNumber, dataset.AcquisitionTime = number + 1, f"1015{seconds:04.1f}"

        classic(tmp_path, volume, name=f"{number}_{{}}", SeriesInstanceUID="1", change=change)
    with Studies() as studies:
        series = studies.series(tmp_path)
        assert (series.frames, series.slices) == (4, 6)
        assert_same_volume(studies.read(tmp_path, series, "2"), passes[1])


def test_the_volumes_that_are_counted_are_those_that_are_listed(tmp_path: Path) -> None:
    for number, modality in enumerate(("MR", "MR", "CT", "PT")):
        classic(tmp_path, made(seed=number), modality, name=f"{number}_{{}}")
    with Studies() as studies, pytest.raises(InputError) as caught:
        studies.pair(tmp_path, "", ["4"])
    said = str(caught.value)
    assert "holds 2 volumes that may be meant: 1 MR" in said or "holds 3 volumes that" in said
