"""A plan becomes results: each study claimed, fused in a folder aside, and put in place whole."""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from mactfusion.batch.claim import Claims
from mactfusion.batch.outcome import (
    BY_ANOTHER_RUN,
    DONE,
    LEFT_OUT,
    OUTCOME,
    STOPPED,
    UNCHANGED,
    Outcome,
    is_whole,
    read_outcome,
    write_outcome,
)
from mactfusion.batch.worker import Task
from mactfusion.errors import InputError, warn
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mactfusion.batch.fuse import Choices
    from mactfusion.batch.plan import Plan, Study

ASIDE = ".mactfusion-"
"""Begin of the name of what is not finished."""
_ASIDE = re.compile(re.escape(ASIDE) + r"[0-9a-f]{32}-(?:new|old)-(?P<study>.+)")
_GLANCE_S = 0.5


class Engine(Protocol):
    """Where studies are fused."""

    @property
    def has_room(self) -> bool:
        """Whether another task can be started."""

    @property
    def in_hand(self) -> list[Task]:
        """Tasks that have not ended."""

    def start(self, task: Task) -> None:
        """Begin with a task."""

    def finished(self, timeout_s: float) -> list[tuple[Task, Outcome | None]]:
        """Return tasks that have ended; None where they must be begun anew."""

    def end(self) -> None:
        """Drop what is in hand."""


@dataclass
class Run:
    """Does what is to do of a plan.

    Args:
        plan: the studies.
        output: folder of all results, a folder a study.
        choices: of all studies.
        overwrite: do again what is done.
        said: called with each outcome as it comes.
        is_stopped: asked between studies; what is in hand is dropped then.
    """

    plan: Plan
    output: Path
    choices: Choices
    overwrite: bool = False
    said: Callable[[Outcome], object] = lambda _: None
    is_stopped: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._queue: deque[Study] = deque(self.plan.to_do)
        self._elsewhere: list[Study] = []

    def do(self, engine: Engine) -> list[Outcome]:
        """Do all that can be done.

        Args:
            engine: where.

        Returns:
            What became of every study of the plan, in its order.

        Raises:
            InputError: the output folder cannot be written to.
        """
        try:
            with Claims(self.output) as claims:
                try:
                    self._work(engine, claims)
                finally:
                    in_hand = engine.in_hand
                    engine.end()
                    for task in in_hand:
                        _remove(task.folder)
        except OSError as error:
            raise InputError(
                f"{self.output} cannot be written to ({reason_of(error)}): what is done is "
                "kept, and the same command goes on from there."
            ) from error
        return [self._outcome_of(study) for study in self.plan.studies]

    def _work(self, engine: Engine, claims: Claims) -> None:
        while not self.is_stopped():
            while engine.has_room and (study := self._next(claims)) is not None:
                engine.start(self._task(study))
            if not engine.in_hand and not self._queue and not self._waits(claims):
                return
            for task, outcome in engine.finished(_GLANCE_S):
                if outcome is None:
                    name = task.study.name
                    warn(f"The process of {name} ended unexpectedly; the study is begun again.")
                    engine.start(self._task(task.study))
                else:
                    self._conclude(task, outcome, claims)

    def _next(self, claims: Claims) -> Study | None:
        """Return a study that is this run's now, if one is to be had."""
        while self._queue:
            study = self._queue.popleft()
            if claims.take(study.name):
                return study
            self._elsewhere.append(study)
        return None

    def _waits(self, claims: Claims) -> bool:
        """Look again at what other runs had: done, given up, or in the hands of one that lives."""
        for study in list(self._elsewhere):
            if claims.is_beating(study.name):
                self._elsewhere.remove(study)
                self._outcomes[study.name] = Outcome(study.name, BY_ANOTHER_RUN)
                self.said(self._outcomes[study.name])
        if not self._elsewhere:
            return False
        time.sleep(_GLANCE_S)
        self._queue.extend(self._elsewhere)
        self._elsewhere.clear()
        return True

    def _task(self, study: Study) -> Task:
        """Make the folder of a study, and sweep what runs that were killed have left of it."""
        for path in self.output.iterdir():
            if (found := _ASIDE.fullmatch(path.name)) and found["study"] == study.name:
                _remove(path)
        folder = self.output / f"{ASIDE}{uuid.uuid4().hex}-new-{study.name}"
        folder.mkdir()
        place = self.output / study.name
        known = read_outcome(place)
        is_known = known is not None and known.outcome == DONE and is_whole(place, known)
        key = known.key if known is not None and is_known and not self.overwrite else ""
        return Task(study, folder, self.choices, key)

    def _conclude(self, task: Task, outcome: Outcome, claims: Claims) -> None:
        """Put a result in place, if the study is still this run's."""
        name = task.study.name
        place = self.output / name
        if outcome.outcome == UNCHANGED:
            _remove(task.folder)
            known = read_outcome(place)
            outcome = outcome if known is None else replace(known, outcome=UNCHANGED)
        elif not claims.is_own(name):
            _remove(task.folder)
            outcome = Outcome(name, BY_ANOTHER_RUN)
        else:
            if not task.folder.joinpath(OUTCOME).is_file():  # its process died
                _remove(task.folder)
                task.folder.mkdir()
                write_outcome(task.folder, outcome)
            put_in_place(task.folder, place)
        claims.release(name)
        self._outcomes[name] = outcome
        self.said(outcome)

    def _outcome_of(self, study: Study) -> Outcome:
        if study.left_out:
            return Outcome(study.name, LEFT_OUT, study.left_out)
        return self._outcomes.get(study.name, Outcome(study.name, STOPPED))


def put_in_place(folder: Path, place: Path) -> None:
    """Give a finished folder its name; what others have put into the former one is kept.

    Raises:
        OSError: it cannot be renamed.
    """
    if place.exists():
        former = folder.with_name(folder.name.replace("-new-", "-old-", 1))
        known = read_outcome(place)
        own = {OUTCOME, *(known.files if known is not None else ())}
        place.rename(former)
        for path in former.iterdir():
            if path.name not in own and not folder.joinpath(path.name).exists():
                path.rename(folder / path.name)
        folder.rename(place)
        _remove(former)
    else:
        folder.rename(place)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
