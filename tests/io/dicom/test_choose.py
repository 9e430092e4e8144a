"""Which volumes of a study are fused, by what they are or by what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from dicom_made import classic, made
from typer.testing import CliRunner

from mactfusion import fuse_volumes
from mactfusion.cli import app
from mactfusion.errors import InputError
from mactfusion.io.dicom.choose import SeveralVolumesError
from mactfusion.io.dicom.study import Studies

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"MR": "t1 axial", "CT": "ct head", "PT": "brain ac", "NM": "spect"}


def study(folder: Path, *modalities: str) -> Path:
    for number, modality in enumerate(modalities):
        name = NAMES[modality] + (f" {number}" if modalities.count(modality) > 1 else "")
        kind = {"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO"]} if modality == "NM" else {}
        tags = {"SeriesDescription": name, "SeriesNumber": number + 1, **kind}
        classic(folder / f"S{number}", made(seed=number), modality, **tags)
    return folder


def chosen(folder: Path, anatomical: str = "", *partners: str) -> list[str]:
    with Studies() as studies:
        found = studies.pair(folder, anatomical, partners or ("",))
        return [f"{series.modality} {series.description}" for series in found]


@pytest.mark.parametrize("partner", ["CT", "PT", "NM"])
def test_the_only_mr_and_the_only_other(tmp_path: Path, partner: str) -> None:
    found = chosen(study(tmp_path, partner, "MR"))
    assert found == ["MR t1 axial", f"{partner} {NAMES[partner]}"]


@pytest.mark.parametrize("partner", ["PT", "NM"])
def test_without_mr_the_only_ct(tmp_path: Path, partner: str) -> None:
    assert chosen(study(tmp_path, partner, "CT"))[0] == "CT ct head"


@pytest.mark.parametrize(
    ("modalities", "options"),
    [
        (("MR", "CT", "PT"), "--partner-series"),
        (("MR", "MR", "PT"), "--anatomical-series and --partner-series"),
        (("PT", "NM"), "--anatomical-series and --partner-series"),
        (("CT", "CT", "PT"), "--anatomical-series and --partner-series"),
    ],
)
def test_what_is_not_plain_is_asked(tmp_path: Path, modalities: str, options: str) -> None:
    folder = study(tmp_path, *modalities)
    with pytest.raises(SeveralVolumesError, match=options) as error:
        chosen(folder)
    assert len(error.value.listing.volumes) == len(modalities)
    assert "\n" not in str(error.value)


def test_by_number_or_by_words(tmp_path: Path) -> None:
    folder = study(tmp_path, "MR", "MR", "PT", "CT")
    expected = ["MR t1 axial 1", "PT brain ac"]
    for anatomical, partner in (("2", "4"), ("axial 1", "AC Brain"), ("MR 1", "pt")):
        assert chosen(folder, anatomical, partner) == expected
    assert chosen(folder, "1", "ct", "pt") == ["MR t1 axial 0", "CT ct head", "PT brain ac"]
    with pytest.raises(SeveralVolumesError, match="2 MR 't1 axial 1'"):
        chosen(folder, "t1", "pt")
    with pytest.raises(InputError, match="holds no volume 'flair': 1 MR"):
        chosen(folder, "flair", "pt")
    with pytest.raises(InputError, match="holds no volume '9'"):
        chosen(folder, "9", "pt")


def test_one_volume_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds one volume that can be fused"):
        chosen(study(tmp_path, "MR"))


def test_a_series_with_a_hole_is_not_passed_over(tmp_path: Path) -> None:
    folder = study(tmp_path, "MR", "CT", "PT")
    (folder / "S2" / "003.dcm").unlink()
    with pytest.raises(SeveralVolumesError, match=r"3 PT .*not fusable: 1 DICOM slice"):
        chosen(folder)
    with pytest.raises(InputError, match=r"cannot be fused: 3 PT .*1 DICOM slice"):
        chosen(folder, "1", "brain")


def test_a_study_from_python_and_from_the_command_line(tmp_path: Path, pixel_maximum: Path) -> None:
    folder = study(tmp_path / "study", "MR", "CT", "PT")
    apart = fuse_volumes(folder / "S0", folder / "S2", weights=pixel_maximum, units="native")
    options = {"partner_series": "brain", "weights": pixel_maximum, "units": "native"}
    together = fuse_volumes(folder, **options)
    assert torch.equal(apart.fused, together.fused)
    assert together.record["options"]["partner_series"] == "brain"
    assert (
        apart.record["inputs"]["partner"]["sha256"]
        == (together.record["inputs"]["partner"]["sha256"])
    )
    assert together.record["command"].startswith(
        "mactfusion fuse anatomical --partner-series brain"
    )
    several = fuse_volumes(folder, partner_series=["ct", "brain"], weights=pixel_maximum)
    assert several.task == "ct-mri + pet-mri"
    output = tmp_path / "out.nii.gz"
    words = ["fuse", str(folder), "-o", str(output), "--weights", str(pixel_maximum)]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, SeveralVolumesError)
    assert not output.exists()
    done = CliRunner().invoke(app, [*words, "--partner-series", "brain", "--units", "native"])
    assert done.exit_code == 0, done.output
    assert output.exists()


def test_no_partner_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no partner volume"):
        fuse_volumes(torch.zeros(3))


def test_series_and_frames_are_for_dicom(files: Path) -> None:
    for options, reason in (
        ({"partner_series": "2"}, "is no DICOM, so that there is no series '2'"),
        ({"frame": 2}, "frame"),
        ({"units": "suv"}, "SUV"),
    ):
        with pytest.raises(InputError, match=reason):
            fuse_volumes("mr.nii.gz", "pet.nii.gz", task="pet-mri", **options)


@pytest.mark.parametrize("value", [True, "", None, 1.5, []])
def test_a_series_that_cannot_be_is_refused(value: object) -> None:
    from mactfusion.options import Options

    with pytest.raises(InputError, match="series cannot be"):
        Options(anatomical_series=value)


@pytest.mark.parametrize("value", [0, -1, "first", True, 1.5, "²"])
def test_a_frame_that_cannot_be_is_refused(value: object) -> None:
    from mactfusion.options import Options

    with pytest.raises(InputError, match="Unknown frame"):
        Options(frame=value)


def test_a_study_is_evaluated_as_it_was_fused(tmp_path: Path, pixel_maximum: Path) -> None:
    from mactfusion.evaluation.run import evaluate

    folder = tmp_path / "study"
    for number, modality in enumerate(("MR", "CT", "PT")):
        volume = made(4, 40, 40, seed=number)
        classic(folder / modality, volume, modality, SeriesDescription=NAMES[modality])
    output = tmp_path / "fused.nii.gz"
    fuse_volumes(folder, partner_series="brain", weights=pixel_maximum, output=output)
    study_scores = evaluate(output, folder, folder, metrics=["SSIM"], jobs=1)
    apart = evaluate(output, folder / "MR", folder / "PT", metrics=["SSIM"], jobs=1)
    assert study_scores.cases[0].values["SSIM"] == pytest.approx(apart.cases[0].values["SSIM"])


def test_a_message_names_the_option_of_its_role(tmp_path: Path) -> None:
    for number in (1, 2):
        tags = {"TemporalPositionIdentifier": number, "SeriesInstanceUID": "1.2"}
        classic(tmp_path / "mr", made(seed=number), "MR", name=f"{number}_{{}}", **tags)
    pet = classic(tmp_path / "pet", made(seed=3), "PT")
    with pytest.raises(InputError, match="option anatomical_frame 1 to 2"):
        fuse_volumes(tmp_path / "mr", pet)
    with pytest.raises(InputError, match=r"option frame 1 to 2"):
        fuse_volumes(pet, tmp_path / "mr", task="mr-mr")


def test_info_says_a_damaged_file_once(tmp_path: Path, run_command: Any) -> None:
    classic(tmp_path / "a", made(), "MR")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "cut.dcm").write_bytes(b"")
    outcome = run_command("info", tmp_path)
    assert outcome.code == 0
    assert (outcome.out + outcome.err).count("cut.dcm") == 1
