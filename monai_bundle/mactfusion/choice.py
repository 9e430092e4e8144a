"""Which network runs, and with which weights: settled once the tasks are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform
from torch import nn

from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS, find_model, recognise_model
from mactfusion.weights import check_weights, load_weights, read_state
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


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
            f"The model {model} has other weights for each task: say which with {option('task')} "
            f"({', '.join(entry.tasks)})."
        )
    file = entry.weights_for(task)
    path = Path(folder) / file
    if not file or not path.is_file():
        raise InputError(
            f"There are no weights of the model {model} for this task yet: give a file with "
            f"{option('weights')}."
        )
    return path


def weights_of_tasks(folder: str | Path, model: str, tasks: Sequence[str]) -> Path:
    """Find the weights of a model for all partners together.

    Args:
        folder: see :func:`shipped_weights`.
        model: likewise.
        tasks: that of each partner. Where they have other weights each, the model's joint weights
            are taken.

    Raises:
        InputError: there are none.
    """
    files = {shipped_weights(folder, model, task) for task in tasks}
    if len(files) == 1:
        return files.pop()
    if not find_model(model).weights:
        raise InputError(
            f"The model {model} has other weights for each task, and none for partners of several "
            "tasks: choose another model, or give a weight file."
        )
    return shipped_weights(folder, model, "auto")


class ChosenNetwork(nn.Module):
    """A network whose weights are those of the tasks, filled in when these are known.

    It stays as it is while model, file and content of the file do, so that it can be kept from one
    fusion to the next.

    Args:
        definition: the network of ``model``, without weights.
        model: its name in the registry; "auto" for the one that the weights belong to, and without
            weights for the default.
        weights: a weight file; None for the model's own. A file is read at once, so that nothing
            long goes before its refusal.
        folder: where the weight files of the bundle lie.

    Raises:
        InputError: there is no such model, or the file cannot be used.
    """

    def __init__(
        self,
        definition: nn.Module,
        model: str = "auto",
        weights: str | Path | None = None,
        folder: str | Path = ".",
    ) -> None:
        super().__init__()
        self.model = DEFAULT_MODEL if model == "auto" else model
        find_model(self.model)
        self.network = definition
        self.weights = None if weights is None else Path(weights)
        self.sha256 = ""
        self._folder = Path(folder)
        self._is_automatic = model == "auto"
        self._file: Path | None = None
        if self.weights is not None:
            self._fill(self.weights)

    def settle(self, tasks: Sequence[str]) -> None:
        """Take the weights for the tasks of all partners.

        Raises:
            InputError: there are none, or they do not fit.
        """
        self._fill(self.weights or weights_of_tasks(self._folder, self.model, tasks))

    @property
    def file(self) -> Path:
        """The weight file that was taken.

        Raises:
            InputError: none was taken yet.
        """
        if self._file is None:
            raise InputError("The tasks are not known yet, and so the weights are not.")
        return self._file

    def forward(self, image: Tensor) -> Tensor:
        """Fuse ``(B, 2, H, W)`` in [0, 1]; the result is ``(B, 1, H, W)``."""
        return self.network(image)

    def _fill(self, file: Path) -> None:
        digest = check_weights(file)
        if (self._file, self.sha256) == (file, digest):
            return
        self._file, self.sha256 = None, ""  # until others are in: they may be refused
        model, network = self.model, self.network
        if self._is_automatic and self.weights is not None:
            # Weights that fit no network stay with the default, which refuses them.
            model = recognise_model(read_state(file)) or DEFAULT_MODEL
            if model != self.model:
                network = MODELS[model].network()
        self.network = load_weights(network, file)
        self.model, self._file, self.sha256 = model, file, digest


class ChooseWeightsd(Transform):
    """Settle a network for the tasks of the ``partners``; add ``model``, ``weights`` and hash.

    Args:
        network: is filled in.
    """

    def __init__(self, network: ChosenNetwork) -> None:
        self.network = network

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Settle the network.

        Raises:
            InputError: see :meth:`ChosenNetwork.settle`.
        """
        self.network.settle([partner["task"] for partner in data["partners"]])
        return {
            **data,
            "model": self.network.model,
            "weights": str(self.network.file),
            "weights_sha256": self.network.sha256,
        }
