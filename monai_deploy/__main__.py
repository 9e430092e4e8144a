"""Run the application: ``python monai_deploy -i STUDY -o OUTPUT``."""

import os

# Before the SDK is loaded: its scheduler would print its own lines around the sentence of a
# refusal. Whoever wants them sets the variable.
os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "CRITICAL")

from app import FuseStudyApp
from mactfusion.uncaught import end_in_a_sentence

if __name__ == "__main__":
    end_in_a_sentence()
    FuseStudyApp().run()
