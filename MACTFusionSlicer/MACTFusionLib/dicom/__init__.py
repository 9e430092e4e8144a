# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""From the DICOM database to volumes, and from a fused volume back into the study."""
