"""Stands where a user has Python: asks the tests for a process, or becomes a new one.

``ask_for_python.py ADDRESS WORD ...``: WORDs are those after ``python``.
"""

import os
import sys
from multiprocessing.connection import Client

address, *words = sys.argv[1:]
with Client(address) as tests:
    tests.send({"words": words, "cwd": os.getcwd(), "variables": dict(os.environ)})  # noqa: PTH109  starts sooner
    code = tests.recv()
if code is None:
    os.execv(sys.executable, [sys.executable, *words])
sys.exit(code)
