"""The figures of a release: what is run is what the pages print, and it runs."""

from __future__ import annotations

import importlib
import subprocess

import pytest
import typer

from training import release_figures
from training.made import ROOT
from training.release_figures import DOCS, NEED_DATA, STEPS, Step

PRINTED = {"cases.png": "trust.md"}
"""The page of a picture."""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.module)
def test_a_command_is_the_one_that_its_page_prints(step):
    page = ROOT / DOCS / PRINTED.get(step.file, step.file)
    command = " ".join(["python", *step.command()])
    if step.file in PRINTED:  # it is where the command writes by itself
        command = command.removesuffix(f" {step.option} {DOCS / step.file}")
    assert f"{command}\n" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.module)
def test_a_trial_is_a_command_too(step, tmp_path):
    one = typer.Typer()
    one.command()(importlib.import_module(step.module).main)
    words = step.command(tmp_path, is_trial=True)[2:]
    context = typer.main.get_command(one).make_context("step", words)
    assert str(tmp_path / step.file) in map(str, context.params.values())
    context.close()


def test_commands_of_one_page_run_in_the_order_printed():
    text = (ROOT / DOCS / "benchmark.md").read_text(encoding="utf-8")
    modules = [step.module for step in STEPS if step.file == "benchmark.md"]
    places = [text.index(f"-m {module}") for module in modules]
    assert places == sorted(places)
    assert text.count("-m training.") == len(modules)


def test_every_page_with_figures_is_made_or_named():
    made = {step.file for step in STEPS} | set(NEED_DATA)
    folder = ROOT / DOCS
    with_figures = {
        str(page.relative_to(folder))
        for page in folder.rglob("*.md")
        if "\n*Written on " in page.read_text(encoding="utf-8")
    }
    assert with_figures - {"all_scores.md"} <= made  # by the command of results.md
    assert all((folder / page).is_file() for page in made)


def test_a_trial_runs_the_smallest_on_copies_alone(tmp_path, monkeypatch, capfd):
    (tmp_path / "small_figures.py").write_text(
        "import os, sys\n"
        "*words, option, file = sys.argv[1:]\n"
        "print(words, option, os.environ['OMP_NUM_THREADS'])\n"
        "open(file, 'a').write('new')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    step = Step("small_figures", "--size 5", "--size 1", "--page", "adr/README.md")
    monkeypatch.setattr(release_figures, "STEPS", (step, step))
    before = (ROOT / DOCS / step.file).read_text(encoding="utf-8")
    release_figures.main(tmp_path / "trial")
    assert (tmp_path / "trial" / step.file).read_text(encoding="utf-8") == f"{before}newnew"
    assert (ROOT / DOCS / step.file).read_text(encoding="utf-8") == before
    assert capfd.readouterr().out.count("['--size', '1'] --page 1\n") == 2


def test_a_step_that_fails_ends_it(tmp_path, monkeypatch):
    wrong = Step("training.benchmarks.nothing", "", "", "--page", "benchmark.md")
    monkeypatch.setattr(release_figures, "STEPS", (wrong,))
    with pytest.raises(subprocess.CalledProcessError):
        release_figures.main(tmp_path)
