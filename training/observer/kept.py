"""Networks whose results are kept, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from mactfusion.io.atomic import atomic_path
from mactfusion.weights import check_weights
from training.comparison.checkpoints import CODE, file_for
from training.comparison.scores import code_digest
from training.lesion_study.methods import read_methods

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from training.lesion_study.methods import Method


def read_networks(weights: Mapping[str, str], task: str, folder: Path) -> dict[str, Method]:
    """Name to network, of which nothing is computed twice.

    Args:
        weights: name to file or model, see :func:`training.comparison.checkpoints.file_for`.
        task: such as ``ct-mri``.
        folder: for what the networks give; it is for these weights, sources and this code alone.

    Raises:
        InputError: weights cannot be read.
    """
    methods = read_methods(weights, [task])[task]
    code = code_digest(CODE[0])
    return {
        name: _kept(methods[name], folder, f"{check_weights(file_for(given, task))}{code}")
        for name, given in weights.items()
    }


def _kept(method: Method, folder: Path, digest: str) -> Method:
    def fuse(sources: Tensor) -> Tensor:
        key = hashlib.sha256(digest.encode() + sources.numpy().tobytes())
        file = folder / f"{key.hexdigest()}.pt"
        if file.exists():
            return torch.load(file, weights_only=True)
        fused = method(sources)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(file) as temporary:
            torch.save(fused, temporary)
        return fused

    return fuse
