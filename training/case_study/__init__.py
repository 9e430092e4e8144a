"""Parts of the picture of cases before and after; the command is ``training.cases``."""
