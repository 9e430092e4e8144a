"""Weight files that stay small enough for git."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import torch

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

LARGEST_BYTES = 5_000_000
"""What is larger than this does not go into git as it is."""

SIGNIFICANT_BITS = (11, 10, 9)
"""Tried in this order. Half precision has 11; each bit less saves a sixteenth of the file."""


def store(state: Mapping[str, Tensor], path: Path) -> bool:
    """Write a state dict; convolution kernels in half precision if it is too large otherwise.

    Values of one dimension or less, such as biases and statistics, stay as they are. Such a file
    is deflated, which ``torch.load`` undoes; loading it into a network gives float32 again.

    Args:
        state: in float32.
        path: file to write.

    Returns:
        Whether anything was rounded.

    Raises:
        InputError: it is still too large.
    """
    exact = content = _serialised(state)
    for bits in SIGNIFICANT_BITS:
        if len(content) > LARGEST_BYTES:
            content = _deflated(_serialised(_rounded(state, bits)))
    if len(content) > LARGEST_BYTES:
        raise InputError(
            f"{path.name} needs {len(content):,} bytes; at most {LARGEST_BYTES:,} fit."
        )
    path.write_bytes(content)
    return content is not exact


def _serialised(state: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def _rounded(state: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Round kernels to so many significant bits, and store them in half precision."""
    kernels = {name: tensor for name, tensor in state.items() if tensor.ndim > 1}
    for name, tensor in kernels.items():
        mantissa, exponent = tensor.frexp()
        steps = (mantissa * 2.0**bits).round() / 2.0**bits
        kernels[name] = torch.ldexp(steps, exponent).half()
    return {**state, **kernels}


def _deflated(archive: bytes) -> bytes:
    """Compress the parts of a file that ``torch.save`` wrote."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as parts,
        zipfile.ZipFile(buffer, "w") as deflated,
    ):
        for part in parts.infolist():
            # Without the time of writing: equal weights give equal files.
            deflated.writestr(
                zipfile.ZipInfo(part.filename), parts.read(part), zipfile.ZIP_DEFLATED, 9
            )
    return buffer.getvalue()
