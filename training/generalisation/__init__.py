"""Parts of the look at kinds of images never seen; the command is ``training.generalise``."""
