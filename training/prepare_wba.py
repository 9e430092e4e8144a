"""Check a folder of pairs and write its split files.

    python -m training.prepare_wba FOLDER --output SPLITS

FOLDER has the public layout ``TASK/{train,test}/MODALITY/NAME.png`` with the modalities ``PARTNER``
and ``MRI`` in a task ``PARTNER-MRI`` (or ``CT``, or ``PC`` for phase contrast, in its place); NAME
is the case number and a slice number of three digits. Writes ``public.json``, whose test pairs are
those of the test folders, and ``by-case.json``, where no case is in two parts. Validation cases are
taken out of the training cases, for as many pairs as there are test pairs, so a task needs a
training case more than that takes. The files hold names only; the same folder always gives the same
files.

In the Whole Brain Atlas the PET cases 25, 30 and 41 are a coronal, a sagittal and an axial view of
what looks like one brain: apart by case is not apart by person there, in any split.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from PIL import Image

from mactfusion.engine.pairs import list_pairs
from mactfusion.engine.splits import PARTS, PUBLIC, SplitPair, write_split
from mactfusion.errors import InputError
from training.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDERS = ("train", "test")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
DEPTH_BYTE, COLOR_BYTE = 24, 25
"""Where a PNG says its bits a channel and its kind of colour (PNG specification, IHDR)."""
COLOR_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
ACCEPTED = ("grey", "RGB")
BY_CASE = "by-case"


def read_png(path: Path) -> np.ndarray:
    """Read an 8-bit grey or RGB picture, shape ``(H, W)`` or ``(H, W, 3)``.

    Raises:
        InputError: the file is damaged, or is another kind of picture.
    """
    try:
        with path.open("rb") as file:
            header = file.read(COLOR_BYTE + 1)
        with Image.open(path) as image:
            image_format, mode = image.format, image.mode
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three
        raise InputError(f"{path} is not a readable picture; copy it again.") from error
    if not header.startswith(PNG_SIGNATURE):
        raise InputError(f"{path} is a {mode} {image_format} picture; save it as an 8-bit PNG.")
    kind, bits = COLOR_KINDS[header[COLOR_BYTE]], header[DEPTH_BYTE]
    if kind not in ACCEPTED or bits != 8:
        raise InputError(f"{path} is a {kind} PNG of {bits} bits; save it as 8-bit grey or RGB.")
    return pixels


def collect(folder: Path) -> list[SplitPair]:
    """List and check the pairs of both folders of the public layout; ``split`` is the folder.

    Raises:
        InputError: a picture lacks its partner, has another size or kind, is constant, or its
            name has no case; a slice is in both folders; or one MR has two case numbers.
    """
    pairs: list[SplitPair] = []
    for name in FOLDERS:
        for pair in list_pairs(folder, name):
            anatomical, partner = (
                Path(pair[key]).relative_to(folder).as_posix() for key in ("anatomical", "partner")
            )
            case = _case_of(Path(pair["anatomical"]))
            pairs.append(
                SplitPair(
                    anatomical=anatomical,
                    partner=partner,
                    task=pair["task"],
                    case=case,
                    split=name,
                )
            )
    _check_pictures(folder, pairs)
    return pairs


def _case_of(path: Path) -> str:
    if not re.fullmatch(r"\d{4,}", path.stem):
        raise InputError(f"{path} must be named by case number and three digits of slice number.")
    return path.stem[:-3]


def _check_pictures(folder: Path, pairs: Sequence[SplitPair]) -> None:
    slices: dict[tuple[str, str], str] = {}
    contents: dict[str, SplitPair] = {}
    for pair in pairs:
        anatomical, partner = folder / pair["anatomical"], folder / pair["partner"]
        name = anatomical.name
        if (other := slices.setdefault((pair["task"], name), pair["anatomical"])) != pair[
            "anatomical"
        ]:
            raise InputError(f"{anatomical} is also in {folder / other}; keep one of them.")
        first, second = read_png(anatomical), read_png(partner)
        if first.shape[:2] != second.shape[:2]:
            sizes = " and ".join("x".join(map(str, p.shape[1::-1])) for p in (first, second))
            raise InputError(f"{anatomical} and {partner} differ in size: {sizes}.")
        for path, pixels in ((anatomical, first), (partner, second)):
            if pixels.min() == pixels.max():
                raise InputError(f"{path} is constant, nothing to fuse; remove the pair.")
        same = contents.setdefault(hashlib.sha256(first.tobytes()).hexdigest(), pair)
        if same["case"] != pair["case"]:
            raise InputError(
                f"{anatomical} and {folder / same['anatomical']} are one picture under two case "
                "numbers, so that no split can keep them apart; rename one case."
            )


def assign(
    pairs: Sequence[SplitPair], wanted: dict[str, int], parts: Sequence[str], name: str
) -> list[SplitPair]:
    """Give whole cases to parts, the rest to ``train``.

    Tasks come in turn, the one with the fewest cases first. For each part a task's cases are taken
    in the order of the SHA-256 of their number until they hold ``wanted[task]`` pairs; of these,
    ``wanted[task]`` stay, evenly spaced, and the rest, too close to them to train on, is left out.
    A case taken for one task is taken in all.

    Args:
        pairs: those to part.
        wanted: pairs of each of ``parts``, by task.
        parts: those beside ``train``.
        name: of the split, for errors.

    Returns:
        The pairs, with ``split`` set.

    Raises:
        InputError: a task has too few cases.
    """
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        sizes[pair["task"]][pair["case"]] += 1
    part_of: dict[str, str] = {}
    for task, cases in sorted(sizes.items(), key=lambda item: (len(item[1]), item[0])):
        for part in parts:
            have = sum(size for case, size in cases.items() if part_of.get(case) == part)
            free = sorted((case for case in cases if case not in part_of), key=_hash)
            while have < wanted[task] and free:
                part_of[free[0]] = part
                have += cases[free.pop(0)]
        rest = {case: "train" for case in cases if case not in part_of}
        part_of.update(rest)
        if {*parts, "train"} - {part_of[case] for case in cases}:
            raise InputError(_too_few_cases(name, task, len(cases), wanted[task], parts))
    return [
        pair
        for task in sorted(sizes)
        for part in PARTS
        for pair in _thinned(
            [
                SplitPair(**{**pair, "split": part})
                for pair in pairs
                if pair["task"] == task and part_of[pair["case"]] == part
            ],
            None if part == "train" else wanted[task],
        )
    ]


def _too_few_cases(name: str, task: str, cases: int, wanted: int, parts: Sequence[str]) -> str:
    place = f"{task.upper()}/train" if name == PUBLIC else task.upper()
    needed = ", ".join(f"{wanted} {part} pair{'' if wanted == 1 else 's'}" for part in parts)
    return (
        f"{place} has too few cases ({cases}) for the split '{name}'. {needed} (as many as "
        f"{task.upper()}/test holds) and pairs to train on are needed, each of cases of their own; "
        f"add cases to {task.upper()}/train."
    )


def _hash(case: str) -> str:
    return hashlib.sha256(case.encode()).hexdigest()


def _thinned(pairs: list[SplitPair], count: int | None) -> list[SplitPair]:
    """Sort by case and slice, and keep ``count`` evenly spaced ones."""
    ordered = sorted(pairs, key=lambda pair: int(Path(pair["anatomical"]).stem))
    if count is None or len(ordered) <= count:
        return ordered
    return [ordered[(2 * index + 1) * len(ordered) // (2 * count)] for index in range(count)]


def make_splits(folder: Path) -> dict[str, list[SplitPair]]:
    """Make both splits of a folder in the public layout; see the top of this file.

    Raises:
        InputError: the folder has a fault, or too few cases.
    """
    pairs = collect(folder)
    parts = {part: [pair for pair in pairs if pair["split"] == part] for part in FOLDERS}
    wanted = Counter(pair["task"] for pair in parts["test"])
    for part, own in parts.items():
        if lacking := {pair["task"] for pair in pairs} - {pair["task"] for pair in own}:
            task = min(lacking).upper()
            raise InputError(f"{folder} has no {part} pairs of {task}; add {task}/{part}.")
    return {
        PUBLIC: assign(parts["train"], wanted, ["validation"], PUBLIC) + parts["test"],
        BY_CASE: assign(pairs, wanted, ["test", "validation"], BY_CASE),
    }


def about(name: str, pairs: Sequence[SplitPair]) -> str:
    """Say how the parts of a split lie to each other, as the file does."""
    if name != PUBLIC:
        return "No case is in two parts; a case number is one case in all tasks."
    cases = {part: {pair["case"] for pair in pairs if pair["split"] == part} for part in PARTS}
    shared = len(cases["test"] & cases["train"])
    return (
        f"The pairs of the test folders; of their {len(cases['test'])} cases {shared} have "
        "training slices too. Validation cases have none."
    )


@refusals()
def main(
    folder: Annotated[Path, typer.Argument(help="Pairs: TASK/{train,test}/MODALITY/NAME.png.")],
    output: Annotated[Path, typer.Option(help="For public.json and by-case.json.")],
) -> None:
    """Check a folder of pairs and write its split files."""
    splits = make_splits(folder)
    output.mkdir(parents=True, exist_ok=True)
    for name, pairs in splits.items():
        write_split(output / f"{name}.json", name, about(name, pairs), pairs)
    in_folder = Counter(pair["task"] for part in FOLDERS for pair in list_pairs(folder, part))
    for name, pairs in splits.items():
        typer.echo(f"{output / name}.json")
        counts = Counter((pair["task"], pair["split"]) for pair in pairs)
        for task, whole in sorted(in_folder.items()):
            sizes = "".join(f"{part} {counts[task, part]:4}  " for part in PARTS)
            left_out = whole - sum(counts[task, part] for part in PARTS)
            typer.echo(f"  {task:10}{sizes}left out {left_out:4}")


if __name__ == "__main__":
    typer.run(main)
