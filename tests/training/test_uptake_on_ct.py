"""Uptake of one case put on the CT of another, on small pictures of our own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from refused import assert_refused
from typer import Typer
from typer.testing import CliRunner

from training import generalise, uptake_on_ct
from training.generalisation.kinds import find_pictures_on_ct

SIZE = 96


def ellipse(rows, columns):
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return np.hypot(y / rows, x / columns) < 1


def ct_slice(brain_grey=90):
    skull, brain = ellipse(40, 32), ellipse(34, 26)
    return np.where(brain, brain_grey, np.where(skull, 255, 0)).astype(np.uint8)


def uptake_slice():
    """A round brain, hotter on the right half, in pseudo-colour."""
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[ellipse(20, 20)] = (160, 40, 40)
    pixels[:, SIZE // 2 :][ellipse(20, 20)[:, SIZE // 2 :]] = (250, 200, 0)
    return pixels


@pytest.fixture
def folder(tmp_path):
    for task, cases, pixels in (
        ("CT", ("1", "2"), ct_slice()),
        ("PET", ("1", "25", "3"), uptake_slice()),
        ("SPECT", ("1", "2"), uptake_slice()),
    ):
        for case in cases:
            for number in ("001", "002"):
                for modality in (task, "MRI"):
                    path = tmp_path / f"{task}-MRI" / "train" / modality / f"{case}{number}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels).save(path)
    return tmp_path


def run(*words):
    app = Typer()
    app.command()(uptake_on_ct.main)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_pairs_lie_where_the_brain_of_the_ct_does(folder):
    result = run(folder, "--output", folder / "made")
    assert result.exit_code == 0, result.output
    names = {f"{case}{number}.png" for case in "12" for number in ("001", "002")}
    for tracer in ("PET", "SPECT"):
        train = folder / "made" / f"{tracer}-CT" / "train"
        assert {path.name for path in (train / "CT").iterdir()} == names
        pixels = np.asarray(Image.open(train / tracer / "1001.png")).astype(int)
        shown = pixels.max(axis=2) > 40
        assert not (shown & ~ellipse(34, 26)).any()
        assert (shown & ellipse(31, 23)).sum() > 0.95 * ellipse(31, 23).sum() * np.pi / 3.3
        assert pixels[48, 60, 1] > 150 > pixels[48, 36, 1]


def test_a_case_never_lies_on_itself(folder, monkeypatch):
    read = []
    actual = uptake_on_ct.read_png
    monkeypatch.setattr(uptake_on_ct, "read_png", lambda path: read.append(path) or actual(path))
    assert run(folder, "--output", folder / "made").exit_code == 0
    assert not any("test" in path.parts for path in read)
    used = [(path.parts[-2], path.stem[:-3]) for path in read]
    for place in range(0, len(used), 2):
        (ct, own), (tracer, other) = used[place : place + 2]
        assert ct == "CT"
        assert tracer in ("PET", "SPECT")
        assert own != other
    assert ("PET", "25") not in used, "a coronal case"


def test_open_bone_holds_no_brain():
    pixels = ct_slice()
    assert uptake_on_ct.brain_in_ct(pixels).sum() > 1000
    pixels[:, 44:52] = 0
    assert not uptake_on_ct.brain_in_ct(pixels).any()


def test_no_uptake_makes_no_pair():
    brain = uptake_on_ct.brain_in_ct(ct_slice())
    assert uptake_on_ct.put_uptake(np.zeros((SIZE, SIZE, 3), np.uint8), brain) is None


def test_pairs_are_scored_as_a_kind_of_their_own(folder):
    assert run(folder, "--output", folder / "made").exit_code == 0
    kinds = find_pictures_on_ct(folder / "made", 2)
    assert [(kind.task, len(kind.pairs)) for kind in kinds] == [("pet-ct", 2), ("spect-ct", 2)]
    assert all(anatomical.parent.name == "CT" for kind in kinds for anatomical, _ in kind.pairs)
    app = Typer()
    app.command()(generalise.main)
    words = ("--weights", "new=absent.pt", "--pictures-on-ct", folder / "none")
    assert_refused(CliRunner().invoke(app, [str(word) for word in words]), "holds no pairs")


def test_a_folder_without_pairs_is_refused(tmp_path):
    assert_refused(run(tmp_path, "--output", tmp_path / "made"), "holds no pairs")
    assert not (tmp_path / "made").exists()
