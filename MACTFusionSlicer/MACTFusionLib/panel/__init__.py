# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""The parts of the panel: each joins some widgets of MACTFusion.ui to what they show and do."""
