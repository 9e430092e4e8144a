"""What a fusion says of itself: the record, the line of a result, the sources."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from datetime import datetime, timedelta

import nibabel
import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.io.checksum import sha256_of
from mactfusion.io.save import SaveFusiond
from mactfusion.options import Options
from mactfusion.record import Record


def test_record_holds_what_was_done_and_no_folder(files, mr, pixel_maximum):
    array, affine = mr
    array[0, 0, 0] = np.nan
    nibabel.save(nibabel.Nifti1Image(array, affine), "mr.nii.gz")
    result = fuse_volumes(
        files / "mr.nii.gz",
        str(files / "pet.nii.gz"),
        task="pet-mri",
        weights=pixel_maximum,
        window=(2000, 4000),
        colormap="viridis",
        output=files / "fused.nii.gz",
    )
    text = (files / "fused.nii.gz.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record == json.loads(json.dumps(result.record))
    assert files.name not in text
    assert record["inputs"] == {
        key: {
            "name": f"{key}.nii.gz",
            "name_sha256": hashlib.sha256(f"{name}.nii.gz".encode()).hexdigest()[:16],
            "sha256": sha256_of(files / f"{name}.nii.gz"),
        }
        for key, name in (("anatomical", "mr"), ("partner", "pet"))
    }
    assert datetime.fromisoformat(record["date"]).utcoffset() == timedelta(0)
    assert record["command"] == (
        "mactfusion fuse anatomical.nii.gz partner.nii.gz -o fused.nii.gz --task pet-mri "
        "--window 2000,4000 --colormap viridis --weights none.pt"
    )
    assert record["weights"] == {"name": "none.pt", "sha256": sha256_of(pixel_maximum)}
    assert record["options"]["colormap"] == "viridis"
    assert record["options"]["window"] == [2000, 4000] == record["level_width"]
    assert record["coverage"] == result.coverage == 1
    assert {"mactfusion", "monai", "torch", "python"} <= set(record["versions"])
    assert record["seconds"]["total"] >= record["seconds"]["fuse"] >= 0
    assert result.warnings[0].startswith("mr.nii.gz: 1 values are not finite")
    assert record["notes"][0].startswith("anatomical.nii.gz: 1 values are not finite")
    assert "mr.nii" not in text
    assert "pet.nii" not in text


def test_names_are_kept_on_demand(files, mr, pixel_maximum):
    array, affine = mr
    array[0, 0, 0] = np.nan
    nibabel.save(nibabel.Nifti1Image(array, affine), "mr.nii.gz")
    options = {"task": "pet-mri", "weights": pixel_maximum, "keep_names": True}
    record = fuse_volumes("mr.nii.gz", files / "pet.nii.gz", output="a.mha", **options).record
    assert [record["inputs"][role]["name"] for role in ("anatomical", "partner")] == [
        "mr.nii.gz",
        "pet.nii.gz",
    ]
    assert record["notes"][0].startswith("mr.nii.gz: 1 values are not finite")
    assert record["command"].startswith("mactfusion fuse mr.nii.gz pet.nii.gz -o a.mha --task")
    assert str(files) not in json.dumps(record)


def test_a_name_that_is_a_word_changes_no_other_word(files, mr, pet, pixel_maximum):
    for name, volume in {"mr": mr, "covers.nii": (pet[0][:10], pet[1])}.items():
        path = files / f"{name.removesuffix('.nii')}.nii"
        nibabel.save(nibabel.Nifti1Image(*volume), path)
    options = {"task": "pet-mri", "weights": pixel_maximum, "check": False}
    (note,) = fuse_volumes("mr.nii", "covers.nii", **options).record["notes"]
    assert note.startswith("The partner partner.nii covers 50.0 % of the anatomical volume")


def test_relative_input_is_guarded_and_hashed_where_it_lies(files):
    sources = ("mr.nii.gz", ["pet.nii.gz"], Options())
    with pytest.raises(InputError, match="is the partner volume"):
        SaveFusiond(Record(*sources, output=files / "pet.nii.gz", folder=files), overwrite=True)
    record = Record(*sources, folder=files)
    assert {role: sha256_of(path) for role, path in record.sources.items()} == {
        "anatomical": sha256_of(files / "mr.nii.gz"),
        "partner": sha256_of(files / "pet.nii.gz"),
    }


def test_a_result_says_in_one_line_what_it_is(mr, pet, pixel_maximum):
    shown = repr(fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum, check=False))
    assert re.fullmatch(
        r"FusionResult\(pet-mri, colour, 24 x 28 x 4, pixel_weights, coverage 100\.0 %, "
        r"[\d.]+ s, 0 warnings\)",
        shown,
    )


def test_sources_are_kept_in_their_own_units_on_demand(mr, pet, volumes_of_both, pixel_maximum):
    assert fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum).native is None
    (anatomical, (first, second)), record = volumes_of_both
    assert np.array_equal(anatomical[0], mr[0])
    assert [partner["units"] for partner in record["partners"]] == ["HU", ""]
    assert float(first.nan_to_num().min()) == -1000
    outside = torch.isnan(second[0]).numpy()
    assert outside[12:].all()
    assert not outside[:12].any()
    assert float(second.nan_to_num().max()) == pytest.approx(float(pet[0][:10].max()), rel=0.4)


@pytest.fixture
def volumes_of_both(mr, pet, pixel_maximum):
    """Native sources of a fusion with PET, which covers one half, and CT; and its record."""
    array, affine = mr
    ct = (np.where(array > 500, 900, np.where(array > 0, 40, -1000)).astype(np.float32), affine)
    half = (pet[0][:10], pet[1])
    tasks = ["pet-mri", "ct-mri"]
    options = {"task": tasks, "weights": pixel_maximum, "keep_native": True}
    result = fuse_volumes(mr, [half, ct], **options)
    return (result.native[0], result.native[1:]), result.record


def test_the_result_tells_nothing_about_the_patient(mr, pet):
    meta = fuse_volumes(mr, pet, task="pet-mri").fused.meta
    assert not meta["patient_digest"]
    assert not meta["frame_of_reference"]


def test_the_command_can_be_typed(files, pixel_maximum, run_command):
    words = ("mr.nii.gz", "pet.nii.gz", "--task", "pet-mri", "--weights", pixel_maximum)
    words = (*words, "--window", "-100,1234567.25", "--luminance", "--keep-names")
    assert run_command("fuse", *words, "-o", "a.nrrd").code == 0
    record = json.loads((files / "a.nrrd.json").read_text())
    _, *typed = shlex.split(record["command"])
    assert "auto" not in typed
    typed[typed.index("none.pt")] = str(pixel_maximum)
    typed[typed.index("a.nrrd")] = "b.nrrd"
    assert run_command(*typed).code == 0
    again = json.loads((files / "b.nrrd.json").read_text())
    assert again["options"] == record["options"]
    assert (files / "a.nrrd").read_bytes() == (files / "b.nrrd").read_bytes()


@pytest.mark.parametrize("name", ["covers.nii", "of the.nii", "1.nii", "Smith\nJohn.nii", "CT.nii"])
def test_no_name_of_an_input_is_in_the_record(name, files, pet, pixel_maximum):
    nibabel.save(nibabel.Nifti1Image(pet[0][:10], pet[1]), files / name)
    result = fuse_volumes("mr.nii.gz", name, task="pet-mri", weights=pixel_maximum, check=False)
    (note,) = result.record["notes"]
    assert note.startswith("The partner partner.nii covers 50.0 % of the anatomical volume;")
    assert result.warnings == [note.replace("partner.nii", " ".join(name.split()))]


def test_names_that_change_places(files, mr, pet, pixel_maximum):
    nibabel.save(nibabel.Nifti1Image(*mr), "partner.nii")
    nibabel.save(nibabel.Nifti1Image(pet[0][:10], pet[1]), "anatomical.nii")
    options = {"task": "pet-mri", "weights": pixel_maximum, "check": False}
    (note,) = fuse_volumes("partner.nii", "anatomical.nii", **options).record["notes"]
    assert note.startswith("The partner partner.nii covers 50.0 %")


def test_small_windows_keep_their_digits(mr, pet, pixel_maximum):
    tiny = (pet[0] * 1e-9, pet[1])
    record = fuse_volumes(mr, tiny, task="pet-mri", weights=pixel_maximum).record
    level, width = record["level_width"]
    assert 0 < level < width < 1e-5
    assert width == pytest.approx(2 * level, rel=1e-6)
