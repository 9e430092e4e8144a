"""What lies where in real volumes, through the command line and fuse_volumes()."""

from __future__ import annotations

from itertools import product

import nibabel
import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from mactfusion import fuse_volumes
from mactfusion.io.read import read_volume

LEFT_MARKER_MM = (-45.0, 10.0, 30.0)


def resampled(partner, grid):
    """The partner on a grid, and where it is seen, by SimpleITK: two arrays ``(I, J, K)``."""
    moving, fixed = SimpleITK.ReadImage(str(partner)), SimpleITK.ReadImage(str(grid))
    moving = SimpleITK.Cast(moving, SimpleITK.sitkFloat64)
    images = [
        SimpleITK.Resample(image, fixed, SimpleITK.Transform(), interpolator, 0.0)
        for image, interpolator in (
            (moving, SimpleITK.sitkLinear),
            (moving * 0 + 1, SimpleITK.sitkNearestNeighbor),
        )
    ]
    values, seen = (SimpleITK.GetArrayFromImage(image).T for image in images)
    return values, seen > 0


def world_mm(index, affine):
    return affine[:3, :3] @ index + affine[:3, 3]


def centroid_mm(mask, affine):
    """Centre of the voxels of a mask, RAS+ millimetres."""
    return world_mm(np.argwhere(mask).mean(axis=0), affine)


def cropped(path, low_mm, high_mm, target):
    """Keep the voxels whose positions along the patient's long axis lie in a range; save them."""
    image = nibabel.load(path)
    axis = int(np.abs(image.affine[2, :3]).argmax())
    places_mm = image.affine[2, axis] * np.arange(image.shape[axis]) + image.affine[2, 3]
    kept = np.flatnonzero((places_mm >= low_mm) & (places_mm <= high_mm))
    window = [slice(None)] * 3
    window[axis] = slice(int(kept[0]), int(kept[-1]) + 1)
    nibabel.save(image.slicer[tuple(window)], target)
    return target


@pytest.mark.parametrize(
    ("partner", "task"),
    [
        ("PET.nii", "pet-mri"),
        ("SPECT.nii", "spect-mri"),
        ("CT_HU_from_scct.nii.gz", "ct-mri"),
        ("T2.nii.gz", "mr-mr"),
    ],
)
@pytest.mark.parametrize("anatomical", ["mni_templates/avg152T1.nii", "1 mm"])
def test_partner_is_where_simpleitk_puts_it(
    partner, task, anatomical, reference, tmp_path, pixel_maximum
):
    grid = reference / "data" / anatomical
    if anatomical == "1 mm":
        template = reference / "data/mni152_1mm/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
        grid = cropped(template, 20.0, 24.5, tmp_path / "template.nii")
    partner = reference / "data/mni_templates" / partner
    expected, seen = resampled(partner, grid)
    native = read_volume(partner)
    low, high = float(native.min()), float(native.max())
    result = fuse_volumes(
        grid,
        partner,
        task=task,
        weights=pixel_maximum,
        window=((low + high) / 2, high - low),
        colormap="grey",
        colors="ycbcr",
    )
    scaled = (expected - low) / (high - low)
    # SimpleITK leaves out a centre exactly on the outer face of a voxel.
    far_outside = ~ndimage.binary_dilation(seen, np.ones((3, 3, 3)))
    for channel in result.partner.numpy():
        assert np.abs(channel - scaled)[seen].max() < 1e-3
        assert channel[far_outside].max(initial=0) == 0
        mirrored = np.abs(channel - scaled[::-1])[seen & seen[::-1]]
        assert mirrored.max() > 0.02, "a mirrored partner would be noticed"
    assert scaled[seen].std() > 0.1
    assert seen.mean() <= result.coverage + 1e-6 <= 1 - far_outside.mean() + 2e-6


@pytest.mark.parametrize("order", ["RAS", "LAS", "PSR"])
@pytest.mark.parametrize("role", ["anatomical", "partner"])
def test_left_marker_stays_left(order, role, reference, tmp_path, run_command, pixel_maximum):
    folder = reference / "data/bad_input/c_orientation"
    marked = folder / f"t1_leftmarker_{order}.nii.gz"
    pair = (marked, reference / "data/mni_templates/SPECT.nii")
    windows = ("--anatomical-window", "127.5,255", "--window", "1e6,1e6")
    if role == "partner":
        pair = (folder / "t1_RAS.nii.gz", marked)
        windows = ("--anatomical-window", "1e6,1e6", "--window", "127.5,255")
    output = tmp_path / "fused.nii.gz"
    options = ("--task", "mr-mr", "--weights", pixel_maximum, "-o", output, *windows)
    assert run_command("fuse", *pair, *options).code == 0
    fused = nibabel.load(output)
    marker = fused.get_fdata() > 0.9 * 65535
    assert marker.sum() > 100
    assert np.allclose(centroid_mm(marker, fused.affine), LEFT_MARKER_MM, atol=1)


ORDERS = ["AIL", "ALS", "ILA", "IRP", "LAS", "LPI", "LPS", "PIR", "PSR", "RAS", "RPS", "SPL", "SRA"]


@pytest.mark.slow
def test_storage_order_changes_nothing(reference, tmp_path):
    """All 13 orders through the network itself, a slab of each."""
    partner = reference / "data/mni_templates/PET.nii"
    fused = {}
    for order in ORDERS:
        path = reference / f"data/orient48/{order}.nii.gz"
        slab = cropped(path, 18.0, 22.0, tmp_path / f"{order}.nii")
        result = fuse_volumes(slab, partner, task="pet-mri", axis="axial")
        stored = [nibabel.Nifti1Image(c, result.fused.affine.numpy()) for c in result.fused.numpy()]
        assert nibabel.aff2axcodes(stored[0].affine) == tuple(order)
        canonical = [nibabel.as_closest_canonical(image) for image in stored]
        fused[order] = np.stack([image.get_fdata() for image in canonical]), canonical[0].affine
    expected, affine = fused["RAS"]
    span = expected.max() - expected.min()
    assert span > 0.3
    assert np.abs(expected - expected[:, ::-1]).mean() > 0.01 * span, "mirroring would be noticed"
    for order, (voxels, place) in fused.items():
        assert np.allclose(place, affine, atol=1e-3), order
        assert np.abs(voxels - expected).mean() < 0.01 * span, order


@pytest.mark.slow
def test_lesion_of_an_oblique_volume_keeps_its_place(reference, tmp_path):
    """The fluid in a stroke's cavity, in T2 stored in another order and cut otherwise."""
    folder = reference / "data/stroke_T1_T2_FLAIR"
    box = (slice(4, 52), slice(50, 106), slice(68, 73))
    t1, t2 = (nibabel.load(folder / f"{name}.nii.gz") for name in ("T1", "T2"))
    nibabel.save(t1.slicer[box], tmp_path / "t1.nii")
    to_lpi = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(t2.affine), nibabel.orientations.axcodes2ornt("LPI")
    )
    nibabel.save(t2.slicer[:70, 40:, 60:90].as_reoriented(to_lpi), tmp_path / "t2.nii")
    fluid = t2.get_fdata()[box] > 350
    assert 200 < fluid.sum() < 2000
    result = fuse_volumes(
        tmp_path / "t1.nii",
        tmp_path / "t2.nii",
        task="mr-mr",
        anatomical_window=(1e6, 1.0),
        window=(350, 100),
    )
    assert np.allclose(result.fused.affine, t1.slicer[box].affine, atol=1e-4)
    assert result.coverage == 1
    found_mm = centroid_mm(result.partner.numpy()[0] > 0.5, result.partner.affine.numpy())
    expected_mm = centroid_mm(fluid, t1.slicer[box].affine)
    assert np.linalg.norm(found_mm - expected_mm) < 0.1
    likeness = {
        shift: np.corrcoef(np.roll(fluid, shift, (0, 1, 2)).ravel(), result.fused.numpy().ravel())
        for shift in product((-1, 0, 1), repeat=3)
    }
    assert max(likeness, key=lambda shift: likeness[shift][0, 1]) == (0, 0, 0)
