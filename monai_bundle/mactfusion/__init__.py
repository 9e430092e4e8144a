"""MACTFusion: two volumes of one patient become one fused volume on the anatomical grid."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__ = ["FusionResult", "__version__", "fuse_volumes", "probe"]


def __getattr__(name: str) -> Any:
    """Load what is asked for; what needs torch and MONAI, which take seconds, only then."""
    if name == "fuse_volumes":
        from mactfusion.pipeline import fuse_volumes

        return fuse_volumes
    if name == "probe":
        from mactfusion.probing import probe

        return probe
    if name == "FusionResult":
        from mactfusion.result import FusionResult

        return FusionResult
    raise AttributeError(f"module 'mactfusion' has no attribute '{name}'")
