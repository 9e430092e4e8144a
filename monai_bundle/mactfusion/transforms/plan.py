"""What will be done, said before the network's long work begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from mactfusion.amounts import percent
from mactfusion.errors import inform

if TYPE_CHECKING:
    from collections.abc import Mapping


class SayPland(Transform):
    """Say which tasks were recognised, which windows are applied, and which network runs."""

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Say it; the data stay as they are."""
        for partner in data["partners"]:
            inform(partner["task_reason"])
        inform(
            f"Windows (level, width): anatomical "
            f"{_window(data['anatomical_level_width'], data['units'])}, "
            + ", ".join(
                f"{partner['name']} {_window(partner['level_width'], partner['units'])}"
                for partner in data["partners"]
            )
            + f"; coverage {percent(float(data['coverage']), 1)}."
        )
        inform(f"The network is {data['model']}, weights {Path(data['weights']).name}.")
        return dict(data)


def _window(level_width: Any, units: str) -> str:
    return f"{','.join(f'{float(value):g}' for value in level_width)} {units}".rstrip()
