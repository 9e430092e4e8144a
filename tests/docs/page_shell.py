"""A shell in the folder of a page, whose ``python`` and ``mactfusion`` begin at once.

Both words are small files in ``.venv/bin`` of the folder, which is first on PATH. They ask this
process for a fork of the warm Python, and end as it ends.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread

from blocks import ROOT

ASK = Path(__file__).with_name("ask_for_python.py")
ENTRY = ["-m", "mactfusion"]


class PageShell:
    """Runs blocks in a folder; the first ``mactfusion`` is a new process, as users have it."""

    def __init__(self, folder, warm):
        self.folder, self._warm = folder, warm
        self._printed = folder.parent / f"{folder.name}.txt"
        self._anew = True
        self._listener = Listener()
        programs = folder / ".venv/bin"
        programs.mkdir(parents=True)
        ask = [sys.executable, "-SE", str(ASK), self._listener.address]
        for name, words in {"python": ask, "mactfusion": [*ask, *ENTRY]}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            (programs / name).chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.variables = {"PATH": path, "PYTHONPATH": str(ROOT / "monai_bundle")}
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def bash(self, text):
        """Type a block; return the exit code of what failed first, else 0, and what was printed."""
        self._printed.write_text("")
        with self._printed.open("a") as printed:  # as the forks do
            done = subprocess.run(
                ["bash", "-e", "-c", text],
                cwd=self.folder,
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        return done.returncode, self._printed.read_text()

    def python(self, text):
        """Run a program; return exit code and what was printed."""
        return self._warm.run("-c", text, cwd=self.folder, variables=self.variables)

    def talk(self, command, lines):
        """Start a command and go through what is typed into it and what it answers.

        It is a new process: a fork of the warm Python reads nothing.

        Args:
            command: a line of bash.
            lines: ``(True, line)`` to type one, ``(False, line)`` where an answer is awaited.

        Returns:
            The exit code after the end of its input, and all answers.
        """
        self._anew = True
        with subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, **self.variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as process:
            answers = []
            for is_typed, line in lines:
                if is_typed:
                    process.stdin.write(f"{line}\n")
                else:
                    answers.append(process.stdout.readline().rstrip("\n"))
            rest, _ = process.communicate()
        return process.returncode, [*answers, *rest.splitlines()]

    def close(self):
        """Stop answering."""
        with Client(self._listener.address) as last:
            last.send(None)
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while True:
            with self._listener.accept() as connection:
                if (asked := connection.recv()) is None:
                    return
                connection.send(self._run(**asked))

    def _run(self, words, cwd, variables):
        """Exit code of a fork; None where a new process is to be started."""
        if words[0] not in ("-m", "-c") or (self._anew and words[1].startswith("mactfusion")):
            self._anew = False
            return None
        process = self._warm.start(*words, cwd=cwd, variables=variables, output=self._printed)
        return self._warm.wait(process)
