"""Parts of the comparison of ways to find shares; the command is ``training.provenance``."""
