"""Entry of ``mactfusion`` and ``python -m mactfusion``."""

from __future__ import annotations

import sys

from mactfusion.cli import main
from mactfusion.lean import leave_out_training


def start() -> None:
    """Run the command line as a process of its own."""
    if sys.argv[1:2] in (["fuse"], ["info"], ["probe"]):  # others compute metrics, or make a head
        leave_out_training()
    main()


if __name__ == "__main__":
    start()
