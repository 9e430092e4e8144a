"""Parts of the ablations of the four papers; the command is ``training.ablations``."""
