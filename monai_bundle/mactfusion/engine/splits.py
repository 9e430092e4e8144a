"""Split files: which pairs train, validate and test, by names alone."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypedDict

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("train", "validation", "test")
PUBLIC = "public"
"""The only split whose test cases may have training slices too: that is how it was published."""


class SplitPair(TypedDict):
    """One line of a split file.

    ``anatomical`` and ``partner`` are paths relative to the data folder, with forward slashes;
    ``task`` is in lower case; ``case`` is the number that all slices of one patient share, in
    every task; ``split`` is one of :data:`PARTS`.
    """

    anatomical: str
    partner: str
    task: str
    case: str
    split: str


def write_split(path: str | Path, name: str, about: str, pairs: Sequence[SplitPair]) -> None:
    """Write a split file, one pair a line.

    Args:
        path: the file; it appears whole or not at all.
        name: ``public`` or any other; of any other, test cases never have training slices.
        about: how the split was made, one sentence.
        pairs: all pairs of the split.

    Raises:
        InputError: a case is in two parts that must be apart, or the file cannot be written.
    """
    check_cases(name, pairs, path)
    lines = ",\n".join(json.dumps(pair) for pair in pairs)
    head = f'"split": {json.dumps(name)},\n"about": {json.dumps(about)},\n'
    try:
        with atomic_path(Path(path)) as temporary:
            temporary.write_text(f'{{\n{head}"pairs": [\n{lines}\n]\n}}\n', encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason_of(error)}.") from error


def read_split(split_file: str | Path, dataset_dir: str | Path, part: str) -> list[dict[str, str]]:
    """Pairs of one part of a split file, with the paths of their pictures.

    Args:
        split_file: as :func:`write_split` writes it.
        dataset_dir: folder that the names in the file start from.
        part: one of :data:`PARTS`.

    Returns:
        Mappings with the paths ``anatomical`` and ``partner``, the ``task`` and the ``case``.

    Raises:
        InputError: the file is no split file, has a case in two parts that must be apart, has
            nothing for this part, or names a picture that is not there.
    """
    name, pairs = _parse(Path(split_file))
    check_cases(name, pairs, split_file)
    chosen = [pair for pair in pairs if pair["split"] == part]
    if not chosen:
        raise InputError(f"{split_file} has no pair in its part '{part}'.")
    folder = Path(dataset_dir)
    found = []
    for pair in chosen:
        paths = {key: folder / name for key, name in _names(pair).items()}
        missing = [path for path in paths.values() if not path.is_file()]
        if missing:
            raise InputError(f"{split_file} names {missing[0]}, which does not exist.")
        same = {"task": pair["task"], "case": pair["case"]}
        found.append({**{key: str(path) for key, path in paths.items()}, **same})
    return found


def check_cases(name: str, pairs: Sequence[SplitPair], split_file: str | Path) -> None:
    """Check that no case is in two parts that must be apart, and no pair is there twice.

    Raises:
        InputError: one is.
    """
    first: dict[str, str] = {}
    names: set[str] = set()
    for pair in pairs:
        part, case = pair["split"], pair["case"]
        if pair["anatomical"] in names:
            raise InputError(f"{split_file} has {pair['anatomical']} twice; keep one of them.")
        names.add(pair["anatomical"])
        if name == PUBLIC and part == "test":
            continue
        if first.setdefault(case, part) != part:
            raise InputError(
                f"{split_file} has case {case} in both {first[case]} and {part} "
                f"({pair['anatomical']}); keep all slices of a case in one part."
            )


def _names(pair: SplitPair) -> dict[str, str]:
    return {"anatomical": pair["anatomical"], "partner": pair["partner"]}


def _parse(path: Path) -> tuple[str, list[SplitPair]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason_of(error)}.") from error
    except ValueError as error:
        raise InputError(f"{path} is no split file: it is not JSON.") from error
    pairs = content.get("pairs") if isinstance(content, dict) else None
    if not isinstance(pairs, list) or not isinstance(content.get("split"), str):
        raise InputError(f"{path} is no split file: it needs the keys 'split' and 'pairs'.")
    for pair in pairs:
        _check_pair(path, pair)
    return content["split"], pairs


def _check_pair(path: Path, pair: object) -> None:
    keys = SplitPair.__annotations__
    if not isinstance(pair, dict) or not all(isinstance(pair.get(key), str) for key in keys):
        raise InputError(f"{path} is no split file: a pair needs {', '.join(keys)}, got {pair}.")
    if pair["split"] not in PARTS:
        raise InputError(f"{path} has a part '{pair['split']}'; use {', '.join(PARTS)}.")
    for key in ("anatomical", "partner"):
        name = PurePosixPath(pair[key])
        if name.is_absolute() or ".." in name.parts:
            raise InputError(f"{path} names {name}; names are relative to the data folder.")
