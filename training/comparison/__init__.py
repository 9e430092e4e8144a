"""Parts of the comparison of fusion methods; the command is ``training.compare``."""
