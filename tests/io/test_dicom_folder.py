"""DICOM folders: one right volume, or one sentence with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import RLELossless
from scipy.ndimage import affine_transform

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom import same_patient_warning
from mactfusion.io.load import LoadVolumesd
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Series = "Callable[..., Path]"


def reversed_slices(index: int, dataset: Any) -> None:
    dataset.ImagePositionPatient[2] = 12.0 - float(dataset.ImagePositionPatient[2])


def test_values_place_and_meta(dicom_series: Series, scalar: np.ndarray) -> None:
    folder = dicom_series()
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume[0].numpy(), scalar)
    expected = np.diag([-1.25, -1.5, 3.0, 1.0])
    expected[:3, 3] = (20.0, 30.0, 0.0)
    np.testing.assert_allclose(volume.affine.numpy(), expected, atol=1e-12)
    assert volume.meta["modality"] == "CT"
    assert volume.meta["units"] == "HU"
    assert volume.meta["source_dtype"] == "int16"
    assert volume.meta["frame_of_reference"] == "1.2.9"
    assert [len(digest) for digest in volume.meta["patient_digest"].split("|")] == [64, 64]
    assert volume.meta["filename_or_obj"] == str(folder)


def test_no_patient_data_is_kept(dicom_series: Series) -> None:
    kept = str(read_volume(dicom_series()).meta)
    for secret in ("Nobody", "19700101", "'P1'"):
        assert secret not in kept


def test_sorted_by_position_whatever_the_names(dicom_series: Series, scalar: np.ndarray) -> None:
    volume = read_volume(dicom_series(change=reversed_slices))
    np.testing.assert_array_equal(volume[0].numpy(), scalar[..., ::-1])
    assert volume.affine[2, 3] == 0


def test_slope_of_each_slice(dicom_series: Series, scalar: np.ndarray) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 + index / 4, index

    volume = read_volume(dicom_series(change=change))
    index = np.arange(scalar.shape[2])
    np.testing.assert_allclose(volume[0].numpy(), scalar * (0.5 + index / 4) + index, rtol=1e-6)


def test_positions_win_over_spacing_between_slices(dicom_series: Series) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.SpacingBetweenSlices, dataset.SliceThickness = 1.0, 8.0

    assert read_volume(dicom_series(change=change)).affine[2, 2] == 3.0


def test_positions_rounded_to_a_tenth_are_even(dicom_series: Series) -> None:
    folder = dicom_series(places_mm=(0.0, 0.6, 1.3, 1.9, 2.5))
    assert read_volume(folder).affine[2, 2].item() == pytest.approx(0.625)


def test_a_single_slice_takes_its_thickness(dicom_series: Series, scalar: np.ndarray) -> None:
    volume = read_volume(dicom_series(places_mm=(0.0,)))
    assert volume.shape == (1, *scalar.shape[:2], 1)
    assert volume.affine[2, 2] == 3.0


def test_photometric_interpretation_may_be_missing(
    dicom_series: Series, scalar: np.ndarray
) -> None:
    volume = read_volume(dicom_series(change=set_tag("PhotometricInterpretation", None)))
    np.testing.assert_array_equal(volume[0].numpy(), scalar)


def test_other_files_are_passed_over(dicom_series: Series, scalar: np.ndarray) -> None:
    folder = dicom_series()
    (folder / "README.txt").write_text("notes")
    (folder / "DICOMDIR").write_bytes(b"")
    (folder / "subfolder").mkdir()
    report = pydicom.dcmread(next(folder.glob("*.dcm")))
    del report.Rows, report.Columns, report.PixelData
    report.SeriesInstanceUID = "1.2.777"
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    report.save_as(folder / "report.dcm")
    assert read_volume(folder).shape == (1, *scalar.shape)


def set_tag(keyword: str, value: Any, only: int | None = None) -> Callable[[int, Any], None]:
    def change(index: int, dataset: Any) -> None:
        if only is None or index == only:
            setattr(dataset, keyword, value)

    return change


def shift_sideways(index: int, dataset: Any) -> None:
    dataset.ImagePositionPatient[1] = -30.0 + index


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"places_mm": (0, 3, 9, 12, 15)}, r"1 DICOM slice.* gap of 6 mm .* 3 mm apart"),
        ({"places_mm": (0, 3, 6, 9, 18)}, r"2 DICOM slice.* gap of 9 mm"),
        ({"places_mm": (0, 3, 3, 6, 9)}, r"1 of 5 slices lie at the position"),
        ({"places_mm": (0, 0, 3, 3, 6, 6)}, r"at the position"),
        ({"places_mm": (5, 5, 5)}, r"2 of 3 slices"),
        ({"change": set_tag("SeriesInstanceUID", "1.9", 4)}, r"2 volumes: 1 CT .* 2 CT"),
        ({"change": set_tag("ImageOrientationPatient", [0, 1, 0, 0, 0, 1], 2)}, "1 DICOM slice"),
        ({"change": set_tag("ImageOrientationPatient", None)}, "without ImageOrientation"),
        ({"change": set_tag("ImagePositionPatient", None, 1)}, "1 of 5 .* ImagePosition"),
        ({"change": set_tag("PixelSpacing", None)}, "without PixelSpacing"),
        ({"change": set_tag("PixelSpacing", [2, 2], 3)}, "1 DICOM slice"),
        ({"change": set_tag("PixelSpacing", [0, 0])}, "PixelSpacing is zero"),
        ({"change": set_tag("NumberOfFrames", 5)}, "003.dcm is incomplete|incomplete"),
        ({"change": set_tag("SamplesPerPixel", 3)}, "incomplete|colour images"),
        ({"change": set_tag("PhotometricInterpretation", "PALETTE COLOR", 2)}, "1 DICOM slice"),
        ({"change": set_tag("PixelData", b"\0\0", 2)}, "002.dcm is incomplete"),
    ],
)
def test_what_is_no_even_series_is_refused(
    dicom_series: Series, options: dict[str, Any], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = dicom_series(**options)
    capfd.readouterr()
    with pytest.raises(InputError, match=reason) as error:
        read_volume(folder)
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("content", ["nothing", "text", "damaged header"])
def test_folders_without_readable_images(
    tmp_path: Path, dicom_series: Series, content: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    if content == "text":
        (folder / "a.txt").write_text("hello")
    if content == "damaged header":
        whole = (dicom_series() / "series_000.dcm").read_bytes()
        (folder / "a.dcm").write_bytes(whole[:400])
    with pytest.raises(InputError, match=r"no DICOM images|damaged"):
        read_volume(folder)


def test_one_file_stands_for_its_series(dicom_series: Series, scalar: np.ndarray) -> None:
    volume = read_volume(dicom_series() / "series_003.dcm")
    np.testing.assert_array_equal(volume[0].numpy(), scalar)


def test_other_patient_and_frame_of_reference_are_told(dicom_series: Series) -> None:
    first = read_volume(dicom_series("first"))
    patient = read_volume(dicom_series("patient", change=set_tag("PatientID", "P2")))
    frame = read_volume(dicom_series("frame", change=set_tag("FrameOfReferenceUID", "1.5")))
    anonymous = read_volume(dicom_series("no", change=lambda index, dataset: anonymise(dataset)))
    assert same_patient_warning(first, first) is None
    assert same_patient_warning(first, anonymous) is None
    assert "different patients" in (same_patient_warning(first, patient) or "")
    assert "frames of reference" not in (same_patient_warning(first, patient) or "")
    sentence = same_patient_warning(first, frame) or ""
    assert "different frames of reference" in sentence
    assert "1.5" not in sentence


def anonymise(dataset: Any) -> None:
    dataset.PatientID = dataset.PatientBirthDate = dataset.FrameOfReferenceUID = ""


REFUSED = {
    "MR_missing_slice": r"1 DICOM slice.* 6 mm .* 3 mm",
    "CT_missing_two": r"2 DICOM slice.* 12 mm .* 4 mm",
    "mixed_two_series_one_folder": r"2 volumes: 1 MR .*, 2 CT .*--partner-series",
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_series_of_the_reference(reference: Path, name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        read_volume(reference / "data" / "dicom" / name)


SAID = {
    "MR_variable_spacing": r"slices are 2\.5 to 6 mm apart.*resampled",
    "MR_duplicate_position": "1 copy of its slices left out",
}


@pytest.mark.parametrize("name", SAID)
def test_series_of_the_reference_that_are_read_with_a_sentence(reference: Path, name: str) -> None:
    with pytest.warns(FusionWarning, match=SAID[name]):
        read_volume(reference / "data" / "dicom" / name)


@pytest.mark.parametrize(
    ("name", "source", "scale"),
    [
        ("MR_ok", "avg152T1.nii", 1000),
        ("MR_oblique", "avg152T1.nii", 1000),
        ("CT_ok", "CT_HU_from_scct.nii.gz", 1),
        ("CT_shuffled_names_and_instance", "CT_HU_from_scct.nii.gz", 1),
        ("PT_ok", "PET.nii", 20000),
    ],
)
def test_good_series_of_the_reference_lie_where_their_source_lies(
    reference: Path, name: str, source: str, scale: float
) -> None:
    """Rounding leaves under 0.1 % of the range; half a millimetre off would be 4 % and more."""
    volume = read_volume(reference / "data" / "dicom" / name)
    image = nibabel.load(reference / "data" / "mni_templates" / source)
    values = image.get_fdata() * scale
    to_source = np.linalg.inv(image.affine) @ volume.affine.numpy()
    expected = affine_transform(
        values, to_source, output_shape=volume.shape[1:], order=1, cval=np.nan
    )
    difference = np.abs(volume[0].numpy() - expected)[np.isfinite(expected)]
    assert np.percentile(difference, 99) < 0.002 * np.ptp(values)


@pytest.mark.parametrize("is_whole", [True, False])
def test_compressed_series(dicom_series: Series, scalar: np.ndarray, is_whole: bool) -> None:
    def compress(index: int, dataset: Any) -> None:
        # GDCM cannot decode RLE of very small noisy images with negative values
        dataset.PixelData = (scalar[..., index].T + 100).astype("<i2").tobytes()
        dataset.RescaleIntercept = -100
        dataset.compress(RLELossless)

    folder = dicom_series(change=compress)
    if is_whole:
        np.testing.assert_array_equal(read_volume(folder)[0].numpy(), scalar)
        return
    path = folder / "series_002.dcm"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=r"damaged|incomplete"):
        read_volume(folder)


def test_slope_of_each_slice_as_simpleitk_applies_it(reference: Path) -> None:
    folder = reference / "data" / "dicom" / "PT_ok"
    volume = read_volume(folder)
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    stored = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(names, SimpleITK.sitkFloat64))
    np.testing.assert_allclose(volume[0].numpy(), stored.T, rtol=1e-5)
    assert volume.meta["units"] == "BQML"
    assert volume.meta["modality"] == "PT"


def test_other_patient_of_the_reference(reference: Path) -> None:
    folder = reference / "data" / "dicom"
    magnetic, same, other = (
        read_volume(folder / name) for name in ("MR_ok", "PT_ok", "PT_other_patient_other_FoR")
    )
    assert same_patient_warning(magnetic, same) is None
    sentence = same_patient_warning(magnetic, other) or ""
    assert "different patients" in sentence
    assert "different frames of reference" in sentence


@pytest.mark.parametrize(
    ("tag", "value"),
    [("SeriesInstanceUID", "1.2.840.00123.5"), ("PatientID", "x" * 74)],
)
def test_nothing_of_the_headers_is_said_or_logged(
    dicom_series: Series,
    tag: str,
    value: str,
    recwarn: pytest.WarningsRecorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Values that break DICOM's rules: pydicom would warn of them, and name some."""
    folders = [dicom_series(name, change=set_tag(tag, value)) for name in ("first", "second")]
    recwarn.clear()
    caplog.clear()
    data = LoadVolumesd()(dict(zip(("anatomical", "partner"), folders, strict=True)))
    assert data["anatomical"].shape == data["partners"][0]["partner"].shape
    assert [str(warning.message) for warning in recwarn] == []
    assert caplog.messages == []
