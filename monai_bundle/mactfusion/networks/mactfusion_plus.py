"""MACTFusion with a direct path from its inputs to its output."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mactfusion.networks.mactfusion import MACTFusion


class MACTFusionPlus(MACTFusion):
    """MACTFusion whose decoder also says how much of each input goes straight to the result.

    The published graph standardises its inputs in the first layer and never sees their absolute
    brightness again; every edge of the result is decoded from features. Here a second last
    convolution, beside the published one, predicts two weights for each pixel, and the result is
    ``decoded + weight₁·anatomical + weight₂·partner``. Its 578 parameters start at zero: weights
    of the published graph give the published graph's result until training moves them.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`. The variant is this
    project's; nothing that the paper reports is about it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mixing = nn.Conv2d(32, 2, 3, padding=1, padding_mode="reflect")
        nn.init.zeros_(self.mixing.weight)
        nn.init.zeros_(self.mixing.bias)  # type: ignore[arg-type]  # bias=True by default

    def reconstruct(self, features: Tensor, image: Tensor) -> Tensor:
        """Decode ``(B, 96, H, W)`` and add the weighted inputs ``(B, 2, H, W)``."""
        decoded = self.reconstruction.decode(features)
        direct = (self.mixing(decoded) * image).sum(dim=1, keepdim=True)
        published = functional.leaky_relu(self.reconstruction.layers[-1](decoded), 0.1)
        return published + direct
