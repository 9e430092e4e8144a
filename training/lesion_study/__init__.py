"""Parts of the measurement of lost lesions; the command is ``training.lesions``."""
