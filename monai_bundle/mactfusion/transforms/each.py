"""One step of the recipe, done for each partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monai.transforms import InvertibleTransform

from mactfusion.case import OF_A_PARTNER
from mactfusion.transforms.trace import has_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Step = Callable[[Mapping[str, Any]], dict[str, Any]]


class EachPartnerd(InvertibleTransform):
    """Show each partner to a step as a case of its own, and keep what the step says of it.

    The step finds the partner's keys (:class:`mactfusion.case.Partner`) beside those of the case.
    What it adds or changes goes back to where it belongs. The inverse undoes the step for each
    partner, where the step can be undone.

    Args:
        step: makes the step; called once for each partner with its values.
        **choices: arguments of the step, each a list with one value for each partner, in the order
            in which they were given.
    """

    def __init__(self, step: Callable[..., Step], **choices: Sequence[Any]) -> None:
        self.only = None if choices else step()
        self.steps: list[Step] = [
            step(**dict(zip(choices, values, strict=True)))
            for values in zip(*choices.values(), strict=True)
        ]

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Do the step for each of ``partners``."""
        result = dict(data)
        partners = result.pop("partners")
        done = []
        for partner in partners:
            after = self._step_of(partner)({**result, **partner})
            done.append({key: value for key, value in after.items() if key in OF_A_PARTNER})
            result = {key: value for key, value in after.items() if key not in OF_A_PARTNER}
        return {**result, "partners": done}

    def inverse(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Undo the step for each of ``partners``; data without them, as one volume, stay."""
        result = dict(data)
        if "partners" in data:
            result["partners"] = [self._undone(partner) for partner in data["partners"]]
        return result

    def _undone(self, partner: Mapping[str, Any]) -> Mapping[str, Any]:
        if not has_trace(partner):  # as what is left of one that was joined
            return partner
        step = self._step_of(partner)
        return step.inverse(partner) if isinstance(step, InvertibleTransform) else partner

    def _step_of(self, partner: Mapping[str, Any]) -> Step:
        return self.only or self.steps[partner["number"]]
