"""Checking a folder of pairs, and the two splits of it."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections import Counter

import numpy as np
import pytest
import SimpleITK
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.engine.pairs import training_pairs
from mactfusion.engine.splits import read_split
from training import prepare_wba

TASKS = {"CT-MRI": (2, 3, 4, 5), "PET-MRI": (5, 7, 8)}


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    """Five slices a case, of which the last is a test slice; case 5 has the same MR in both."""
    for task, cases in TASKS.items():
        for case in cases:
            for index in range(5):
                pixels = np.random.default_rng(100 * case + index).integers(0, 256, (6, 8, 4))
                pixels = pixels.astype(np.uint8)
                base = tmp_path / "data" / task / ("test" if index == 4 else "train")
                name = f"{case}{index:03}.png"
                save(base / "MRI" / name, pixels[..., 0])
                color = pixels[..., 1:] if task == "PET-MRI" else pixels[..., 1]
                save(base / task[:-4] / name, np.ascontiguousarray(color))
    return tmp_path / "data"


def run(folder, output):
    app = Typer()
    app.command()(prepare_wba.main)
    return CliRunner().invoke(app, [str(folder), "--output", str(output)])


def parts_of(path):
    pairs = json.loads(path.read_text())["pairs"]
    cases = {part: {p["case"] for p in pairs if p["split"] == part} for part in prepare_wba.PARTS}
    return pairs, cases


def test_both_splits(folder, tmp_path):
    result = run(folder, tmp_path / "splits")
    assert result.exit_code == 0, result.output
    pairs, cases = parts_of(tmp_path / "splits" / "by-case.json")
    assert all(cases.values())
    assert not cases["train"] & cases["test"]
    assert not cases["validation"] & (cases["train"] | cases["test"])
    counts = Counter((p["task"], p["split"]) for p in pairs)
    assert (counts["ct-mri", "test"], counts["pet-mri", "test"]) == (4, 3)
    assert all(counts[task, part] for task in ("ct-mri", "pet-mri") for part in prepare_wba.PARTS)

    pairs, cases = parts_of(tmp_path / "splits" / "public.json")
    published = {p["anatomical"] for p in pairs if p["split"] == "test"}
    assert published == {f"{t}/test/MRI/{c}004.png" for t, cs in TASKS.items() for c in cs}
    assert not cases["validation"] & cases["train"]
    assert all("/train/" in p["partner"] for p in pairs if p["split"] != "test")


def test_no_pair_twice_and_the_same_again(folder, tmp_path):
    for output in ("one", "two"):
        assert run(folder, tmp_path / output).exit_code == 0
    for name in ("public.json", "by-case.json"):
        text = (tmp_path / "one" / name).read_text()
        assert text == (tmp_path / "two" / name).read_text()
        assert str(tmp_path) not in text
        names = [p["anatomical"] for p in json.loads(text)["pairs"]]
        assert len(set(names)) == len(names)


def test_training_reads_what_was_written(folder, tmp_path):
    run(folder, tmp_path)
    training, validation = training_pairs(folder, split_file=tmp_path / "by-case.json")
    test = read_split(tmp_path / "by-case.json", folder, "test")
    assert not {p["case"] for p in training} & {p["case"] for p in validation + test}
    assert training[0].keys() == {"anatomical", "partner", "task", "case"}


def few_pairs(folder, train, test, slices):
    """``train`` pairs and then ``test`` ones, ``slices`` of them a case."""
    for index in range(train + test):
        part = "train" if index < train else "test"
        for kind in ("MRI", "CT"):
            pixels = np.random.default_rng([index, kind == "CT"]).integers(0, 256, (6, 8), np.uint8)
            name = f"{1 + index // slices}{index % slices:03}.png"
            save(folder / "CT-MRI" / part / kind / name, pixels)


def printed_counts(output):
    """What a run said: name of the file, then part, or what was left out, to number of pairs."""
    said = {}
    for block in re.split(r"\n(?! )", output.strip()):
        file, line = block.split("\n")
        words = line.replace("left out", "left_out").split()[1:]
        counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        said[prepare_wba.Path(file).stem] = counts
    return said


@pytest.mark.parametrize(
    ("train", "test", "slices", "leaves_out"),
    [(2, 1, 1, False), (3, 1, 1, False), (8, 2, 1, False), (8, 1, 3, True), (11, 4, 4, True)],
)
def test_a_small_folder_gets_splits_as_said(tmp_path, train, test, slices, leaves_out):
    few_pairs(tmp_path / "data", train, test, slices)
    result = run(tmp_path / "data", tmp_path)
    assert result.exit_code == 0, result.output
    said = printed_counts(result.output)
    for name in ("public", "by-case"):
        pairs, cases = parts_of(tmp_path / f"{name}.json")
        counts = Counter(pair["split"] for pair in pairs)
        assert {part: said[name][part] for part in prepare_wba.PARTS} == dict(counts)
        assert said[name]["left_out"] == train + test - len(pairs)
        assert not cases["validation"] & cases["train"]
        parts = training_pairs(tmp_path / "data", split_file=tmp_path / f"{name}.json")
        assert all(parts)
    assert (said["by-case"]["left_out"] > 0) == leaves_out
    _, cases = parts_of(tmp_path / "public.json")
    shared, held = (len(cases["test"] & cases[part]) for part in ("train", "test"))
    about = json.loads((tmp_path / "public.json").read_text())["about"]
    assert f"of their {held} cases {shared} have training slices too. Validation" in about
    assert slices > 1 or shared == 0


@pytest.mark.parametrize(
    ("train", "test", "slices", "place", "cases"),
    [
        (1, 1, 1, "CT-MRI/train", 1),
        (2, 2, 1, "CT-MRI/train", 2),
        (7, 7, 1, "CT-MRI/train", 7),
        (8, 2, 5, "CT-MRI", 2),
    ],
)
def test_too_few_pairs_are_refused_and_the_advice_helps(
    tmp_path, train, test, slices, place, cases
):
    few_pairs(tmp_path / "data", train, test, slices)
    result = run(tmp_path / "data", tmp_path / "splits")
    assert result.exit_code == 2
    assert f"Error: {place} has too few cases ({cases}) for the split" in result.output
    assert "add cases to CT-MRI/train" in result.output
    assert not (tmp_path / "splits").exists()
    for index in range(3 * test):
        for kind in ("MRI", "CT"):
            rng = np.random.default_rng([99, index, kind == "CT"])
            pixels = rng.integers(0, 256, (6, 8), np.uint8)
            save(tmp_path / f"data/CT-MRI/train/{kind}/{90 + index}000.png", pixels)
    result = run(tmp_path / "data", tmp_path / "splits")
    assert result.exit_code == 0, result.output


def sixteen_bits(folder):
    save(folder / "CT-MRI/train/CT/2000.png", np.full((6, 8), 1000, np.uint16))
    return "2000.png is a grey PNG of 16 bits"


def palette(folder):
    path = folder / "PET-MRI/test/PET/7004.png"
    Image.open(path).convert("P").save(path)
    return "7004.png is a palette PNG of 8 bits"


def cmyk(folder):
    path = folder / "PET-MRI/train/PET/7001.png"
    Image.open(path).convert("CMYK").save(path, format="JPEG")
    return "7001.png is a CMYK JPEG picture"


def cmyk_tiff(folder):
    path = folder / "PET-MRI/train/PET/7001.png"
    Image.open(path).convert("CMYK").save(path, format="TIFF")
    return "7001.png is a CMYK TIFF picture"


def alpha(folder):
    save(folder / "CT-MRI/train/CT/2000.png", np.zeros((6, 8, 4), np.uint8))
    return "2000.png is a RGB with alpha PNG of 8 bits"


def unequal(folder):
    save(folder / "CT-MRI/train/CT/2001.png", np.zeros((6, 9), np.uint8))
    return "2001.png differ in size: 8x6 and 9x6"


def no_partner(folder):
    (folder / "CT-MRI/train/CT/2001.png").unlink()
    return "MRI/2001.png has no partner"


def no_anatomical(folder):
    (folder / "CT-MRI/test/MRI/2004.png").unlink()
    return "CT/2004.png has no partner"


def other_format(folder):
    for kind in ("MRI", "CT"):
        path = folder / f"CT-MRI/train/{kind}/2001.png"
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    return "MRI/2001.jpg is no .png file"


def damaged(folder):
    path = folder / "CT-MRI/train/MRI/2001.png"
    path.write_bytes(path.read_bytes()[:60])
    return "2001.png is not a readable picture"


def twice(folder):
    for kind in ("MRI", "CT"):
        pixels = np.asarray(Image.open(folder / f"CT-MRI/train/{kind}/2001.png"))
        save(folder / f"CT-MRI/test/{kind}/2001.png", pixels)
    return "2001.png is also in"


def renamed_case(folder):
    pixels = np.asarray(Image.open(folder / "CT-MRI/train/MRI/2001.png"))
    save(folder / "CT-MRI/test/MRI/4004.png", pixels)
    return "one picture under two case numbers"


def no_number(folder):
    for kind in ("MRI", "CT"):
        (folder / f"CT-MRI/train/{kind}/2001.png").rename(folder / f"CT-MRI/train/{kind}/a.png")
    return "a.png must be named by case number"


def few_cases(folder):
    for path in folder.glob("PET-MRI/*/*/[78]*.png"):
        path.unlink()
    return (
        "PET-MRI/train has too few cases (1) for the split 'public'. 1 validation pair (as many as "
        "PET-MRI/test holds) and pairs to train on are needed, each of cases of their own; add "
        "cases to PET-MRI/train."
    )


def no_test_pairs(folder):
    shutil.rmtree(folder / "PET-MRI/test")
    return "has no test pairs of PET-MRI; add PET-MRI/test."


def no_training_pairs(folder):
    shutil.rmtree(folder / "PET-MRI/train")
    return "has no train pairs of PET-MRI; add PET-MRI/train."


def no_test_folders(folder):
    for path in folder.glob("*/test"):
        shutil.rmtree(path)
    return (
        "holds no pairs in TASK/test; expected pictures of equal names, such as "
        "CT-MRI/test/MRI/1001.png and CT-MRI/test/CT/1001.png."
    )


def constant(folder):
    save(folder / "CT-MRI/train/CT/2001.png", np.full((6, 8), 9, np.uint8))
    return "CT/2001.png is constant"


def no_folder(folder):
    folder.rename(folder.with_name("elsewhere"))
    return "holds no pairs"


def no_pictures(folder):
    for path in folder.rglob("*.png"):
        path.unlink()
    return "holds no pairs"


@pytest.mark.parametrize("place", ["file/splits", "file"])
def test_a_place_that_cannot_be_written_is_one_sentence(folder, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    result = run(folder, tmp_path / place)
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {tmp_path / place} cannot be used: ")
    assert result.output.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_leaves_the_files_as_they_were(folder, tmp_path, monkeypatch):
    assert run(folder, tmp_path / "splits").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "splits").iterdir()}
    (folder / "CT-MRI/train/MRI/2000.png").unlink()
    (folder / "CT-MRI/train/CT/2000.png").unlink()

    def full(path, text, **options):
        path.write_bytes(text[:5].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(prepare_wba.Path, "write_text", full)
    result = run(folder, tmp_path / "splits")
    assert result.exit_code == 2
    assert "the disk is full" in result.output
    assert {path: path.read_bytes() for path in (tmp_path / "splits").iterdir()} == before


@pytest.mark.parametrize(
    "fault",
    [
        sixteen_bits,
        palette,
        cmyk,
        cmyk_tiff,
        alpha,
        unequal,
        no_partner,
        no_anatomical,
        other_format,
        damaged,
        twice,
        renamed_case,
        no_number,
        few_cases,
        no_test_pairs,
        no_training_pairs,
        no_test_folders,
        constant,
        no_folder,
        no_pictures,
    ],
)
def test_a_fault_is_one_sentence_naming_the_file(fault, folder, tmp_path):
    sentence = fault(folder)
    result = run(folder, tmp_path / "splits")
    assert result.exit_code == 2
    assert sentence in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "splits").exists()


def test_sixteen_bit_colour_is_seen_too(tmp_path):
    # Pillow reads it as 8-bit RGB without a word; the header alone tells.
    deep = SimpleITK.GetImageFromArray(np.full((4, 4, 3), 999, np.uint16), isVector=True)
    SimpleITK.WriteImage(deep, str(tmp_path / "deep.png"))
    with Image.open(tmp_path / "deep.png") as picture:
        assert np.asarray(picture).dtype == np.uint8
    with pytest.raises(prepare_wba.InputError, match=r"deep\.png is a RGB PNG of 16 bits"):
        prepare_wba.read_png(tmp_path / "deep.png")


def test_the_committed_files_fit_the_public_folder(reference, tmp_path):
    folder = reference / "data" / "wba"
    result = run(folder, tmp_path)
    assert result.exit_code == 0, result.output
    committed = prepare_wba.Path(__file__).resolve().parents[2] / "monai_bundle" / "splits"
    for name in ("public.json", "by-case.json"):
        assert (tmp_path / name).read_text() == (committed / name).read_text()
