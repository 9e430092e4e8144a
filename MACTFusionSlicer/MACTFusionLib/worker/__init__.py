# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""The worker process: its Python and libraries, its start and end, and the talk with it."""
