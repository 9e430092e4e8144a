"""The ablations: two small trainings as the command runs them, and the page about them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from mactfusion.bundle import bundle_root
from mactfusion.engine import read_checkpoint
from mactfusion.engine.checkpoint import BEFORE, NEWEST
from mactfusion.engine.splits import write_split
from mactfusion.metrics import METRICS, RANKING
from mactfusion.networks.cminet import CMINet
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.dilran_fusion import RULES
from mactfusion.weights import load_weights, save_state
from training import ablations
from training.ablation import page, scored, studies, trained
from training.comparison.scores import find_pairs, read_fused, read_sources

SPLIT = {"1001": "train", "1002": "train", "2001": "validation", "3001": "test", "3002": "test"}
SMALL = {"--steps": 2, "--crop": 32, "--seed": 3, "--jobs": 1}
TWO = ("--study", "cminet", "--study", "dilran-rules", "--variant", "inter-only")
TWO += ("--variant", "average", "--variant", "sfnn-max")
CNN, RULE, AUTO_ENCODER = (
    "cminet/inter-only",
    "dilran-rules/average",
    "dilran-loss/without-perceptual",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """CT pairs of 44 x 48 pixels, and the split file beside them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    pairs = []
    for name, part in SPLIT.items():
        files = [f"CT-MRI/{part}/{modality}/{name}.png" for modality in ("MRI", "CT")]
        for file in files:
            coarse = rng.integers(0, 256, (11, 12), dtype=np.uint8)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.kron(coarse, np.ones((4, 4), np.uint8))).save(folder / file)
        names = dict(zip(("anatomical", "partner"), files, strict=True))
        pairs.append({**names, "task": "ct-mri", "case": name[0], "split": part})
    write_split(folder / "split.json", "small", "By hand.", pairs)
    return folder


def run(data, root, *words, **options):
    app = Typer()
    app.command()(ablations.main)
    fixed = ["--split", data / "split.json", "--output", root / "out", "--folder", root / "docs"]
    changed = SMALL | {f"--{name}": value for name, value in options.items()}
    given = [word for pair in changed.items() for word in pair]
    return CliRunner().invoke(app, [str(word) for word in (data, *fixed, *given, *words)])


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A folder with two trainings of two steps, three rows of scores and the page."""
    root = tmp_path_factory.mktemp("finished")
    result = run(data, root, *TWO)
    assert result.exit_code == 0, result.output
    return root


def section(root, title):
    """One section of the page."""
    text = (root / "docs" / "ablations.md").read_text()
    return text.split(f"### {title}\n")[1].split("\n### ")[0]


def entry_of(name):
    return next(entry for entry in studies.entries() if entry.name == name)


def newest_checkpoint(folder):
    """The newest that there is: a process can be killed between the two renames of a save."""
    files = [path for name in (NEWEST, BEFORE) if (path := folder / "checkpoints" / name).is_file()]
    return read_checkpoint(files[0])


def scores_of(root, name):
    return json.loads((root / "out" / name / "scores.json").read_text())


@pytest.mark.slow
def test_the_page_says_what_was_run_and_what_was_not(finished):
    text = (finished / "docs" / "ablations.md").read_text()
    assert text.startswith("# Ablations\n")
    rules = section(finished, "DILRAN, fusion rules")
    assert (
        "2 steps of 2 crops of 32×32 pixels, learning rate 0.0001 at its highest, seed 3" in rules
    )
    assert "training pairs of CT-MRI. Test pairs: 2 of CT-MRI." in rules
    means = scores_of(finished, RULE)["means"]["CT-MRI"]
    row = next(line for line in rules.splitlines() if line.startswith("| average |"))
    assert [cell.strip(" *") for cell in row.split("|")[2:-1]] == [
        f"{means[metric]:.4f}" for metric in RANKING
    ]
    assert "Not run: SFNN, mean norm; FL1N; FER; addition." in rules
    cminet = section(finished, "CMINet, recursions and modules")
    assert "| interactive CNN only |" in cminet
    assert "paper" not in cminet.split("####")[1]  # a reconstruction: no figure belongs to it
    # The published rule is what the training without the perceptual term is scored by.
    assert "| without perceptual term |" in section(finished, "DILRAN, terms of the criterion")
    not_run = section(finished, "Not run")
    assert "`mactfusion-architecture`" in not_run
    assert "`msgfusion`" in not_run
    assert "`cminet`" not in not_run


@pytest.mark.slow
def test_the_last_averaged_weights_are_scored(finished):
    for name, network in ((CNN, CMINet(modules="inter")), (AUTO_ENCODER, DILRAN())):
        folder = finished / "out" / name
        checkpoint = newest_checkpoint(folder)
        assert checkpoint["iteration"] == 2
        for key, tensor in load_weights(network, folder / "model.pt").state_dict().items():
            assert torch.equal(tensor, checkpoint["averaged"][f"module.{key}"]), key


@pytest.mark.slow
def test_scores_are_those_of_what_the_rule_fuses(data, finished):
    pairs = find_pairs(data, data / "split.json")
    network = load_weights(DILRAN(rule="average"), finished / "out" / AUTO_ENCODER / "model.pt")
    measured = []
    for pair in pairs:
        sources = read_sources(pair)
        fused = read_fused(finished / "out" / RULE / "fused", pair, sources)
        with torch.no_grad():
            image = torch.from_numpy(np.stack(sources) / 255).float()[None]
            expected = network(image).clamp(0, 1)[0, 0].numpy() * 255
        assert np.abs(fused - expected).max() <= 0.51
        measured.append([METRICS[metric](fused, *sources) for metric in RANKING])
    kept = scores_of(finished, RULE)["means"]["CT-MRI"]
    assert [kept[metric] for metric in RANKING] == pytest.approx(np.mean(measured, axis=0))


@pytest.mark.slow
def test_what_is_complete_is_not_done_again(data, finished):
    def state():
        files = [path for path in (finished / "out").rglob("*") if path.is_file()]
        return {path: path.stat().st_mtime_ns for path in files}

    before = state()
    result = run(data, finished, *TWO)
    assert result.exit_code == 0, result.output
    assert state() == before


@pytest.mark.slow
def test_other_options_train_again_and_an_interrupted_training_goes_on(data, finished, tmp_path):
    shutil.copytree(finished / "out", tmp_path / "out")
    folder = tmp_path / "out" / AUTO_ENCODER
    entry = entry_of(AUTO_ENCODER)
    weights = (folder / "model.pt").read_bytes()
    where = trained.Data(data, data / "split.json")
    record = trained.training_record(entry, trained.Budget(12, 32, 2, 3), where)
    aside = trained.begin(folder, record)
    assert not (folder / "model.pt").exists()  # that of two steps
    assert (aside / "model.pt").read_bytes() == weights
    words = trained.training_command(entry, record, where, folder)
    words[words.index("--checkpoint_minutes") + 1] = "0"
    newest = folder / "checkpoints" / NEWEST
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not newest.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    stopped = newest_checkpoint(folder)["iteration"]
    assert 0 < stopped < 12
    result = run(data, tmp_path, "--study", "dilran-rules", "--variant", "average", steps=12)
    assert result.exit_code == 0, result.output
    assert f"at step {stopped}" in (folder / "training.log").read_text()
    assert newest_checkpoint(folder)["iteration"] == 12
    assert scores_of(tmp_path, RULE)["training"]["budget"]["steps"] == 12
    assert "12 steps of 2 crops" in section(tmp_path, "DILRAN, fusion rules")
    assert "Budget of each row: 2 steps" in section(tmp_path, "CMINet, recursions and modules")


@pytest.mark.slow
def test_a_training_that_fails_names_its_log_and_the_others_go_on(data, finished, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(finished / "out" / AUTO_ENCODER, tmp_path / "out" / AUTO_ENCODER)
    (tmp_path / "data" / "CT-MRI" / "train" / "CT" / "1001.png").write_bytes(b"no picture")
    result = run(tmp_path / "data", tmp_path, *TWO)
    assert result.exit_code == 2
    error = result.output.splitlines()[-1]
    assert error.startswith(f"Error: {CNN} failed")
    assert "training.log" in error
    assert "1001.png" in (tmp_path / "out" / CNN / "training.log").read_text()
    assert "| average |" in section(tmp_path, "DILRAN, fusion rules")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--study", "none"), "There is no study 'none'; there are mactfusion-architecture"),
        (("--study", "cminet", "--variant", "fer"), "There is no variant 'fer'"),
        (("--study", "mactfusion-loss"), "has no test pair of PET-MRI, SPECT-MRI."),
        (("--study", "cminet", "--split", "absent.json"), "absent.json cannot be read"),
        (("--study", "dilran-loss", "--vgg-weights", "absent.pth"), "absent.pth does not exist"),
    ],
)
def test_refusals_are_one_sentence(data, tmp_path, words, sentence):
    result = run(data, tmp_path, *words)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert sentence in result.output
    assert not list(tmp_path.iterdir())


def test_a_page_without_marks_and_a_foreign_folder_are_left_alone(data, tmp_path):
    folder = tmp_path / "out" / CNN
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    result = run(data, tmp_path, "--study", "cminet", "--variant", "inter-only")
    assert result.exit_code == 2
    assert f"{folder} holds no training" in result.output
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (tmp_path / "docs" / "ablations.md").write_text("by hand")
    result = run(data, tmp_path, "--page-only")
    assert result.exit_code == 2
    assert "lacks the lines" in result.output
    assert (tmp_path / "docs" / "ablations.md").read_text() == "by hand"


def test_what_needs_vgg_is_left_out_without_it(data, tmp_path):
    result = run(data, tmp_path, "--study", "dilran-loss", "--variant", "full")
    assert result.exit_code == 0, result.output
    assert "dilran-loss/full is left out: it needs --vgg-weights." in result.output
    assert "(`dilran-loss`)" in section(tmp_path, "Not run")
    assert not (tmp_path / "out").exists()


def write_scores(output, name, value, steps=600):
    """Scores by hand of a row of the modules of MACTFusion, all alike."""
    tasks = list(studies.BRAIN)
    spent = {"steps": steps, "crop": 96, "batch_size": 2, "seed": 1, "learning_rate": 0.001}
    scores = {
        "training": {"budget": spent, "tasks": tasks},
        "digest": "",
        "pairs": dict.fromkeys(tasks, 24),
        "means": {task: dict.fromkeys(RANKING, value) for task in tasks},
    }
    folder = output / "mactfusion-architecture" / name
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(scores))


def test_figures_of_the_paper_stand_beside_ours(tmp_path):
    for name, value in (("full", 0.5), ("without-sfe", 0.25), ("without-cmft", 0.75)):
        write_scores(tmp_path, name, value)
    text = page.ablations_page(tmp_path)
    row = "| without SFE | 0.2500 | 0.2500 | 0.2500 | 0.2500 | 0.2500 "
    assert row + "| 1.661 | 0.897 | 0.601 | 0.702 | 0.493 |" in text
    assert row + "| 1.529 | 0.945 | 0.592 | 0.820 | 0.570 |" in text
    assert "| without CMFT | **0.7500** |" in text
    assert text.count("Of 10 differences from the full variant, 5 have the sign") == 3
    assert "CT-MRI, PET-MRI and SPECT-MRI together" in text
    assert "Not run: without SAFM." in text
    assert "MACTFusion, terms" in text.split("### Not run")[1]  # it shares "full", and has no more


def test_rows_of_other_budgets_stand_in_a_table_of_their_own(tmp_path):
    write_scores(tmp_path, "full", 0.5)
    write_scores(tmp_path, "without-sfe", 0.25, steps=300)
    text = page.ablations_page(tmp_path)
    assert text.count("Budget of each row") == 2
    assert text.count("#### CT-MRI") == 2
    assert "differences from the full" not in text


def damaged_scores(output, *, without=(), content=None):
    """Scores of which one thing is left out, or that are something else altogether."""
    write_scores(output, "full", 0.5)
    path = output / "mactfusion-architecture" / "full" / "scores.json"
    whole = json.loads(path.read_text())
    part = whole
    for key in without[:-1]:
        part = part[key]
    if without:
        del part[without[-1]]
    path.write_text(json.dumps(whole) if content is None else content)
    return path


@pytest.mark.parametrize(
    "damage",
    [
        {"content": "{"},
        {"content": "[1]"},
        {"content": "null"},
        {"without": ("training",)},
        {"without": ("training", "budget", "steps")},
        {"without": ("digest",)},
        {"without": ("pairs",)},
        {"without": ("means", "PET-MRI")},
        {"without": ("means", "PET-MRI", RANKING[0])},
    ],
    ids=str,
)
def test_damaged_scores_are_named(data, tmp_path, damage):
    damaged = damaged_scores(tmp_path / "out", **damage)
    result = run(data, tmp_path, "--page-only")
    assert (result.exit_code, result.output) == (2, f"Error: {damaged} is damaged; remove it.\n")


def test_damaged_scores_do_not_stop_the_variants_after_them(data, tmp_path, monkeypatch):
    damaged = damaged_scores(tmp_path / "out", content="[1]")
    reached = []
    monkeypatch.setattr(ablations, "train", lambda *_: None)
    monkeypatch.setattr(ablations, "score", lambda entry, *_: reached.append(entry.variant.name))
    words = ("--variant", "full", "--variant", "inter-only")
    result = run(data, tmp_path, "--study", "cminet", *words)
    assert reached == ["full", "inter-only"]
    of_page = f"{tmp_path / 'docs' / 'ablations.md'} is not written: {damaged} is damaged"
    assert result.output.count(of_page) == 2
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].endswith(f"because: {damaged} is damaged; remove it.")


def test_a_page_that_came_right_in_the_end_is_no_failure(data, tmp_path, monkeypatch):
    damaged = damaged_scores(tmp_path / "out", content="[1]")

    def remove_it_late(entry, *_):
        if entry.variant.name == "inter-only":
            damaged.unlink()

    monkeypatch.setattr(ablations, "train", lambda *_: None)
    monkeypatch.setattr(ablations, "score", remove_it_late)
    words = ("--variant", "full", "--variant", "inter-only")
    result = run(data, tmp_path, "--study", "cminet", *words)
    assert result.exit_code == 0, result.output
    assert "is not written" in result.output


def test_a_new_page_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    def disk_is_full(path, text, **_):
        path.write_bytes(text[:20].encode())
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        ablations.write_page(tmp_path / "docs" / "ablations.md", tmp_path / "out")
    assert not list((tmp_path / "docs").iterdir())


@pytest.fixture
def changed_record(data, tmp_path, monkeypatch):
    """The record of a training after ``train.yaml`` had an old text replaced by a new one."""
    shutil.copytree(bundle_root() / "configs", tmp_path / "bundle" / "configs")
    monkeypatch.setattr(trained, "bundle_root", lambda: tmp_path / "bundle")
    file = tmp_path / "bundle" / "configs" / "train.yaml"
    text = file.read_text()

    def record(old="", new=""):
        assert old in text
        file.write_text(text.replace(old, new, 1))
        where = trained.Data(data, data / "split.json")
        return trained.training_record(entry_of(CNN), trained.Budget(2, 32, 2, 3), where)

    return record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 20240419\n", "seed: 20240419\nadded: null\n"),
        ("  split_file: '@split'\n", "  split_file: '@split'\n  added: null\n"),
        ("checkpoint_minutes: 10", "checkpoint_minutes: 20"),
        ("iteration % 50", "iteration % 25"),
        ("epochs: 30", "epochs: 40"),  # the budget says how many
        ("  end_lr: 1.0e-6", "  end_lr: '@lowest'\nlowest: 1.0e-6"),
        ("_target_: mactfusion.networks.MACTFusion", "_target_: other"),  # CMINet is laid over it
    ],
)
def test_what_changes_nothing_in_a_training_leaves_it_the_same(changed_record, old, new):
    assert changed_record(old, new) == changed_record()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_norm: 1.0", "max_norm: 2.0"),
        ("end_lr: 1.0e-6", "end_lr: 1.0e-5"),
        ("> 0.05", "> 0.06"),
        ("prob: 0.5", "prob: 0.4"),
        ("weights: null", "weights: start.pt"),
    ],
)
def test_what_changes_a_training_makes_it_another(changed_record, old, new):
    assert changed_record(old, new) != changed_record()


def test_a_training_with_other_settings_is_moved_aside(tmp_path, monkeypatch, capsys):
    def bundle(*_, **__):
        (folder / "model.pt").write_bytes(b"new")
        return subprocess.CompletedProcess([], 0)

    folder = tmp_path / CNN
    monkeypatch.setattr(trained.subprocess, "run", bundle)
    monkeypatch.setattr(trained, "training_command", lambda *_: [])
    for seed in (1, 2, 3):
        trained.train(entry_of(CNN), {"seed": seed}, None, folder)
        told = capsys.readouterr().err
        assert (f"which is now {folder}.{seed - 1}." in told) == (seed > 1)
    folders = [folder.with_name(f"{folder.name}{end}") for end in (".1", ".2", "")]
    assert sorted(folder.parent.iterdir()) == sorted(folders)
    for seed, kept in enumerate(folders, start=1):
        assert trained.is_trained(kept, {"seed": seed})
    assert trained.begin(folder, {"seed": 3}) is None
    assert trained.is_trained(folder, {"seed": 3})


def test_replaced_pictures_are_scored_again(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    torch.manual_seed(0)
    save_state(DILRAN().state_dict(), tmp_path / "model.pt")
    pairs = find_pairs(tmp_path / "data", data / "split.json")[:1]
    where = trained.Data(data, data / "split.json")
    record = trained.training_record(entry_of(AUTO_ENCODER), trained.Budget(2, 32, 2, 3), where)

    def score():
        return scored.score(entry_of(RULE), tmp_path, record, pairs, tmp_path / "scores")

    first = score()
    with Image.open(pairs[0].partner) as picture:
        other = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other.save(pairs[0].partner)
    second = score()
    assert second["digest"] != first["digest"]
    assert second["means"] != first["means"]


def test_every_ablation_is_in_one_study():
    files = {path.stem for path in (bundle_root() / "configs" / "ablations").glob("*.yaml")}
    used = [entry.variant.override for entry in studies.entries() if entry.variant.override]
    assert sorted(used) == sorted(files)
    rules = {trained.read_config(entry)["network_def"].get("rule") for entry in studies.entries()}
    assert rules == {None, *RULES} - {"sfnn_max"}


@pytest.mark.parametrize("entry", studies.entries(), ids=lambda entry: entry.name)
def test_the_network_of_each_variant_takes_the_weights_of_its_training(entry, tmp_path):
    with torch.device("meta"):
        own, theirs = (
            trained.read_config(which).get_parsed_content("network_def").state_dict()
            for which in (entry, entry.trained)
        )
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in theirs.items()}
    assert entry.trained.trained == entry.trained


@pytest.mark.parametrize("study", studies.STUDIES, ids=lambda study: study.name)
def test_printed_figures_are_of_rows_and_columns_that_there_are(study):
    names = {variant.name for variant in study.variants}
    printed = study.printed or studies.Printed(RANKING, {})
    for task, rows in printed.figures.items():
        assert task in study.tasks
        assert set(rows) <= names
        assert {len(row) for row in rows.values()} == {len(printed.metrics)}
