"""Real volumes, and broken ones, through the command line and fuse_volumes()."""

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


# What a file is refused for, as the anatomical volume and as the partner; None: it is fused.
BAD_INPUT = {
    "b_ct_bed/ct_hu_bed_pad-1024.nii.gz": ("swapped", None),
    "b_ct_bed/ct_hu_bed_pad-3024.nii.gz": ("swapped", None),
    "b_ct_bed/ct_uint16_hu_plus1024_no_rescale.nii.gz": (None, None),
    "c_orientation/t1_LAS.nii.gz": (None, None),
    "c_orientation/t1_LPS.nii.gz": (None, None),
    "c_orientation/t1_PSR.nii.gz": (None, None),
    "c_orientation/t1_RAS.nii.gz": (None, None),
    "c_orientation/t1_leftmarker_LAS.nii.gz": (None, None),
    "c_orientation/t1_leftmarker_PSR.nii.gz": (None, None),
    "c_orientation/t1_leftmarker_RAS.nii.gz": (None, None),
    "c_orientation/t1_no_qform_no_sform.nii.gz": ("neither sform nor qform",) * 2,
    "d_bad_dims/all_zero.nii.gz": ("constant (0)",) * 2,
    "d_bad_dims/binary_mask.nii.gz": (None, None),
    "d_bad_dims/constant7.nii.gz": ("constant (7)",) * 2,
    "d_bad_dims/empty.nii.gz": ("0 bytes",) * 2,
    "d_bad_dims/huge_range_float64.nii.gz": (None, None),
    "d_bad_dims/int64.nii.gz": (None, None),
    "d_bad_dims/int8_signed.nii.gz": (None, None),
    "d_bad_dims/left_handed_negdet.nii.gz": (None, None),
    "d_bad_dims/not_a_nifti.nii.gz": ("cannot be read",) * 2,
    "d_bad_dims/sheared_affine.nii.gz": ("sheared",) * 2,
    "d_bad_dims/singular_affine.nii": ("singular",) * 2,
    "d_bad_dims/t1_2d_slice.nii.gz": (None, None),
    "d_bad_dims/t1_4d_4vols.nii.gz": ("4 frames",) * 2,
    "d_bad_dims/t1_4d_singleton.nii.gz": (None, None),
    "d_bad_dims/t1_5d_vector3.nii.gz": ("5 dimensions",) * 2,
    "d_bad_dims/t1_complex64.nii.gz": ("complex",) * 2,
    "d_bad_dims/t1_rgb24.nii.gz": ("swapped", None),
    "d_bad_dims/t1_single_slice_3d.nii.gz": (None, None),
    "d_bad_dims/t1_vector3.nrrd": (None, None),
    "d_bad_dims/truncated.nii.gz": ("incomplete",) * 2,
    "e_nan_inf/all_nan.nii.gz": ("no finite value",) * 2,
    "e_nan_inf/t1_nan_background.nii.gz": (None, None),
    "e_nan_inf/t1_one_outlier_3e38.nii.gz": (None, None),
    "e_nan_inf/t1_scattered_nan_inf.nii.gz": (None, None),
    "f_tiny/ct_5x7x3.nii.gz": ("swapped", None),
    "f_tiny/line_1x1x200.nii.gz": (None, "do not overlap"),
    "f_tiny/mr_5x7x3.nii.gz": (None, None),
    "f_tiny/one_voxel_1x1x1.nii.gz": ("constant (5)",) * 2,
    "f_tiny/pet_5x7x3.nii.gz": (None, None),
}
WARNINGS = {
    "ct_uint16_hu_plus1024_no_rescale.nii.gz": {"partner": "rescale intercept missing"},
    "t1_nan_background.nii.gz": dict.fromkeys(("anatomical", "partner"), "2159 values are not"),
    "t1_scattered_nan_inf.nii.gz": dict.fromkeys(("anatomical", "partner"), "1987 values are not"),
    "t1_2d_slice.nii.gz": {"partner": "covers 2.2 %"},
}


@pytest.fixture
def fuse_whole(run_command, pixel_maximum, tmp_path):
    """Fuse two files into ``fused.nii.gz`` of an empty folder; check that no other is there."""

    def run(anatomical, partner, *options):
        folder = tmp_path / "out"
        folder.mkdir()
        output = folder / "fused.nii.gz"
        options = ("-o", output, "--weights", pixel_maximum, *options)
        outcome = run_command("fuse", anatomical, partner, *options)
        written = sorted(path.name for path in folder.iterdir())
        assert written == (["fused.nii.gz", "fused.nii.gz.json"] if outcome.code == 0 else [])
        return outcome, output

    return run


def test_every_bad_file_is_known(reference):
    folder = reference / "data/bad_input"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.n*")}
    assert found == set(BAD_INPUT)


@pytest.mark.filterwarnings("ignore::mactfusion.errors.FusionWarning")
@pytest.mark.parametrize("role", ["anatomical", "partner"])
@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_file_is_fused_right_or_refused(name, role, reference, fuse_whole):
    path = reference / "data/bad_input" / name
    pair = (path, reference / "data/mni_templates/PET.nii")
    if role == "partner":
        # Another volume than the partner, on the grid that most of these files have.
        other = "int64" if "int8" in name else "int8_signed"
        pair = (reference / f"data/bad_input/d_bad_dims/{other}.nii.gz", path)
    task = "ct-mri" if "ct_" in path.name else "pet-mri"
    outcome, output = fuse_whole(*pair, "--task", task)
    reason = BAD_INPUT[name][role == "partner"]
    if reason:
        assert outcome.refused(path.name)
        assert reason in outcome.err
        return
    assert outcome.code == 0
    fused, grid = nibabel.load(output), read_volume(pair[0])
    assert fused.shape == tuple(grid.shape[1:])
    assert np.allclose(fused.affine, grid.affine, atol=1e-4)
    assert any(np.asarray(fused.dataobj).tobytes()), "the result is not black"
    if role in WARNINGS.get(path.name, {}):
        assert WARNINGS[path.name][role] in outcome.err


# As the partner of MR_ok: what it is refused for, or the task that it makes.
DICOM = {
    "CT_ok": "ct-mri",
    "CT_shuffled_names_and_instance": "ct-mri",
    "MR_oblique": "mr-mr",
    "PT_ok": "pet-mri",
    "PT_other_patient_other_FoR": "pet-mri",
    "CT_missing_two": "2 DICOM slice(s) missing",
    "MR_missing_slice": "1 DICOM slice(s) missing",
    "MR_variable_spacing": "unevenly spaced",
    "MR_duplicate_position": "position of another",
    "mixed_two_series_one_folder": "2 DICOM series",
}


@pytest.mark.parametrize("name", DICOM)
def test_dicom_folder_is_fused_right_or_refused(name, reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, output = fuse_whole(folder / "MR_ok", folder / name)
    if not DICOM[name].endswith(("-mri", "-mr")):
        assert outcome.refused(name)
        assert DICOM[name] in outcome.err
        return
    assert outcome.code == 0
    assert DICOM[name] in outcome.out
    assert nibabel.load(output).shape == (128, 148, 50)
    record = output.with_name(f"{output.name}.json").read_text(encoding="utf-8")
    for text in (outcome.out, outcome.err, record):
        assert "Phantom" not in text
        assert "TESTPHANTOM01" not in text
    assert ("different patients" in outcome.err) == ("other_patient" in name)
    assert ("different patients" in record) == ("other_patient" in name)


@pytest.mark.parametrize("name", [name for name in DICOM if name != "MR_oblique"])
def test_dicom_folder_that_is_no_mr_is_refused_as_anatomical(name, reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, _ = fuse_whole(folder / name, folder / "PT_ok")
    assert outcome.refused(name)


def test_swapped_dicom_folders_are_noticed(reference, fuse_whole):
    folder = reference / "data/dicom"
    outcome, _ = fuse_whole(folder / "CT_ok", folder / "MR_ok")
    assert outcome.refused("CT_ok")
    assert "swapped" in outcome.err


def test_shuffled_dicom_gives_the_same_volume(reference, pixel_maximum):
    folder = reference / "data/dicom"
    first, second = (
        fuse_volumes(folder / "MR_ok", folder / name, weights=pixel_maximum).fused
        for name in ("CT_ok", "CT_shuffled_names_and_instance")
    )
    assert first.std() > 0.1
    assert np.array_equal(first.numpy(), second.numpy())


def test_green_fluorescence_on_phase_contrast(reference, run_command, tmp_path, pixel_maximum):
    folder = reference / "data/gfp_pc"
    (phase, *_), (green, *_) = (sorted((folder / name).glob("*-B*.jpg")) for name in ("PCI", "GFP"))
    options = ("-o", tmp_path / "fused.png", "--weights", pixel_maximum)
    outcome = run_command("fuse", phase, green, *options)
    assert "gfp-pc" in outcome.out
    fused = read_volume(tmp_path / "fused.png").numpy()
    assert fused.shape == (3, 358, 358, 1)
    partner = read_volume(green).numpy()
    bright = partner[1] > 0.5
    excess = fused[1] - np.maximum(fused[0], fused[2])
    assert excess[bright].mean() > excess[~bright].mean() + 0.1, "green stays where it was"


def test_pictures_of_unequal_size_are_refused(reference, run_command, tmp_path):
    folder = reference / "data/gfp_pc"
    pair = (folder / "PCI/02-C05-t.jpg", folder / "GFP/02-C05-g.jpg")
    outcome = run_command("fuse", *pair, "-o", tmp_path / "fused.png")
    assert outcome.refused("02-C05-g.jpg")
    assert list(tmp_path.iterdir()) == []
