"""What every transform needs to know about a volume: its name, its voxels, and keeping its meta."""

from __future__ import annotations

import torch
from monai.data import MetaTensor

from mactfusion.errors import named
from mactfusion.io.formats import base_name

SAMPLE_VOXELS = 2**20
"""Statistics of a volume with more voxels than this come from a sample of this many."""


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
    """Return a new volume with the meta of another, without its list of applied operations.

    Args:
        volume: the volume whose meta is copied.
        voxels: ``(C, I, J, K)``; becomes float32.
        affine: 4x4 index to RAS+ millimetres; that of ``volume`` where not given.
    """
    meta = dict(volume.meta)
    meta["affine"] = (volume.affine if affine is None else affine).clone()
    return MetaTensor(plain(voxels).to(torch.float32), meta=meta)


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor without its meta, sharing the memory; arithmetic is faster that way."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def sample_voxels(voxels: torch.Tensor) -> torch.Tensor:
    """Return the voxels as one row; of a large volume a random, but always the same, sample.

    Args:
        voxels: any shape.

    Returns:
        ``(N,)``, at most :data:`SAMPLE_VOXELS` values.
    """
    row = plain(voxels).reshape(-1)
    if row.numel() <= SAMPLE_VOXELS:
        return row
    # A regular stride could fall into step with the rows of the volume and see one column only.
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(row.numel(), (SAMPLE_VOXELS,), generator=generator)
    return row[chosen.to(row.device)]
