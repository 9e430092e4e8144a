"""Pairs of slices to train on: a folder in the layout of the public split, or synthetic heads."""

from __future__ import annotations

from pathlib import Path

import torch
from monai.transforms import Compose, LoadImage, Transform
from torch import Tensor

from mactfusion.errors import InputError

ANATOMICAL = "MRI"
LUMINANCE = (0.299, 0.587, 0.114)


def list_pairs(dataset_dir: str | Path, split: str) -> list[dict[str, str]]:
    """Find the pairs of ``TASK/SPLIT/MODALITY/NAME.png`` (TASK as ``CT-MRI``; equal names pair).

    Args:
        dataset_dir: folder that holds the task folders.
        split: ``train`` or ``test``.

    Returns:
        One mapping a pair with the paths ``anatomical`` and ``partner``, the ``task`` in lower
        case and the ``case``: the name without its last three digits, the slice number.

    Raises:
        InputError: the folder holds no task, or a slice lacks its partner.
    """
    pairs: list[dict[str, str]] = []
    for task in sorted(Path(dataset_dir).glob("*-MRI")):
        partner_dir = task / split / task.name.removesuffix(f"-{ANATOMICAL}")
        for anatomical in sorted((task / split / ANATOMICAL).glob("*.png")):
            partner = partner_dir / anatomical.name
            if not partner.is_file():
                raise InputError(f"{anatomical} has no partner {partner}; add it or remove both.")
            pairs.append(
                {
                    "anatomical": str(anatomical),
                    "partner": str(partner),
                    "task": task.name.lower(),
                    "case": f"{task.name} {anatomical.stem[:-3]}",
                }
            )
    if not pairs:
        raise InputError(
            f"{dataset_dir} holds no pairs; expected TASK/{split}/MRI/NAME.png and "
            f"TASK/{split}/PARTNER/NAME.png with TASK such as CT-MRI."
        )
    return pairs


def hold_out(
    pairs: list[dict[str, str]], every: int
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Keep every ``every``-th case for validation, so that no case is on both sides."""
    cases = sorted({pair["case"] for pair in pairs})
    held = set(cases[::every])
    return (
        [pair for pair in pairs if pair["case"] not in held],
        [pair for pair in pairs if pair["case"] in held],
    )


def training_pairs(dataset_dir: str | Path | None, every: int = 8) -> tuple[list, list]:
    """Training and validation pairs of a folder, or of synthetic heads when there is none."""
    if dataset_dir:
        return hold_out(list_pairs(dataset_dir, "train"), every)
    from mactfusion.phantom import phantom_slices

    heads = [
        {"image": pair, "task": task}
        for task in ("ct-mri", "pet-mri", "spect-mri")
        for pair in phantom_slices(task, count=16, seed=0)
    ]
    return [h for i, h in enumerate(heads) if i % every], heads[::every]


class LoadPaird(Transform):
    """Read one pair of pictures into ``image``: ``(2, H, W)`` in [0, 1], the anatomical first.

    Colour becomes its BT.601 luminance. An item that has ``image`` already passes through.
    """

    def __init__(self) -> None:
        self.load = Compose(
            [LoadImage(reader="PILReader", reverse_indexing=False, ensure_channel_first=True)]
        )

    def __call__(self, data: dict) -> dict:
        """Read ``data["anatomical"]`` and ``data["partner"]``.

        Raises:
            InputError: the two differ in size.
        """
        if "image" in data:
            return data
        anatomical, partner = (self._luminance(data[key]) for key in ("anatomical", "partner"))
        if anatomical.shape != partner.shape:
            raise InputError(
                f"{data['anatomical']} and {data['partner']} differ in size: "
                f"{tuple(anatomical.shape)} and {tuple(partner.shape)}."
            )
        return {**data, "image": torch.stack([anatomical, partner])}

    def _luminance(self, path: str) -> Tensor:
        picture = self.load(path).as_tensor() / 255
        if picture.shape[0] == 1:
            return picture[0]
        return torch.tensordot(torch.tensor(LUMINANCE), picture[:3], dims=1)
