"""Which network runs, and with which weights: from what the user chose and what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mactfusion.errors import InputError, unheard
from mactfusion.io import LoadVolumed
from mactfusion.networks.registry import DEFAULT_MODEL, find_model, recognise_model
from mactfusion.transforms import ResolveTaskd
from mactfusion.weights import read_state


def shipped_weights(folder: str | Path, model: str, task: str) -> Path:
    """Find the weights of a model.

    Args:
        folder: where the weight files of the bundle lie.
        model: its name in the registry.
        task: what is to be fused; it counts where tasks have weights of their own. "auto" stands
            for several of them, or for none in particular.

    Raises:
        InputError: there is no such model, or there are no weights of it for the task.
    """
    entry = find_model(model)
    if task == "auto" and not entry.weights:
        raise InputError(
            f"The model {model} has other weights for each task: say which with --task "
            f"({', '.join(entry.tasks)})."
        )
    file = entry.weights_for(task)
    path = Path(folder) / file
    if not file or not path.is_file():
        raise InputError(
            f"There are no weights of the model {model} for this task yet: give a file with "
            "--weights."
        )
    return path


def choose_model(model: str, weights: str | Path | None) -> tuple[str, Path | None]:
    """Settle the network, and its weights where they are given.

    Args:
        model: a name in the registry; "auto" for the one that the weights belong to, and without
            weights for the default.
        weights: a weight file; None for the model's own.

    Returns:
        The name in the registry, and the file. Weights that fit no network stay with the default,
        which refuses them when they are loaded.

    Raises:
        InputError: there is no such model.
    """
    if model != "auto":
        find_model(model)
    if weights is None:
        return DEFAULT_MODEL if model == "auto" else model, None
    weights = Path(weights)
    if model == "auto":
        recognised = recognise_model(read_state(weights)) if weights.is_file() else None
        model = recognised or DEFAULT_MODEL
    return model, weights


def weights_of_pair(
    folder: str | Path,
    model: str,
    task: str | list[str],
    anatomical: Any,
    partner: Any,
    data_folder: str | Path = ".",
) -> Path | None:
    """Find the weights of a model for two volumes, which are looked at where it takes that.

    Args:
        folder: see :func:`shipped_weights`.
        model: likewise.
        task: likewise; here "auto" is what the volumes make.
        anatomical: see :func:`~mactfusion.pipeline.fuse_volumes`.
        partner: likewise.
        data_folder: where relative paths of the volumes start.

    Returns:
        The file; None for several partners, for whom
        :func:`~mactfusion.pipeline.chosen_model` decides.

    Raises:
        InputError: see :func:`shipped_weights`; the task cannot be told, and each has weights of
            its own.
    """
    if isinstance(partner, list) or isinstance(task, list):
        return None
    entry = find_model(model)
    if task == "auto" and entry.own_weights:
        try:
            task = _recognised_task(anatomical, partner, data_folder)
        except InputError:
            if not entry.weights:
                raise
            # The recipe refuses these volumes with the same sentence when it comes to them.
    return shipped_weights(folder, model, task)


def _recognised_task(anatomical: Any, partner: Any, data_folder: str | Path) -> str:
    """Tell the task as the recipe will, which also says what there is to say of the volumes."""
    with unheard():
        load = LoadVolumed(folder=data_folder)
        return str(ResolveTaskd()(load({"anatomical": anatomical, "partner": partner}))["task"])
