"""Which methods a study compares: folders of fused images, and the project's own networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mactfusion.amounts import counted
from mactfusion.errors import InputError
from mactfusion.io.folder import files_by_stem
from mactfusion.networks.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.study.pairs import Pair

FEWEST, MOST = 2, 9
"""Images to choose from in one case; each has a key of its own, 1 to 9."""


@dataclass(frozen=True)
class Method:
    """One way to fuse.

    Attributes:
        name: that of the folder or of the network; readers never see it.
        fused: by task and name of a pair its fused file; empty of a network, which fuses the pairs.
        model: name of the network; empty of a folder.
    """

    name: str
    fused: Mapping[tuple[str, str], Path]
    model: str = ""

    def shows(self, pair: Pair) -> bool:
        """Tell whether there is an image of a pair."""
        return bool(self.model) or (pair.task, pair.name) in self.fused


def find_methods(words: Sequence[str], pairs: Sequence[Pair]) -> list[Method]:
    """Settle what a study compares.

    Args:
        words: folders with ``TASK/NAME``, or with ``NAME`` where all pairs are of one task; or
            names of networks. What is a folder is taken for one.
        pairs: what was fused. A folder may lack whole tasks, which it is then not shown in.

    Raises:
        InputError: neither a folder nor a network, two of one name, a folder without images or
            with some of a task alone, or a pair with too few or too many images.
    """
    methods: list[Method] = []
    for word in words:
        folder = Path(word)
        if folder.is_dir():
            method = Method(folder.resolve().name, _fused_files(folder, pairs))
        elif word in MODELS:
            method = Method(word, {}, word)
        else:
            raise InputError(
                f"{word} is no folder of fused images, and no network ({', '.join(MODELS)})."
            )
        if method.name in (other.name for other in methods):
            raise InputError(f"Two methods are called {method.name}; rename a folder.")
        methods.append(method)
    for pair in pairs:
        count = sum(method.shows(pair) for method in methods)
        if not FEWEST <= count <= MOST:
            raise InputError(
                f"The task {pair.task} has images of {counted(count, 'method')}; "
                f"readers choose among {FEWEST} to {MOST}."
            )
    return methods


def _fused_files(folder: Path, pairs: Sequence[Pair]) -> dict[tuple[str, str], Path]:
    """Find the fused file of every pair whose task the folder has."""
    tasks = sorted({pair.task for pair in pairs})
    below = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    found: dict[tuple[str, str], Path] = {}
    for task in tasks:
        place = below.get(task, folder if len(tasks) == 1 else None)
        files = {} if place is None else files_by_stem(place)
        names = [pair.name for pair in pairs if pair.task == task]
        missing = [name for name in names if name not in files]
        if missing and len(missing) < len(names):
            raise InputError(
                f"{place} has no fused image called {missing[0]}; a method shows all pairs of a "
                "task, or none."
            )
        found.update({(task, name): files[name] for name in names if name in files})
    if not found:
        raise InputError(
            f"{folder} holds no fused image of these pairs; expected TASK/NAME, such as "
            f"{pairs[0].task.upper()}/{pairs[0].name}.png."
        )
    return found
