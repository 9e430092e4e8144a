"""Where a partner belongs is found, whatever the modality, the move and the order of the axes."""

import itertools

import nibabel as nib
import numpy as np
import pytest
import torch
from heads import MOVED, at, error_mm, head, mirrored
from monai.data import MetaTensor

from mactfusion.registration.check import found_pose
from mactfusion.registration.search import degrees_of, motion_about


@pytest.mark.parametrize(("modality", "most_mm"), [("T2", 1.0), ("CT", 1.5), ("PET", 2.0)])
def test_a_moved_partner_is_found(modality, most_mm):
    verdict, _, pose = found_pose(head("T1"), at(head(modality), MOVED), "rigid")
    assert error_mm(pose, MOVED) < most_mm
    assert verdict.name == "off"
    assert verdict.is_sided
    assert verdict.off_mm == pytest.approx(error_mm(MOVED, np.eye(4)), rel=0.1)
    assert verdict.off_degrees == pytest.approx(degrees_of(MOVED), abs=1)


def test_a_partner_in_place_is_in_place():
    verdict, _, pose = found_pose(head("T1"), head("PET"), "check")
    assert verdict.name == "in place"
    assert error_mm(pose, np.eye(4)) < 2
    assert verdict.is_sided


def test_a_partner_far_away_is_found():
    far = motion_about(np.zeros(3), np.array([0.0, 0.0, 5.0]), np.array([560.0, -80.0, 30.0]))
    assert error_mm(found_pose(head("T1"), at(head("T2"), far), "rigid")[2], far) < 1


def test_another_patient_is_no_good_match():
    for modality in ("T2", "PET"):
        verdict, _, _ = found_pose(head("T1"), head(modality, seed=3), "check")
        assert not verdict.is_good


def test_a_mirrored_partner_is_noticed():
    assert found_pose(head("T1"), mirrored(head("T2")), "check")[0].name == "mirrored"


def test_a_slab_is_found():
    whole = head("T2")
    affine = whole.affine @ torch.diag(torch.tensor([1.0, 1, 2, 1], dtype=torch.float64))
    affine[:3, 3] = (whole.affine @ torch.tensor([0.0, 0, 36.5, 1], dtype=torch.float64))[:3]
    thick = whole.as_tensor()[..., 36:60].unflatten(3, (12, 2)).mean(dim=4)
    slab = at(MetaTensor(thick, affine=affine), MOVED)
    verdict, _, pose = found_pose(head("T1"), slab, "rigid")
    assert error_mm(pose, MOVED) < 2
    assert verdict.is_good


def stored(volume, codes):
    """Return a volume with its axes in another order and direction."""
    image = nib.Nifti1Image(volume.as_tensor()[0].numpy(), volume.affine.numpy())
    now = nib.io_orientation(image.affine)
    turn = nib.orientations.ornt_transform(now, nib.orientations.axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    voxels = torch.from_numpy(np.ascontiguousarray(turned.get_fdata(dtype=np.float32)))
    return MetaTensor(voxels[None], affine=torch.from_numpy(turned.affine))


@pytest.mark.parametrize("codes", ["LPS", "SAR", "PIL"])
def test_the_order_of_the_axes_changes_nothing(codes):
    found = found_pose(head("T1"), at(head("PET"), MOVED), "check")[2]
    again = found_pose(stored(head("T1"), codes), at(stored(head("PET"), codes), MOVED), "check")[2]
    assert error_mm(again, found) < 0.1


def test_the_same_search_gives_the_same_pose():
    partner = at(head("T2"), MOVED)
    first, second = (found_pose(head("T1"), partner, "rigid")[2] for _ in range(2))
    assert np.array_equal(first, second)


def test_affine_undoes_a_stretch():
    stretched = MOVED @ np.diag([1.04, 0.97, 1.02, 1.0])
    partner = at(head("T2"), stretched)
    rigid, affine = (found_pose(head("T1"), partner, way)[2] for way in ("rigid", "affine"))
    assert error_mm(affine, stretched) < 1
    assert error_mm(affine, stretched) < error_mm(rigid, stretched) / 2
    assert abs(np.linalg.det(rigid[:3, :3]) - 1) < 1e-6


def test_degrees_of_a_turn():
    for axis, degrees in itertools.product(np.eye(3), (0.0, 12.0, 170.0)):
        motion = motion_about(np.ones(3), degrees * axis, np.array([1.0, 2.0, 3.0]))
        assert degrees_of(motion) == pytest.approx(degrees, abs=1e-5)
        assert motion @ [1, 1, 1, 1] == pytest.approx([2, 3, 4, 1])
