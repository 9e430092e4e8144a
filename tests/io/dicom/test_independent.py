"""The same voxels in the same place as dcm2niix finds them, where it is right."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np
import pytest
from dicom_made import Made, classic, enhanced, frame_groups, made, nuclear, shared_groups

from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("dcm2niix") is None, reason="dcm2niix is not installed"
)

COSINE, SINE = np.cos(0.35), np.sin(0.35)
OBLIQUE = (COSINE, SINE, 0.0, 0.0, 0.0, -1.0)


def converted(folder: Path, out: Path) -> nibabel.Nifti1Image:
    out.mkdir()
    words = ["dcm2niix", "-f", "volume", "-x", "n", "-o", str(out), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    (file,) = out.glob("*.nii")
    assert file.is_file(), done.stdout
    return nibabel.load(file)


def classic_mr(folder: Path, volume: Made) -> None:
    classic(folder, volume, "MR", Manufacturer="Philips", SeriesNumber=3)


def classic_pet(folder: Path, volume: Made) -> None:
    def change(index: int, dataset: Any) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.25 + 0.5 * index, 0
        dataset.Manufacturer = "GE MEDICAL SYSTEMS"

    classic(folder, volume, "PT", change=change)


def enhanced_mr(folder: Path, volume: Made) -> None:
    order = [3, 0, 5, 1, 4, 2]
    groups = [
        frame_groups(
            volume, index, StackID="1", InStackPositionNumber=index + 1,
            DimensionIndexValues=[1, index + 1],
        )
        for index in order
    ]  # fmt: skip
    enhanced(folder / "e.dcm", volume.values[order], shared_groups(volume), groups)


def nuclear_tomography(folder: Path, volume: Made) -> None:
    nuclear(folder / "t.dcm", volume.values, volume)


@pytest.mark.parametrize("write", [classic_mr, classic_pet, enhanced_mr, nuclear_tomography])
@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), OBLIQUE])
@pytest.mark.filterwarnings("ignore:.*not in SUV")
def test_as_an_independent_reader_finds_it(
    tmp_path: Path, write: Callable[[Path, Made], None], orientation: tuple[float, ...]
) -> None:
    if write is nuclear_tomography and orientation[0] == 0:
        pytest.skip("dcm2niix stacks sagittal NM against the sign of SpacingBetweenSlices")
    volume = made(6, 16, 12, orientation=orientation)
    write(tmp_path / "in", volume)
    own = read_volume(tmp_path / "in")
    ours = nibabel.Nifti1Image(own[0].numpy(), own.affine.numpy())
    theirs = converted(tmp_path / "in", tmp_path / "out")
    ours, theirs = (nibabel.as_closest_canonical(image) for image in (ours, theirs))
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)
    np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata(), rtol=1e-5)
