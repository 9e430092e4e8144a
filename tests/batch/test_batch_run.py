"""A run: results equal those of one fusion, failures stay alone, nothing is done twice."""

from __future__ import annotations

import csv
import json
import shutil
import threading

import nibabel
import numpy as np
import pytest
from here_engine import HereEngine
from PIL import Image

from mactfusion.batch.claim import Claims
from mactfusion.batch.folders import studies_of_folders
from mactfusion.batch.fuse import Choices
from mactfusion.batch.outcome import OUTCOME, read_outcome
from mactfusion.batch.plan import Plan, checked_plan
from mactfusion.batch.run import Run
from mactfusion.batch.summary import write_summary
from mactfusion.batch.table import studies_of_table
from mactfusion.errors import InputError
from mactfusion.pipeline import fuse_volumes


def outcomes_of(found):
    return [outcome.outcome for outcome in found.values()]


def test_a_study_equals_one_fusion_to_the_byte(archive, plan, run, output, tmp_path, pixel_maximum):
    options = {"register": "check", "check": True, "provenance": True, "lost_map": True}
    run(plan, common=options, report=True)
    alone = tmp_path / "alone" / "fused.nii.gz"
    fuse_volumes(
        archive / "mr" / "b.nii.gz",
        archive / "pet" / "b.nii.gz",
        output=alone,
        task="pet-mri",
        weights=pixel_maximum,
        **options,
    )
    volumes = sorted(path.name for path in alone.parent.glob("*.nii.gz"))
    assert len(volumes) == 3
    for name in volumes:
        assert (output / "b" / name).read_bytes() == (alone.parent / name).read_bytes()
    ours, theirs = (
        json.loads((folder / "fused.nii.gz.json").read_text())
        for folder in (output / "b", alone.parent)
    )
    for record in (ours, theirs):
        del record["date"], record["seconds"]
    assert ours == theirs


def test_a_folder_has_result_record_pages_and_outcome(plan, run, output):
    found = run(plan, report=True)
    assert outcomes_of(found) == ["done"] * 3
    assert sorted(path.name for path in output.iterdir()) == ["a", "b", "c"]
    assert sorted(path.name for path in (output / "a").iterdir()) == [
        "fused.nii.gz", "fused.nii.gz.json", OUTCOME, "picture.png", "report.html",
    ]  # fmt: skip
    outcome = read_outcome(output / "a")
    assert outcome == found["a"]
    assert (outcome.task, outcome.verdict, outcome.coverage) == ("pet-mri", "not checked", 1.0)
    assert outcome.gigabytes > 0


def test_pictures_become_pictures(tmp_path, run, output):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16)).astype(np.uint8)
    for folder, values in {"one": pixels, "two": pixels[::-1]}.items():
        (tmp_path / folder).mkdir()
        Image.fromarray(values).save(tmp_path / folder / "p.png")
    studies = studies_of_folders(tmp_path / "one", tmp_path / "two")
    assert outcomes_of(run(checked_plan(studies, {}))) == ["done"]
    assert (output / "p" / "fused.png").is_file()


def test_a_failure_stays_alone_and_names_nobody(archive, plan, run, output):
    (archive / "mr" / "b.nii.gz").write_bytes(b"no volume")
    found = run(plan)
    assert outcomes_of(found) == ["done", "failed", "done"]
    assert found["b"].sentence.startswith("The anatomical volume cannot be read")
    assert "b.nii" not in found["b"].sentence
    assert [path.name for path in (output / "b").iterdir()] == [OUTCOME]
    named = run(plan, common={"keep_names": True})
    assert str(archive / "mr" / "b.nii.gz") in named["b"].sentence


def test_a_fault_of_the_program_is_a_failure_too(plan, run, monkeypatch):
    def break_down(*_, **__):
        raise RuntimeError("secret")

    monkeypatch.setattr("mactfusion.batch.fuse.fuse_checked", break_down)
    found = run(plan)
    assert outcomes_of(found) == ["failed"] * 3
    assert "RuntimeError" in found["a"].sentence
    assert "secret" not in found["a"].sentence


def test_what_is_done_is_not_done_again(plan, run, output):
    run(plan)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}
    engine = HereEngine()
    found = run(plan, engine=engine)
    assert outcomes_of(found) == ["unchanged"] * 3
    assert engine.asked == []
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert found["a"].task == "pet-mri"


@pytest.mark.parametrize("change", ["option", "report", "volume", "lost file", "overwrite"])
def test_what_has_changed_is_done_again(plan, run, archive, output, change, mr):
    run(plan)
    how = {}
    if change == "option":
        how["common"] = {"window": ["40,80"]}
    elif change == "report":
        how["report"] = True
    elif change == "overwrite":
        how["overwrite"] = True
    elif change == "lost file":
        for name in "abc":
            (output / name / "fused.nii.gz").unlink()
    else:
        for name in "abc":
            nibabel.save(nibabel.Nifti1Image(mr[0] * 2, mr[1]), archive / "mr" / f"{name}.nii.gz")
    assert outcomes_of(run(plan, **how)) == ["done"] * 3


def test_options_and_names_of_a_table_count(archive, tmp_path, run, output):
    table = tmp_path / "archive" / "plan.csv"
    table.write_text(
        "study,anatomical,partner,luminance\nfirst,mr/a.nii.gz,pet/a.nii.gz,true\n"
        "second,mr/a.nii.gz,pet/a.nii.gz,\n"
    )
    assert outcomes_of(run(checked_plan(studies_of_table(table), {}))) == ["done"] * 2
    shapes = [nibabel.load(output / name / "fused.nii.gz").dataobj.dtype for name in ("first",)]
    assert shapes[0].names is None
    assert nibabel.load(output / "second" / "fused.nii.gz").dataobj.dtype.names == ("R", "G", "B")


def test_a_failed_study_is_tried_again(archive, plan, run):
    good = (archive / "mr" / "b.nii.gz").read_bytes()
    (archive / "mr" / "b.nii.gz").write_bytes(b"no volume")
    run(plan)
    (archive / "mr" / "b.nii.gz").write_bytes(good)
    assert outcomes_of(run(plan)) == ["unchanged", "done", "unchanged"]


def test_what_others_put_into_a_folder_stays(plan, run, output):
    run(plan)
    (output / "a" / "opinion.txt").write_text("looks right")
    run(plan, overwrite=True)
    assert (output / "a" / "opinion.txt").read_text() == "looks right"


def test_a_folder_of_others_is_not_replaced(plan, run, output):
    (output / "b").mkdir(parents=True)
    (output / "b" / "thesis.txt").write_text("all of it")
    assert outcomes_of(run(plan)) == ["done", "done", "done"]
    assert (output / "b" / "thesis.txt").read_text() == "all of it"


def test_leftovers_of_runs_that_were_killed_are_swept(plan, run, output):
    for study in ("a", "b"):
        for kind in ("new", "old"):
            folder = output / f".mactfusion-{'0' * 32}-{kind}-{study}"
            folder.mkdir(parents=True)
            (folder / "half.nii.gz").write_bytes(b"half")
    own = output / ".mactfusion-of-somebody"
    own.mkdir()
    run(plan)
    assert sorted(path.name for path in output.iterdir()) == [own.name, "a", "b", "c"]


def test_two_runs_share_the_work(plan, output, pixel_maximum):
    output.mkdir()
    options = {"task": "pet-mri", "register": "off", "check": False, "weights": pixel_maximum}
    meet = threading.Barrier(2, timeout=300)
    engines = [
        HereEngine(before=lambda _, seen=[]: seen or (seen.append(1), meet.wait())) for _ in "12"
    ]
    found = {}

    def do(engine):
        found[engine] = Run(plan, output, Choices(options, report=False)).do(engine)

    threads = [threading.Thread(target=do, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fused = [one.study for run in found.values() for one in run if one.outcome == "done"]
    assert sorted(fused) == ["a", "b", "c"]
    assert {one.outcome for run in found.values() for one in run} <= {"done", "unchanged"}


def test_what_a_run_that_lives_has_is_left_to_it(plan, run, output, monkeypatch):
    monkeypatch.setattr("mactfusion.batch.claim.BEAT_S", 0.05)
    output.mkdir()
    with Claims(output) as other:
        assert other.take("b")
        assert outcomes_of(run(plan)) == ["done", "by another run", "done"]
        assert not (output / "b").exists()


def test_a_run_that_lost_its_study_keeps_its_hands_off(plan, run, output):
    def lose(task):
        path = output / ".mactfusion-claims" / f"{task.study.name}.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "token": "other"}))

    found = run(Plan(plan.studies[:1]), engine=HereEngine(before=lose))
    assert outcomes_of(found) == ["by another run"]
    assert not (output / "a").exists()


def test_a_run_that_is_stopped_leaves_nothing_half(plan, run, output):
    stopped = []

    def stop(task):
        stopped.append(task)
        (task.folder / "fused.nii.gz").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan, engine=HereEngine(before=stop))
    assert list(output.iterdir()) == []
    found = run(plan, is_stopped=lambda: True)
    assert outcomes_of(found) == ["not begun"] * 3
    assert list(output.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_said(plan, run, output, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mactfusion.batch.run.put_in_place", refuse)
    with pytest.raises(InputError, match=r"the disk is full.*goes on from there"):
        run(plan)


def test_the_summary_has_a_line_a_study(archive, plan, run, output):
    (archive / "mr" / "b.nii.gz").write_bytes(b"no volume")
    path = write_summary(output, list(run(plan).values()))
    lines = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [line["outcome"] for line in lines] == ["done", "failed", "done"]
    assert [line["task"] for line in lines] == ["pet-mri", "", "pet-mri"]
    assert float(lines[0]["coverage"]) == 1
    assert "key" not in lines[0]
    pyarrow = pytest.importorskip("pyarrow.parquet")
    assert pyarrow.read_table(path.with_suffix(".parquet")).num_rows == 3
    shutil.rmtree(output)
