"""Broken and odd volumes are fused right or refused in a sentence."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from mactfusion.io.read import read_volume

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
