"""Fusion networks: one file for each published system, shared blocks beside them."""

from mactfusion.networks.mactfusion import MACTFusion

__all__ = ["MACTFusion"]
