# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""The panel behind MACTFusion.py; the folders hold volume nodes, views and the worker process."""
