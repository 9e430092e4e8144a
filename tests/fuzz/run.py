"""Read many mutated inputs: ``python -m tests.fuzz.run --count 15000``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import inputs, write
from tests.fuzz.worker import Worker


class Fault(NamedTuple):
    """An input that was neither read right nor refused."""

    name: str
    index: int
    what: str


def made(index: int, seed: int, only: str = "") -> tuple[str, dict[str, bytes]]:
    """The input of a number: each can be made again without those before it."""
    names = [name for name in inputs() if name.startswith(only)]
    name = names[index % len(names)]
    return name, mutated(name, Random(f"{seed}/{index}"))


def fuzz(
    count: int, seed: int, first: int = 0, keep: Path | None = None, only: str = ""
) -> tuple[Counter[str], list[Fault]]:
    """Read inputs ``first`` to ``first + count``; return how many ended how, and the faults."""
    ends: Counter[str] = Counter()
    faults = []
    worker = Worker()
    for index in range(first, first + count):
        name, files = made(index, seed, only)
        with tempfile.TemporaryDirectory() as folder:
            end, what = worker.verdict(write(files, Path(folder)) if files else Path(folder))
        ends[end] += 1
        if end == "fault":
            faults.append(Fault(name, index, what))
            if keep is not None:
                place = keep / str(index)
                place.mkdir(parents=True, exist_ok=True)
                write(files, place)
    worker.close()
    return ends, faults


def main() -> int:
    """Print what came out; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that are faults")
    parser.add_argument("--only", default="", help="formats that begin so, such as dicom")
    given = parser.parse_args()
    ends, faults = fuzz(given.count, given.seed, given.first, given.keep, given.only)
    for fault in faults:
        print(f"{fault.index} {fault.name}: {fault.what}\n")
    print(f"{given.count} inputs of seed {given.seed}: {dict(ends)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
