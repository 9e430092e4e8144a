"""SUV by body weight, against values computed by hand for headers of three makers.

Weight 70 kg, dose 350 MBq of F-18 (half-life 6586.2 s). 70 000 g / 350e6 Bq = 2e-4 ml/Bq, more by
2 ** (seconds between injection and scan / 6586.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from dicom_made import Made, assert_same_volume, classic, item, made
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


def assert_suv(folder: Path, factor: float) -> Any:
    volume = read_volume(folder)
    assert_same_volume(volume, Made(made().values * factor), tolerance=2e-6)
    assert volume.meta["units"] == "SUV"
    return volume


def test_decayed_to_the_series_time_as_siemens_writes_it(tmp_path: Path) -> None:
    volume = assert_suv(pet(tmp_path / "s"), AFTER_AN_HOUR)
    assert volume.meta["units_from"].startswith("Bq/ml, decayed to the series time (START)")
    for secret in ("70", "350", "0915"):
        assert secret not in volume.meta["units_from"]


def injected(dated: str | None = None, of_day: str | None = None, **tags: Any) -> dict[str, Any]:
    times = {"RadiopharmaceuticalStartDateTime": dated, "RadiopharmaceuticalStartTime": of_day}
    return {"RadiopharmaceuticalInformationSequence": drug(**times, **tags)}


def assert_no_suv(folder: Path, sentence: str) -> None:
    """Assert that the values stay, and that it is said why."""
    with pytest.warns(FusionWarning, match=f"not in SUV, because .*{sentence}"):
        volume = read_volume(folder)
    assert_same_volume(volume, made())
    assert volume.meta["units"] in ("BQML", "CNTS")


def test_a_date_and_time_of_injection(tmp_path: Path) -> None:
    assert_suv(pet(tmp_path / "s", **injected("20240102093000.000000")), AFTER_45_MINUTES)


@pytest.mark.parametrize(
    ("dated", "of_day", "zone"),
    [
        ("20240102081500+0000", None, "+0100"),
        ("20240102081500+0000", "091500", "+0100"),
        ("20240102031500.00-0500", "091500.00", "+0100"),
        ("20240102091500", None, "+0100"),  # the zone of the header holds (PS3.5 6.2)
        ("20240102091500+0100", "091500", None),  # one clock, one zone
        ("20240102081500+0000", "091500", None),  # that of the day is in the zone of the scan
    ],
)
def test_zones_of_time(tmp_path: Path, dated: str, of_day: str | None, zone: str | None) -> None:
    folder = pet(tmp_path / "s", TimezoneOffsetFromUTC=zone, **injected(dated, of_day))
    assert_suv(folder, AFTER_AN_HOUR)


def test_a_zone_that_cannot_be_compared_is_no_suv(tmp_path: Path) -> None:
    folder = pet(tmp_path / "s", **injected("20240102081500+0000"))
    assert_no_suv(folder, "names a time zone, and no TimezoneOffsetFromUTC")


def test_seconds_between_two_times_of_injection_count_by_the_nuclide(tmp_path: Path) -> None:
    folder = pet(tmp_path / "a", **injected("20240102091500", "091530"))
    assert_suv(folder, AFTER_AN_HOUR)
    water = injected("20240102101400", "101430", RadionuclideHalfLife="122.24")
    assert_no_suv(pet(tmp_path / "b", **water), "StartTime differ")


def test_a_time_of_day_that_cannot_be_read_beside_a_date_and_time(tmp_path: Path) -> None:
    assert_suv(pet(tmp_path / "s", **injected("20240102091500", "09")), AFTER_AN_HOUR)


def test_two_times_of_injection_that_differ_are_no_suv(tmp_path: Path) -> None:
    folder = pet(tmp_path / "s", **injected("20240102093000", "091500"))
    both = "RadiopharmaceuticalStartDateTime and RadiopharmaceuticalStartTime"
    assert_no_suv(folder, f"{both} differ")


@pytest.mark.parametrize("dated", ["19000101000000", "20200102091500", "20240101091500"])
def test_a_date_that_hides_the_patient_leaves_the_time_of_day(tmp_path: Path, dated: str) -> None:
    folder = pet(tmp_path / "s", **injected(dated, "091500"))
    with pytest.warns(FusionWarning, match="StartDateTime does not fit its scan"):
        assert_suv(folder, AFTER_AN_HOUR)


def test_a_date_alone_that_does_not_fit_is_no_suv(tmp_path: Path) -> None:
    folder = pet(tmp_path / "s", **injected("20200102091500"))
    assert_no_suv(folder, r"its injection is noted 1461 days before the start of its scan")


def test_over_midnight(tmp_path: Path) -> None:
    tags = {"SeriesTime": "003000", "AcquisitionTime": "003000"}
    folder = pet(tmp_path / "s", **injected(of_day="233000"), **tags)
    with pytest.warns(FusionWarning, match="taken to be on the day before"):
        assert_suv(folder, AFTER_AN_HOUR)


@pytest.mark.parametrize("dated", ["20240102101510", None])
@pytest.mark.parametrize("of_day", ["101510", None])
def test_a_dynamic_scan_that_began_before_the_injection(
    tmp_path: Path, dated: str | None, of_day: str | None
) -> None:
    """The values are those of 10:15:00, when the dose was 2 ** (10 / 6586.2) of that injected."""
    folder = pet(tmp_path / "s", **injected(dated, of_day))
    if dated is None and of_day is None:
        assert_no_suv(folder, "no RadiopharmaceuticalStartTime")
        return
    with pytest.warns(FusionWarning, match="injection is noted 10 s after the start of its scan"):
        assert_suv(folder, AT_INJECTION * 2 ** (-10 / 6586.2))


def test_a_later_frame_of_a_dynamic_scan(tmp_path: Path) -> None:
    later = {"AcquisitionTime": "104500", "FrameReferenceTime": "1800000"}
    folder = pet(tmp_path / "s", **injected(of_day="101510"), **later)
    with pytest.warns(FusionWarning, match="10 s after the start of its scan"):
        assert_suv(folder, AT_INJECTION * 2 ** (-10 / 6586.2))


@pytest.mark.parametrize(
    ("tags", "of_day", "sentence"),
    [
        # taken over midnight it would be 8 800 times too much
        ({"SeriesTime": "080000"}, "091500", "noted 75 min after the start of its scan$"),
        ({}, "103000", "noted 15 min after the start of its scan$"),
        (
            {"SeriesTime": "233000", "AcquisitionTime": "233000"},
            "091500",
            "noted 855 min before the .* too long for the half-life",
        ),
        # the series time of the scanner's list of patients, and a scan an hour later
        (
            {"SeriesTime": "091300"},
            "091500",
            "the series time lies before its injection and its acq",
        ),
    ],
)
def test_an_injection_that_does_not_fit_the_scan_is_no_suv(
    tmp_path: Path, tags: dict[str, Any], of_day: str, sentence: str
) -> None:
    assert_no_suv(pet(tmp_path / "s", **injected(of_day=of_day), **tags), sentence)


def test_a_nuclide_that_lives_for_days(tmp_path: Path) -> None:
    """Zr-89, three days and an hour after the injection: 2e-4 * 2 ** (262800 / 282280)."""
    zirconium = {"RadionuclideHalfLife": "282280"}
    folder = pet(tmp_path / "a", **injected("20231230091500", "091500", **zirconium))
    assert_suv(folder, AT_INJECTION * 2 ** (262800 / 282280))
    folder = pet(tmp_path / "b", **injected(of_day="091500", **zirconium))
    assert_no_suv(folder, "names no day, and its nuclide lives long enough for several")


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"SeriesDate": None, "StudyDate": None}, "its header lacks SeriesDate"),
        ({"SeriesTime": None, "AcquisitionTime": None}, "its header lacks SeriesTime"),
        ({"SeriesTime": "10"}, "its SeriesDate and SeriesTime are no moment"),
        (injected("20240102"), "RadiopharmaceuticalStartDateTime is no date and time"),
        (injected(of_day="09"), "RadiopharmaceuticalStartTime is no time"),
    ],
)
def test_a_moment_that_is_not_known_is_named(
    tmp_path: Path, tags: dict[str, Any], sentence: str
) -> None:
    others = {"AcquisitionDate": None, "AcquisitionTime": None}
    assert_no_suv(pet(tmp_path / "s", **{**others, **tags}), sentence)


def nuclide(meaning: str, code: str = "", **tags: Any) -> dict[str, Any]:
    coded = item(CodeValue=code or "X", CodingSchemeDesignator="SCT", CodeMeaning=meaning)
    return {
        "RadiopharmaceuticalInformationSequence": drug(RadionuclideCodeSequence=[coded], **tags)
    }


@pytest.mark.parametrize(
    "tags",
    [
        nuclide("^18^Fluorine"),
        nuclide("F-18", RadionuclideHalfLife="6588"),
        nuclide("?", "77004003"),
        nuclide("?", "C-111A1"),
        {"RadiopharmaceuticalInformationSequence": drug(Radiopharmaceutical="18F-FDG")},
        {
            "RadiopharmaceuticalInformationSequence": drug(
                Radiopharmaceutical="FDG -- fluorodeoxygl"
            )
        },
    ],
)
def test_the_half_life_of_the_nuclide(tmp_path: Path, tags: dict[str, Any]) -> None:
    half_life_s = float(tags["RadiopharmaceuticalInformationSequence"][0].RadionuclideHalfLife)
    assert_suv(pet(tmp_path / "s", **tags), AT_INJECTION * 2 ** (3600 / half_life_s))


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (nuclide("?", RadionuclideHalfLife="109.77"), "109.77 is that of no nuclide of PET in s"),
        (nuclide("F-18", RadionuclideHalfLife="109.77"), "109.77 is not that of F-18 in seconds"),
        (nuclide("^68^Gallium"), "6586.2 is not that of Ga-68 in seconds"),
        (nuclide("?", "C-105A1"), "not that of C-11"),
        (
            {"RadiopharmaceuticalInformationSequence": drug(Radiopharmaceutical="[11C]PIB")},
            "not that of C-11",
        ),
        ({"CorrectedImage": "DECY"}, r"not corrected for ATTN \(CorrectedImage\)"),
        ({"PatientWeight": "70000"}, "its PatientWeight is no weight of a patient in kg"),
        ({"PatientWeight": "0.07"}, "its PatientWeight is no weight of a patient in kg"),
        (
            {"RadiopharmaceuticalInformationSequence": drug(RadionuclideTotalDose="350000")},
            "RadionuclideTotalDose of 350000 is no dose of PET in Bq",
        ),
        (
            {"RadiopharmaceuticalInformationSequence": drug(RadionuclideTotalDose="3.5e11")},
            r"RadionuclideTotalDose of 3.5e\+11 is no dose of PET in Bq",
        ),
        (
            {"RadiopharmaceuticalInformationSequence": Sequence([*drug(), *drug()])},
            "its header names 2 radiopharmaceuticals",
        ),
    ],
)
def test_what_cannot_be_is_no_suv(tmp_path: Path, tags: dict[str, Any], sentence: str) -> None:
    assert_no_suv(pet(tmp_path / "s", **tags), sentence)


@pytest.mark.parametrize(
    ("keyword", "values", "sentence"),
    [
        ("PatientWeight", ("70", "95"), "its PatientWeight differs between its slices"),
        ("PatientWeight", ("70", None), "its PatientWeight is missing in some of its slices"),
        ("PatientWeight", (None, "70"), "its PatientWeight is missing in some of its slices"),
        ("DecayCorrection", ("START", "ADMIN"), "its DecayCorrection differs"),
        (
            "RadiopharmaceuticalInformationSequence",
            (drug(), drug(RadionuclideTotalDose="400000000")),
            "its RadionuclideTotalDose differs",
        ),
        (
            "RadiopharmaceuticalInformationSequence",
            (drug(), drug(RadiopharmaceuticalStartTime="091000")),
            "its RadiopharmaceuticalStartTime differs",
        ),
    ],
)
def test_headers_that_differ_within_a_series_are_no_suv(
    tmp_path: Path, keyword: str, values: tuple[Any, Any], sentence: str
) -> None:
    def change(dataset: Any) -> None:
        setattr(dataset, keyword, values[dataset.InstanceNumber > 3])

    assert_no_suv(pet(tmp_path / "s", private=change), sentence)


def test_one_number_written_in_two_ways_does_not_differ(tmp_path: Path) -> None:
    def change(dataset: Any) -> None:
        dataset.PatientWeight = "70" if dataset.InstanceNumber > 3 else "70.000"
        time = "091500" if dataset.InstanceNumber > 3 else "091500.000"
        half_life_s = "6586.2" if dataset.InstanceNumber > 3 else "6586.20019531"  # of 32 bits
        dataset.RadiopharmaceuticalInformationSequence = drug(
            RadiopharmaceuticalStartTime=time, RadionuclideHalfLife=half_life_s
        )

    assert_suv(pet(tmp_path / "s", private=change), AFTER_AN_HOUR)


def test_units_that_differ_within_a_series_are_refused(tmp_path: Path) -> None:
    def change(dataset: Any) -> None:
        dataset.Units = "CNTS" if dataset.InstanceNumber == 6 else "BQML"

    with pytest.raises(InputError, match=r"values of its slices have several units \(BQML, CNTS\)"):
        read_volume(pet(tmp_path / "s", private=change))


def test_decayed_to_the_injection(tmp_path: Path) -> None:
    volume = assert_suv(pet(tmp_path / "s", DecayCorrection="ADMIN"), AT_INJECTION)
    assert "ADMIN" in volume.meta["units_from"]


def test_a_series_made_later_has_ge_s_own_scan_time(tmp_path: Path) -> None:
    def private(dataset: Any) -> None:
        block = dataset.private_block(0x0009, "GEMS_PETD_01", create=True)
        block.add_new(0x0D, "DT", "20240102100000.00")

    volume = assert_suv(pet(tmp_path / "s", SeriesTime="180000", private=private), AFTER_45_MINUTES)
    assert "(0009,100D)" in volume.meta["units_from"]


def test_a_series_made_later_without_it_has_the_acquisition_time(tmp_path: Path) -> None:
    assert_suv(pet(tmp_path / "a", SeriesTime="180000"), AFTER_AN_HOUR)
    # A frame of no length that was acquired half an hour after the start of the scan
    later = {"AcquisitionTime": "104500", "FrameReferenceTime": "1800000"}
    assert_suv(pet(tmp_path / "b", SeriesTime="180000", **later), AFTER_AN_HOUR)


@pytest.mark.parametrize("kind", ["", "BW"])
def test_stored_as_suv(tmp_path: Path, kind: str) -> None:
    tags = {"Units": "GML", "SUVType": kind or None}
    assert_suv(pet(tmp_path / "s", PatientWeight=None, **tags), 1.0)


@pytest.mark.parametrize(("element", "factor"), [(0x00, 0.0125), (0x09, 3.0 * AFTER_AN_HOUR)])
def test_counts_with_the_factors_of_philips(tmp_path: Path, element: int, factor: float) -> None:
    def private(dataset: Any) -> None:
        block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(element, "DS", "0.0125" if element == 0 else "3.0")

    assert_suv(pet(tmp_path / "s", Units="CNTS", private=private), factor)


def test_a_factor_of_philips_as_bytes(tmp_path: Path) -> None:
    def private(dataset: Any) -> None:
        dataset.add_new(0x70530010, "LO", "Philips PET Private Group")
        dataset.add_new(0x70531000, "UN", b"0.0125\0")

    assert_suv(pet(tmp_path / "s", Units="CNTS", private=private), 0.0125)


@pytest.mark.parametrize("element", [0x00, 0x09])
def test_factors_of_philips_that_differ_are_refused(tmp_path: Path, element: int) -> None:
    def private(dataset: Any) -> None:
        block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(element, "DS", f"{0.01 * int(dataset.InstanceNumber)}")

    folder = pet(tmp_path / "s", Units="CNTS", private=private)
    sentence = rf"factor \(7053,10{element:02d}\) differs between its slices, so that its counts"
    with pytest.raises(InputError, match=sentence):
        read_volume(folder)
    with Studies() as studies, pytest.warns(FusionWarning, match=sentence):
        assert_same_volume(studies.read(folder, studies.series(folder), units="native"), made())


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
            "350 is no dose of PET in Bq",
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
    assert_same_volume(volume, made())
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
    assert_same_volume(volume, made())
    assert (volume.meta["units"], volume.meta["units_from"]) == ("BQML", "")


def test_the_constants_above() -> None:
    assert pytest.approx(2e-4 * 2 ** (3600 / 6586.2), rel=1e-6) == AFTER_AN_HOUR
    assert pytest.approx(2e-4 * 2 ** (2700 / 6586.2), rel=1e-6) == AFTER_45_MINUTES
    assert np.isclose(70_000 / 350e6, AT_INJECTION)
