"""MACTFusion without one of its modules, for the ablation of the paper's architecture.

The paper names what it leaves out and not what takes its place; the replacements are this
project's choice.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from mactfusion.networks.mactfusion import MACTFusion


class Sum(nn.Module):
    """In place of SAFM: no statistics move, the features are added."""

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        """Add ``(B, C, H, W)`` of both modalities."""
        return own + other


class Adapted(nn.Module):
    """In place of CMFT: no attention, the adapted features are those fused."""

    def forward(self, _: Tensor, adapted: Tensor) -> Tensor:
        """Pass ``adapted`` ``(B, C, H, W)`` on."""
        return adapted


class AblatedMACTFusion(MACTFusion):
    """MACTFusion without shallow extraction, adaptive fusion or cross transformer.

    Contract as for :class:`~mactfusion.networks.mactfusion.MACTFusion`.

    Args:
        without: ``SFE`` (one 3×3 convolution and leaky ReLU 0.1 take the place of DFE and both
            GRDBs), ``SAFM`` or ``CMFT``.
    """

    def __init__(self, without: Literal["SFE", "SAFM", "CMFT"]) -> None:
        super().__init__()
        if without not in ("SFE", "SAFM", "CMFT"):
            raise ValueError(f"no module is called {without}; choose SFE, SAFM or CMFT.")
        for branch, cross in (
            (self.anatomical, self.anatomical_cross),
            (self.partner, self.partner_cross),
        ):
            if without == "SFE":
                shallow = nn.Sequential(nn.Conv2d(1, 48, 3, padding=1), nn.LeakyReLU(0.1))
                branch.add_module("detail", shallow)
                branch.add_module("gradient1", nn.Identity())
                branch.add_module("gradient2", nn.Identity())
            elif without == "SAFM":
                cross.add_module("adapt", Sum())
            else:
                cross.add_module("transformer", Adapted())
