"""A stand-in for ssh: runs a command elsewhere, with folders of its own and latency.

    python ssh_stand_in.py [-o OPTION]... HOST COMMAND...

What it runs is no child of this process and lives on when this one is killed, as on another
computer. HOST may be ``unknown`` (its key is not known), ``chatty`` (the login shell prints), or
``silent`` (nobody answers). The variable FAR_AWAY names the other computer's folder.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

LATENCY_S = 0.01
CHUNK = 2**16


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", action="append")
    parser.add_argument("host")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if chosen.host == "unknown":
        sys.stderr.write("No ED25519 host key is known for unknown.\r\n")
        sys.stderr.write("Host key verification failed.\r\n")
        sys.exit(255)
    if chosen.host == "silent":
        sys.stdin.read()
        sys.exit(255)
    if chosen.host == "chatty":
        sys.stdout.write("Welcome to gpu-server!\nYou have mail.\n")
        sys.stdout.flush()
    to_far, from_far, errors = start(" ".join(chosen.command))  # as ssh hands it to a shell
    relays = [relay(from_far, 1), relay(errors, 2)]
    relay(0, to_far)
    for each in relays:
        each.join()


def start(line: str) -> tuple[int, int, int]:
    """Run a line in a shell; returns pipes to its input, and from its output and errors."""
    (stdin, to_far), (from_far, stdout), (errors, stderr) = (os.pipe() for _ in range(3))
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number, pipe in enumerate((stdin, stdout, stderr)):
            os.dup2(pipe, number)
        os.closerange(3, 256)
        os.chdir(os.environ["FAR_AWAY"])
        own = {"PATH": os.defpath, "TMPDIR": os.environ["FAR_AWAY"], "OMP_NUM_THREADS": "1"}
        os.execve("/bin/sh", ["sh", "-c", f"exec {line}"], own)
    os.waitpid(child, 0)
    for pipe in (stdin, stdout, stderr):
        os.close(pipe)
    return to_far, from_far, errors


def relay(source: int, target: int) -> threading.Thread:
    """Pass bytes on, each some time after it came."""
    chunks: queue.SimpleQueue = queue.SimpleQueue()

    def take() -> None:
        while chunk := os.read(source, CHUNK):
            chunks.put((time.monotonic() + LATENCY_S, chunk))
        chunks.put((0, b""))

    def give() -> None:
        while True:
            due, chunk = chunks.get()
            time.sleep(max(0, due - time.monotonic()))
            if not chunk:
                os.close(target)
                return
            with suppress(BrokenPipeError):  # what ended reads no more; ssh says nothing of it
                while chunk:
                    chunk = chunk[os.write(target, chunk) :]

    threading.Thread(target=take, daemon=True).start()
    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    Path(os.environ["FAR_AWAY"]).mkdir(exist_ok=True)
    main()
