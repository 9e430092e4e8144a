"""Which run works on a study: a file with its owner and a heartbeat, on any shared drive.

A run makes the file of a study before it begins, and takes it away afterwards. While it lives it
counts up in it. Whoever finds the file of a process of this machine that is no more, or one that
has not been counted up for :data:`SILENCE_S` of the finder's own clock, takes the study over. No
two clocks are compared, so that one set back harms nobody.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

FOLDER = ".mactfusion-claims"
BEAT_S = 10.0
SILENCE_S = 60.0


@dataclass(frozen=True)
class _Owner:
    host: str
    pid: int
    started: float
    token: str
    beat: int

    @property
    def is_gone(self) -> bool:
        """Whether it is a process of this machine that is no more."""
        if self.host != socket.gethostname():
            return False
        try:
            return psutil.Process(self.pid).create_time() != self.started
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False


class Claims:
    """The studies of an output folder that one run works on; a context that ends with none.

    Args:
        output: the folder of all results.

    Raises:
        OSError: the folder cannot be written to.
    """

    def __init__(self, output: Path) -> None:
        self._folder = output / FOLDER
        self._own: dict[str, int] = {}
        self._seen: dict[str, tuple[_Owner, float]] = {}
        self._first: dict[str, int] = {}
        self._token = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="claims", daemon=True)

    def __enter__(self) -> Claims:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._heart.join()
        for study in list(self._own):
            self.release(study)
        with suppress(OSError):  # another run has a claim in it
            self._folder.rmdir()

    def take(self, study: str) -> bool:
        """Claim a study; False where another run that may be alive has it.

        Raises:
            OSError: the folder cannot be written to.
        """
        path = self._path(study)
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._made(path):
            return self._took(study)
        owner = _read(path)
        if owner is None or not self._is_silent(study, owner):
            return owner is None and not path.exists() and self._made(path) and self._took(study)
        # One rename of this file succeeds; what was renamed is looked at, as it may be a new one.
        aside = path.with_name(f"{path.name}.{self._token}")
        try:
            path.rename(aside)
        except OSError:
            return False
        found = _read(aside)
        if found is not None and found.token != owner.token:
            with suppress(OSError):
                os.link(aside, path)
            aside.unlink(missing_ok=True)
            return False
        aside.unlink(missing_ok=True)
        return self._made(path) and self._took(study)

    def is_own(self, study: str) -> bool:
        """Tell whether a study is still this run's: one that slept too long has lost it."""
        owner = _read(self._path(study))
        return study in self._own and owner is not None and owner.token == self._token

    def is_beating(self, study: str) -> bool:
        """Tell whether another run has counted up the claim of a study since it was seen first."""
        seen, _ = self._seen.get(study, (None, 0.0))
        return seen is not None and seen.beat > self._first[study]

    def release(self, study: str) -> None:
        """Let go of a study."""
        is_own = self.is_own(study)
        with self._lock:
            self._own.pop(study, None)
            if is_own:
                self._path(study).unlink(missing_ok=True)

    def _took(self, study: str) -> bool:
        with self._lock:
            self._own[study] = 0
        self._seen.pop(study, None)
        return True

    def _path(self, study: str) -> Path:
        return self._folder / f"{study}.json"

    def _made(self, path: Path) -> bool:
        """Make a file with its content in one step, where there is none of this name."""
        complete = path.with_name(f"{path.name}.{self._token}.new")
        complete.write_text(self._content(0), encoding="utf-8")
        try:
            os.link(complete, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(self._content(0))
            except FileExistsError:
                return False
        finally:
            complete.unlink(missing_ok=True)
        return True

    def _content(self, beat: int) -> str:
        process = psutil.Process()
        return json.dumps(
            {
                "host": socket.gethostname(),
                "pid": process.pid,
                "started": process.create_time(),
                "token": self._token,
                "beat": beat,
            }
        )

    def _is_silent(self, study: str, owner: _Owner) -> bool:
        if owner.is_gone:
            return True
        seen, since = self._seen.get(study, (None, 0.0))
        if seen != owner:
            if seen is None or seen.token != owner.token:
                self._first[study] = owner.beat
            self._seen[study] = (owner, time.monotonic())
            return False
        return time.monotonic() - since > SILENCE_S

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            with self._lock:
                for study, beat in self._own.items():
                    if not self.is_own(study):
                        continue
                    self._own[study] = beat + 1
                    path = self._path(study)
                    complete = path.with_name(f"{path.name}.{self._token}.new")
                    with suppress(OSError):  # a drive that is away for a moment
                        complete.write_text(self._content(beat + 1), encoding="utf-8")
                        complete.replace(path)


def _read(path: Path) -> _Owner | None:
    """Return the owner that a file names, nobody known of one that cannot be read; None of none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        return _Owner(**json.loads(text))
    except (ValueError, TypeError):
        return _Owner(host="", pid=0, started=0.0, token=text, beat=0)
