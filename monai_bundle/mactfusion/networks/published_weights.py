"""Bring the authors' published checkpoints into this project's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from mactfusion.errors import InputError
from mactfusion.networks import published_dilran, published_mactfusion
from mactfusion.networks.registry import MODELS

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from torch import Tensor


class PublishedNames(NamedTuple):
    """How the authors of one model name its tensors."""

    prefix: str
    """What some of their keys start with, and no other model's do."""
    dead: re.Pattern[str]
    """Keys that play no part in the network."""
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


PUBLISHED = {
    "mactfusion": PublishedNames(
        "vis_conv.", published_mactfusion.DEAD, published_mactfusion.rename
    ),
    "dilran": PublishedNames("recon.recon_conv.", published_dilran.DEAD, published_dilran.rename),
}
"""Models whose authors published a checkpoint, by their names in the registry."""


class ImportedWeights(NamedTuple):
    """A published checkpoint in this project's names."""

    state: dict[str, Tensor]
    dead: list[str]
    """Keys of the published file that play no part in the network."""
    model: str
    """Name in the registry of the model that it belongs to."""


def import_published_weights(
    published: Mapping[str, Tensor], model: str | None = None
) -> ImportedWeights:
    """Rename the tensors of an authors' checkpoint.

    Args:
        published: the state dict as the authors saved it (MACTFusion 362 entries, DILRAN 49).
        model: whose it is, by its name in the registry; by default the keys tell.

    Returns:
        A state dict that the model's network loads strictly, and the keys that are dead weight.

    Raises:
        InputError: no checkpoint of that model is known, or a key is unknown, missing, or has the
            wrong shape.
    """
    model = model or recognise(published)
    if model is None:
        raise InputError(
            f"its keys, such as '{next(iter(published), '')}', are those of no published "
            f"checkpoint that is known ({', '.join(PUBLISHED)})."
        )
    if model not in PUBLISHED:
        raise InputError(
            f"no checkpoint of '{model}' can be imported; only {', '.join(PUBLISHED)}."
        )
    names = PUBLISHED[model]
    dead = [key for key in published if names.dead.fullmatch(key)]
    state = names.rename({key: published[key] for key in published if key not in set(dead)})
    with torch.device("meta"):
        expected = MODELS[model].network().state_dict()
    # A key that was given no other name has no place, also where this project has one like it.
    if unknown := [name for name in state if name in published or name not in expected]:
        raise InputError(f"tensor '{unknown[0]}' is not part of the published {model} network.")
    for name, tensor in expected.items():
        if name not in state:
            raise InputError(f"the published checkpoint lacks the tensor that fills '{name}'.")
        if state[name].shape != tensor.shape:
            raise InputError(
                f"the tensor for '{name}' has shape {tuple(state[name].shape)}, "
                f"expected {tuple(tensor.shape)}."
            )
    return ImportedWeights({name: state[name] for name in expected}, dead, model)


def recognise(state: Mapping[str, Tensor]) -> str | None:
    """Name the model whose authors use the names of a state dict; None for any other."""
    for model, names in PUBLISHED.items():
        if any(key.startswith(names.prefix) for key in state):
            return model
    return None


def is_published_checkpoint(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict carries published names rather than this project's."""
    return recognise(state) is not None
