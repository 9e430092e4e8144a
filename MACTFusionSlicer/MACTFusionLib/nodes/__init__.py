# ruff: noqa: N999  the name is a convention of Slicer's extensions
"""Volume nodes of the scene: what they are, where they lie, how they go out and come back."""
