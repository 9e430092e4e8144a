"""The Advanced Blending Presentation State: a viewer that follows it shows what was fused."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from dicom_made import (
    classic,
    enhanced,
    frame_groups,
    item,
    made,
    shared_groups,
)
from pydicom.dataset import Dataset

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.io.dicom.blending import _explained

if TYPE_CHECKING:
    from pathlib import Path

HALF_LIFE_S = 6586.2


def suv(index: int, dataset: Any) -> None:
    """An hour after 370 MBq for 74 kg, with a scale of its own for each slice."""
    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = 370e6, HALF_LIFE_S
    drug.RadiopharmaceuticalStartTime = "091500"
    dataset.RadiopharmaceuticalInformationSequence = [drug]
    dataset.PatientWeight, dataset.DecayCorrection = 74, "START"
    dataset.CorrectedImage = ["ATTN", "DECY"]
    dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.RescaleSlope, dataset.RescaleIntercept = 5 + 2 * (index // 2), 0


SUV_OF_BQML = 74e3 / 370e6 * 2 ** (3600 / HALF_LIFE_S)


def hounsfield(index: int, dataset: Any) -> None:
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, -1024


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "study"
    how = {"MR": None, "CT": hounsfield, "PT": suv}
    return {
        modality: classic(
            folder / modality, made(6, 24, 20, seed=seed), modality, change=change, SeriesNumber=3
        )
        for seed, (modality, change) in enumerate(how.items())
    }


def blended(
    anatomical: Path, partner: Any, output: Path, weights: Path, **options: Any
) -> tuple[Dataset, dict[str, Any]]:
    result = fuse_volumes(
        anatomical,
        partner,
        output=output,
        format="dicom",
        blending_state=True,
        weights=weights,
        **options,
    )
    return pydicom.dcmread(output / "blending-state.dcm"), result.record


def images_of(folder: Path) -> dict[str, Dataset]:
    read = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    return {str(image.SOPInstanceUID): image for image in read}


def shown(part: Dataset, images: dict[str, Dataset]) -> dict[tuple[str, int], np.ndarray]:
    """Colours in [0, 1] of each plane of an input, by the standard's pipeline (PS3.4 N.2.4.2)."""
    colours = {}
    for window in part.SoftcopyVOILUTSequence:
        assert window.VOILUTFunction == "LINEAR_EXACT"
        for reference in window.get("ReferencedImageSequence") or part.ReferencedImageSequence:
            image = images[reference.ReferencedSOPInstanceUID]
            assert image.SOPClassUID == reference.ReferencedSOPClassUID
            assert image.SeriesInstanceUID == part.SeriesInstanceUID
            numbers = reference.get("ReferencedFrameNumber") or 0
            for number in [numbers] if isinstance(numbers, int) else numbers:
                stored = image.pixel_array[number - 1] if number else image.pixel_array
                values = stored * float(part.RescaleSlope) + float(part.RescaleIntercept)
                grey = (values - float(window.WindowCenter)) / float(window.WindowWidth) + 0.5
                assert (reference.ReferencedSOPInstanceUID, number) not in colours
                colours[reference.ReferencedSOPInstanceUID, int(number)] = palette(
                    part, grey.clip(0, 1)
                )
    return colours


def palette(part: Dataset, grey: np.ndarray) -> np.ndarray:
    if "PaletteColorLookupTableSequence" not in part:
        return np.stack([grey] * 3, -1)
    (table,) = part.PaletteColorLookupTableSequence
    levels = []
    for name in ("Red", "Green", "Blue"):
        count, first, bits = table[f"{name}PaletteColorLookupTableDescriptor"].value
        data = np.frombuffer(table[f"{name}PaletteColorLookupTableData"].value, "<u2")
        assert (count, first, bits, len(data)) == (256, 0, 16, 256)
        levels.append(data[np.rint(grey * 255).astype(int)] / 65535)
    return np.stack(levels, -1)


def test_each_slice_of_a_pet_is_shown_by_its_suv(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    """Slopes differ, so that one window in stored values would be wrong for most slices."""
    with pytest.warns(match="rescale slopes of their own"):
        state, record = blended(study["MR"], study["PT"], tmp_path / "o", pixel_maximum)
    assert any("rescale slopes of their own" in note for note in record["notes"])
    assert record["units"] == ""
    assert record["partners"][0]["units"] == "SUV"
    level, width = record["level_width"]
    anatomical, pet = state.AdvancedBlendingSequence
    assert len(pet.SoftcopyVOILUTSequence) == 3  # two slices each have a slope in common
    images = images_of(study["PT"])
    found = shown(pet, images)
    assert {uid for uid, _ in found} == set(images)
    import torch

    from mactfusion.transforms.colormap import apply_color_table, color_table

    table = color_table(record["partners"][0]["colormap"])
    for (uid, _), colours in found.items():
        image = images[uid]
        in_suv = image.pixel_array * float(image.RescaleSlope) * SUV_OF_BQML
        grey = ((in_suv - level) / width + 0.5).clip(0, 1)
        expected = apply_color_table(torch.from_numpy(grey).float()[None], table).numpy()
        np.testing.assert_allclose(colours, np.moveaxis(expected, 0, -1), atol=0.01)
        assert grey.std() > 0.05
    explanations = {w.WindowCenterWidthExplanation for w in pet.SoftcopyVOILUTSequence}
    assert explanations == {f"0 to {level + width / 2:.4g} SUV"}

    images = images_of(study["MR"])
    low_level, low_width = record["anatomical_level_width"]
    for (uid, _), colours in shown(anatomical, images).items():
        expected = ((images[uid].pixel_array - low_level) / low_width + 0.5).clip(0, 1)
        np.testing.assert_allclose(colours, np.stack([expected] * 3, -1), atol=1e-4)


def test_a_ct_keeps_its_hounsfield_units(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    options = {"window": (40, 400), "task": "ct-mri"}
    state, record = blended(study["MR"], study["CT"], tmp_path / "o", pixel_maximum, **options)
    assert not any("rescale slopes" in note for note in record["notes"])
    ct = state.AdvancedBlendingSequence[1]
    assert (ct.RescaleSlope, ct.RescaleIntercept) == (2, -1024)
    (window,) = ct.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (40, 400)
    assert "ReferencedImageSequence" not in window
    assert len(ct.ReferencedImageSequence) == 6


def test_the_object_belongs_to_the_patient_and_blends_the_originals(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    options = {"task": ["ct-mri", "pet-mri"], "window": [(40, 400), "auto"]}
    partners = [study["CT"], study["PT"]]
    state, _ = blended(study["MR"], partners, tmp_path / "o", pixel_maximum, **options)
    source = pydicom.dcmread(next(study["MR"].iterdir()))
    for word in ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert state[word].value == source[word].value
    assert state.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.8"
    assert state.Modality == "PR"
    fused = pydicom.dcmread(tmp_path / "o" / "slice-0001.dcm")
    known = {source.SeriesInstanceUID, fused.SeriesInstanceUID}
    assert state.SeriesInstanceUID not in known
    assert state.SeriesNumber == fused.SeriesNumber == 9003
    mr, ct, pet = state.AdvancedBlendingSequence
    for part, modality in ((mr, "MR"), (ct, "CT"), (pet, "PT")):
        images = images_of(study[modality])
        named = {each.ReferencedSOPInstanceUID for each in part.ReferencedImageSequence}
        assert named == set(images)
        assert {part.SeriesInstanceUID} == {each.SeriesInstanceUID for each in images.values()}
    assert [part.get("GeometryForDisplay") for part in (mr, ct, pet)] == ["TRUE", None, None]
    equal, last = state.BlendingDisplaySequence
    assert equal.BlendingMode == "EQUAL"
    assert [each.BlendingInputNumber for each in equal.BlendingDisplayInputSequence] == [2, 3]
    assert last.BlendingMode == "FOREGROUND"
    assert last.RelativeOpacity == 0.5
    assert [each.BlendingInputNumber for each in last.BlendingDisplayInputSequence] == [
        equal.BlendingInputNumber,
        1,
    ]
    assert "BlendingInputNumber" not in last
    series = {each.SeriesInstanceUID for each in state.ReferencedSeriesSequence}
    assert series == {part.SeriesInstanceUID for part in (mr, ct, pet)}


def test_partners_keep_their_windows_whatever_their_order(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    options = {"task": ["pet-mri", "ct-mri"], "window": ["auto", (40, 400)]}
    partners = [study["PT"], study["CT"]]
    state, _ = blended(study["MR"], partners, tmp_path / "o", pixel_maximum, **options)
    _, pet, ct = state.AdvancedBlendingSequence
    assert pet.SoftcopyVOILUTSequence[0].WindowCenterWidthExplanation.endswith("SUV")
    assert ct.SoftcopyVOILUTSequence[0].WindowCenter == 40


def test_a_source_of_another_study_is_named_in_its_own(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    for path in study["PT"].iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID = "1.2.4"
        dataset.save_as(path)
    state, _ = blended(study["MR"], study["PT"], tmp_path / "o", pixel_maximum)
    assert len(state.ReferencedSeriesSequence) == 1
    (other,) = state.StudiesContainingOtherReferencedInstancesSequence
    assert other.StudyInstanceUID == "1.2.4"
    assert len(other.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 6


def test_frames_of_one_object_are_named_by_their_number(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    volume = made(6, 24, 20, seed=7)
    groups = []
    for index in range(6):
        group = frame_groups(volume, index, StackID="1", InStackPositionNumber=index + 1)
        rescale = item(RescaleSlope=1 + index % 2, RescaleIntercept=0, RescaleType="US")
        group.PixelValueTransformationSequence = [rescale]
        groups.append(group)
    enhanced(tmp_path / "e" / "e.dcm", volume.values, shared_groups(volume), groups)
    options = {"task": "mr-mr", "window": (1000, 2000)}
    state, _ = blended(study["MR"], tmp_path / "e", tmp_path / "o", pixel_maximum, **options)
    second = state.AdvancedBlendingSequence[1]
    images = images_of(tmp_path / "e")
    found = shown(second, images)
    assert sorted(number for _, number in found) == [1, 2, 3, 4, 5, 6]
    for (_, number), colours in found.items():
        values = volume.values[number - 1] * (1 + (number - 1) % 2)
        expected = ((values - 1000) / 2000 + 0.5).clip(0, 1)
        np.testing.assert_allclose(colours[..., 0], expected, atol=1e-4)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("several", [False, True])
def test_the_object_is_valid(
    study: dict[str, Path], tmp_path: Path, several: bool, pixel_maximum: Path
) -> None:
    for path in study["MR"].iterdir():
        dataset = pydicom.dcmread(path)
        dataset.BodyPartExamined, dataset.Laterality = "HEAD", ""
        dataset.save_as(path)
    partners = [study["CT"], study["PT"]] if several else study["PT"]
    task = ["ct-mri", "pet-mri"] if several else "pet-mri"
    blended(study["MR"], partners, tmp_path / "o", pixel_maximum, task=task)
    path = tmp_path / "o" / "blending-state.dcm"
    # Windows and palettes came into the standard after the validator, which has them as a profile.
    profile = "IDCVOIPaletteOpticalPath"
    for words in (["dciodvfy", "-new"], ["dciodvfy", "-new", "-profile", profile]):
        done = subprocess.run([*words, str(path)], capture_output=True, text=True, check=False)
        kind, *lines = done.stderr.splitlines()
        assert kind.startswith("AdvancedBlendingSoftcopyPresentationState")
        assert [line for line in lines if line.startswith("Error")] == []
    beyond = {line.split("(")[-2].split("/")[-1] for line in lines if line.startswith("Warning")}
    assert beyond == {
        "FrameOfReferenceUID", "PositionReferenceIndicator", "RescaleSlope", "RescaleIntercept",
        "RescaleType", "ReferencedImageSequence", "ReferencedSOPClassUID",
        "ReferencedSOPInstanceUID",
    }  # fmt: skip
    for words in (["dcmftest"], ["dcmpschk"]):
        if shutil.which(words[0]) is not None:
            done = subprocess.run([*words, str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0


@pytest.mark.parametrize(
    ("level_width", "units", "words"),
    [
        ((3.75, 7.5), "SUV", "0 to 7.5 SUV"),
        ((4216.000005, 8431.99999), "", "0 to 8432"),
        ((5e-6 + 4216, 8432), "", "0 to 8432"),
        ((123456, 246912), "Bq/ml", "0 to 246912 Bq/ml"),
        ((-4216 + 1e-5, 8432), "", "-8432 to 0"),
        ((40, 400), "HU", "-160 to 240 HU"),
        ((1.02084, 2.04167), "SUV", "0 to 2.042 SUV"),
        ((5e-10, 1e-9), "", "0 to 0.000000001"),
        ((1e7, 1e3), "", "9999500 to 10000500"),
    ],
)
def test_a_window_is_explained_in_plain_numbers(
    level_width: tuple[float, float], units: str, words: str
) -> None:
    assert _explained(level_width, units) == words


def other_place(index: int, dataset: Any) -> None:
    suv(index, dataset)
    dataset.FrameOfReferenceUID = "1.2.99"


def no_place(index: int, dataset: Any) -> None:
    suv(index, dataset)
    del dataset.FrameOfReferenceUID


def test_what_no_viewer_could_blend_is_refused_before_the_long_work(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    def refused(partner: Any, **options: Any) -> str:
        with pytest.raises(InputError) as error:
            blended(study["MR"], partner, tmp_path / "o", pixel_maximum, **options)
        assert not (tmp_path / "o").exists()
        return str(error.value)

    volume = made(6, 24, 20)
    for name, change in (("other", other_place), ("no", no_place)):
        folder = classic(tmp_path / name, volume, "PT", change=change)
        assert "do not share a frame of reference" in refused(folder)
    in_memory = (volume.values.T.astype(np.float32), volume.affine)
    sentence = refused(in_memory, task="pet-mri")
    assert sentence == "blending_state=True is not possible: the partner volume is no DICOM series."
    inverted = classic(
        tmp_path / "inverted", volume, "MR", dtype="<u2", PhotometricInterpretation="MONOCHROME1"
    )
    assert "MONOCHROME1" in refused(inverted, task="mr-mr")
    series = [f"1.2.{index}" for index in range(6)]

    def own_series(index: int, dataset: Any) -> None:
        dataset.SeriesInstanceUID = series[index]

    apart = classic(tmp_path / "apart", volume, "CT", change=own_series)
    assert "a series identifier for each slice" in refused(apart, window=(40, 400), task="ct-mri")


@pytest.mark.parametrize("slope", [0.5, 0.25])
def test_real_world_values_that_viewers_do_not_show_are_refused(
    study: dict[str, Path], tmp_path: Path, slope: float, pixel_maximum: Path
) -> None:
    volume = made(6, 24, 20, seed=7)
    shared = shared_groups(volume)
    shared.PixelValueTransformationSequence = [
        item(RescaleSlope=0.5, RescaleIntercept=0, RescaleType="US")
    ]
    unit = item(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
    mapping = item(RealWorldValueSlope=slope, RealWorldValueIntercept=0.0)
    mapping.MeasurementUnitsCodeSequence = [unit]
    shared.RealWorldValueMappingSequence = [mapping]
    groups = [frame_groups(volume, index) for index in range(6)]
    enhanced(tmp_path / "e" / "e.dcm", volume.values, shared, groups, "PT")
    sources = (study["MR"], tmp_path / "e", tmp_path / "o", pixel_maximum)
    if slope == 0.25:
        with pytest.raises(InputError, match="was read by its real world values"):
            blended(*sources)
        return
    state, record = blended(*sources)
    assert record["partners"][0]["units"] == "Bq/ml"
    assert state.AdvancedBlendingSequence[1].RescaleSlope == 0.5


def test_a_mean_over_frames_is_no_image(
    study: dict[str, Path], tmp_path: Path, pixel_maximum: Path
) -> None:
    volume = made(6, 24, 20, seed=5)
    for moment in (1, 2):

        def change(index: int, dataset: Any, moment: int = moment) -> None:
            dataset.FrameReferenceTime = moment * 60000
            dataset.TemporalPositionIdentifier = moment

        classic(
            tmp_path / "dynamic", volume, "PT", change=change, name=f"{moment}-{{}}.dcm",
            SeriesInstanceUID="1.2.77",
        )  # fmt: skip
    options = {"units": "native"}
    with pytest.raises(InputError, match="was averaged over its frames; choose one frame"):
        blended(
            study["MR"],
            tmp_path / "dynamic",
            tmp_path / "o",
            pixel_maximum,
            frame="mean",
            **options,
        )
    state, _ = blended(
        study["MR"], tmp_path / "dynamic", tmp_path / "o", pixel_maximum, frame="2", **options
    )
    images = images_of(tmp_path / "dynamic")
    named = [
        images[each.ReferencedSOPInstanceUID].TemporalPositionIdentifier
        for each in state.AdvancedBlendingSequence[1].ReferencedImageSequence
    ]
    assert named == [2] * 6


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"output": "o.nii.gz"}, "blending_state=True is for DICOM output: give a folder"),
        ({"output": "o.dcm"}, "blending_state=True is a second file beside the images"),
        (
            {"output": "o", "format": "dicom", "anonymous": True},
            "and anonymous=True nothing of them",
        ),
    ],
)
def test_options_that_contradict_it_are_refused_at_once(
    study: dict[str, Path], tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    chosen = {**options, "output": tmp_path / options["output"]}
    with pytest.raises(InputError, match=reason):
        fuse_volumes(study["MR"], study["PT"], blending_state=True, **chosen)
