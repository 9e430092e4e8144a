"""Entry of ``python -m mactfusion.worker``."""

from mactfusion.lean import leave_out_training
from mactfusion.worker.server import main

leave_out_training()
main()
