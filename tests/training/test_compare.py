"""The comparison of methods, on a small folder of pairs."""

from __future__ import annotations

import csv
import errno
import json

import numpy as np
import pytest
import torch
from page_by_hand import read_with_new_tables, write_by_hand
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.errors import InputError
from mactfusion.io.luminance import read_grey_levels
from mactfusion.metrics import METRICS
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import MODELS, Model
from training import compare
from training.comparison import checkpoints, pages, scores

NAMES = ("1001.png", "1002.png", "2001.png")


@pytest.fixture
def folders(tmp_path):
    """Pairs of two tasks (CT grey, PET colour) and a method that is 0.7 MR + 0.3 partner."""
    generator = np.random.default_rng(3)
    for task, partner in (("CT-MRI", "CT"), ("PET-MRI", "PET")):
        for name in NAMES:
            size = (44, 48) if partner == "CT" else (44, 48, 3)
            image = generator.integers(0, 256, size, dtype=np.uint8)
            mr = generator.integers(0, 256, (44, 48), dtype=np.uint8)
            grey = image if image.ndim == 2 else image.mean(axis=2)
            test = tmp_path / "pairs" / task / "test"
            save(test / partner / name, image)
            save(test / "MRI" / name, mr)
            weighted = (0.7 * mr + 0.3 * grey).astype(np.uint8)
            save(tmp_path / "methods" / "weighted" / task / name, weighted)
    return tmp_path


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def run(folders, *arguments, ours="weighted", jobs=1):
    app = Typer()
    app.command()(compare.main)
    words = [folders / "pairs", folders / "methods", "--ours", ours, "--jobs", jobs]
    words += ["--folder", folders / "docs", "--cache", folders / "cache", *arguments]
    return CliRunner().invoke(app, [str(word) for word in words])


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_command_writes_tables_and_figures(folders):
    page = write_by_hand(folders / "docs" / "results.md", compare.MARKERS)
    costs = {
        "params": 5,
        "gflops_2xMAC": 1.26,
        "cpu_ms_median": 7,
        "tasks_out_of_domain": ["CT-MRI"],
    }
    (folders / "costs.json").write_text(json.dumps({"weighted": costs}))
    result = run(folders, "--costs", folders / "costs.json", "--sheets", folders / "sheets")
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    assert "| **weighted** † |" in text.split("### PET-MRI")[0]
    assert "| **weighted** |" in text.split("### PET-MRI")[1]
    assert "| 5 | 1.3 | 7 |" in text
    written = {path.name for path in (folders / "docs").iterdir()}
    assert written >= {"ranks.png", "boxes-CT-MRI.png", "boxes-PET-MRI.png"}
    sheet = Image.open(folders / "sheets" / "PET-MRI-1001.png")
    assert sheet.size == (5 * 96 + 4 * 2, 88 + 24)


def test_scores_are_those_of_the_metrics(folders):
    assert run(folders).exit_code == 0
    rows = rows_of(folders / "docs" / "scores.csv")
    assert len(rows) == 2 * 3 * len(NAMES)
    found = next(r for r in rows if (r["task"], r["method"]) == ("PET-MRI", "weighted"))
    pictures = [
        read_grey_levels(folders / path)
        for path in (
            f"methods/weighted/PET-MRI/{NAMES[0]}",
            f"pairs/PET-MRI/test/MRI/{NAMES[0]}",
            f"pairs/PET-MRI/test/PET/{NAMES[0]}",
        )
    ]
    assert found["picture"] == NAMES[0]
    for name, metric in METRICS.items():
        assert float(found[name]) == pytest.approx(metric(*pictures), abs=1e-12)


def test_processes_change_nothing(folders):
    assert run(folders).exit_code == 0
    alone = (folders / "docs" / "scores.csv").read_text()
    (folders / "cache").rename(folders / "elsewhere")
    assert run(folders, jobs=2).exit_code == 0
    assert (folders / "docs" / "scores.csv").read_text() == alone


def test_nothing_is_scored_twice_but_what_changed(folders, monkeypatch):
    assert run(folders).exit_code == 0
    counted = []

    def metric(*pictures):
        counted.append(pictures)
        return 0.5

    for name in METRICS:
        monkeypatch.setitem(METRICS, name, metric)
    assert run(folders).exit_code == 0
    assert not counted
    save(folders / "methods" / "weighted" / "CT-MRI" / NAMES[1], np.full((44, 48), 9, np.uint8))
    assert run(folders).exit_code == 0
    assert len(counted) == len(METRICS)
    rows = rows_of(folders / "docs" / "scores.csv")
    assert [r["picture"] for r in rows if r["method"] == "weighted"] == [*NAMES, *NAMES]


def test_baselines_are_computed():
    first, second = np.array([[3.0, 10.0]]), np.array([[6.0, 4.0]])
    assert scores.pixel_average(first, second).tolist() == [[4, 7]]
    assert scores.pixel_maximum(first, second).tolist() == [[6, 10]]


def table(**methods):
    """Scores of six pictures; each method has one value, plus a little of each picture's own."""
    return {
        method: {str(i): dict.fromkeys(METRICS, value + 0.01 * i) for i in range(6)}
        for method, value in methods.items()
    }


def test_best_rank_comes_first_and_equals_share():
    ranks = pages.rank_methods(table(worse=0.1, best=0.9, same=0.9))
    assert ranks == {"best": 1.5, "same": 1.5, "worse": 3.0}
    assert list(ranks)[-1] == "worse"


def test_significance_is_corrected_over_all_of_the_task():
    of_task = table(ours=0.5, theirs=0.4, equal=0.5)
    for index, values in enumerate(of_task["theirs"].values()):
        values.update({name: value - 0.001 * index for name, value in values.items()})
    tests = pages.compare_with_others("ours", of_task)
    assert set(tests) == {"theirs", "equal"}
    # Six differences of one sign have p = 2 / 2^6; Holm's factor is the number of all tests.
    assert tests["theirs"]["SCD"].p_value == pytest.approx(2 / 64 * 10)
    assert tests["theirs"]["SCD"].difference == pytest.approx(0.1025)
    assert tests["equal"]["VIF"] == pages.PairedTest(0.0, 1.0)


def test_methods_on_other_pictures_are_not_compared():
    of_task = table(ours=0.5, theirs=0.4)
    del of_task["theirs"]["3"]
    with pytest.raises(InputError, match="different pictures"):
        pages.compare_with_others("ours", of_task)


class Stub(MACTFusion):
    """Brighter source, at once."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, image):
        return image.amax(dim=1, keepdim=True) * 1.5


def test_a_checkpoint_is_fused_clipped_and_rounded(folders, monkeypatch):
    torch.save({"weight": torch.ones(3)}, folders / "model.pt")
    stub = Model(Stub, "stub.pt", ("ct-mri",), "", "")
    monkeypatch.setattr(checkpoints, "load_network", lambda path: (stub, Stub().eval()))
    result = run(folders, "--weights", f"new={folders / 'model.pt'}", ours="new")
    assert result.exit_code == 0, result.output
    (path,) = (folders / "cache" / "fused").glob(f"*/CT-MRI/{NAMES[0]}")
    sources = [
        np.asarray(Image.open(folders / f"pairs/CT-MRI/test/{m}/{NAMES[0]}"), float)
        for m in ("MRI", "CT")
    ]
    expected = np.clip(1.5 * np.maximum(*sources), 0, 255)
    assert np.abs(np.asarray(Image.open(path)) - expected).max() <= 0.5 + 1e-4
    text = (folders / "docs" / "results.md").read_text()
    assert text.startswith("# Results\n")
    assert "| new, PET-MRI | 0.0000 | 0.0000 | 0.0000 | 0.0000 |" in text
    assert shift_columns(text) == {"new, CT-MRI": "3", "new, PET-MRI": "3"}
    assert "| **new** |" in text

    def fail(self, image):
        raise AssertionError

    monkeypatch.setattr(Stub, "forward", fail)
    monkeypatch.setattr(Model, "gigaflops", lambda model: 1.0)
    assert run(folders, "--weights", f"new={folders / 'model.pt'}", ours="new").exit_code == 0


def test_a_model_named_has_its_weights_for_each_task(folders, monkeypatch):
    stub = Model(Stub, "all.pt", ("ct-mri", "pet-mri"), "", "", own_weights={"ct-mri": "ct.pt"})
    monkeypatch.setitem(checkpoints.MODELS, "stub", stub)
    monkeypatch.setattr(checkpoints, "bundle_root", lambda: folders)
    (folders / "models").mkdir()
    for value, file in enumerate(stub.weight_files()):
        torch.save({"weight": torch.full((3,), float(value))}, folders / "models" / file)
    loaded = []

    def load(path):
        loaded.append(path.name)
        return stub, Stub().eval()

    monkeypatch.setattr(checkpoints, "load_network", load)
    result = run(folders, "--weights", "new=stub", ours="new")
    assert result.exit_code == 0, result.output
    assert sorted(loaded) == ["all.pt", "ct.pt"]


def shift_columns(text):
    """Checkpoint and task to the number of pairs that were moved."""
    lines = text.split("### Shift consistency")[1].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {line[0]: line[-1] for line in cells}


class Columns(Stub):
    """Brighter source, and a pattern that stays where it is."""

    calls = 0

    def forward(self, image):
        Columns.calls += 1
        return image.amax(dim=1, keepdim=True) * 0.5 + torch.arange(image.shape[-1]) / 100


def test_shift_consistency_on_a_few_pairs(folders, monkeypatch):
    torch.save({"weight": torch.ones(3)}, folders / "model.pt")
    columns = Model(Columns, "columns.pt", ("ct-mri",), "", "")
    monkeypatch.setattr(checkpoints, "load_network", lambda path: (columns, Columns().eval()))
    monkeypatch.setattr(Model, "gigaflops", lambda model: 1.0)
    words = ("--weights", f"new={folders / 'model.pt'}")
    Columns.calls = 0
    assert run(folders, *words, "--shift-pairs", "2", ours="new").exit_code == 0
    assert Columns.calls == 6 + 2 * 2 * 2
    page = folders / "docs" / "results.md"
    text = page.read_text()
    assert shift_columns(text) == {"new, CT-MRI": "2", "new, PET-MRI": "2"}
    assert "| new, CT-MRI | 0.0400 | 0.0400 | 0.1600 | 0.1600 |" in text
    assert run(folders, *words, ours="new").exit_code == 0
    assert shift_columns(page.read_text()) == {"new, CT-MRI": "3", "new, PET-MRI": "3"}
    assert run(folders, *words, "--shift-pairs", "2", ours="new").exit_code == 0
    assert shift_columns(page.read_text()) == shift_columns(text)  # the time differs
    assert Columns.calls == 10 + 4 + 2 * (1 + 2)


@pytest.mark.parametrize("name", MODELS)
def test_the_state_tells_the_network(name, tmp_path):
    torch.save(MODELS[name].network().state_dict(), tmp_path / "model.pt")
    model, network = checkpoints.load_network(tmp_path / "model.pt")
    assert model is MODELS[name]
    assert type(network) is model.network
    assert not network.training


@pytest.mark.parametrize(
    ("name", "file"), [("mactfusion", "mactfusion_ctmri.pth"), ("dilran", "dilran_ctmri.pt")]
)
def test_published_files_are_taken_as_they_are(name, file, reference):
    model, network = checkpoints.load_network(reference / "checkpoints" / file)
    assert type(network) is MODELS[name].network is model.network
    assert not network.training


def test_other_weights_are_refused(tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt fits none of the networks"):
        checkpoints.load_network(tmp_path / "model.pt")


def test_borders_of_windows_are_seen():
    smooth = np.add.outer(np.arange(64.0), np.arange(48.0))
    assert checkpoints.border_excess(smooth) == pytest.approx(0)
    tiled = smooth + 3.0 * np.add.outer(np.arange(64) // 8, np.arange(48) // 8)
    assert checkpoints.border_excess(tiled) == pytest.approx(3)
    assert checkpoints.border_excess(np.zeros((16, 16))) == 0


def remove_a_fused_picture(folders):
    (folders / "methods/weighted/CT-MRI" / NAMES[0]).unlink()


def remove_a_source(folders):
    (folders / "pairs/CT-MRI/test/CT" / NAMES[0]).unlink()


def crop_a_fused_picture(folders):
    save(folders / "methods/weighted/CT-MRI" / NAMES[0], np.zeros((44, 44), np.uint8))


def crop_a_source(folders):
    save(folders / "pairs/CT-MRI/test/CT" / NAMES[0], np.eye(44, dtype=np.uint8))


def empty_a_source(folders):
    save(folders / "pairs/CT-MRI/test/CT" / NAMES[0], np.zeros((44, 48), np.uint8))


def write_text(folders):
    (folders / "methods/weighted/CT-MRI" / NAMES[0]).write_text("no picture")


def write_16_bit(folders):
    save(folders / "methods/weighted/CT-MRI" / NAMES[0], np.full((44, 48), 1000, np.uint16))


def write_cmyk(folders):
    path = folders / "methods/weighted/CT-MRI" / NAMES[0]
    Image.new("CMYK", (48, 44)).save(path, format="TIFF")


def write_palette(folders):
    path = folders / "methods/weighted/CT-MRI" / NAMES[0]
    Image.open(path).convert("P").save(path)


def write_a_palette_source(folders):
    path = folders / "pairs/CT-MRI/test/CT" / NAMES[0]
    Image.open(path).convert("P").save(path)


def block_the_folder(folders):
    (folders / "docs" / "results.md").mkdir(parents=True)


def rename_the_tasks(folders):
    for task in ("CT-MRI", "PET-MRI"):
        (folders / "methods/weighted" / task).rename(folders / "methods/weighted" / task[:3])


def empty_the_pairs(folders):
    (folders / "pairs").rename(folders / "elsewhere")


def take_the_markers(folders):
    (folders / "docs").mkdir()
    (folders / "docs" / "results.md").write_text("mine")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (remove_a_fused_picture, "1 fused pictures are missing"),
        (remove_a_source, "has no partner"),
        (crop_a_fused_picture, "its sources are"),
        (crop_a_source, "differ in size"),
        (empty_a_source, "1001.png is constant"),
        (write_text, "cannot be read"),
        (write_16_bit, "defined on 8 bits"),
        (write_cmyk, "is a CMYK picture"),
        (write_palette, "1001.png is a palette picture"),
        (write_a_palette_source, "CT/1001.png is a palette picture"),
        (block_the_folder, "docs/results.md cannot be used"),
        (rename_the_tasks, "holds no fused pictures"),
        (empty_the_pairs, "holds no pairs"),
        (take_the_markers, "lacks the lines"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(damage, sentence, folders):
    damage(folders)
    result = run(folders)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_page_without_markers_is_refused_before_the_work(folders, monkeypatch):
    def work(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr(compare, "fuse_pairs", work)
    monkeypatch.setattr(compare, "score_methods", work)
    take_the_markers(folders)
    result = run(folders, "--weights", "new=model.pt")
    assert result.exit_code == 2
    assert (folders / "docs" / "results.md").read_text() == "mine"


def test_a_full_disk_leaves_the_tables_as_they_were(folders, monkeypatch):
    assert run(folders).exit_code == 0
    before = {path: path.read_bytes() for path in (folders / "docs").iterdir()}
    monkeypatch.setattr(pages, "LEGEND", "Another legend.")

    def full(path, text, **options):
        path.write_bytes(text[:5].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(folders), "write_text", full)
    result = run(folders)
    assert result.exit_code == 2
    assert "No space left on device" in result.output
    assert {path: path.read_bytes() for path in (folders / "docs").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--weights", "model.pt"), "takes NAME=FILE"),
        (("--weights", "new=absent.pt", "--ours", "new"), "absent.pt do not exist"),
        (("--weights", "weighted=a.pt"), "Two methods are called weighted"),
        (("--weights", "new=a.pt", "--weights", "new=b.pt"), "Two methods are called new"),
        (("--task", "XX-MRI"), "no test pairs of XX-MRI"),
        (("--costs", "absent.json"), "absent.json is no readable table"),
        (("--ours", "nobody"), "no method 'nobody'"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, sentence, folders):
    result = run(folders, *arguments)
    assert result.exit_code == 2
    assert sentence in result.output


def test_a_split_with_a_case_in_both_parts_is_refused(folders):
    pair = {"anatomical": "CT-MRI/test/MRI/1001.png", "partner": "CT-MRI/test/CT/1001.png"}
    other = {key: path.replace("1001", "1002") for key, path in pair.items()}
    rest = {"task": "ct-mri", "case": "1"}
    pairs = [{**pair, **rest, "split": "test"}, {**other, **rest, "split": "train"}]
    split = folders / "split.json"
    split.write_text(json.dumps({"split": "by-case", "pairs": pairs}))
    result = run(folders, "--split", split)
    assert result.exit_code == 2
    assert "split.json has case 1 in both test and train (CT-MRI/test/MRI/1002.png)" in (
        " ".join(result.output.split())
    )


def test_a_task_without_a_folder_is_left_out(folders):
    for name in NAMES:
        (folders / "methods/weighted/PET-MRI" / name).unlink()
    (folders / "methods/weighted/PET-MRI").rmdir()
    assert run(folders).exit_code == 0
    rows = rows_of(folders / "docs" / "scores.csv")
    assert {r["task"] for r in rows if r["method"] == "weighted"} == {"CT-MRI"}
