from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
import torch

from mactfusion.errors import FusionWarning, InputError
from mactfusion.transforms import slabs
from mactfusion.transforms.align import AlignPartnerd, align_to

NOT_OF_THIS_TEST = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""What the garbage collector says, at a time of its own, of files that others left open."""

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def to_sitk(volume) -> SimpleITK.Image:
    """The same volume for SimpleITK, which counts in LPS."""
    image = SimpleITK.GetImageFromArray(volume[0].as_tensor().numpy().astype(np.float64).T)
    affine = LPS @ volume.affine.numpy()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    return image


def sitk_linear(partner, anatomical) -> tuple[np.ndarray, np.ndarray]:
    """SimpleITK's resampled voxels and field of view."""
    grid, moving = to_sitk(anatomical), to_sitk(partner)
    seen = SimpleITK.Image(moving.GetSize(), SimpleITK.sitkUInt8) + 1
    seen.CopyInformation(moving)
    identity = SimpleITK.Transform(3, SimpleITK.sitkIdentity)
    voxels = SimpleITK.Resample(moving, grid, identity, SimpleITK.sitkLinear, 0.0)
    inside = SimpleITK.Resample(seen, grid, identity, SimpleITK.sitkNearestNeighbor, 0)
    return SimpleITK.GetArrayFromImage(voxels).T, SimpleITK.GetArrayFromImage(inside).T > 0


def assert_equals_sitk(partner, anatomical, tolerance: float = 1e-3) -> None:
    aligned, inside = align_to(partner, anatomical)
    expected, expected_inside = sitk_linear(partner, anatomical)
    assert aligned.shape == anatomical.shape
    assert aligned.dtype == torch.float32
    assert inside.shape == (1, *anatomical.shape[1:])
    assert torch.equal(aligned.affine, anatomical.affine)
    both = inside[0].as_tensor().bool().numpy() & expected_inside
    # Centres exactly on the outer face of the field of view may count either way.
    assert np.mean(both == expected_inside) > 0.99
    span = float(partner.max() - partner.min())
    assert np.abs(aligned[0].as_tensor().numpy() - expected)[both].max() <= tolerance * span
    outside = aligned.as_tensor()[inside.as_tensor() == 0]
    assert (outside == partner.as_tensor().min()).all()


def oblique(degrees: float, spacing: tuple[float, float, float], offset=(0.0, 0.0, 0.0)):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag(spacing)
    affine[:3, 3] = offset
    return affine


@pytest.mark.parametrize("name", ["PET.nii", "SPECT.nii", "CT_HU_from_scct.nii.gz", "T1.nii"])
def test_templates_equal_sitk(reference, load, name):
    folder = reference / "data" / "mni_templates"
    assert_equals_sitk(load(folder / name), load(folder / "avg152T1.nii"))


def test_mirrored_storage_is_seen(reference, load):
    folder = reference / "data" / "mni_templates"
    spect, anatomical = load(folder / "SPECT.nii"), load(folder / "avg152T1.nii")
    aligned, _ = align_to(spect, anatomical)
    assert torch.allclose(aligned.as_tensor(), spect.as_tensor().flip(1), atol=1e-3)


@pytest.mark.slow
def test_oblique_patient_equals_sitk(reference, load):
    stroke = load(reference / "data" / "stroke_T1_T2_FLAIR" / "FLAIR.nii.gz")
    template = load(reference / "data" / "mni_templates" / "PET.nii")
    assert_equals_sitk(template, stroke)


@pytest.mark.slow
def test_a_finer_oblique_patient_equals_the_mean_of_what_sitk_finds(reference, load, make_volume):
    """The template's voxels, cut into eight parts, are filled by SimpleITK."""
    stroke = load(reference / "data" / "stroke_T1_T2_FLAIR" / "FLAIR.nii.gz")
    template = load(reference / "data" / "mni_templates" / "PET.nii")
    to_part = np.diag([0.5, 0.5, 0.5, 1.0])
    to_part[:3, 3] = -0.25
    shape = template.shape[1:]
    parts = make_volume(np.zeros((1, *(2 * n for n in shape))), template.affine.numpy() @ to_part)
    found, seen = sitk_linear(stroke, parts)

    def boxes(values):
        return np.stack([values[i::2, j::2, k::2] for i, j, k in np.ndindex(2, 2, 2)])

    expected, whole = boxes(found).mean(axis=0), boxes(seen).all(axis=0)
    aligned, inside = align_to(stroke, template)
    index_map = np.linalg.solve(stroke.affine.numpy(), template.affine.numpy())
    assert (np.ceil(np.linalg.norm(index_map[:3, :3], axis=0)) <= 2).all()
    is_fine = np.linalg.norm(index_map[:3, :3], axis=0) > 1
    assert is_fine.all()
    both = whole & inside[0].as_tensor().numpy()
    assert both.mean() > 0.2
    assert np.abs(aligned[0].as_tensor().numpy() - expected)[both].max() < 1e-3 * stroke.max()


@pytest.mark.parametrize("degrees", [0, 7, 33])
@pytest.mark.parametrize("shape", [(9, 12, 7), (1, 11, 8), (10, 1, 8), (10, 9, 1)])
def test_any_grid_equals_sitk(make_volume, degrees, shape):
    rng = np.random.default_rng(1)
    partner = make_volume(
        rng.normal(size=(1, 8, 9, 10)), oblique(-degrees / 2, (2.3, 1.9, 2.1), (-1, 2, -3))
    )
    anatomical = make_volume(np.zeros((1, *shape)), oblique(degrees, (1.7, 1.3, 1.9), (2, 3, 1)))
    assert_equals_sitk(partner, anatomical)


@pytest.mark.parametrize("thin", [0, 1, 2])
def test_one_slice_covers_half_a_voxel_either_side(make_volume, thin):
    shape = [6, 6, 6]
    shape[thin] = 1
    voxels = np.random.default_rng(2).random((1, *shape))
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[thin, thin], affine[thin, 3] = 3.0, 10.0
    anatomical_affine = np.eye(4)
    anatomical_affine[thin, 3] = 5.25
    anatomical = make_volume(np.zeros((1, 9, 9, 9)), anatomical_affine)
    aligned, inside = align_to(make_volume(voxels, affine), anatomical)
    # 10 +- 1.5 mm seen from 5.25 + index
    expected = [8.5 <= 5.25 + index <= 11.5 for index in range(9)]
    others = [axis for axis in range(3) if axis != thin]
    assert inside[0].as_tensor().amax(dim=others).bool().tolist() == expected
    seen = aligned.as_tensor().narrow(thin + 1, 4, 1)
    for axis in others:
        seen = seen.narrow(axis + 1, 0, 6)
    assert np.allclose(seen, voxels, atol=1e-6)


def test_one_grid_keeps_every_bit(make_volume):
    affine = oblique(20, (1.1, 0.9, 3.0), (5, -7, 11))
    partner = make_volume(np.random.default_rng(3).normal(size=(1, 5, 6, 7)), affine)
    rounded = make_volume(np.zeros((1, 5, 6, 7)), affine.astype(np.float32))
    aligned, inside = align_to(partner, rounded)
    assert torch.equal(aligned.as_tensor(), partner.as_tensor())
    assert torch.equal(aligned.affine, rounded.affine)
    assert inside.as_tensor().min() == 1


def test_a_small_turn_is_not_one_grid(make_volume):
    """One milliradian moves the far corner of 200 voxels by a fifth of a voxel."""
    ramp = np.broadcast_to(np.arange(200.0)[:, None, None], (1, 200, 200, 1)).copy()
    partner = make_volume(ramp, np.eye(4))
    turned = make_volume(np.zeros((1, 200, 200, 1)), oblique(np.degrees(1e-3), (1, 1, 1)))
    aligned, _ = align_to(partner, turned)
    assert float(aligned[0, 100, 199, 0]) == pytest.approx(100 - 0.199, abs=1e-3)


def test_slabs_leave_no_seam(make_volume, monkeypatch):
    partner = make_volume(
        np.random.default_rng(4).normal(size=(1, 9, 9, 9)), oblique(25, (2, 2, 2))
    )
    anatomical = make_volume(np.zeros((1, 13, 12, 11)), oblique(-5, (1.5, 1.5, 1.5), (-1, 0, 2)))
    whole, whole_inside = align_to(partner, anatomical)
    monkeypatch.setattr(slabs, "SLAB_VOXELS", 1)
    in_slabs, in_slabs_inside = align_to(partner, anatomical)
    assert torch.allclose(in_slabs.as_tensor(), whole.as_tensor(), atol=1e-6)
    assert torch.equal(in_slabs_inside.as_tensor(), whole_inside.as_tensor())


def test_colour_ends_in_black(make_volume):
    partner = make_volume(torch.full((3, 4, 4, 4), 0.75), np.diag([2.0, 2.0, 2.0, 1.0]))
    aligned, inside = align_to(partner, make_volume(torch.zeros(1, 12, 8, 8)))
    assert aligned.shape == (3, 12, 8, 8)
    assert 0 < inside.as_tensor().float().mean() < 1
    assert torch.allclose(aligned.as_tensor(), 0.75 * inside.as_tensor())


def test_pictures_are_laid_over_each_other(make_volume):
    anatomical = make_volume(torch.rand(1, 6, 4, 1), is_image=True, filename_or_obj="pc.png")
    partner = make_volume(torch.rand(3, 6, 4, 1), np.eye(4), is_image=True)
    aligned, inside = align_to(partner, anatomical)
    assert torch.equal(aligned.as_tensor(), partner.as_tensor())
    assert torch.equal(aligned.affine, anatomical.affine)
    assert inside.as_tensor().min() == 1

    other = make_volume(torch.rand(3, 5, 4, 1), is_image=True, filename_or_obj="/x/gfp.png")
    with pytest.raises(InputError, match=r"pc.png and gfp.png .*6 x 4 and 5 x 4"):
        align_to(other, anatomical)
    with pytest.raises(InputError, match="two pictures or two volumes"):
        align_to(make_volume(torch.rand(1, 6, 4, 3)), anatomical)


def test_coverage_is_noted(head, make_volume):
    lower_half = make_volume(head["ct"][..., :10], head["ct"].affine, filename_or_obj="/x/ct.nii")
    given = {"anatomical": head["mr"], "partner": lower_half}
    with pytest.warns(FusionWarning, match=r"ct.nii covers 50.0 %"):
        data = AlignPartnerd()(given)
    assert data["coverage"] == pytest.approx(0.5)
    assert "50.0 %" in data["notes"]
    assert data["field_of_view"].shape == head["mr"].shape
    assert set(given) == {"anatomical", "partner"}
    assert given["partner"].shape[-1] == 10


def test_a_tiny_partner_does_not_cover_nothing(head, make_volume):
    few = head["ct"].as_tensor()[:, 8:10, 8:10, 8:9]
    affine = head["ct"].affine.clone()
    affine[:, 3] = head["ct"].affine @ affine.new_tensor([8, 8, 8, 1])
    tiny = make_volume(few, affine, filename_or_obj="/x/ct.nii")
    with pytest.warns(FusionWarning, match=r"ct.nii covers less than 0.1 % of the anatomical"):
        data = AlignPartnerd()({"anatomical": head["mr"], "partner": tiny})
    assert 0 < data["coverage"] < 0.001


@pytest.mark.filterwarnings("error", *NOT_OF_THIS_TEST)
def test_full_coverage_is_silent(head):
    data = AlignPartnerd()({"anatomical": head["mr"], "partner": head["ct"]})
    assert data["coverage"] == 1
    assert "notes" not in data


def test_no_overlap_names_the_distance(head, make_volume):
    affine = head["ct"].affine.clone()
    affine[0, 3] += 300
    with pytest.raises(InputError, match=r"do not overlap: .* 300 mm apart"):
        AlignPartnerd()({"anatomical": head["mr"], "partner": make_volume(head["ct"], affine)})
