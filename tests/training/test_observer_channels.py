"""Gabor channels: what they respond to, and what not."""

from __future__ import annotations

import math

import pytest
import torch

from mactfusion.trust.lesions import Lesion, draw_spots
from training.observer.channels import (
    BANDS,
    ORIENTATIONS,
    PHASES,
    REACH_MM,
    around,
    gabor_channels,
    respond,
)

SHAPE = (len(BANDS), ORIENTATIONS, len(PHASES))


@pytest.mark.parametrize(
    ("spacing_mm", "size"), [((1.0, 1.0), (65, 65)), ((2.0, 2.0), (33, 33)), ((2.0, 1.0), (33, 65))]
)
def test_size_sum_and_strength(spacing_mm, size):
    channels = gabor_channels(spacing_mm)
    assert channels.shape == (40, *size)
    assert channels.sum(dim=(1, 2)).abs().max() < 1e-9
    area = spacing_mm[0] * spacing_mm[1]
    strength = channels.square().sum(dim=(1, 2)) / area
    assert strength.tolist() == pytest.approx([1.0] * 40)


def energies(picture, spacing_mm=(1.0, 1.0)):
    """Response energy of both phases, ``(bands, orientations)``."""
    responses = respond(picture[None, None], gabor_channels(spacing_mm)).reshape(SHAPE)
    return responses.square().sum(dim=2)


@pytest.mark.parametrize("band", range(len(BANDS)))
@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
@pytest.mark.parametrize("phase", [0.0, 1.1])
def test_a_grating_is_seen_by_the_channel_of_its_band_and_orientation(band, orientation, phase):
    down, right = torch.meshgrid(*[torch.arange(-32.0, 33.0)] * 2, indexing="ij")
    angle = math.pi * orientation / ORIENTATIONS
    along = right * math.cos(angle) + down * math.sin(angle)
    seen = energies(torch.cos(2 * math.pi * BANDS[band] * along + phase))
    assert divmod(int(seen.argmax()), ORIENTATIONS) == (band, orientation)


def test_orientation_is_from_the_columns_towards_the_rows_below():
    rows = torch.arange(-32.0, 33.0)[:, None].expand(65, 65)
    across_rows = energies(torch.cos(2 * math.pi * BANDS[1] * rows))
    # 72 and 108 degrees are next to 90; 0 is farthest.
    assert across_rows[1, 2] == pytest.approx(float(across_rows[1, 3]))
    assert across_rows[1, 0] < 0.1 * across_rows[1, 2]


def test_even_brightness_is_not_seen():
    assert respond(torch.full((1, 1, 65, 65), 0.8), gabor_channels((1.0, 1.0))).abs().max() < 1e-6


def test_a_disk_looks_alike_at_any_spacing():
    found = []
    for spacing in (1.0, 2.0):
        side = 2 * int(REACH_MM / spacing) + 1
        centre = torch.tensor([[side // 2, side // 2]])
        lesion = Lesion("disk", 1.0, 12.0)
        spots = draw_spots(lesion, centre, torch.zeros(1), (side, side), (spacing, spacing))
        found.append(respond(spots.share, gabor_channels((spacing, spacing))))
    assert torch.nn.functional.cosine_similarity(*found) > 0.99
    assert float(found[0].norm()) == pytest.approx(float(found[1].norm()), rel=0.05)


def test_what_lies_around_a_place():
    picture = torch.arange(2 * 6 * 8.0).reshape(2, 6, 8) + 1
    cutouts = around(picture, torch.tensor([[2.0, 3.0], [0.0, 7.0]]), (3, 5))
    assert cutouts.shape == (2, 2, 3, 5)
    assert torch.equal(cutouts[0], picture[:, 1:4, 1:6])
    assert torch.equal(cutouts[1, :, 1:, :3], picture[:, :2, 5:])
    assert cutouts[1, :, 0].abs().max() == cutouts[1, :, :, 3:].abs().max() == 0
