"""SUV by body weight, against values computed by hand for headers of three makers.

Weight 70 kg, dose 350 MBq of F-18 (half-life 6586.2 s). 70 000 g / 350e6 Bq = 2e-4 ml/Bq, more by
2 ** (seconds between injection and scan / 6586.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import Made, classic, item, made, same_volume
from pydicom.sequence import Sequence

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.dicom.study import Studies
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

AT_INJECTION = 2e-4
AFTER_AN_HOUR = 2.92127349e-4  # 2e-4 * 2 ** (3600 / 6586.2)
AFTER_45_MINUTES = 2.65727598e-4  # 2e-4 * 2 ** (2700 / 6586.2)


def drug(**tags: Any) -> Sequence:
    usual = {
        "RadionuclideTotalDose": "350000000",
        "RadionuclideHalfLife": "6586.2",
        "RadiopharmaceuticalStartTime": "091500.00",
    }
    return Sequence([item(**{**usual, **tags})])


def pet(folder: Path, **tags: Any) -> Path:
    usual = {
        "PatientWeight": "70",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN"],
        "AcquisitionDate": "20240102",
        "AcquisitionTime": "101500",
        "RadiopharmaceuticalInformationSequence": drug(),
    }
    extra = tags.pop("private", None)

    def change(index: int, dataset: Any) -> None:
        for keyword, value in {**usual, **tags}.items():
            if value is None:
                if keyword in dataset:
                    delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        if extra is not None:
            extra(dataset)

    return classic(folder, made(), "PT", change=change)


def is_suv(folder: Path, factor: float) -> Any:
    volume = read_volume(folder)
    same_volume(volume, Made(made().values * factor), tolerance=2e-6)
    assert volume.meta["units"] == "SUV"
    return volume


def test_decayed_to_the_series_time_as_siemens_writes_it(tmp_path: Path) -> None:
    volume = is_suv(pet(tmp_path / "s"), AFTER_AN_HOUR)
    assert volume.meta["units_from"].startswith("Bq/ml, decayed to the series time (START)")
    for secret in ("70", "350", "0915"):
        assert secret not in volume.meta["units_from"]


def test_a_date_and_time_of_injection(tmp_path: Path) -> None:
    times = drug(RadiopharmaceuticalStartDateTime="20240102093000.000000+0100")
    folder = pet(tmp_path / "s", RadiopharmaceuticalInformationSequence=times)
    is_suv(folder, AFTER_45_MINUTES)


def test_a_date_that_hides_the_patient_leaves_the_time_of_day(tmp_path: Path) -> None:
    times = drug(RadiopharmaceuticalStartDateTime="19000101000000")
    is_suv(pet(tmp_path / "s", RadiopharmaceuticalInformationSequence=times), AFTER_AN_HOUR)


def test_over_midnight(tmp_path: Path) -> None:
    times = drug(RadiopharmaceuticalStartTime="233000")
    tags = {"SeriesTime": "003000", "AcquisitionTime": "003000"}
    folder = pet(tmp_path / "s", RadiopharmaceuticalInformationSequence=times, **tags)
    is_suv(folder, AFTER_AN_HOUR)


def test_decayed_to_the_injection(tmp_path: Path) -> None:
    volume = is_suv(pet(tmp_path / "s", DecayCorrection="ADMIN"), AT_INJECTION)
    assert "ADMIN" in volume.meta["units_from"]


def test_a_series_made_later_has_ge_s_own_scan_time(tmp_path: Path) -> None:
    def private(dataset: Any) -> None:
        block = dataset.private_block(0x0009, "GEMS_PETD_01", create=True)
        block.add_new(0x0D, "DT", "20240102100000.00")

    volume = is_suv(pet(tmp_path / "s", SeriesTime="180000", private=private), AFTER_45_MINUTES)
    assert "(0009,100D)" in volume.meta["units_from"]


def test_a_series_made_later_without_it_has_the_acquisition_time(tmp_path: Path) -> None:
    is_suv(pet(tmp_path / "a", SeriesTime="180000"), AFTER_AN_HOUR)
    # A frame of no length that was acquired half an hour after the start of the scan
    later = {"AcquisitionTime": "104500", "FrameReferenceTime": "1800000"}
    is_suv(pet(tmp_path / "b", SeriesTime="180000", **later), AFTER_AN_HOUR)


@pytest.mark.parametrize("kind", ["", "BW"])
def test_stored_as_suv(tmp_path: Path, kind: str) -> None:
    tags = {"Units": "GML", "SUVType": kind or None}
    is_suv(pet(tmp_path / "s", PatientWeight=None, **tags), 1.0)


@pytest.mark.parametrize(("element", "factor"), [(0x00, 0.0125), (0x09, 3.0 * AFTER_AN_HOUR)])
def test_counts_with_the_factors_of_philips(tmp_path: Path, element: int, factor: float) -> None:
    def private(dataset: Any) -> None:
        block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(element, "DS", "0.0125" if element == 0 else "3.0")

    is_suv(pet(tmp_path / "s", Units="CNTS", private=private), factor)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"PatientWeight": None}, "its header lacks PatientWeight"),
        ({"PatientWeight": "0"}, "its header lacks PatientWeight"),
        ({"DecayCorrection": None}, "lacks DecayCorrection"),
        ({"DecayCorrection": "NONE"}, "not corrected for decay"),
        ({"RadiopharmaceuticalInformationSequence": None}, "RadionuclideTotalDose, RadionuclideH"),
        (
            {"RadiopharmaceuticalInformationSequence": drug(RadionuclideTotalDose="350")},
            "350 is no dose in Bq",
        ),
        (
            {"RadiopharmaceuticalInformationSequence": drug(RadiopharmaceuticalStartTime="")},
            "no RadiopharmaceuticalStartTime",
        ),
        ({"CorrectedImage": ["DECY"]}, "not corrected for ATTN"),
        ({"Units": "CNTS"}, "7053,1000"),
        ({"Units": "GML", "SUVType": "LBM"}, "SUVType LBM"),
        ({"Units": "PROPCPS"}, "PROPCPS"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, tags: dict[str, Any], sentence: str) -> None:
    folder = pet(tmp_path / "s", **tags)
    with pytest.warns(FusionWarning, match=f"not in SUV, because .*{sentence}"):
        volume = read_volume(folder)
    same_volume(volume, made())
    assert volume.meta["units"] == tags.get("Units", "BQML")
    with (
        Studies() as studies,
        pytest.raises(InputError, match=f"cannot be shown in SUV.*{sentence}"),
    ):
        studies.read(folder, studies.series(folder), units="suv")


def test_native_units_on_request(tmp_path: Path) -> None:
    folder = pet(tmp_path / "s")
    with Studies() as studies:
        volume = studies.read(folder, studies.series(folder), units="native")
    same_volume(volume, made())
    assert (volume.meta["units"], volume.meta["units_from"]) == ("BQML", "")


def test_the_constants_above() -> None:
    assert pytest.approx(2e-4 * 2 ** (3600 / 6586.2), rel=1e-6) == AFTER_AN_HOUR
    assert pytest.approx(2e-4 * 2 ** (2700 / 6586.2), rel=1e-6) == AFTER_45_MINUTES
    assert np.isclose(70_000 / 350e6, AT_INJECTION)
