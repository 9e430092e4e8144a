"""An archive of small volumes, and runs over it."""

from __future__ import annotations

import nibabel
import pytest
from here_engine import HereEngine

from mactfusion.batch.folders import studies_of_folders
from mactfusion.batch.fuse import Choices
from mactfusion.batch.plan import checked_plan
from mactfusion.batch.run import Run

COMMON = {"task": "pet-mri", "register": "off", "check": False}


@pytest.fixture
def archive(tmp_path, mr, pet):
    """``mr/a.nii.gz`` to ``mr/c.nii.gz``, ``pet`` likewise; the value is the folder."""
    for number, name in enumerate("abc"):
        for folder, (voxels, affine) in {"mr": mr, "pet": pet}.items():
            path = tmp_path / "archive" / folder / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(voxels + number, affine), path)
    return tmp_path / "archive"


@pytest.fixture
def plan(archive):
    return checked_plan(studies_of_folders(archive / "mr", archive / "pet"), COMMON)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def run(output, pixel_maximum):
    """``run(plan)`` fuses it here; outcomes by study."""

    def do(plan, *, common=(), report=False, engine=None, **how):
        output.mkdir(exist_ok=True)
        options = {**COMMON, "weights": pixel_maximum, **dict(common)}
        one = Run(plan, output, Choices(options, report), **how)
        return {outcome.study: outcome for outcome in one.do(engine or HereEngine())}

    return do
