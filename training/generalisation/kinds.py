"""Pairs of the kinds of images that the networks never saw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monai.data import MetaTensor
from PIL import Image

from mactfusion.demo.volumes import SCANS
from mactfusion.engine.pairs import list_pairs
from mactfusion.errors import InputError
from mactfusion.phantom import HeadPhantom
from training.comparison.scores import evenly_spaced
from training.template_volumes import template_pairs, template_pairs_on_ct

Source = Path | MetaTensor
"""A file, or a volume in memory."""

SECOND_MR = ("T2", "FLAIR")
WITH_MR = ("ct-mri", "pet-mri", "spect-mri")
PARTNERS = {
    "ct-mri": "CT",
    "pet-mri": "PET",
    "spect-mri": "SPECT",
    "pet-ct": "PET",
    "spect-ct": "SPECT",
}


@dataclass(frozen=True)
class Kind:
    """One kind of images.

    Attributes:
        task: of the recipe.
        headings: what the two sources are.
        pairs: the anatomical image and its partner.
        about: what was chosen, for the page.
    """

    task: str
    headings: tuple[str, str]
    pairs: list[tuple[Source, Source]]
    about: str


def all_gfp_pairs(folder: Path) -> tuple[list[tuple[Path, Path]], int]:
    """Find all pairs of phase contrast and GFP of one size, in the order of their stems.

    Pairs of unequal sizes are left out: without a pixel size nothing tells how they lie.

    Returns:
        Phase contrast and GFP of each pair, and how many were left out.

    Raises:
        InputError: there are none, one lacks its partner, or is no picture.
    """
    found: list[tuple[Path, Path]] = []
    unequal = 0
    for gfp in sorted((folder / "GFP").glob("*-g.jpg")):
        phase = folder / "PCI" / f"{gfp.stem.removesuffix('-g')}-t.jpg"
        if not phase.is_file():
            raise InputError(f"{gfp} has no partner {phase}; add it or remove both.")
        if _size(gfp) == _size(phase):
            found.append((phase, gfp))
        else:
            unequal += 1
    if not found:
        raise InputError(f"{folder} holds no pairs; expected GFP/STEM-g.jpg and PCI/STEM-t.jpg.")
    return found, unequal


def find_gfp_pairs(folder: Path, count: int) -> Kind:
    """Choose pairs of phase contrast and GFP, evenly spaced.

    Raises:
        InputError: see :func:`all_gfp_pairs`.
    """
    found, unequal = all_gfp_pairs(folder)
    chosen: list[tuple[Source, Source]] = [
        found[index] for index in evenly_spaced(len(found), count)
    ]
    about = (
        f"{len(chosen)} evenly spaced pairs of {len(found)}; left out for unequal sizes: {unequal}."
    )
    return Kind("gfp-pc", ("phase contrast", "GFP"), chosen, about)


def find_mr_pairs(folder: Path, slices: int) -> list[Kind]:
    """Pair T1 with each of the others."""
    about = f"One patient, {slices} evenly spaced slices of those with content in both volumes."
    return [
        Kind("mr-mr", ("T1", other), [(folder / "T1.nii.gz", folder / f"{other}.nii.gz")], about)
        for other in SECOND_MR
    ]


def find_template_pairs(folder: Path, slices: int) -> list[Kind]:
    """Pair the MR of an average head with its CT, PET and SPECT."""
    about = f"An average head, {slices} evenly spaced slices of those with content in both volumes."
    return [
        Kind(task, ("template MR", PARTNERS[task]), [pair], about)
        for task, pair in template_pairs(folder).items()
    ]


def find_template_pairs_on_ct(folder: Path, slices: int) -> list[Kind]:
    """Pair the CT of an average head with its PET and SPECT."""
    about = f"An average head, {slices} evenly spaced slices of those with content in both volumes."
    return [
        Kind(task, ("template CT", PARTNERS[task]), [pair], about)
        for task, pair in template_pairs_on_ct(folder).items()
    ]


def find_pictures_on_ct(folder: Path, count: int) -> list[Kind]:
    """Choose slices of CT with uptake put on them, evenly spaced.

    Raises:
        InputError: there are none.
    """
    found = list_pairs(folder, "train")
    kinds = []
    for task in sorted({pair["task"] for pair in found} & set(PARTNERS)):
        own = [pair for pair in found if pair["task"] == task]
        chosen = [own[index] for index in evenly_spaced(len(own), count)]
        pairs: list[tuple[Source, Source]] = [
            (Path(pair["anatomical"]), Path(pair["partner"])) for pair in chosen
        ]
        about = f"{len(pairs)} evenly spaced slices of {len(own)}, uptake of other cases."
        kinds.append(Kind(task, ("slices of CT", PARTNERS[task]), pairs, about))
    return kinds


def make_head_pairs(count: int, slices: int) -> list[Kind]:
    """Scan synthetic heads as the demo does: T1 with CT, PET and SPECT."""
    about = f"Synthetic heads: {count}, {slices} evenly spaced slices of each."
    pairs: dict[str, list[tuple[Source, Source]]] = {task: [] for task in WITH_MR}
    for seed in range(count):
        head = HeadPhantom(seed)
        scans = {name: head.sample(name, scan.shape, scan.affine) for name, scan in SCANS.items()}
        for task in WITH_MR:
            pairs[task].append((scans["T1"], scans[PARTNERS[task]]))
    return [Kind(task, ("synthetic T1", PARTNERS[task]), pairs[task], about) for task in WITH_MR]


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise InputError(f"{path} is not a readable picture; copy it again.") from error
