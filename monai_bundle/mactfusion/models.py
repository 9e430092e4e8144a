"""Which network runs, and with which weights: from what the user chose and what is there."""

from __future__ import annotations

from pathlib import Path

from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, find_model, recognise_model
from mactfusion.weights import read_state


def shipped_weights(folder: str | Path, model: str, task: str) -> Path:
    """Find the weights of a model.

    Args:
        folder: where the weight files of the bundle lie.
        model: its name in the registry.
        task: "auto", or what is to be fused; it counts where a model has weights for each task.

    Raises:
        InputError: there is no such model, or there are no weights of it for the task.
    """
    entry = find_model(model)
    if entry.has_weights_for_each_task and task == "auto":
        raise InputError(
            f"The model {model} has other weights for each task: say which with --task "
            f"({', '.join(entry.tasks)})."
        )
    path = Path(folder) / entry.weights_for(task)
    if not path.is_file():
        raise InputError(
            f"There are no weights of the model {model} for this task yet: give a file with "
            "--weights."
        )
    return path


def choose_model(
    model: str, weights: str | Path | None, task: str, folder: str | Path
) -> tuple[str, Path]:
    """Settle the network and its weights.

    Args:
        model: a name in the registry; "auto" for the one that the weights belong to, and without
            weights for the default.
        weights: a weight file; None for the model's own.
        task: see :func:`shipped_weights`.
        folder: likewise.

    Returns:
        The name in the registry, and the file. Weights that fit no network stay with the default,
        which refuses them when they are loaded.

    Raises:
        InputError: see :func:`shipped_weights`.
    """
    if model != "auto":
        find_model(model)
    if weights is None:
        model = DEFAULT_MODEL if model == "auto" else model
        return model, shipped_weights(folder, model, task)
    weights = Path(weights)
    if model == "auto":
        recognised = recognise_model(read_state(weights)) if weights.is_file() else None
        model = recognised or DEFAULT_MODEL
    return model, weights
