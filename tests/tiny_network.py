"""The least that is a fusion network: tests over the registry show that a new one gets them all."""

from __future__ import annotations

from torch import nn

from mactfusion.networks.blank import keep_blank
from mactfusion.networks.registry import Model


class Tiny(nn.Module):
    """One convolution."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, image):
        return keep_blank(self.mix(image), image)


NAME = "tiny"
MODEL = Model(Tiny, "tiny.pt", ("ct-mri",), "doi:10.0/0", "A test's own.")
