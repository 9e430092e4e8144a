"""Entry of ``python -m mactfusion.worker``."""

from mactfusion.worker.server import main

main()
