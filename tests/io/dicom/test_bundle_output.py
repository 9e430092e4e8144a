"""DICOM out of ``monai.bundle run``, through MONAI's DataLoader: what Python writes, to the tag."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_made import classic, made

from mactfusion import fuse_volumes

pytestmark = pytest.mark.slow

BUNDLE = Path(__file__).resolve().parents[3] / "monai_bundle"
MOMENTS = {
    "00080012", "00080013", "00080021", "00080023", "00080031", "00080033", "00700082",
    "00700083", "0018A002",
}  # fmt: skip
"""Tags that say when an object was written."""


def scaled(index: int, dataset: Any) -> None:
    dataset.RescaleSlope = 1 + index // 2


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Path]:
    how = {"MR": None, "CT": None, "PT": scaled}
    return {
        modality: classic(
            tmp_path / "study" / modality, made(6, 24, 20, seed=seed), modality, change=change
        )
        for seed, (modality, change) in enumerate(how.items())
    }


def told(path: Path) -> dict[str, Any]:
    """All that an object says, but for its own identifiers and the time of writing."""
    text = re.sub(r"2\.25\.\d+", "own", pydicom.dcmread(path).to_json())
    return json.loads(
        text, object_pairs_hook=lambda pairs: {k: v for k, v in pairs if k not in MOMENTS}
    )


@pytest.mark.parametrize(
    ("several", "name", "options"),
    [(True, "o", {"format": "dicom", "blending_state": True}), (False, "o.dcm", {})],
)
def test_the_bundle_writes_what_python_writes(
    study: dict[str, Path],
    tmp_path: Path,
    several: bool,
    name: str,
    options: dict[str, Any],
    warm: Any,
) -> None:
    partners = [study["CT"], study["PT"]] if several else study["PT"]
    chosen = {
        "task": ["ct-mri", "pet-mri"] if several else "pet-mri",
        "window": ["1440,2880", "3000,6000"] if several else "3000,6000",
        "units": "native",
        **options,
    }
    ours, theirs = tmp_path / "bundle", tmp_path / "python"
    words = [word for key, value in chosen.items() for word in (f"--{key}", str(value))]
    code, printed = warm.run(
        *("-m", "monai.bundle", "run", "--config_file", "configs/inference.yaml"),
        *("--anatomical", str(study["MR"])),
        *("--partner", str([str(each) for each in partners]) if several else str(partners)),
        *("--output", str(ours / name), "--device", "$torch.device('cpu')", *words),
        cwd=BUNDLE,
    )
    assert code == 0, printed[-3000:]
    fuse_volumes(study["MR"], partners, output=theirs / name, device="cpu", **chosen)
    places = [place / name for place in (ours, theirs)]
    first, second = (sorted(place.iterdir()) if place.is_dir() else [place] for place in places)
    assert [path.name for path in first] == [path.name for path in second]
    assert ("blending-state.dcm" in [path.name for path in first]) == ("blending_state" in options)
    for one, other in zip(first, second, strict=True):
        assert told(one) == told(other)
