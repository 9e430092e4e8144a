"""fuse_volumes(): every way in, the same voxels out, and a truthful record."""

from __future__ import annotations

import doctest

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor

from mactfusion import fuse_volumes
from mactfusion.errors import FusionCancelled, FusionWarning
from mactfusion.transforms.color import BACKGROUND, rgb_to_ycbcr

FLOAT_NOISE = 2e-5
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique(volume):
    """The same array turned by 20 degrees, stored left-handed, as after a reorientation."""
    array, affine = volume
    cosine, sine = np.cos(np.radians(20)), np.sin(np.radians(20))
    turn = np.eye(4)
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    return array[::-1].copy(), turn @ affine @ np.diag([-1.0, 1, 1, 1]) @ shift(len(array))


def shift(size):
    """From the index of a reversed first axis to the negative of the original index."""
    matrix = np.eye(4)
    matrix[0, 3] = -(size - 1)
    return matrix


def as_path(volume, folder):
    path = folder / f"{len(list(folder.iterdir()))}.nii"
    nibabel.save(nibabel.Nifti1Image(*volume), path)
    return path


def as_simpleitk(volume, folder):
    array, affine = volume
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array.T))
    lps = LPS_FROM_RAS @ affine
    spacing_mm = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing_mm.tolist())
    image.SetDirection((lps[:3, :3] / spacing_mm).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


WAYS_IN = {
    "path": as_path,
    "text": lambda volume, folder: str(as_path(volume, folder)),
    "nibabel": lambda volume, folder: nibabel.Nifti1Image(*volume),
    "SimpleITK": as_simpleitk,
    "MetaTensor": lambda volume, folder: MetaTensor(
        torch.from_numpy(volume[0].copy())[None], affine=torch.from_numpy(volume[1])
    ),
    "float64 array": lambda volume, folder: (volume[0].astype(np.float64), volume[1]),
    "torch": lambda volume, folder: tuple(torch.from_numpy(part.copy()) for part in volume),
}


@pytest.fixture(scope="module")
def fused_once():
    """Results of the network by their name, so that it runs once for each."""
    return {}


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_gives_the_same_voxels(way, mr, pet, tmp_path, fused_once):
    mr, pet = oblique(mr), oblique(pet)
    if "arrays" not in fused_once:
        fused_once["arrays"] = fuse_volumes(mr, pet, task="pet-mri").fused
    expected = fused_once["arrays"]
    sources = [WAYS_IN[way](volume, tmp_path) for volume in (mr, pet)]
    fused = fuse_volumes(*sources, task="pet-mri").fused
    assert expected.std() > 0.05
    assert (fused - expected).abs().max() < FLOAT_NOISE
    assert np.allclose(fused.affine, mr[1], atol=1e-5)


@pytest.mark.parametrize("batch_size", [2, 3, 100])
def test_batch_size_changes_nothing(batch_size, mr, pet, fused_once):
    if "single" not in fused_once:
        fused_once["single"] = fuse_volumes(mr, pet, task="pet-mri", batch_size=1).fused
    fused = fuse_volumes(mr, pet, task="pet-mri", batch_size=batch_size).fused
    assert (fused - fused_once["single"]).abs().max() < FLOAT_NOISE


def test_example_of_the_docstring_runs():
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(fuse_volumes, "fuse_volumes", globs={"fuse_volumes": fuse_volumes})
    failed, attempted = doctest.DocTestRunner().run(example)
    assert attempted > 3
    assert failed == 0


def test_sources_are_not_changed(mr, pet, pixel_maximum):
    copies = [[part.copy() for part in volume] for volume in (mr, pet)]
    fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum)
    for volume, copy in zip((mr, pet), copies, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(volume, copy, strict=True))


@pytest.mark.parametrize("axis", ["axial", "coronal", "sagittal", "auto"])
def test_sources_of_the_result_lie_on_the_original_grid(axis, mr, pet, pixel_maximum):
    mr = oblique(mr)
    other = (1.5 * mr[0], mr[1])
    result = fuse_volumes(
        mr,
        other,
        task="mr-mr",
        weights=pixel_maximum,
        axis=axis,
        anatomical_window=(450, 900),
        window=(900, 1800),
    )
    assert result.record["axis"] == ("axial" if axis == "auto" else axis)
    for volume, given, scale in ((result.anatomical, mr, 900), (result.partner, other, 1800)):
        assert np.allclose(volume.affine, mr[1])
        assert np.allclose(volume[0], np.clip(given[0] / scale, 0, 1), atol=1e-6)
    assert np.array_equal(result.fused.affine, mr[1])
    assert result.fused.shape == result.anatomical.shape


@pytest.mark.parametrize("axis", ["auto", "coronal"])
def test_cubes_hold_what_the_partner_has_between_thick_slices(axis, mr, pixel_maximum):
    """A CT of 2 mm beside slices of 10 mm, oblique and mirrored: each point where it belongs."""
    array, affine = oblique(mr)
    fine = affine @ np.diag([1, 1, 0.2, 1])
    fine[:3, 3] = affine[:3, 3] - 0.4 * affine[:3, 2]
    hounsfield = np.full((*array.shape[:2], 20), -1000, np.float32)
    hounsfield[4:8, 10:14, 4:6] = 1400  # lies between two planes of the MR
    options = {"task": "ct-mri", "window": "bone", "weights": pixel_maximum, "axis": axis}
    cubes = fuse_volumes((array, affine), (hounsfield, fine), grid="isotropic", **options)
    thick = fuse_volumes((array, affine), (hounsfield, fine), grid="anatomical", **options)
    assert cubes.record["options"]["grid"] == "isotropic"
    assert thick.record["options"]["grid"] == "anatomical"
    assert cubes.record["axis"] == thick.record["axis"] == axis.replace("auto", "axial")
    assert cubes.fused.shape == (1, 24, 28, 10)  # 40 mm in cubes of 4 mm
    assert np.allclose(np.linalg.norm(cubes.fused.affine[:3, :3], axis=0), 4)
    bone = torch.argwhere(cubes.partner[0] > 0.7).double()
    assert len(bone)
    places = (cubes.fused.affine[:3, :3] @ bone.T).T + cubes.fused.affine[:3, 3]
    inside = torch.linalg.solve(torch.from_numpy(fine), torch.eye(4, dtype=torch.float64))
    found = (inside[:3, :3] @ places.T).T + inside[:3, 3]
    lowest, highest = torch.tensor([3.5, 9.5, 3.5]), torch.tensor([7.5, 13.5, 5.5])
    assert ((found >= lowest) & (found <= highest)).all()
    assert not (thick.partner[0] > 0.7).any()


def test_a_fine_ct_is_averaged_or_auto_keeps_it(mr, pet, pixel_maximum):
    """A CT of 2 mm on slices of 10 mm: said, before the network, and kept in the record."""
    array, affine = oblique(mr)
    fine = affine @ np.diag([1, 1, 0.2, 1])
    fine[:3, 3] = affine[:3, 3] - 0.4 * affine[:3, 2]
    hounsfield = np.full((*array.shape[:2], 20), -1000, np.float32)
    hounsfield[4:8, 10:14, 4:6] = 1400  # lies between two planes of the MR
    options = {"task": "ct-mri", "window": (200, 2400), "weights": pixel_maximum, "check": False}
    before = []

    def progress(done, total):
        before.append(len(warned))

    with pytest.warns(FusionWarning) as warned:
        thick = fuse_volumes((array, affine), (hounsfield, fine), progress=progress, **options)
    sentence = (
        "The partner has a voxel each 2 mm where the result has one each 10 mm: what is smaller is "
        "averaged and loses contrast; cubic voxels of 4 mm (grid='isotropic') keep more of it."
    )
    assert sentence in [note.replace("partner array", "partner") for note in thick.warnings]
    assert before[0] == len(warned), "all is said before the first slice"
    # 2 of the 10 mm of a slice, above and below: the mean of bone and air
    assert thick.partner[0, 4:8, 10:14].amax() == pytest.approx(0.2 * 1 + 0.8 * 0, abs=0.01)

    with pytest.warns(FusionWarning, match="cubic voxels of 4 mm"):
        auto = fuse_volumes((array, affine), (hounsfield, fine), grid="auto", **options)
    cubes = fuse_volumes((array, affine), (hounsfield, fine), grid="isotropic", **options)
    assert torch.equal(auto.fused.as_tensor(), cubes.fused.as_tensor())
    assert torch.equal(auto.fused.affine, cubes.fused.affine)
    assert auto.record["options"]["grid"] == "auto"
    assert any("cubic voxels of 4 mm" in note for note in auto.record["notes"])
    with_pet = fuse_volumes(mr, pet, task="pet-mri", grid="auto", weights=pixel_maximum)
    assert torch.equal(with_pet.fused.affine, with_pet.anatomical.affine)
    assert with_pet.fused.shape[1:] == mr[0].shape


def test_cubes_stay_as_they_are(mr, pet, fused_once):
    affine = np.diag([4.0, -4.0, 4.0, 1.0])
    expected = fuse_volumes((mr[0], affine), pet, task="pet-mri")
    cubes = fuse_volumes((mr[0], affine), pet, task="pet-mri", grid="isotropic")
    assert torch.equal(cubes.fused.as_tensor(), expected.fused.as_tensor())
    assert torch.equal(cubes.fused.affine, expected.fused.affine)


@pytest.mark.parametrize(("colors", "atol"), [("ycbcr", 1e-6), ("legible", 1e-3)])
def test_colour_partner_keeps_its_colours(colors, atol, mr, pixel_maximum):
    array, affine = mr
    colours = np.random.default_rng(0).integers(0, 256, (*array.shape, 3)).astype(np.uint8)
    result = fuse_volumes(mr, (colours, affine), weights=pixel_maximum, colors=colors)
    assert result.task == "pet-mri"
    assert np.allclose(result.partner.numpy(), np.moveaxis(colours, -1, 0) / 255, atol=atol)


def test_luminance_is_that_of_the_colour_result(mr, pet):
    colour = fuse_volumes(mr, pet, task="pet-mri", colors="ycbcr").fused
    grey = fuse_volumes(mr, pet, task="pet-mri", luminance=True).fused
    assert colour.shape == (3, *mr[0].shape)
    assert grey.shape == (1, *mr[0].shape)
    assert (rgb_to_ycbcr(colour)[:1] - grey.as_tensor()).abs().max() < FLOAT_NOISE


def test_colour_table_is_the_one_named(mr, pet, pixel_maximum):
    options = {"task": "pet-mri", "weights": pixel_maximum}
    grey = fuse_volumes(mr, pet, colormap="grey", **options).partner
    assert torch.allclose(grey[0], grey[1], atol=1e-6)
    hot = fuse_volumes(mr, pet, colormap="hot_iron", colors="ycbcr", **options).partner
    assert (hot[0] - hot[2]).max() > 0.5, "in hot iron red comes long before blue"


def test_blank_slices_stay_blank(mr, pet):
    array = mr[0]
    array[:, :, [0, 3]] = 0
    pet[0][...] = np.where(np.arange(12) // 6, pet[0], 0)
    fused = fuse_volumes(mr, pet, task="pet-mri").fused
    blank = (array == 0) & (fuse_volumes(mr, pet, task="pet-mri").partner.sum(0).numpy() == 0)
    assert blank[:, :, 0].all()
    assert fused.numpy()[:, blank].max() == 0
    assert fused[..., 2].max() > 0.1


def test_partial_cover_is_said_with_the_number(mr, pet, pixel_maximum):
    array, affine = pet
    half = (array[:10], affine)  # x from -57 to 0 mm: 12 of 24 columns of the MR
    options = {"task": "pet-mri", "weights": pixel_maximum, "colors": "ycbcr", "check": False}
    result = fuse_volumes(mr, half, **options)
    assert result.coverage == pytest.approx(0.5)
    (sentence,) = result.warnings
    assert "50.0 %" in sentence
    assert result.record["notes"] == result.warnings
    outside, mr_alone = result.fused[:, 12:], result.anatomical[:, 12:]
    assert (outside - outside[:1]).abs().max() < 1e-6, "grey"
    assert (outside - mr_alone).abs()[:, mr_alone[0] > BACKGROUND].max() < 1e-6, "the MR alone"


@pytest.mark.parametrize("window", ["40,80", (40, 80), [40.0, 80.0], "brain"])
def test_window_in_any_notation(window, mr, pixel_maximum):
    array, affine = mr
    ct = (array - 300, affine)
    result = fuse_volumes(mr, ct, task="ct-mri", weights=pixel_maximum, window=window)
    assert np.allclose(result.partner[0], np.clip((array - 300) / 80, 0, 1), atol=1e-5)
    assert result.record["level_width"] == [40, 80]


def test_progress_counts_and_cancels(mr, pet, tmp_path, pixel_maximum):
    calls = []
    options = {"task": "pet-mri", "weights": pixel_maximum}
    fuse_volumes(mr, pet, progress=lambda *call: calls.append(call), batch_size=3, **options)
    assert calls == [(3, 4), (4, 4)]

    def stop(done, total):
        raise FusionCancelled

    with pytest.raises(FusionCancelled):
        fuse_volumes(mr, pet, progress=stop, output=tmp_path / "fused.nii", **options)
    assert list(tmp_path.iterdir()) == []
