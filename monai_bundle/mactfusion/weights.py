"""Weight files: checked before they are trusted, written whole or not at all."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.checksum import sha256_of
from mactfusion.io.reasons import reason_of
from mactfusion.networks.published_weights import is_published_checkpoint
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

CHECKSUMS = "SHA256SUMS"
"""File beside the weights with one line ``HASH  NAME`` a file, as ``sha256sum`` writes it."""


def check_weights(path: str | Path) -> str:
    """Check a weight file against the list of hashes beside it, where that names it.

    Args:
        path: the file.

    Returns:
        Its SHA-256.

    Raises:
        InputError: no such file, or its content is not what the list says.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"The weights {path} do not exist; give a file with {option('weights')}.")
    digest = sha256_of(path)
    checksums = path.with_name(CHECKSUMS)
    if checksums.is_file():
        lines = checksums.read_text(encoding="utf-8", errors="replace").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines if len(line.split()) > 1]
        expected = {name.strip().lstrip("*"): value for value, name in pairs}
        if expected.get(path.name, digest) != digest:
            raise InputError(
                f"The weights {path} are damaged or were changed: their SHA-256 is {digest[:12]}…, "
                f"expected {expected[path.name][:12]}…; restore the file."
            )
    return digest


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict; nothing but tensors is ever loaded.

    Raises:
        InputError: the file is no PyTorch file, or holds anything else.
    """
    try:
        _check_parts(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except InputError:
        raise
    except Exception as error:  # torch raises many kinds for a foreign or damaged file
        raise InputError(f"{path} is not a readable PyTorch weight file.") from error
    if isinstance(content, dict) and isinstance(content.get("network"), dict):
        content = content["network"]  # a checkpoint of this project's training
    if not isinstance(content, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    ):
        raise InputError(f"{path} holds no state dict of a network.")
    return content


def _check_parts(path: str | Path) -> None:
    """Compare the parts of a file with their own checksums, which torch does not look at."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            if parts.testzip() is not None:
                raise InputError(f"{path} is damaged: its content does not fit its checksums.")


def refuse_published(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Say what to do with a file that its authors published.

    Raises:
        InputError: the tensors have the authors' names.
    """
    if is_published_checkpoint(state):
        raise InputError(
            f"{path} has the authors' names; convert it with: mactfusion import-weights {path} "
            "-o model.pt"
        )


def load_weights(network: nn.Module, path: str | Path) -> nn.Module:
    """Fill a network from a file and set it to evaluation.

    Args:
        network: any network; it is changed in place.
        path: weights of exactly that network; those stored in half precision become float32.

    Returns:
        The network.

    Raises:
        InputError: the file is damaged, foreign, or belongs to another network.
    """
    check_weights(path)
    state = read_state(path)
    refuse_published(state, path)
    expected = network.state_dict()
    for name, tensor in expected.items():
        if name not in state or state[name].shape != tensor.shape:
            raise InputError(
                f"{path} does not fit {type(network).__name__}: tensor '{name}' is missing or has "
                "another shape."
            )
    if unknown := set(state) - set(expected):
        raise InputError(
            f"{path} does not fit {type(network).__name__}: tensor '{min(unknown)}' is unknown."
        )
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise InputError(f"{path} holds values that are not finite; use other weights.")
    network.load_state_dict(state)
    return network.eval()


def save_state(state: Mapping[str, Any], path: str | Path) -> str:
    """Write a state dict or checkpoint under a temporary name, rename it, return its SHA-256.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    try:
        with atomic_path(path) as temporary:
            torch.save(dict(state), temporary)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be written: {reason_of(error)}.") from error
    return sha256_of(path)
