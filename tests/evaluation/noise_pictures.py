"""Small pictures of noise as files."""

from __future__ import annotations

import numpy as np
from PIL import Image

SMALL = ["SCD", "Qabf", "Qw"]
"""Metrics that small pictures are large enough for."""


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def noise(seed, size=(30, 36)):
    return np.random.default_rng(seed).integers(0, 256, size)
