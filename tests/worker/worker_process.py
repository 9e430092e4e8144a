"""A real worker process, spoken to as a panel would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue

import numpy as np
import psutil

PATIENCE_S = 300
LIBRARY = Path(__file__).resolve().parents[2] / "monai_bundle"


class Worker:
    """Starts the process and speaks the protocol."""

    def __init__(self, temporary, *arguments, before=""):
        self.temporary = temporary
        environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(LIBRARY)}
        entry = [
            sys.executable,
            "-c",
            f"from mactfusion.lean import leave_out_training; leave_out_training()\n{before}\n"
            "from mactfusion.worker.server import main; main()",
        ]
        command = entry if before else [sys.executable, "-m", "mactfusion.worker"]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.lines = Queue()
        self.past = []
        threading.Thread(target=self._read, daemon=True).start()
        self.last_id = 0

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def send(self, request, **fields):
        self.last_id += 1
        self.write(json.dumps({"id": self.last_id, "request": request, **fields}).encode())
        return self.last_id

    def send_together(self, request, *each):
        """Send requests of one kind so that none is answered before the last has come."""
        ids = [self.last_id + 1 + place for place in range(len(each))]
        self.last_id = ids[-1]
        lines = [
            json.dumps({"id": number, "request": request, **fields}).encode()
            for number, fields in zip(ids, each, strict=True)
        ]
        self.write(b"\n".join(lines))
        return ids

    def write(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def next(self, patience_s=PATIENCE_S):
        try:
            self.past.append(self.lines.get(timeout=patience_s))
        except Empty:
            raise AssertionError(f"no reply; before came {self.past}") from None
        return self.past[-1]

    def last_reply(self, request):
        """Wait for the one reply that ends a request."""
        while True:
            for reply in self.past:
                if reply["id"] == request and reply["reply"] in ("result", "error"):
                    return reply
            self.next()

    def ask(self, request, **fields):
        return self.last_reply(self.send(request, **fields))

    def hello(self):
        reply = self.ask("hello", protocol=2)
        self.folder = Path(reply["folder"])
        return reply

    def load(self, volume, **about):
        array, affine = volume
        np.save(self.folder / "volume.npy", kji(array))
        return self.ask("load", file="volume.npy", affine=affine.tolist(), **about)["volume"]

    def voxels(self, reply):
        path = self.folder / reply["file"]
        voxels = np.load(path)
        path.unlink()
        return kji(voxels)

    def said(self, request, kind):
        return [r for r in self.past if r["id"] == request and r["reply"] == kind]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def kji(array):
    """Turn ``(I, J, K[, 3])`` into what files hold, ``(K, J, I[, 3])``, or back."""
    return array.transpose(2, 1, 0, *range(3, array.ndim))


def wait_until(condition, patience_s=PATIENCE_S):
    """Wait for something that another process does."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def lives(pid):
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
