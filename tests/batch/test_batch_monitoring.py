"""What a run says to machines: JSON lines and metrics, while it goes on and where they fail."""

from __future__ import annotations

import json
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mactfusion.batch.monitoring import JsonLog, Metrics, monitors
from mactfusion.batch.outcome import Outcome
from mactfusion.errors import InputError, listening

DONE = Outcome("a", "done", task="pet-mri", verdict="in place", coverage=1.0, seconds=3.5)
FAILED = Outcome("b", "failed", "It cannot be read.", seconds=0.5)


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def values_of(path):
    """Sample values by name and labels, as Prometheus' own parser reads them."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_log_has_a_line_an_event_and_runs_add_to_it(tmp_path):
    path = tmp_path / "logs" / "run.jsonl"
    for _ in range(2):
        log = JsonLog(path)
        log.begin(2)
        log.study(DONE)
        log.study(FAILED)
        log.end()
    lines = lines_of(path)
    assert [line["event"] for line in lines] == ["run started", "study", "study", "run ended"] * 2
    assert lines[0]["to_do"] == 2
    assert (lines[1]["study"], lines[1]["outcome"], lines[1]["seconds"]) == ("a", "done", 3.5)
    assert lines[2]["sentence"] == "It cannot be read."
    assert len({line["run"] for line in lines}) == 2
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_metrics_are_what_prometheus_reads(tmp_path):
    path = tmp_path / "mactfusion.prom"
    metrics = Metrics(path)
    metrics.begin(3)
    found = values_of(path)
    assert found["mactfusion_batch_to_do",] == 3
    assert found["mactfusion_batch_running",] == 1
    assert found["mactfusion_batch_studies_total", "failed"] == 0
    metrics.study(DONE)
    metrics.study(FAILED)
    metrics.end()
    found = values_of(path)
    assert found["mactfusion_batch_to_do",] == 1
    assert found["mactfusion_batch_running",] == 0
    assert found["mactfusion_batch_studies_total", "done"] == 1
    assert found["mactfusion_batch_studies_total", "failed"] == 1
    assert found["mactfusion_batch_study_seconds_sum",] == 3.5
    assert found["mactfusion_batch_study_seconds_bucket", "2.0"] == 0
    assert found["mactfusion_batch_study_seconds_bucket", "5.0"] == 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", [JsonLog, Metrics])
def test_what_cannot_be_written_is_refused_at_the_start_and_said_once_later(tmp_path, kind):
    folder = tmp_path / "a"
    monitor = kind(folder / "m.prom")
    folder.write_text("a file")
    with pytest.raises(InputError, match="is no folder"):
        monitor.begin(2)
    folder.unlink()
    monitor.begin(2)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("a file")
    said = []
    with listening(said.append):
        monitor.study(DONE)
        monitor.study(FAILED)
        monitor.end()
    assert len(said) == 1
    assert said[0].startswith(f"The {kind.called} {monitor.path} cannot be written: ")


def test_metrics_that_nobody_would_find_or_without_their_package_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"must end in \.prom"):
        monitors(None, tmp_path / "metrics.txt")
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(InputError, match=r"pip install 'mactfusion\[batch\]'"):
        monitors(None, tmp_path / "m.prom")
    assert monitors(None, None) == []
