"""MsgFusion's steps on amplitude and phase do what they are called."""

from __future__ import annotations

import numpy as np
import torch

from mactfusion.networks.frequency import AmplitudePhase, ReleasedStep


def random_pairs(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_the_released_frequency_step_does_nothing():
    features = random_pairs(2, 64, 12, 18).sub(0.3).relu()
    assert (ReleasedStep()(features) - features).abs().max() < 1e-6


def test_the_default_step_starts_as_the_released_one_and_then_changes_the_result():
    torch.manual_seed(0)
    features = random_pairs(2, 64, 12, 18).sub(0.3).relu()
    step = AmplitudePhase()
    with torch.no_grad():
        assert (step(features) - features).abs().max() < 1e-5
        torch.nn.init.normal_(step.amplitude[2].weight, std=0.05)
        changed = step(features)
        assert (changed - features).abs().max() > 0.05
        assert changed.min() >= 0
        torch.nn.init.zeros_(step.amplitude[2].weight)
        torch.nn.init.normal_(step.phase[2].weight, std=0.05)
        assert (step(features) - features).abs().max() > 0.05


def test_amplitude_and_phase_do_what_they_are_called():
    step = AmplitudePhase(channels=1)
    columns = np.tile(np.arange(16), (16, 1))
    wave = 2 + np.cos(2 * np.pi * 3 * columns / 16)
    features = torch.from_numpy(wave).float()[None, None]
    with torch.no_grad():
        step.amplitude[2].bias.fill_(np.log(1.5))
        assert (step(features) - 1.5 * features).abs().max() < 1e-5
        step.amplitude[2].bias.zero_()
        step.phase[2].bias.fill_(np.pi / 3)
        # The mean is real: of its shifted phase, only the cosine is left.
        expected = 2 * np.cos(np.pi / 3) + np.cos(2 * np.pi * 3 * columns / 16 + np.pi / 3)
    assert np.abs(step(features)[0, 0].detach().numpy() - expected.clip(0)).max() < 1e-5
