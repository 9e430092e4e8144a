# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""The panel behind MACTFusion.py: widget, logic, process and parameters, and their helpers."""
