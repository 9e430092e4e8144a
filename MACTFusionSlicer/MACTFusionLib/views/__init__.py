# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""Slice views and the 3-D view: the live preview, side by side, in squares, and rendered."""
