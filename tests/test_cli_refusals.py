"""What the command line cannot do ends with one sentence, and no file is lost or left behind."""

from __future__ import annotations

import re

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image


@pytest.mark.parametrize("report", ["report.txt", "mr.nii.gz/report.html", "folder.html"])
def test_report_that_cannot_be_is_refused_first(report, fuse, files, nothing_left):
    (files / "folder.html").mkdir()
    assert fuse("-o", "fused.nii.gz", "--report", report).refused(report.split("/")[0])
    assert nothing_left()


@pytest.mark.parametrize("existing", ["fused.nii.gz", "fused.nii.gz.json", "report.html"])
def test_nothing_is_overwritten_unasked(existing, fuse, files, nothing_left):
    (files / existing).write_text("mine")
    before = sorted(files.iterdir())
    options = ("-o", "fused.nii.gz", "--report", "report.html")
    outcome = fuse(*options)
    assert outcome.refused(existing)
    assert "add --overwrite" in outcome.err
    assert sorted(files.iterdir()) == before
    assert (files / existing).read_text() == "mine"
    assert fuse(*options, "--overwrite").code == 0
    assert (files / existing).read_bytes() != b"mine"


@pytest.mark.parametrize("source", ["mr.nii.gz", "pet.nii.gz"])
@pytest.mark.parametrize("linked", [False, True])
def test_inputs_are_never_overwritten(source, linked, fuse, files, nothing_left):
    output = "link.nii.gz" if linked else source
    if linked:
        (files / output).symlink_to(files / source)
    assert fuse("-o", output, "--overwrite").refused(output)
    assert (files / source).stat().st_size > 1000
    assert not (files / "link.nii.gz.json").exists()


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("mr.nii.gz/fused.nii.gz", "mr.nii.gz is no folder"),
        ("fused.jpg", "JPEG"),
        ("fused.xyz", ".nii.gz"),
        ("fused", ".nii.gz"),
        ("fused.png", "one slice"),
        ("folder.nii.gz", "a folder has that name"),
        ("a" * 300 + ".nii.gz", "too long"),
    ],
)
def test_output_that_cannot_be_is_refused(output, word, fuse, files, nothing_left):
    (files / "folder.nii.gz").mkdir()
    outcome = fuse("-o", output, "--overwrite")
    assert outcome.refused(output)
    assert word in outcome.err
    assert nothing_left()


def test_float_colour_is_refused(fuse, nothing_left):
    assert fuse("-o", "fused.nii.gz", "--dtype", "float32").refused("fused.nii.gz")


@pytest.mark.parametrize("role", [0, 1])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.nii.gz", None),
        ("text.nii.gz", b"not an image\n"),
        ("zero.nii.gz", b""),
        ("half.nii.gz", "half"),
        ("text.nrrd", b"not an image\n"),
        ("text.mha", b"not an image\n"),
        ("text.png", b"not an image\n"),
        ("notes.txt", b"not an image\n"),
        ("x" * 300 + ".nii.gz", None),
    ],
)
def test_input_that_cannot_be_read_is_named(role, name, content, run_command, files, pixel_maximum):
    if content is not None:
        whole = (files / "mr.nii.gz").read_bytes()
        (files / name).write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    before = sorted(files.iterdir())
    pair = ["mr.nii.gz", "pet.nii.gz"]
    pair[role] = name
    assert run_command(
        "fuse", *pair, "-o", "fused.nii.gz", "--task", "pet-mri", "--weights", pixel_maximum
    ).refused(name)
    assert run_command("info", name).refused(name)
    assert sorted(files.iterdir()) == before


RUNS_IF_EVALUATED = "$__import__('pathlib').Path('evaluated').touch()"


@pytest.mark.parametrize(
    ("option", "sentence_names_value"),
    [
        ("--model", True),
        ("--weights", True),
        ("--window", True),
        ("--anatomical-window", True),
        ("--colormap", True),
        ("--device", True),
        ("--report", True),
        ("--output", True),
        ("--task", False),
        ("--axis", False),
        ("--precision", False),
        ("--dtype", False),
        ("--batch-size", False),
    ],
)
@pytest.mark.parametrize("value", [RUNS_IF_EVALUATED, "@bundle_root", "%bundle_root", "nonsense"])
def test_no_option_is_run_as_code(option, sentence_names_value, value, fuse, nothing_left):
    outcome = fuse("-o", "fused.nii.gz", option, value)
    assert outcome.refused(value if sentence_names_value else "")
    assert nothing_left()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--batch-size", "0"),
        ("--batch-size", "-1"),
        ("--window", "40"),
        ("--window", "40,0"),
        ("--window", "nan,1"),
        ("--window", "brain"),
        ("--anatomical-window", "bone"),
        ("--device", "meta"),
        ("--no-such-option", ""),
    ],
)
def test_impossible_value_is_refused(option, value, fuse, nothing_left):
    outcome = fuse("-o", "fused.nii.gz", option, value)
    assert outcome.refused()
    assert "of 4 slices" not in outcome.out
    assert option in outcome.err or value in outcome.err
    assert nothing_left()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fuse", "mr.nii.gz", "pet.nii.gz", "--batch-size", "0"), "'--batch-size'"),
        (("fuse", "mr.nii.gz", "pet.nii.gz", "-o", "a.png", "--axis", "up"), "'axial'"),
        (("fuse",), "Missing argument"),
        (("fuse", "mr.nii.gz"), "'--output'"),
        (("fuse", "mr.nii.gz", "pet.nii.gz"), "'--output'"),
        (("fuse", "mr.nii.gz", "pet.nii.gz", "-o"), "'-o'"),
        (("nonsense",), "'nonsense'"),
        (("--no-such\noption",), "--no-such"),
    ],
)
def test_words_that_make_no_command_are_one_sentence(words, sentence, run_command, nothing_left):
    outcome = run_command(*words)
    assert outcome.refused(sentence)
    assert re.search(r"\(see 'mactfusion.* --help'\)\.\n$", outcome.err)
    assert nothing_left()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has one")
def test_absent_device_is_refused(fuse, nothing_left):
    assert fuse("-o", "fused.nii.gz", "--device", "cuda").refused("'cuda' is not available")
    assert nothing_left()


@pytest.mark.parametrize("name", ["mr.nii.gz", "copy.nii.gz"])
def test_one_volume_in_both_roles_is_refused(name, run_command, files, nothing_left):
    copy = files / "copy.nii.gz"
    copy.write_bytes((files / "mr.nii.gz").read_bytes())
    outcome = run_command("fuse", "mr.nii.gz", name, "-o", "fused.nii.gz", "--task", "mr-mr")
    assert outcome.refused(f"mr.nii.gz and {name} are the same volume: give each once")
    copy.unlink()
    assert nothing_left()


def test_two_anatomical_volumes_are_fused(run_command, files, mr, pixel_maximum):
    array, affine = mr
    nibabel.save(nibabel.Nifti1Image(np.where(array > 0, 900 - array, 0), affine), "t2.nii.gz")
    words = ("fuse", "mr.nii.gz", "t2.nii.gz", "-o", "fused.nii.gz", "--task", "mr-mr")
    outcome = run_command(*words, "--weights", pixel_maximum)
    assert outcome.code == 0
    assert "fused.nii.gz: grey" in outcome.out


def test_task_that_cannot_be_told_is_asked_for(run_command, files, nothing_left):
    outcome = run_command("fuse", "mr.nii.gz", "pet.nii.gz", "-o", "fused.nii.gz")
    assert outcome.refused("--task")
    assert "pet.nii.gz" in outcome.err
    assert nothing_left()


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "a.png", "--picture", "a.png"),
        ("-o", "a.png", "--picture", "./a.png"),
        ("-o", "a.tif", "--picture", "mr.png"),
        ("-o", "a.tif", "--report", "a.tif/report.html"),
        ("-o", "a.tif", "--picture", "a.tif.json/picture.png"),
        ("-o", "w.png", "--weights", "w.png"),
    ],
)
def test_outputs_replace_neither_inputs_nor_each_other(words, run_command, files, nothing_left):
    grey = np.random.default_rng(0).integers(0, 256, (50, 60)).astype(np.uint8)
    Image.fromarray(grey).save("mr.png")
    Image.fromarray(255 - grey).save("ct.png")
    torch.save({}, "w.png")
    before = {path: path.read_bytes() for path in files.iterdir()}
    outcome = run_command("fuse", "mr.png", "ct.png", "--task", "ct-mri", "--overwrite", *words)
    assert outcome.refused()
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_a_file_that_is_named_twice_is_refused_unread(run_command, files):
    (files / "link.nii.gz").symlink_to("mr.nii.gz")
    outcome = run_command("fuse", "mr.nii.gz", "link.nii.gz", "-o", "a.nii.gz")
    assert outcome.refused("mr.nii.gz and link.nii.gz are the same volume: give each once")
    assert outcome.out == ""
