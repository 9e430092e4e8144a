"""When a step of the recipe was reached."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

if TYPE_CHECKING:
    from collections.abc import Mapping


class Timestampd(Transform):
    """Keep the time, in seconds since 1970, under a key."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Add the time."""
        return {**data, self.key: time.time()}
