"""Pairs of slices to train on: a folder in the layout of the public split, or synthetic heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from monai.transforms import Transform

from mactfusion.engine.splits import read_split
from mactfusion.engine.tasks import check_tasks
from mactfusion.errors import InputError
from mactfusion.io.formats import INPUT_EXTENSIONS, extension_of
from mactfusion.io.luminance import check_8_bit_picture, luminance
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

ANATOMICAL = ("MRI", "CT", "PC")
"""What the last part of a task's folder may be: the folder of its anatomical pictures; PC is phase
contrast."""


def list_pairs(dataset_dir: str | Path, split: str) -> list[dict[str, str]]:
    """Find the pairs of ``TASK/SPLIT/MODALITY/NAME.png``; equal names pair.

    TASK names the partner and then the anatomical modality, as ``CT-MRI``, ``PET-CT`` or ``GFP-PC``
    do.

    Args:
        dataset_dir: folder that holds the task folders.
        split: ``train`` or ``test``.

    Returns:
        One mapping a pair with the paths ``anatomical`` and ``partner``, the ``task`` in lower
        case and the ``case``: the name without its last three digits, the slice number. A case
        number is one case in all tasks, which may share an MR.

    Raises:
        InputError: the folder holds no task, a slice lacks its partner, or a picture is no
            ``.png`` by its name.
    """
    pairs: list[dict[str, str]] = []
    tasks = [path for kind in ANATOMICAL for path in Path(dataset_dir).glob(f"*-{kind}")]
    for task in sorted(tasks):
        partner_kind, _, anatomical_kind = task.name.rpartition("-")
        anatomical_dir, partner_dir = task / split / anatomical_kind, task / split / partner_kind
        for own, other in ((anatomical_dir, partner_dir), (partner_dir, anatomical_dir)):
            _check_names(own)
            for path in _pictures(own):
                if not (other / path.name).is_file():
                    missing = other / path.name
                    raise InputError(f"{path} has no partner {missing}; add it or remove both.")
        for anatomical in _pictures(anatomical_dir):
            partner = partner_dir / anatomical.name
            pairs.append(
                {
                    "anatomical": str(anatomical),
                    "partner": str(partner),
                    "task": task.name.lower(),
                    "case": anatomical.stem[:-3],
                }
            )
    if not pairs:
        raise InputError(
            f"{dataset_dir} holds no pairs in TASK/{split}; expected pictures of equal names, such "
            f"as CT-MRI/{split}/MRI/1001.png and CT-MRI/{split}/CT/1001.png."
        )
    return pairs


def _pictures(folder: Path) -> list[Path]:
    """PNG files of a folder, without hidden ones such as "._1001.png" of macOS."""
    return sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))


def _check_names(folder: Path) -> None:
    """Refuse pictures that would be left out without a word."""
    for path in sorted(folder.glob("[!.]*")):
        if extension_of(path) in INPUT_EXTENSIONS and path.suffix != ".png":
            raise InputError(f"{path} is no .png file; save it as 8-bit PNG, or move it away.")


def hold_out(
    pairs: list[dict[str, str]], every: int
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Keep every ``every``-th case for validation, so that no case is on both sides in any task."""
    cases = sorted({pair["case"] for pair in pairs})
    held = set(cases[::every])
    return (
        [pair for pair in pairs if pair["case"] not in held],
        [pair for pair in pairs if pair["case"] in held],
    )


def training_pairs(
    dataset_dir: str | Path | None,
    every: int = 8,
    split_file: str | Path | None = None,
    task: str | Sequence[str] | None = None,
    criterion: nn.Module | None = None,
) -> tuple[list, list]:
    """Training and validation pairs of a folder, or of synthetic heads when there is none.

    Args:
        dataset_dir: folder with ``TASK/train/MODALITY/NAME.png``, or None for synthetic heads.
        every: without a split file, every ``every``-th case of ``train`` is held out.
        split_file: names the pairs of both parts, see :mod:`mactfusion.engine.splits`; wins over
            ``every``.
        task: only pairs of this one, such as ``ct-mri``, or of these.
        criterion: what is to be trained on, see :func:`mactfusion.engine.tasks.check_tasks`.

    Raises:
        InputError: the folder holds no pairs, none are left to train or, of some tasks, to
            validate on, the split file does not fit the folder, or the criterion does not know
            a task.
    """
    parts = _both_parts(dataset_dir, every, split_file)
    if task is not None:
        parts = _of_task(parts, task, dataset_dir)
    if criterion is not None:
        check_tasks(criterion, [*parts[0], *parts[1]])
    return parts


def _of_task(
    parts: tuple[list, list], task: str | Sequence[str], dataset_dir: str | Path | None
) -> tuple[list, list]:
    """Keep the pairs of one task, or of several, in both parts."""
    tasks = [name.lower() for name in ([task] if isinstance(task, str) else task)]
    training, validation = ([pair for pair in part if pair["task"] in tasks] for part in parts)
    if not training or not validation:
        found = ", ".join(sorted({pair["task"] for part in parts for pair in part}))
        raise InputError(
            f"{dataset_dir or 'The synthetic heads'}: there is nothing of the task "
            f"{' or '.join(tasks)} to "
            f"{'validate' if training else 'train'} on; tasks here are {found}."
        )
    return training, validation


def _both_parts(
    dataset_dir: str | Path | None, every: int, split_file: str | Path | None
) -> tuple[list, list]:
    if split_file:
        if not dataset_dir:
            raise InputError(f"{split_file} needs the folder its names start from: dataset_dir.")
        training, validation = (
            read_split(split_file, dataset_dir, part) for part in ("train", "validation")
        )
        return training, validation
    if dataset_dir:
        training, validation = hold_out(list_pairs(dataset_dir, "train"), every)
        if not training:
            cases = len({pair["case"] for pair in validation})
            raise InputError(
                f"{dataset_dir} has no case left to train on: {_held(cases, every)} A case is what "
                "a name says before its last three digits, the number of the slice."
            )
        return training, validation
    return synthetic_pairs(count=16, seed=0), synthetic_pairs(count=2, seed=1000)


def _held(cases: int, every: int) -> str:
    """Say why nothing is left to train on, and what helps."""
    if cases == 1:
        return "all its pairs are of one case, which is held out for validation; add cases."
    return f"val_every_case {every} holds out all {cases} for validation; raise it."


def scored_pairs(
    dataset_dir: str | Path, split_file: str | Path | None = None, task: str | None = None
) -> list[dict[str, str]]:
    """Test pairs of a folder: those of a split file, or of ``TASK/test``.

    Args:
        dataset_dir: folder with ``TASK/test/MODALITY/NAME.png``.
        split_file: names the test pairs (:mod:`mactfusion.engine.splits`).
        task: only pairs of this one, such as ``ct-mri``.

    Raises:
        InputError: there are none, or the split file does not fit the folder.
    """
    if split_file:
        pairs = read_split(split_file, dataset_dir, "test")
    else:
        pairs = list_pairs(dataset_dir, "test")
    chosen = [pair for pair in pairs if task in (None, pair["task"])]
    if not chosen:
        raise InputError(f"{dataset_dir} holds no test pairs of the task {task}.")
    return chosen


def synthetic_pairs(count: int, seed: int) -> list[dict]:
    """Slices of synthetic heads, ``count`` of each task; another seed gives other heads."""
    from mactfusion.phantom import phantom_slices

    return [
        {"image": pair, "task": task}
        for task in ("ct-mri", "pet-mri", "spect-mri")
        for pair in phantom_slices(task, count=count, seed=seed)
    ]


class LoadPaird(Transform):
    """Read one pair of pictures into ``image``: ``(2, H, W)`` in [0, 1], the anatomical first.

    Colour becomes its BT.601 luminance. An item that has ``image`` already passes through.
    """

    def __call__(self, data: dict) -> dict:
        """Read ``data["anatomical"]`` and ``data["partner"]``.

        Raises:
            InputError: one cannot be read or is not 8-bit grey or RGB, or the two differ in size.
        """
        if "image" in data:
            return data
        anatomical, partner = (read_luminance(data[key]) for key in ("anatomical", "partner"))
        if anatomical.shape != partner.shape:
            raise InputError(
                f"{data['anatomical']} and {data['partner']} differ in size: "
                f"{tuple(anatomical.shape)} and {tuple(partner.shape)}."
            )
        return {**data, "image": torch.stack([anatomical, partner])}


def read_luminance(path: str | Path) -> Tensor:
    """Read the luminance ``(H, W)`` of an 8-bit picture, 255 becoming 1.

    Raises:
        InputError: the file is no picture that can be read; it has 16 bits, of which scanners
            often use 12, so that its full scale is not known; or a palette, which has lost tones.
    """
    picture = read_volume(path)
    check_8_bit_picture(picture, "its full scale is not known")
    return torch.from_numpy(luminance(picture)[..., 0].T / 255).float()
