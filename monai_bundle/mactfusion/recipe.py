"""The recipe of ``configs/inference.yaml`` in its stages, for who keeps some of them.

``align``, ``scale``, ``infer`` and ``finish``, one after another, are what the configuration's own
evaluator does in one go. A preview runs the same stages with a single slice.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monai.bundle import ConfigParser

from mactfusion.errors import FusionCancelled, InputError
from mactfusion.inference import is_out_of_memory
from mactfusion.transforms import OrientToSlicesd, cut_slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from monai.transforms import Compose
    from torch import nn

Data = dict[str, Any]


class Recipe:
    """The configuration with a user's choices laid over it.

    Args:
        configuration: ``inference.yaml``.
        choices: values of its options, checked: a text that starts with ``$`` would be run.
        network: one that is ready, in place of the configuration's with the chosen weights.

    Raises:
        InputError: weights or an output that cannot be used.
    """

    def __init__(
        self, configuration: Path, choices: Mapping[str, Any], network: nn.Module | None = None
    ) -> None:
        parser = ConfigParser()
        parser.read_config(str(configuration))
        parser.update(dict(choices))
        if network is not None:
            parser["network"] = network
        self._sources = {key: choices[key] for key in ("anatomical", "partner")}
        self._device = choices["device"]
        self.colormap = choices["colormap"]
        with own_errors():
            self._preparation: Compose = parser.get_parsed_content("preprocessing")
            self._inferer = parser.get_parsed_content("inferer")
            self._completion: Compose = parser.get_parsed_content("postprocessing")
            self.network: nn.Module = parser.get_parsed_content("network")
        kinds = [type(step) for step in self._preparation.transforms]
        self._aligned_after = kinds.index(OrientToSlicesd) + 1

    def run(self) -> Data:
        """Do all stages, one after another.

        Returns:
            What :meth:`finish` returns: ``pred``, ``record``, and what led to them.

        Raises:
            InputError: see each stage.
            FusionCancelled: ``progress`` asked for it.
        """
        return self.finish(self.infer(self.scale(self.align())))

    def align(self) -> Data:
        """Read both volumes, settle the task, and put them on one grid, cut into slices.

        Returns:
            ``anatomical``, ``partner`` and ``field_of_view``, each ``(C, slices, rows, columns)``
            in native values, and what is known of them. It depends on the sources, ``task``,
            ``grid`` and ``axis`` alone.

        Raises:
            InputError: the volumes cannot be fused, or are the same.
        """
        with own_errors():
            return self._preparation(dict(self._sources), end=self._aligned_after)

    def cut(self, data: Mapping[str, Any], index: int) -> Data:
        """Keep one slice of aligned volumes; see :func:`~mactfusion.transforms.cut_slice`."""
        return cut_slice(data, index)

    def scale(self, data: Mapping[str, Any]) -> Data:
        """Turn aligned volumes, which stay as they are, into ``image`` and ``chrominance``.

        Returns:
            ``image`` ``(2, slices, rows, columns)`` in [0, 1], and more for :meth:`finish`.

        Raises:
            InputError: a window, or a stored type, that does not fit the volumes.
        """
        with own_errors():
            return self._preparation(dict(data), start=self._aligned_after)

    def infer(self, data: Mapping[str, Any]) -> Data:
        """Add ``pred`` ``(1, slices, rows, columns)``: ``image`` through the network.

        Raises:
            InputError: one slice needs more memory than there is.
            FusionCancelled: ``progress`` asked for it.
        """
        with own_errors():
            image = data["image"].as_tensor()[None].to(self._device)
            return {**data, "pred": self._inferer(image, self.network.to(self._device))[0]}

    def finish(self, data: Mapping[str, Any]) -> Data:
        """Turn ``pred`` into the fused volume, write it where an output was chosen; ``record``.

        Raises:
            InputError: it cannot be written.
        """
        with own_errors():
            return self._completion(dict(data))


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
