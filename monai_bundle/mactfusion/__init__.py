"""MACTFusion: two volumes of one patient become one fused volume on the anatomical grid."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__ = ["FusionResult", "__version__", "fuse_volumes"]


def __getattr__(name: str) -> Any:
    """Load the pipeline when it is first asked for: importing torch and MONAI takes seconds."""
    if name in ("fuse_volumes", "FusionResult"):
        from mactfusion import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'mactfusion' has no attribute '{name}'")
