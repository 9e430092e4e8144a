"""What a run says to machines while it goes on: JSON lines, and metrics for Prometheus.

Neither holds more of a patient than the summary does. What cannot be written once the run has
begun is said once, and the run goes on.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from mactfusion.batch.outcome import DONE, FAILED
from mactfusion.errors import InputError, warn
from mactfusion.io.atomic import atomic_path
from mactfusion.io.names import check_place
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mactfusion.batch.outcome import Outcome

_LOGGED = ("study", "outcome", "sentence", "task", "verdict", "coverage", "seconds", "gigabytes")
_BUCKETS_S = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)


class Monitor:
    """A file that follows a run.

    Args:
        path: the file.
    """

    called = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_said = False

    def begin(self, to_do: int) -> None:
        """Write that a run has begun.

        Raises:
            InputError: the file cannot be written.
        """
        failure = f"The {self.called} {self.path} cannot be written"
        check_place(self.path, True, failure)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.write_begin(to_do)
        except OSError as error:
            raise InputError(f"{failure}: {reason_of(error)}.") from error

    def study(self, outcome: Outcome) -> None:
        """Write what became of a study."""
        self._keep_on(lambda: self.write_study(outcome))

    def end(self) -> None:
        """Write that the run has ended."""
        self._keep_on(self.write_end)

    def write_begin(self, to_do: int) -> None:
        """Write the first of it."""
        raise NotImplementedError

    def write_study(self, outcome: Outcome) -> None:
        """Write one outcome."""
        raise NotImplementedError

    def write_end(self) -> None:
        """Write the last of it."""
        raise NotImplementedError

    def _keep_on(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            if not self._is_said:
                self._is_said = True
                warn(f"The {self.called} {self.path} cannot be written: {reason_of(error)}.")


class JsonLog(Monitor):
    """Appends a line for each event; more than one run may write to it."""

    called = "log"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._run = uuid.uuid4().hex[:12]

    def write_begin(self, to_do: int) -> None:
        """Write a line."""
        self._write("run started", to_do=to_do)

    def write_study(self, outcome: Outcome) -> None:
        """Write a line."""
        told = {name: getattr(outcome, name) for name in _LOGGED}
        self._write("study", **{name: value for name, value in told.items() if value})

    def write_end(self) -> None:
        """Write a line."""
        self._write("run ended")

    def _write(self, event: str, **what: Any) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "run": self._run, "event": event, **what})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class Metrics(Monitor):
    """Keeps a text file for the collector of Prometheus' node exporter, replaced in one step.

    Args:
        path: the file.

    Raises:
        InputError: the package is not installed, or the collector would pass the name over.
    """

    called = "metrics"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if path.suffix != ".prom":
            raise InputError(
                f"The metrics {path} cannot be written: their name must end in .prom, which the "
                "collector looks for."
            )
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError:
            raise InputError(
                "--metrics needs prometheus-client, which is not installed: "
                "pip install 'mactfusion[batch]'."
            ) from None
        registry = self._registry = CollectorRegistry()
        self._to_do = Gauge(
            "mactfusion_batch_to_do", "Studies without an outcome.", registry=registry
        )
        self._running = Gauge("mactfusion_batch_running", "1 while it runs.", registry=registry)
        self._latest = Gauge(
            "mactfusion_batch_latest_outcome_timestamp_seconds",
            "When a study came to its outcome last.",
            registry=registry,
        )
        self._studies = Counter(
            "mactfusion_batch_studies", "Studies by outcome.", ["outcome"], registry=registry
        )
        self._seconds = Histogram(
            "mactfusion_batch_study_seconds",
            "Time of a study that was fused.",
            buckets=_BUCKETS_S,
            registry=registry,
        )

    def write_begin(self, to_do: int) -> None:
        """Write all studies as to be done."""
        self._to_do.set(to_do)
        self._running.set(1)
        for outcome in (DONE, FAILED):
            self._studies.labels(outcome)
        self._write()

    def write_study(self, outcome: Outcome) -> None:
        """Count one."""
        self._studies.labels(outcome.outcome).inc()
        self._to_do.dec()
        self._latest.set_to_current_time()
        if outcome.outcome == DONE and outcome.seconds is not None:
            self._seconds.observe(outcome.seconds)
        self._write()

    def write_end(self) -> None:
        """Write that it runs no more."""
        self._running.set(0)
        self._write()

    def _write(self) -> None:
        from prometheus_client import generate_latest

        with atomic_path(self.path) as unfinished:
            unfinished.write_bytes(generate_latest(self._registry))


def monitors(log: Path | None, metrics: Path | None) -> list[Monitor]:
    """Return what was asked for.

    Args:
        log: file of JSON lines.
        metrics: text file for Prometheus.

    Raises:
        InputError: a package for it is not installed.
    """
    chosen: list[Monitor] = [] if log is None else [JsonLog(log)]
    return chosen if metrics is None else [*chosen, Metrics(metrics)]
