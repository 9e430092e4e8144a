"""Fusion networks: one file for each published system, shared blocks beside them."""

from mactfusion.exports import exports

__getattr__, __all__ = exports(
    __name__,
    {
        "cminet": "CMINet",
        "dilran": "DILRAN",
        "mactfusion": "MACTFusion",
        "mactfusion_plus": "MACTFusionPlus",
        "msgfusion": "MsgFusion",
        "pixel_weights": "PixelWeights",
    },
)
