"""Part the training pairs into folds by case, to compare choices without a look at test pairs.

    python -m training.folds FOLDER --output runs/folds [--count 3] [--seed 0]

FOLDER has the public layout, see :mod:`training.prepare_wba`, and is checked as there. Writes
``fold-1.json``, ``fold-2.json`` and so on, each with all pairs of the ``train`` folders: those of
one fold are the part ``validation``, all others ``train``. No pair of a ``test`` folder is in
any of them. A case, with all its tasks, is in one fold. ``training.compare FOLDER --split
fold-1.json --part validation`` scores what was trained on the rest.

A case of the public folder has test slices as well, so that a network trained on a fold is no
network to score on the test pairs of the split by case. Where weights are chosen by their score
on ``validation``, that score is no longer of pairs unseen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path  # noqa: TC003  (the command line reads the annotations)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mactfusion.engine.splits import SplitPair, write_split
from mactfusion.errors import InputError
from training.prepare_wba import collect
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ORDERS = 200


def fold_of_cases(pairs: Sequence[SplitPair], count: int, seed: int) -> dict[str, int]:
    """Give each case to a fold, so that the folds have about as many pairs of every task.

    One case after another goes where the folds' shares of the tasks, squared, then have the
    smallest sum. Of 200 orders of the cases, drawn by ``seed``, the one is taken that ends with the
    smallest sum.

    Returns:
        Case to number of the fold, from 0.

    Raises:
        InputError: a task has fewer cases than there are folds, or a fold would have none of it.
    """
    totals = Counter(pair["task"] for pair in pairs)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        sizes[pair["case"]][pair["task"]] += 1
    for task in totals:
        number = sum(task in case for case in sizes.values())
        if number < count:
            raise InputError(
                f"{task} has too few cases ({number}) for {count} folds; ask for fewer."
            )
    names = sorted(sizes)
    shares = np.array([[sizes[name][task] / totals[task] for task in totals] for name in names])
    rng = np.random.default_rng(seed)
    drawn = [_in_turn(shares, rng.permutation(len(names)), count) for _ in range(ORDERS)]
    owner, loads = min(drawn, key=lambda one: np.square(one[1]).sum())
    for task, of_task in zip(totals, loads.T, strict=True):
        if not of_task.all():
            raise InputError(
                f"The cases of {task} are too unequal for {count} folds, of which one would have "
                "none of it; add cases."
            )
    return dict(zip(names, owner.tolist(), strict=True))


def _in_turn(
    shares: NDArray[np.float64], order: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Deal out cases ``(N, tasks)`` in an order: fold of each, and shares ``(count, tasks)``."""
    owner = np.zeros(len(shares), np.int64)
    loads = np.zeros((count, shares.shape[1]))
    for case in order:
        owner[case] = ((2 * loads + shares[case]) * shares[case]).sum(axis=1).argmin()
        loads[owner[case]] += shares[case]
    return owner, loads


def make_folds(folder: Path, count: int, seed: int) -> list[list[SplitPair]]:
    """Read a folder and part its training pairs; all pairs once for each fold.

    Raises:
        InputError: the folder has a fault, or too few cases.
    """
    pairs = [pair for pair in collect(folder) if pair["split"] == "train"]
    own = fold_of_cases(pairs, count, seed)
    return [
        [
            SplitPair(**{**pair, "split": "validation" if own[pair["case"]] == fold else "train"})
            for pair in pairs
        ]
        for fold in range(count)
    ]


@refusals()
def main(
    folder: Annotated[Path, typer.Argument(help="Pairs: TASK/{train,test}/MODALITY/NAME.png.")],
    output: Annotated[Path, typer.Option(help="For fold-1.json and so on.")],
    count: Annotated[int, typer.Option(min=2, help="Folds.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the orders that are tried.")] = 0,
) -> None:
    """Part the training pairs of a folder into folds by case."""
    folds = make_folds(folder, count, seed)
    output.mkdir(parents=True, exist_ok=True)
    for number, pairs in enumerate(folds, start=1):
        name = f"fold-{number}"
        about = (
            f"Fold {number} of {count}, seed {seed}, of the training folders alone: validation is "
            "the fold, train the others; no case is in two."
        )
        path = output / f"{name}.json"
        write_split(path, name, about, pairs)
        typer.echo(str(path))
        counts = Counter((pair["task"], pair["split"]) for pair in pairs)
        for task in sorted({task for task, _ in counts}):
            sizes = "  ".join(f"{part} {counts[task, part]:4}" for part in ("train", "validation"))
            typer.echo(f"  {task:10}{sizes}")


if __name__ == "__main__":
    typer.run(main)
