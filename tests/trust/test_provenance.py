"""Shares: what is known of constructed fusions is found, and nothing else is said."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from mactfusion import fuse_volumes
from mactfusion.networks import PixelWeights
from mactfusion.trust.provenance import (
    NOT_TOLD,
    UNSEEN,
    probed_share,
    share_of_first,
    shares_of,
    strongest_partner,
)


@pytest.fixture
def image():
    """Sources of two slices, which differ by 0.05 or more in each pixel."""
    partner = torch.rand(1, 2, 40, 48) * 0.6 + 0.1
    gap = torch.rand(1, 2, 40, 48) * 0.2 + 0.05
    return torch.cat([partner + gap * (torch.rand(gap.shape) - 0.5).sign(), partner])


def mixed(weight):
    return lambda image: weight * image[:1] + (1 - weight) * image[1:]


def test_the_average_takes_half_of_each(image):
    assert torch.allclose(probed_share(mixed(0.5), image), torch.tensor(0.5), atol=1e-3)


def test_the_maximum_is_the_brighter_source(image):
    found = probed_share(lambda image: image.amax(dim=0, keepdim=True), image)
    is_first = (image[0] > image[1])[None].float()
    assert (found.round() == is_first).float().mean() > 0.9
    # Neighbours are looked at too, with less weight.
    wide = torch.cat([torch.full((1, 1, 9, 20), 0.4), torch.full((1, 1, 9, 20), 0.3)])
    wide[1, ..., 10:] = 0.6
    found = probed_share(lambda image: image.amax(dim=0, keepdim=True), wide)[0, 0, 4]
    assert found[:8].min() > 0.999
    assert found[12:].max() < 0.001


def test_a_blend_by_a_known_map_is_found_where_it_is_smooth_and_where_it_has_an_edge(image):
    smooth = torch.linspace(0.1, 0.9, 48).expand(1, 2, 40, 48)
    assert torch.allclose(probed_share(mixed(smooth), image), smooth, atol=5e-3)
    sharp = torch.where(torch.arange(48) < 24, 0.2, 0.9).expand(1, 2, 40, 48)
    found = probed_share(mixed(sharp), image)
    assert torch.allclose(found[..., :22], sharp[..., :22], atol=1e-3)
    assert torch.allclose(found[..., 26:], sharp[..., 26:], atol=1e-3)


def test_what_the_neighbours_do_to_a_pixel_is_not_its_own(image):
    """Detail of the partner is added: a change of all of it would change nothing."""

    def detailed(image):
        mean = nn.functional.avg_pool2d(image[1:], 5, 1, 2, count_include_pad=False)
        return image[:1] + image[1:] - mean

    found = probed_share(detailed, image)
    assert float((found - 1 / (1 + 24 / 25)).abs().mean()) < 0.03


def test_one_slice_alone_has_the_shares_that_it_has_in_its_volume(image):
    whole = probed_share(lambda image: image.square().mean(dim=0, keepdim=True).sqrt(), image)
    alone = probed_share(lambda image: image.square().mean(0, keepdim=True).sqrt(), image[:, 1:])
    assert torch.equal(whole[:, 1:], alone)


def test_nothing_is_told_where_nothing_shows(image):
    assert (probed_share(lambda image: torch.zeros_like(image[:1]), image) == NOT_TOLD).all()
    assert share_of_first(torch.tensor(-0.3), torch.tensor(0.1)) == pytest.approx(0.75)


def test_the_share_of_the_joined_partners_is_that_of_the_strongest():
    shape = (1, 1, 1, 4)
    share = torch.tensor([0.2, 0.2, 0.2, NOT_TOLD]).view(shape)
    strongest = torch.tensor([0, 1, UNSEEN, 0], dtype=torch.uint8).view(shape)
    shares = shares_of(share, torch.ones(2, 1, 1, 4), strongest, 2)
    assert shares.dtype == torch.uint8
    assert shares[:, 0, 0].T.tolist() == [[51, 204, 0], [51, 0, 204], [255, 0, 0], [0, 0, 0]]
    assert not shares_of(share, torch.zeros(2, 1, 1, 4), strongest, 2).any()


def test_the_strongest_partner_is_the_pixel_maximum_where_it_was_seen():
    first, second = (torch.tensor(row).view(1, 1, 1, 5) for row in
                     ([0.0, 0.5, 0.5, 0.9, 0.0], [0.0, 0.4, 0.6, 0.2, 0.0]))  # fmt: skip
    seen = torch.tensor([1, 1, 1, 0, 0], dtype=torch.bool).view(1, 1, 1, 5)
    everywhere = strongest_partner([first, second], [None, None])
    assert everywhere.flatten().tolist() == [0, 0, 1, 0, 0]
    part = strongest_partner([first, second], [seen, seen])
    assert part.flatten().tolist() == [0, 0, 1, UNSEEN, UNSEEN]


def test_the_network_that_weighs_says_its_weights(mr, pet):
    result = fuse_volumes(mr, pet, task="pet-mri", provenance=True)
    assert result.record["provenance"] == {"sources": ["anatomical", "partner"], "from": "weights"}
    weights = trained_weights(result)
    expected = weights[0].abs() / weights.abs().sum(dim=0)
    shares = result.shares
    is_told = shares.sum(dim=0) > 0
    assert is_told.float().mean() > 0.3
    assert torch.allclose(shares.sum(dim=0)[is_told], torch.tensor(1.0), atol=1e-5)
    assert torch.allclose(shares[0][is_told], expected[is_told], atol=0.003)
    # Nothing of it changes the fused voxels.
    assert torch.equal(result.fused, fuse_volumes(mr, pet, task="pet-mri").fused)


def trained_weights(result):
    """Weights of the default network for the sources of a result, on its grid: axial slices."""
    from mactfusion.bundle import bundle_root
    from mactfusion.weights import load_weights

    network = load_weights(PixelWeights(), bundle_root() / "models" / "model.pt")
    image = result._case["image"].as_tensor()
    with torch.no_grad():
        weights = network.weights(image.transpose(0, 1)).transpose(0, 1)
    return torch.stack([result._restored(channel[None]).as_tensor()[0] for channel in weights])


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("mactfusion_plus", "msgfusion")]


@pytest.mark.parametrize("model", ["cminet", "dilran", *SLOW])
def test_any_other_network_is_probed(model, mr, pet):
    array, affine = mr
    result = fuse_volumes(
        (array[:, :, 2:3], affine), pet, task="pet-mri", provenance=True, model=model
    )
    assert result.record["provenance"]["from"] == "probed"
    total = result.shares.sum(dim=0)
    assert ((total - 1).abs() < 1e-5)[total > 0].all()
    assert 0.05 < float(result.shares[0][total > 0].mean()) < 0.99


def test_several_partners_and_grey(mr, pet, pixel_maximum):
    array, affine = pet
    halves = [array.copy(), array.copy()]
    halves[0][:10], halves[1][10:] = 0, 0
    result = fuse_volumes(
        mr,
        [(half, affine) for half in halves],
        task=["pet-mri", "spect-mri"],
        anatomical_window=(2000, 4000),
        window=[(1000, 2000)] * 2,
        weights=pixel_maximum,
        provenance=True,
        luminance=True,
    )
    roles = result.record["provenance"]["sources"]
    assert sorted(roles) == ["anatomical", "partner 1", "partner 2"]
    shares = dict(zip(roles, result.shares, strict=True))
    # The second is on the side of the lower index, to the left of the affine's zero.
    assert shares["partner 2"][5:9, 12:16].min() > 0.9
    assert shares["partner 1"][15:19, 12:16].min() > 0.9
    assert shares["partner 1"][5:9, 12:16].max() == 0


def test_outside_a_partners_field_of_view_all_is_the_anatomical_volumes(mr, pet):
    array, affine = pet
    result = fuse_volumes(mr, (array[10:], affine @ shifted(10)), task="pet-mri", provenance=True)
    head = result.anatomical[0] > 0
    is_outside = torch.zeros_like(head)
    is_outside[:10] = True
    assert (result.shares[0][head & is_outside] == 1).all()
    assert (result.shares[1][head & ~is_outside] > 0).any()


def shifted(voxels):
    shift = np.eye(4)
    shift[0, 3] = voxels
    return shift


def test_the_file_lies_beside_the_result_on_its_grid(fuse, files):
    assert fuse("-o", "fused.nii.gz", "--provenance").code == 0
    image = nibabel.load("fused.nii.gz.provenance.nii.gz")
    fused = nibabel.load("fused.nii.gz")
    assert image.shape == (*fused.shape[:3], 2)
    assert np.allclose(image.affine, fused.affine)
    assert image.get_data_dtype() == np.uint8
    values = image.get_fdata()
    assert set(np.unique(values.sum(axis=3).round(5))) == {0.0, 1.0}
    assert not list(files.glob(".mactfusion*"))


def test_existing_shares_are_refused_replaced_or_removed(fuse, files):
    shares = files / "fused.nii.gz.provenance.nii.gz"
    shares.write_text("mine")
    refused = fuse("-o", "fused.nii.gz")
    assert refused.refused("share of each source")
    assert shares.read_text() == "mine"
    assert fuse("-o", "fused.nii.gz", "--provenance", "--overwrite").code == 0
    assert nibabel.load(shares).shape[3] == 2
    assert fuse("-o", "fused.nii.gz", "--overwrite").code == 0
    assert not shares.exists()
    shares.mkdir()
    assert fuse("-o", "fused.nii.gz", "--overwrite").refused("share of each source")


def test_a_result_that_cannot_be_written_leaves_no_shares(fuse, nothing_left, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mactfusion.io.save.write_bytes", full)
    assert fuse("-o", "fused.nii.gz", "--provenance").refused("the disk is full")
    assert nothing_left()
