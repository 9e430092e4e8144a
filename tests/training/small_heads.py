"""Heads of our own for the model observer: textured disks, both sources at random."""

from __future__ import annotations

import numpy as np
import torch

from training.observer.heads import Head

SIZE = 56


def small_heads(task, count, seed=0, slices=2):
    """Heads of 56 pixels of 2 mm; the texture of the sources has nothing in common."""
    rng = np.random.default_rng(seed)
    inside = np.hypot(*(np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2)) < 0.47 * SIZE
    heads = []
    for _ in range(count):
        coarse = rng.uniform(0.3, 0.6, (slices, 2, SIZE // 4, SIZE // 4))
        scaled = np.kron(coarse, np.ones((4, 4))) * inside
        heads.append(Head(task, torch.from_numpy(scaled).float(), (2.0, 2.0)))
    return heads


def mean_of_sources(sources):
    """Fuse as the average does."""
    return sources.mean(dim=1, keepdim=True)
