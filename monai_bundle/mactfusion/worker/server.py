"""The worker as a process: its requests, its parent and its end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psutil

from mactfusion import __version__
from mactfusion.worker.folder import make_private_folder, remove_folder
from mactfusion.worker.jobs import Jobs
from mactfusion.worker.pieces import Pieces
from mactfusion.worker.protocol import LONGEST_LINE, VERSION, Channel, RequestError, id_of, parse
from mactfusion.worker.streams import BoundedLog, claim_stdout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from mactfusion.worker.fusion import Fusion
    from mactfusion.worker.protocol import Request

GRACE_S = 5.0
"""How long the end waits for a batch, or for a file that is being written."""

_GLANCE_S = 0.5


def main() -> None:
    """Serve requests from standard input until it ends, or until the parent does."""
    parents = [os.getppid()]  # before anything shows that there is a worker: it may end at once
    parser = argparse.ArgumentParser(prog="python -m mactfusion.worker", description=__doc__)
    parser.add_argument("--log", type=Path, help="file for what would go to standard error")
    parser.add_argument(
        "--asker", type=int, metavar="PID", help="end with this process, beside the parent"
    )
    chosen = parser.parse_args()
    log = BoundedLog(chosen.log)
    # It may be out of sight, as from within a container; then the parent and the pipe tell.
    if chosen.asker is not None and psutil.pid_exists(chosen.asker):
        parents.append(chosen.asker)
    channel = Channel(claim_stdout())
    server = Server(make_private_folder(), channel, log, parents)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # Ctrl-C in a terminal reaches the parent too, which decides what becomes of the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = 0
    try:
        server.start()
        server.serve(sys.stdin.buffer)
    except Exception:
        traceback.print_exc()  # the log is all that is left of it
        code = 1
    finally:
        server.end(code)


class Server:
    """Answers requests until there are no more.

    Args:
        folder: private to this process; gone at the end.
        channel: where replies go.
        log: kept small meanwhile.
        parents: the parent, and others whose end is the end of this one.
    """

    def __init__(
        self, folder: Path, channel: Channel, log: BoundedLog, parents: Sequence[int]
    ) -> None:
        self._folder = folder
        self._channel = channel
        self._log = log
        self._pieces = Pieces(folder)
        self._jobs: Jobs | None = None
        self._fusion: Fusion | None = None
        self._ending = threading.RLock()
        threading.Thread(target=self._watch, args=(parents,), daemon=True).start()

    def start(self) -> None:
        """Import what takes seconds; the parent is watched already.

        Raises:
            ImportError: a library is missing or broken, which was said.
            OSError: likewise.
        """
        try:
            from mactfusion.worker.fusion import Fusion
        except (ImportError, OSError) as error:
            sentence = f"The libraries of the worker cannot be loaded: {error}."
            self._channel.error(None, "installation", sentence)
            raise
        self._fusion = Fusion(self._folder, self._channel)
        self._jobs = Jobs(self._fusion.work, self._channel)

    def serve(self, requests: BinaryIO) -> None:
        """Answer lines until the stream ends or ``shutdown`` comes."""
        while line := requests.readline(LONGEST_LINE):
            if not line.strip():
                continue
            try:
                if not line.endswith(b"\n") and not self._skip(requests):
                    return  # the parent went in the middle of a line
                request = parse(line)
                if request.kind == "shutdown":
                    self._channel.send("result", request.id)
                    return
                self._answer(request)
            except RequestError as error:
                self._channel.error(id_of(line), error.code, str(error))

    def end(self, code: int = 0) -> NoReturn:
        """Stop the jobs, remove the folder, and leave without waiting for any thread."""
        with self._ending:
            if self._jobs is not None:
                self._jobs.stop(GRACE_S)
            remove_folder(self._folder)
            os._exit(code)

    def _answer(self, request: Request) -> None:
        assert self._jobs is not None and self._fusion is not None  # noqa: PT018, S101  start() did
        if request.kind == "hello":
            self._hello(request)
        elif request.kind in ("put", "get", "drop"):
            answer = getattr(self._pieces, request.kind)
            self._channel.send("result", request.id, **answer(request))
        elif request.kind == "cancel":
            found = self._jobs.cancel(request.get("target", int))
            self._channel.send("result", request.id, found=found)
        elif request.kind == "probe":
            self._channel.send("result", request.id, **self._fusion.probe(request))
        else:
            self._jobs.add(request)

    def _hello(self, request: Request) -> None:
        from mactfusion.option_table import defaults
        from mactfusion.worker.machine import devices, models, versions

        asked = request.get("protocol", int)
        if asked != VERSION:
            raise RequestError(
                "protocol",
                f"The panel speaks version {asked} of the protocol and the library version "
                f"{VERSION}; install the versions that belong together.",
            )
        self._channel.send(
            "result",
            request.id,
            protocol=VERSION,
            version=__version__,
            versions=versions(),
            pid=os.getpid(),
            folder=str(self._folder),
            devices=devices(),
            models=models(),
            options=defaults(),
        )

    @staticmethod
    def _skip(requests: BinaryIO) -> bool:
        """Skip the rest of a line that is too long; False where the stream ends before it does."""
        while rest := requests.readline(LONGEST_LINE):
            if rest.endswith(b"\n"):
                raise RequestError("bad-request", f"A line may have {LONGEST_LINE} bytes.")
        return False

    def _watch(self, parents: Sequence[int]) -> None:
        """End with the parent, whose end of the pipe another process may have inherited.

        The parent may be a launcher, which outlives the application that asks.
        """
        own = parents[0]
        # Some systems hide the processes of others; the parent that left is known all the same.
        processes = [each for each in map(_visible, parents) if each is not None]
        is_there = os.name != "nt" or len(processes) == len(parents)
        while is_there and os.getppid() == own and all(_runs(each) for each in processes):
            self._log.trim()
            time.sleep(_GLANCE_S)
        self.end()


def _visible(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that is dead and not yet collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
