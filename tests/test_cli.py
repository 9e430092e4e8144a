"""The command line: the right files and words."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion import __version__, fuse_volumes
from mactfusion.option_table import OPTIONS


def read(path):
    """``(array, affine)`` as nibabel, or SimpleITK, reads a fused file: (I, J, K) or (..., 3)."""
    if path.endswith((".nii", ".nii.gz")):
        image = nibabel.load(path)
        array = np.asarray(image.dataobj)
        if array.dtype.names:
            array = np.stack([array[name] for name in array.dtype.names], axis=-1)
        return array, image.affine
    image = SimpleITK.ReadImage(path)
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    array = SimpleITK.GetArrayFromImage(image)
    return array.swapaxes(0, 2), np.diag([-1, -1, 1, 1]) @ affine


@pytest.mark.parametrize("extension", [".nii.gz", ".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize(
    ("options", "dtype"),
    [
        ((), "uint8"),
        (("--luminance",), "uint16"),
        (("--luminance", "--dtype", "uint8"), "uint8"),
        (("--luminance", "--dtype", "float32"), "float32"),
    ],
)
def test_file_holds_what_python_gives(extension, options, dtype, fuse, pixel_maximum):
    output = f"fused{extension}"
    outcome = fuse("-o", output, "--no-check", *options)
    assert outcome.code == 0
    assert outcome.err == ""
    expected = fuse_volumes(
        "mr.nii.gz",
        "pet.nii.gz",
        task="pet-mri",
        weights=pixel_maximum,
        luminance="--luminance" in options,
    ).fused
    array, affine = read(output)
    assert array.dtype == dtype
    scale = 1 if dtype == "float32" else np.iinfo(dtype).max
    wanted = np.moveaxis(expected.numpy(), 0, -1)
    wanted = wanted[..., 0] if "--luminance" in options else wanted
    assert array.shape == wanted.shape
    assert np.abs(array - wanted * scale).max() <= (1e-6 if dtype == "float32" else 0.501)
    assert np.allclose(affine, nibabel.load("mr.nii.gz").affine, atol=1e-4)


def test_network_of_the_project_through_the_command_line(run_command, files, pet_mri):
    outcome = run_command(*pet_mri, "-o", "fused.nrrd", "--dtype", "uint16")
    assert outcome.code == 0
    fused = fuse_volumes("mr.nii.gz", "pet.nii.gz", task="pet-mri").fused.numpy()
    array, _ = read("fused.nrrd")
    assert np.abs(np.moveaxis(array, -1, 0) / 65535 - fused).max() < 1e-4
    assert fused.std() > 0.05


@pytest.mark.parametrize("name", ["fused.nii.gz", "fused.nrrd", "fused.mha"])
def test_colour_is_a_vector_volume_for_itk(name, fuse):
    assert fuse("-o", name).code == 0
    image = SimpleITK.ReadImage(name)
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert image.GetSize() == (24, 28, 4)


def test_words_on_success(fuse):
    outcome = fuse("-o", "fused.nii.gz", "--axis", "coronal")
    assert "The task pet-mri was given." in outcome.out
    assert "fused.nii.gz: colour, 24 x 28 x 4, coronal slices" in outcome.out
    assert "coverage 100.0 %" in outcome.out


def test_quiet_says_nothing(fuse, pet):
    array, affine = pet
    nibabel.save(nibabel.Nifti1Image(array[:10], affine), "pet.nii.gz")  # worth a warning
    outcome = fuse("-o", "fused.nii.gz", "--quiet")
    assert outcome == (0, "", "")
    assert "50.0 %" in fuse("-o", "fused.nii.gz", "--overwrite").err


def test_report_is_written(fuse, files):
    assert fuse("-o", "fused.nii.gz", "--report", "report.html").code == 0
    assert "pet-mri" in (files / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ["anatomical", "partner"])
@pytest.mark.parametrize(
    "name",
    [
        "$print(1).nii.gz",
        "@task.nii.gz",
        "%task.nii.gz",
        "%inference.yaml::task.nii.gz",
        "~.nii.gz",
        "-dash.nii.gz",
        "{x} [bold]#ü é.nii.gz",
        os.fsdecode(b"\xff\xfe.nii.gz"),
    ],
)
def test_any_file_name_is_only_a_name(role, name, run_command, files, pixel_maximum):
    pair = {"anatomical": "mr.nii.gz", "partner": "pet.nii.gz"}
    shutil.copy(pair[role], name)
    pair[role] = name
    options = ("--task", "pet-mri", "--weights", pixel_maximum)
    options = (*options, "--keep-names")
    outcome = run_command("fuse", *options, "-o", f"out{name}", "--", *pair.values())
    assert outcome.code == 0
    assert nibabel.load(files / f"out{name}").shape == (24, 28, 4)
    record = json.loads((files / f"out{name}.json").read_bytes())
    assert record["inputs"][role]["name"] == name
    assert run_command("info", "--", name).code == 0


def test_negative_level_is_a_value(fuse):
    assert fuse("-o", "fused.nii.gz", "--window", "-100,50").code == 0


def test_info_says_what_was_changed(run_command, files, mr):
    array, affine = mr
    array[0, 0, 0] = np.nan
    nibabel.save(nibabel.Nifti1Image(array, affine), "mr.nii.gz")
    outcome = run_command("info", "mr.nii.gz")
    assert outcome.code == 0
    assert outcome.err.startswith("Warning: mr.nii.gz: 1 values are not finite")


def test_libraries_warn_no_user(fuse, monkeypatch, recwarn):
    def warns(*_):
        warnings.warn("CUDA initialization: your driver is too old", UserWarning, stacklevel=1)
        return "cpu"

    monkeypatch.setattr("mactfusion.recipe.resolve_device", warns)
    assert fuse("-o", "fused.nii.gz").code == 0
    assert not recwarn.list


def test_info(run_command, files, mr):
    array, affine = mr
    array[0, 0, 0] = -5
    nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), affine), "mr.nii.gz")
    outcome = run_command("info", "mr.nii.gz")
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in outcome.out.splitlines())
    assert outcome.code == 0
    assert lines["size"] == "24 x 28 x 4"
    assert lines["spacing"] == "4 x 4 x 10 mm"
    assert lines["axis codes"] == "RAS"
    assert lines["slice axis"] == "axial"
    assert lines["stored type"] == "int16"
    assert lines["range"] == f"-5 to {int(array.max())}"
    assert lines["modality"] == "unknown"


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--help",), 0)])
def test_help(words, code, run_command):
    outcome = run_command(*words)
    assert outcome.code == code
    assert all(f"│ {command} " in outcome.out for command in ("fuse", "info", "models", "evaluate"))


def test_help_of_fuse_has_groups_every_option_and_examples(run_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    outcome = run_command("fuse", "--help")
    assert outcome.code == 0
    for name, option in OPTIONS.items():
        assert f"--{name.replace('_', '-')} " in outcome.out
        assert f"─ {option.group} ─" in outcome.out
    assert outcome.out.count("mactfusion fuse MR.nii.gz") == 2


def test_info_of_several_says_units_and_how_scalar_pet_is_told(run_command, files, mr):
    ct = np.where(mr[0] > 0, 40, -1000).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(ct, mr[1]), "ct.nii.gz")
    outcome = run_command("info", "pet.nii.gz", "ct.nii.gz")
    assert outcome.code == 0
    pet, ct = outcome.out.split("\n\n")
    assert "units        unknown\nmodality     unknown\n" in pet
    assert "give --task pet-mri or --task spect-mri" in pet
    assert "units        HU\nmodality     CT\n" in ct
    assert "--task" not in ct


def test_what_will_be_done_is_said_before_the_network_starts(fuse, monkeypatch, pet):
    array, affine = pet
    nibabel.save(nibabel.Nifti1Image(array[:10], affine), "pet.nii.gz")
    monkeypatch.setattr("mactfusion.inference.FusionInferer.__call__", stop)
    outcome = fuse("-o", "fused.nii.gz")
    assert outcome.code == 130
    assert outcome.out.startswith(
        "Reading mr.nii.gz with pet.nii.gz.\nWhether pet.nii.gz lies where mr.nii.gz is was not "
        "checked: mr.nii.gz has only 4 slices.\nThe task pet-mri was given.\n"
    )
    assert "Windows (level, width): anatomical " in outcome.out
    assert "coverage 50.0 %" in outcome.out
    assert "The network is pixel_weights, weights none.pt." in outcome.out
    assert "covers 50.0 % of the anatomical volume" in outcome.err


def stop(*_):
    raise KeyboardInterrupt


def test_without_a_terminal_progress_is_a_line_at_every_tenth(fuse):
    lines = fuse("-o", "fused.nii.gz").out.splitlines()
    assert [line for line in lines if line.endswith(" slices")] == [
        f"fused.nii.gz: {done} of 4 slices" for done in (1, 2, 3, 4)
    ]


def test_a_new_folder_is_made(fuse, files):
    assert fuse("-o", "new/deep/fused.nii.gz").code == 0
    assert sorted(path.name for path in (files / "new/deep").iterdir()) == [
        "fused.nii.gz",
        "fused.nii.gz.json",
    ]


def test_records_of_formats_do_not_clash(fuse, files):
    assert fuse("-o", "fused.nii.gz").code == 0
    assert fuse("-o", "fused.nrrd").code == 0
    assert (files / "fused.nrrd.json").is_file()


def test_version(run_command):
    assert run_command("--version") == (0, f"{__version__}\n", "")
