"""The recipe of ``configs/inference.yaml`` in its stages, for who keeps some of them.

``place``, ``align``, ``scale``, ``infer`` and ``finish``, one after another, are what the
configuration's own evaluator does in one go. A preview runs the same stages with a single slice.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

import torch
from monai.bundle.config_item import ComponentLocator
from monai.bundle.config_parser import ConfigParser
from monai.transforms import Compose

from mactfusion.bundle import bundle_root
from mactfusion.errors import FusionCancelled, InputError
from mactfusion.inference import is_out_of_memory
from mactfusion.networks.registry import DEFAULT_MODEL, find_model
from mactfusion.transforms.slices import cut_slice
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mactfusion.case import Case
    from mactfusion.choice import ChosenNetwork
    from mactfusion.inference import Progress
    from mactfusion.options import Options


STAGES = ("place", "align", "scale", "infer", "finish")
"""Their names in the configuration."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Compute in float32 whatever torch's default type is, and leave its random state as it was."""
    default = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(default)


class Recipe:
    """The configuration with a user's choices laid over it.

    Args:
        anatomical: a path or an object in memory; a text would be run where it starts with ``$``.
        partners: likewise, one or more.
        options: what was chosen.
        progress: see :func:`mactfusion.fuse_volumes`.
        network: one that was settled before for the same model and weights; it is settled again.

    Attributes:
        network: the network of the recipe.
        stages: the steps of each of :data:`STAGES`.

    Raises:
        InputError: a device, weights or an output that cannot be used.
    """

    @undisturbed()
    def __init__(
        self,
        anatomical: Any,
        partners: Sequence[Any],
        options: Options,
        progress: Progress | None = None,
        network: ChosenNetwork | None = None,
    ) -> None:
        device = resolve_device(options.device)
        file = bundle_root() / "configs" / "inference.yaml"
        parser = ConfigParser(deepcopy(_configuration(file, file.stat().st_mtime_ns)))
        parser.locator = _locator()
        parser.update(
            {
                "bundle_root": bundle_root(),
                "anatomical": anatomical,
                "partner": list(partners),
                "options": options.replaced(device=device),
                "device": device,
                "progress": progress,
            }
        )
        if network is not None:
            parser["network"] = network
        else:
            name = DEFAULT_MODEL if options.model == "auto" else options.model
            parser["network_def"] = find_model(name).network()
        self._sources = {"anatomical": anatomical, "partner": list(partners)}
        with own_errors():
            self.network: ChosenNetwork = parser.get_parsed_content("network")
            self.stages: dict[str, Compose] = {
                stage: parser.get_parsed_content(stage) for stage in STAGES
            }

    @undisturbed()
    def fuse(self) -> Case:
        """Run all stages; no volume is kept longer than a step needs it.

        Raises:
            InputError: see the stages below.
            FusionCancelled: ``progress`` asked for it.
        """
        with own_errors():
            steps = Compose(list(self.stages.values())).flatten()
            return cast("Case", steps(dict(self._sources)))

    @undisturbed()
    def place(self) -> Case:
        """Read all volumes, settle the tasks, and check or register each partner.

        Returns:
            ``anatomical`` and each of ``partners`` as read, the partners at their places. It
            depends on the sources, ``task``, ``register``, ``accept_doubtful`` and ``transform``
            alone.

        Raises:
            InputError: the volumes cannot be fused, are the same, or were not registered.
            FusionCancelled: who is watching (:func:`mactfusion.progress.watching`) asked for it.
        """
        with own_errors():
            return self.stages["place"](dict(self._sources))

    @undisturbed()
    def align(self, placed: Mapping[str, Any] | None = None) -> Case:
        """Put all volumes on one grid, cut into slices.

        Args:
            placed: what :meth:`place` made, which stays as it is; None does that first.

        Returns:
            ``anatomical`` and each of ``partners`` in native values. Beside ``placed`` it depends
            on ``grid`` and ``axis`` alone.

        Raises:
            InputError: the volumes cannot be fused.
        """
        case = self.place() if placed is None else placed
        with own_errors():
            return self.stages["align"](dict(case))

    def cut(self, case: Mapping[str, Any], index: int) -> Case:
        """Keep one slice of aligned volumes; see :func:`~mactfusion.transforms.cut_slice`."""
        return cast("Case", cut_slice(case, index))

    @undisturbed()
    def scale(self, case: Mapping[str, Any]) -> Case:
        """Turn aligned volumes, which stay as they are, into ``image`` and ``chrominance``.

        Raises:
            InputError: a window, or a stored type, that does not fit the volumes.
        """
        with own_errors():
            return self.stages["scale"](dict(case))

    @undisturbed()
    def infer(self, case: Mapping[str, Any]) -> Case:
        """Settle the weights, say what will be done, and send ``image`` through the network.

        Raises:
            InputError: no weights for the tasks; one slice needs more memory than there is.
            FusionCancelled: ``progress`` asked for it.
        """
        with own_errors():
            return self.stages["infer"](dict(case))

    @undisturbed()
    def finish(self, case: Mapping[str, Any]) -> Case:
        """Turn ``pred`` into the fused volume, write it where an output was chosen; ``record``.

        Raises:
            InputError: it cannot be written.
        """
        with own_errors():
            return self.stages["finish"](dict(case))


@lru_cache(maxsize=1)
def _configuration(file: Path, modified_ns: int) -> dict[str, Any]:  # noqa: ARG001
    """Read the configuration once for each state of its file: a preview makes many recipes."""
    return ConfigParser.load_config_files(str(file))


@cache
def _locator() -> ComponentLocator:
    """Return the table of MONAI's names, which takes long to make."""
    return ComponentLocator()


def resolve_device(name: str | torch.device) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` into a device that is there.

    Raises:
        InputError: this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"The device '{name}' is not available on this machine; use {option('device', 'cpu')}."
        ) from error
    return device


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise what a step of a recipe raised, and not what MONAI wraps around it.

    Raises:
        InputError: also where memory ran out.
    """
    try:
        yield
    except Exception as error:
        reason = _reason(error)
        if reason is error:
            raise
        raise reason from error


def _reason(error: BaseException) -> BaseException:
    """Find the first error that is meant for the user behind another."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError | FusionCancelled | OSError):
            return cause
        if is_out_of_memory(cause):
            return InputError("The volumes need more memory than is free; close other programs.")
        cause = cause.__cause__ or cause.__context__
    return error
