"""Fusion networks: one file for each published system, shared blocks beside them."""

from mactfusion.networks.cminet import CMINet
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.mactfusion_plus import MACTFusionPlus
from mactfusion.networks.msgfusion import MsgFusion

__all__ = ["DILRAN", "CMINet", "MACTFusion", "MACTFusionPlus", "MsgFusion"]
