"""Shift consistency: zero for what moves along, exact for what does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, interpolate

from mactfusion.errors import InputError
from mactfusion.metrics.shift_consistency import shift_consistency
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.published_weights import import_published_weights


def brighter(sources):
    return sources.amax(dim=1, keepdim=True)


@pytest.mark.parametrize("shift", [4, 16, -3])
def test_a_rule_that_moves_along_is_consistent(shift):
    result = shift_consistency(brighter, torch.rand(3, 2, 24, 40), shift)
    assert result.mean.tolist() == result.percentile_99.tolist() == [0, 0, 0]


def ramp(sources):
    """A result that knows its column and nothing else."""
    return torch.arange(32.0).expand(len(sources), 1, 32, 32) / 100


def test_a_fixed_pattern_gives_its_own_change():
    # Moved back, columns 0 to 27 are 0.04 brighter; 28 to 31, which changed sides, 0.28 darker.
    result = shift_consistency(ramp, torch.full((2, 2, 32, 32), 0.5), 4)
    assert result.mean.tolist() == pytest.approx([0.04] * 2)
    assert result.percentile_99.tolist() == pytest.approx([0.04] * 2)


@pytest.mark.parametrize("shift", [5, -5])
@pytest.mark.parametrize("axis", [-2, -1])
def test_the_strip_that_changes_sides_is_not_compared(shift, axis):
    def edges(sources):
        """Be wrong only where the move brings the opposite edge."""
        result = brighter(sources).clone()
        strip = result.narrow(axis, 0 if shift > 0 else -abs(shift), abs(shift))
        strip.zero_()
        return result

    sources = torch.full((1, 2, 24, 32), 0.5)
    changed = shift_consistency(edges, sources, shift)
    # The still picture is wrong in its own strip, and in nothing else that is compared.
    rows, columns = (size - abs(shift) for size in (24, 32))
    share = abs(shift) / (rows if axis == -2 else columns)
    assert changed.mean.item() == pytest.approx(0.5 * share)


def test_only_the_foreground_counts():
    sources = torch.full((1, 2, 32, 32), 0.01)
    sources[:, 1, :, 10:] = 0.5
    bright = lambda x: 0.5 * ramp(x) + (torch.arange(32) < 10) * 0.3  # noqa: E731
    result = shift_consistency(bright, sources, 4)
    assert result.mean.tolist() == pytest.approx([0.02])
    assert result.percentile_99.tolist() == pytest.approx([0.02])


def test_what_is_clipped_away_does_not_count():
    result = shift_consistency(lambda x: 1.5 + ramp(x), torch.ones(1, 2, 32, 32), 4)
    assert result.mean.tolist() == [0]


def test_blocks_at_fixed_places_are_seen():
    def blocky(sources):
        return interpolate(avg_pool2d(brighter(sources), 8), scale_factor=8)

    sources = torch.rand(2, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    half, whole = (shift_consistency(blocky, sources, shift) for shift in (4, 8))
    assert (half.mean > 0.01).all()
    assert (half.percentile_99 > half.mean).all()
    assert whole.mean.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_a_blank_picture_has_no_figure():
    assert shift_consistency(ramp, torch.zeros(1, 2, 32, 32)).mean.isnan().all()


@pytest.mark.parametrize("shift", [0, 24, -32, 64])
def test_a_move_that_leaves_nothing_to_compare_is_refused(shift):
    with pytest.raises(InputError, match="cannot be compared in 24 x 32"):
        shift_consistency(brighter, torch.rand(1, 2, 24, 32), shift)


@pytest.mark.slow
def test_figure_of_the_published_network(reference):
    state = torch.load(
        reference / "checkpoints" / "mactfusion_ctmri.pth", map_location="cpu", weights_only=True
    )
    network = MACTFusion().eval()
    network.load_state_dict(import_published_weights(state).state)
    folder = reference / "data" / "wba" / "CT-MRI" / "test"
    pair = [np.asarray(Image.open(folder / kind / "16013.png")) for kind in ("MRI", "CT")]
    sources = torch.from_numpy(np.stack(pair)).float()[None] / 255
    result = shift_consistency(network, sources, 4)
    assert result.mean.item() == pytest.approx(0.0055, abs=0.0015)
    assert result.percentile_99.item() == pytest.approx(0.035, abs=0.005)
    far = shift_consistency(network, sources, 16)
    assert far.mean.item() == pytest.approx(0.0026, abs=0.0008)
    assert far.percentile_99.item() == pytest.approx(0.018, abs=0.005)
