"""Lesions put into one source, and what a fused picture keeps of them."""

from __future__ import annotations

import math

import pytest
import torch

from mactfusion.trust.lesions import (
    LESIONS,
    Lesion,
    contrast,
    draw_spots,
    kept_share,
    put_lesions,
)

SIZE = (40, 48)
CENTRES = torch.tensor([[20.0, 16.0], [14.0, 33.0]])
ANGLES = torch.tensor([0.0, 1.0])


def spots_of(lesion, spacing_mm=(1.0, 1.0)):
    return draw_spots(lesion, CENTRES, ANGLES, SIZE, spacing_mm)


@pytest.mark.parametrize("diameter_mm", [5.0, 12.0])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (2.0, 2.0), (1.0, 2.0)])
def test_a_disk_has_its_area_in_millimetres(diameter_mm, spacing_mm):
    area_mm2 = spots_of(Lesion("disk", 1, diameter_mm), spacing_mm).share.sum(dim=(1, 2, 3))
    area_mm2 = area_mm2 * spacing_mm[0] * spacing_mm[1]
    assert area_mm2.tolist() == pytest.approx([math.pi / 4 * diameter_mm**2] * 2, rel=0.15)


def test_a_disk_lies_at_its_centre():
    share = spots_of(Lesion("disk", 1, 6.0)).share
    rows, columns = torch.arange(SIZE[0]), torch.arange(SIZE[1])
    for one, centre in zip(share[:, 0], CENTRES.tolist(), strict=True):
        row = (one.sum(dim=1) * rows).sum() / one.sum()
        column = (one.sum(dim=0) * columns).sum() / one.sum()
        assert [row.item(), column.item()] == pytest.approx(centre, abs=1e-4)


def test_a_pixel_is_one_pixel_and_a_line_one_pixel_wide():
    pixel = spots_of(Lesion("pixel", 1)).share
    assert pixel.sum(dim=(1, 2, 3)).tolist() == [1, 1]
    assert pixel[0, 0, 20, 16] == pixel[1, 0, 14, 33] == 1
    level, slanted = spots_of(Lesion("line", 1, 12.0)).share[:, 0]
    assert level.nonzero()[:, 0].unique().tolist() == [20]
    assert level.nonzero()[:, 1].tolist() == list(range(10, 23))
    # Steeper than 45 degrees: one or two pixels a row, along ten rows.
    assert slanted.sum(dim=1).max() <= 2
    assert 12 * math.sin(1) - 1 <= (slanted.sum(dim=1) > 0).sum() <= 12 * math.sin(1) + 1


def test_a_line_is_as_long_in_other_spacings():
    level, _ = spots_of(Lesion("line", 1, 12.0), (1.0, 2.0)).share[:, 0]
    assert level.nonzero()[:, 1].tolist() == list(range(13, 20))


@pytest.mark.parametrize("name", LESIONS)
def test_the_ring_surrounds_the_lesion_without_touching_it(name):
    spots = spots_of(LESIONS[name])
    for share, ring in zip(spots.share[:, 0] > 0, spots.ring[:, 0] > 0, strict=True):
        nearest = torch.cdist(ring.nonzero().float(), share.nonzero().float(), p=torch.inf)
        assert nearest.amin(dim=1).unique().tolist() == [2, 3, 4]


def test_what_is_put_in_stays_in_range():
    source = torch.rand(1, 1, *SIZE)
    share = spots_of(Lesion("disk", 1, 12.0)).share
    for change in (0.6, -0.6):
        changed = put_lesions(source, share, change)
        assert changed.shape == share.shape
        assert 0 <= changed.min() <= changed.max() <= 1
        untouched = share == 0
        assert (changed == source.expand_as(changed))[untouched].all()
    inside = put_lesions(torch.full_like(source, 0.3), share, 0.5)
    assert torch.allclose(inside, 0.3 + 0.5 * share)


def test_contrast_is_the_difference_of_means():
    spots = spots_of(Lesion("disk", 1, 12.0))
    picture = 0.2 + 0.5 * (spots.share > 0).float()
    assert contrast(picture, spots).tolist() == pytest.approx([0.5, 0.5])
    assert contrast(torch.full((1, 1, *SIZE), 0.7), spots).abs().max() < 1e-6


@pytest.mark.parametrize("name", LESIONS)
@pytest.mark.parametrize("share_of_source", [1.0, 0.5, 0.0, -0.5])
def test_what_is_kept_of_a_known_mixture(name, share_of_source):
    lesion, rng = LESIONS[name], torch.Generator().manual_seed(0)
    source = 0.4 + 0.2 * torch.rand(1, 1, *SIZE, generator=rng)
    other = torch.rand(1, 1, *SIZE, generator=rng)
    spots = spots_of(lesion)
    both = put_lesions(source, spots.share.amax(dim=0, keepdim=True), lesion.change)

    def mix(image):
        return share_of_source * image + (1 - share_of_source) * other

    kept = kept_share((mix(both), mix(source)), (both, source), spots, lesion.change)
    assert kept.tolist() == pytest.approx([share_of_source] * 2, abs=1e-4)


def test_a_lesion_that_the_source_does_not_show_counts_as_none():
    lesion = Lesion("disk", 0.4, 12.0)
    spots = spots_of(lesion)
    white = torch.ones(1, 1, *SIZE)
    white[..., 24:] = 0.2
    changed = put_lesions(white, spots.share.amax(dim=0, keepdim=True), lesion.change)
    kept = kept_share((changed, white), (changed, white), spots, lesion.change)
    assert kept.isnan().tolist() == [True, False]
    assert kept[1].item() == pytest.approx(1)


def test_places_in_one_picture_and_in_one_each_agree_and_have_a_gradient():
    lesion = LESIONS["hot, 12 mm"]
    spots = spots_of(lesion)
    source = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(1)) / 2
    together = put_lesions(source, spots.share.amax(dim=0, keepdim=True), lesion.change)
    apart = put_lesions(source, spots.share, lesion.change)
    fused = apart.sqrt().requires_grad_()
    first = kept_share((fused, source.sqrt()), (apart, source), spots, lesion.change)
    second = kept_share((together.sqrt(), source.sqrt()), (together, source), spots, lesion.change)
    assert first.tolist() == pytest.approx(second.tolist(), abs=1e-5)
    first.sum().backward()
    assert fused.grad.abs().sum() > 0
    assert fused.grad.isfinite().all()


def test_the_gradient_is_finite_where_nothing_is_shown():
    lesion = Lesion("disk", 0.4, 12.0)
    spots = spots_of(lesion)
    white = torch.ones(1, 1, *SIZE)
    fused = white.clone().requires_grad_()
    kept = kept_share((fused, white), (white, white), spots, lesion.change)
    kept.nan_to_num(1).sum().backward()
    assert fused.grad.isfinite().all()
