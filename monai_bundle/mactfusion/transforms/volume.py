"""What every transform needs to know about a volume: its name, its voxels, and keeping its meta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.errors import named
from mactfusion.io.formats import base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_VOXELS = 2**20
"""Statistics of a volume with more voxels than this come from a sample of this many."""

_NEAR = 0.1
"""Share of the range: where the lowest percent of the voxels lies."""

_NUMPY_TYPES = {torch.float32: np.float32, torch.uint8: np.uint8, torch.bool: np.bool_}


def name_of(volume: MetaTensor) -> str:
    """Return the file name of a volume without its folder, for messages; see also `noted`."""
    return base_name(str(volume.meta.get("filename_or_obj", "array")))


def noted(volume: MetaTensor) -> str:
    """Return the name of a volume for a note, marked so that the record can put another there."""
    return named(name_of(volume))


def is_picture(volume: MetaTensor) -> bool:
    """Tell whether the volume came from a 2-D picture file and so has no place in the patient."""
    return bool(volume.meta.get("is_image", False))


def is_8_bit_picture(volume: MetaTensor) -> bool:
    """Tell whether the volume is a picture stored in 8 bits, whose full scale is known: 255."""
    return is_picture(volume) and volume.meta.get("source_dtype") == "uint8"


def with_voxels(
    volume: MetaTensor, voxels: torch.Tensor, affine: torch.Tensor | None = None
) -> MetaTensor:
    """Return a new volume with the meta of another; on its grid, also with its trace.

    Args:
        volume: the volume whose meta is copied.
        voxels: ``(C, I, J, K)``; becomes float32, or stays a mask of yes and no.
        affine: 4x4 index to RAS+ millimetres; that of ``volume`` where not given. What was
            moved has no trace, see :mod:`mactfusion.transforms.trace`.
    """
    meta = dict(volume.meta)
    meta["affine"] = (volume.affine if affine is None else affine).clone()
    voxels = plain(voxels)
    made = MetaTensor(voxels if voxels.dtype == torch.bool else voxels.float(), meta=meta)
    if affine is None:
        made.applied_operations = list(volume.applied_operations)
    return made


def new_voxels(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return memory for a volume, not filled.

    NumPy asks the system for large pages where it has them; the first touch of memory that
    PyTorch takes, in small pages, is five times as slow, and slower than most steps.
    """
    return torch.from_numpy(np.empty(tuple(shape), _NUMPY_TYPES[dtype]))


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor without its meta, sharing the memory; arithmetic is faster that way."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def measured(volume: MetaTensor, inside: torch.Tensor | None = None) -> torch.Tensor:
    """Return the voxels that statistics count: not those that padding was set to.

    Padding was set to the smallest measured value. Where next to none of the other voxels lie near
    that, it is the value of real background too, which counts: then all voxels are returned.

    Args:
        volume: ``(1, I, J, K)``; its meta names the value of ``padding``, if any.
        inside: which of its voxels count, bool; all without it.

    Returns:
        The voxels as one row, or in the shape of the volume where all count.
    """
    voxels, padding = plain(volume), str(volume.meta.get("padding", ""))
    counting = voxels if inside is None else voxels[inside]
    if padding:
        value = float(padding)
        others = counting[counting != value]
        if others.numel():
            sample = sample_voxels(others)
            low, high = (percentile(sample, share) for share in (0.01, 0.99))
            if low - value <= _NEAR * (high - value):
                return others
    return counting


def sample_voxels(voxels: torch.Tensor) -> torch.Tensor:
    """Return the voxels as one row; of a large volume a random, but always the same, sample.

    Args:
        voxels: any shape.

    Returns:
        ``(N,)``, at most :data:`SAMPLE_VOXELS` values.
    """
    values = plain(voxels)
    if values.numel() <= SAMPLE_VOXELS:
        return values.reshape(-1)
    # A regular stride could fall into step with the rows of the volume and see one column only.
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(values.numel(), (SAMPLE_VOXELS,), generator=generator)
    return values.take(chosen.to(values.device))


def percentile(values: torch.Tensor, share: float) -> float:
    """Return a percentile of a row of values; share from 0 to 1."""
    rank = 1 + round(share * (values.numel() - 1))
    return float(values.kthvalue(rank).values)
