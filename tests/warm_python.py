"""Python processes that begin with everything imported: forks of one that imported it once.

``python -m monai.bundle`` imports for seconds before its work begins. What a fork runs is the same
program in a process of its own, with its arguments, folder, variables, output and exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1] / "monai_bundle"
MODULES = (
    "fire",
    "ignite.engine",
    "matplotlib.pyplot",
    "monai.bundle",
    "monai.engines",
    "monai.handlers",
    "monai.inferers",
    "monai.transforms",
    "nibabel",
    "scipy.ndimage",
    "scipy.stats",
    "SimpleITK",
    "torch._dynamo",  # an optimiser imports it with its first step
    "torch.utils.tensorboard",
)
"""What the library needs, and never the library: which copy of it is imported is up to the fork."""


def run_anew(*words, cwd=".", variables=None):
    """Run ``python WORDS`` as users do, without a fork; return exit code and what was printed."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


class WarmPython:
    """Starts forks, as :mod:`subprocess` starts processes."""

    def __init__(self):
        words = [sys.executable, __file__]
        pipe = subprocess.PIPE
        self._parent = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)

    def start(self, *words, cwd=".", variables=None, output=os.devnull):
        """Start ``python WORDS``; return the process id.

        Args:
            words: ``-m MODULE ARGUMENT ...`` or ``-c PROGRAM``.
            cwd: the folder it runs in.
            variables: of its environment, beside those of this process.
            output: the file to append standard output and standard error to.
        """
        about = {"words": [str(word) for word in words], "cwd": str(Path(cwd).resolve())}
        about |= {"variables": {**os.environ, **(variables or {})}}
        return self._ask({**about, "output": str(Path(output).resolve())})

    def wait(self, process):
        """Wait for the end of a fork, however long it takes; return its exit code."""
        return self._ask({"wait": process, "options": 0})

    def poll(self, process):
        """Return the exit code of a fork, once; None while it runs."""
        return self._ask({"wait": process, "options": os.WNOHANG})

    def run(self, *words, **about):
        """Run to the end; return exit code and what was printed."""
        with tempfile.NamedTemporaryFile() as output:
            code = self.wait(self.start(*words, output=output.name, **about))
            return code, output.read().decode()

    def close(self):
        """End the process that imported everything."""
        self._parent.stdin.close()
        self._parent.wait()
        self._parent.stdout.close()

    def _ask(self, request):
        self._parent.stdin.write(json.dumps(request) + "\n")
        self._parent.stdin.flush()
        return json.loads(self._parent.stdout.readline())


def _next_fork():
    """Serve until this is a fork; return what to run, None at the end."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            ended, status = os.waitpid(request["wait"], request["options"])
            answer = os.waitstatus_to_exitcode(status) if ended else None
        elif not (answer := os.fork()):
            return request
        print(json.dumps(answer), flush=True)
    return None


def _become(words, cwd, variables, output):
    """Let this process look as if it had been started so."""
    given = os.open(os.devnull, os.O_RDONLY)
    printed = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for source, target in ((given, 0), (printed, 1), (printed, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    # Forget the project, should it be installed in place: what runs is the copy that is meant.
    others = [path for path in sys.path[1:] if path != str(LIBRARY)]
    named = [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [cwd, *named, *others]
    sys.argv[:] = words[1:]


if __name__ == "__main__":
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()  # else each fork looks through all of it several times as it ends
    if asked := _next_fork():
        _become(**asked)
        # Outside of any function, so that what is not caught ends the process as it ends Python.
        if asked["words"][0] == "-m":
            runpy.run_module(asked["words"][1], run_name="__main__", alter_sys=True)
        else:
            exec(asked["words"][1], {"__name__": "__main__"})
