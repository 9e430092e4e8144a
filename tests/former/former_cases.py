"""Fusions whose voxels were kept before the recipe was written anew, and how they were made.

``former.npz`` holds what the library made of :data:`CASES` at revision f306c4c, when a list of
partners still took a way of its own. With that revision checked out in FOLDER,

    PYTHONPATH=FOLDER/monai_bundle python tests/former/former_cases.py tests/former/former.npz

makes it again.
"""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from tempfile import TemporaryDirectory

import numpy as np
import torch

STAND_IN = "pixel maximum"
"""Network of the cases that must be equal bit by bit: it computes the same everywhere."""


class PixelMaximum(torch.nn.Module):
    """A network without weights."""

    def forward(self, image):
        return image.amax(dim=1, keepdim=True)


def head(shape, spacing_mm, scale, seed):
    """A round head with noise, centred at the origin, ``(array, affine)``."""
    axes = [np.linspace(-1, 1, size) for size in shape]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    noise = np.random.default_rng(seed).random(shape)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = [-(size - 1) * mm / 2 for size, mm in zip(shape, spacing_mm, strict=True)]
    return (np.clip(1 - radius, 0, 1) * (0.5 + noise / 2) * scale).astype(np.float32), affine


def turned(volume):
    """The same volume, oblique by 12 degrees and stored mirrored."""
    array, affine = volume
    cosine, sine = np.cos(np.radians(12)), np.sin(np.radians(12))
    turn = np.eye(4)
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    back = np.eye(4)
    back[0, 3] = -(len(array) - 1)
    return array[::-1].copy(), turn @ affine @ np.diag([-1.0, 1, 1, 1]) @ back


def volumes():
    """MR, CT, PET, SPECT, T2 and a colour volume of one head, by name."""
    mr = head((20, 24, 4), (4.0, 4.0, 10.0), 900, seed=0)
    pet = head((14, 16, 10), (7.0, 7.0, 5.0), 8000, seed=1)
    tissue = np.where(mr[0] > 500, 900, np.where(mr[0] > 0, 40, -1000)).astype(np.float32)
    colours = np.random.default_rng(0).integers(0, 256, (*mr[0].shape, 3)).astype(np.uint8)
    fine = head((30, 36, 8), (3.0, 3.0, 6.0), 2500, seed=5)
    right = pet[1].copy()
    right[0, 3] = 0
    return {
        "mr": mr,
        "oblique": turned(mr),
        "ct": (tissue, mr[1]),
        "fine ct": (fine[0] - 1000, fine[1]),
        "pet": pet,
        "half": (pet[0][7:], right),
        "spect": (head((14, 16, 10), (7.0, 7.0, 5.0), 300, seed=7)[0][::-1].copy(), pet[1]),
        "t2": (np.where(mr[0] > 0, 900 - mr[0], 0).astype(np.float32), mr[1]),
        "colour": (colours, mr[1]),
    }


TASK = {"ct": "ct-mri", "fine ct": "ct-mri", "pet": "pet-mri", "half": "pet-mri"}
TASK |= {"spect": "spect-mri", "t2": "mr-mr", "colour": "pet-mri"}

CASES = {
    "ct": ("mr", ["ct"], {}),
    "ct by its values": ("mr", ["ct"], {"task": "auto"}),
    "pet": ("mr", ["pet"], {}),
    "oblique": ("oblique", ["pet"], {}),
    "half covered": ("mr", ["half"], {"colormap": "pet"}),
    "two mr": ("mr", ["t2"], {}),
    "own colours": ("mr", ["colour"], {}),
    "cubes": ("mr", ["fine ct"], {"grid": "isotropic", "window": "bone"}),
    "coronal": ("oblique", ["spect"], {"axis": "coronal"}),
    "sagittal": ("mr", ["pet"], {"axis": "sagittal", "window": (3000, 6000)}),
    "grey": ("mr", ["pet"], {"luminance": True, "anatomical_window": (300, 700)}),
    "ct and pet": ("mr", ["ct", "pet"], {}),
    "pet and spect": ("mr", ["spect", "pet"], {}),
    "two pet": ("mr", ["pet", "half"], {"colormap": ["green_iron", "auto"]}),
    "cubes of two": (
        "oblique",
        ["pet", "fine ct"],
        {"grid": "isotropic", "window": ["3000,6000", "bone"]},
    ),
    "colours beside pet": ("mr", ["half", "colour"], {}),
    "four": ("mr", ["t2", "spect", "pet", "ct"], {}),
    "two in grey": ("mr", ["ct", "pet"], {"luminance": True, "axis": "coronal"}),
}
"""By name: the anatomical volume, its partners, options; tasks are those of the partners."""

OF_EACH_NETWORK = ("ct", "pet", "ct and pet")


def fuse(name, **network):
    """Fuse one case; a single partner is given as itself."""
    from mactfusion import fuse_volumes

    known = volumes()
    anatomical, partners, options = CASES[name]
    tasks = [TASK[partner] for partner in partners]
    sources = [known[partner] for partner in partners]
    if len(partners) == 1:
        tasks, sources = tasks[0], sources[0]
    return fuse_volumes(known[anatomical], sources, **{"task": tasks, **options}, **network)


def stand_in(models, folder):
    """Take the pixel maximum for the default network; return the options that choose it."""
    name = "mactfusion_plus"
    field = "graph" if "graph" in {each.name for each in fields(models[name])} else "network"
    models[name] = replace(models[name], **{field: PixelMaximum})
    weights = f"{folder}/none.pt"
    torch.save({}, weights)
    return {"weights": weights}


def main():
    """Write the results of the library that is imported."""
    from mactfusion.networks.registry import MODELS

    torch.set_num_threads(1)
    results = {}
    for model in MODELS:
        for name in OF_EACH_NETWORK:
            results[f"{model}: {name}"] = fuse(name, model=model).fused.numpy()
    with TemporaryDirectory() as folder:
        options = stand_in(MODELS, folder)
        for name in CASES:
            result = fuse(name, **options)
            results[f"{STAND_IN}: {name}"] = result.fused.numpy()
            results[f"{STAND_IN}: {name}, affine"] = result.fused.affine.numpy()
    np.savez_compressed(sys.argv[1], **results)


if __name__ == "__main__":
    main()
