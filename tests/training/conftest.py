"""Small pairs for the programs beside the library."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from small_ablations import SPLIT
from small_comparison import NAMES, save

from mactfusion.engine.splits import write_split


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """CT pairs of 44 x 48 pixels, and the split file beside them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    pairs = []
    for name, part in SPLIT.items():
        files = [f"CT-MRI/{part}/{modality}/{name}.png" for modality in ("MRI", "CT")]
        for file in files:
            coarse = rng.integers(0, 256, (11, 12), dtype=np.uint8)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.kron(coarse, np.ones((4, 4), np.uint8))).save(folder / file)
        names = dict(zip(("anatomical", "partner"), files, strict=True))
        pairs.append({**names, "task": "ct-mri", "case": name[0], "split": part})
    write_split(folder / "split.json", "small", "By hand.", pairs)
    return folder


@pytest.fixture
def folders(tmp_path):
    """Pairs of two tasks (CT grey, PET colour) and a method that is 0.7 MR + 0.3 partner."""
    generator = np.random.default_rng(3)
    for task, partner in (("CT-MRI", "CT"), ("PET-MRI", "PET")):
        for name in NAMES:
            size = (44, 48) if partner == "CT" else (44, 48, 3)
            image = generator.integers(0, 256, size, dtype=np.uint8)
            mr = generator.integers(0, 256, (44, 48), dtype=np.uint8)
            grey = image if image.ndim == 2 else image.mean(axis=2)
            test = tmp_path / "pairs" / task / "test"
            save(test / partner / name, image)
            save(test / "MRI" / name, mr)
            weighted = (0.7 * mr + 0.3 * grey).astype(np.uint8)
            save(tmp_path / "methods" / "weighted" / task / name, weighted)
    return tmp_path
