"""A process that fuses and does not train imports no libraries for training.

MONAI imports them wherever they are installed: half of the time until the first slice
(docs/adr/0012-start-up.md). It does without where they are not, so a process that will never need
them hides them before MONAI is imported.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

LEFT_OUT = frozenset(
    {
        *("h5py", "ignite", "itk", "matplotlib.pyplot", "mlflow", "pandas", "requests"),
        *("scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.sparse", "scipy.stats"),
        *("skimage", "tensorboard", "tensorboardX", "torchvision"),
    }
)
"""What MONAI takes where it is installed and no fusion uses."""


class _Hidden(MetaPathFinder):
    """Finds nothing where it should not."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  the signature of the class above
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Say that a hidden module is not installed; leave others to who comes next."""
        if name in LEFT_OUT:
            raise ModuleNotFoundError(f"{name} is left out of a process that fuses", name=name)
        return None


def leave_out_training() -> None:
    """Hide the libraries of training in this process; for a program's start alone."""
    sys.meta_path.insert(0, _Hidden())
