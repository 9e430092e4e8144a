"""Parts of the measurement of colours; the command is ``training.colors``."""
