"""The ablations: two small trainings as the command runs them, and the page about them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from small_ablations import AUTO_ENCODER, CNN, RULE, entry_of, run, scores_of, section
from warm_python import LIBRARY

from mactfusion.engine import read_checkpoint
from mactfusion.engine.checkpoint import BEFORE, NEWEST
from mactfusion.metrics import METRICS, RANKING
from mactfusion.networks.cminet import CMINet
from mactfusion.networks.dilran import DILRAN
from mactfusion.weights import load_weights, save_state
from training.ablation import scored, trained
from training.comparison.scores import find_pairs, read_fused, read_sources

TWO = ("--study", "cminet", "--study", "dilran-rules", "--variant", "inter-only")
TWO += ("--variant", "average", "--variant", "sfnn-max")


@pytest.fixture(scope="module")
def warm_trainings(warm):
    """``with warm_trainings():`` the command's trainings begin with everything imported."""

    @contextmanager
    def replaced():
        def run(command, stdout, **_):
            about = {"output": stdout.name, "variables": {"PYTHONPATH": str(LIBRARY)}}
            process = warm.start(*command[1:], **about)
            return subprocess.CompletedProcess(command, warm.wait(process))

        stand_in = SimpleNamespace(run=run, STDOUT=subprocess.STDOUT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trained, "subprocess", stand_in)
            yield

    return replaced


@pytest.fixture(scope="module")
def finished(data, warm_trainings, tmp_path_factory):
    """A folder with two trainings of two steps, three rows of scores and the page."""
    root = tmp_path_factory.mktemp("finished")
    with warm_trainings():
        result = run(data, root, *TWO)
    assert result.exit_code == 0, result.output
    return root


def newest_checkpoint(folder):
    """The newest that there is: a process can be killed between the two renames of a save."""
    files = [path for name in (NEWEST, BEFORE) if (path := folder / "checkpoints" / name).is_file()]
    return read_checkpoint(files[0])


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
def test_other_options_train_again_and_an_interrupted_training_goes_on(
    data, finished, warm, tmp_path
):
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
    process = warm.start(*words[1:], variables={"PYTHONPATH": str(LIBRARY)})
    while not newest.is_file():
        assert warm.poll(process) is None
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    assert warm.wait(process) == -signal.SIGKILL
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
def test_a_training_that_fails_names_its_log_and_the_others_go_on(
    data, finished, warm_trainings, tmp_path
):
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(finished / "out" / AUTO_ENCODER, tmp_path / "out" / AUTO_ENCODER)
    (tmp_path / "data" / "CT-MRI" / "train" / "CT" / "1001.png").write_bytes(b"no picture")
    with warm_trainings():
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
