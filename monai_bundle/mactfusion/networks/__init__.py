"""Fusion networks: one file for each published system, shared blocks beside them."""

from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.mactfusion_plus import MACTFusionPlus

__all__ = ["MACTFusion", "MACTFusionPlus"]
