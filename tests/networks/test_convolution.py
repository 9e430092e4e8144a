"""The large convolution is the same whichever way it is computed."""

from __future__ import annotations

import pytest
import torch
from scipy.fft import next_fast_len
from torch.nn import functional

from mactfusion.networks.convolution import LargeKernelConv2d, fast_length

CASES = [
    # batch, channels in and out, groups, kernel, size
    (2, 16, 4, 4, 31, (24, 40)),
    (1, 16, 4, 4, 31, (8, 8)),
    (1, 4, 6, 2, 7, (37, 5)),
    (3, 2, 2, 1, 3, (1, 11)),
]


def make(case):
    batch, channels, out_channels, groups, kernel, size = case
    torch.manual_seed(0)
    conv = LargeKernelConv2d(channels, out_channels, kernel, groups)
    return conv, torch.randn(batch, channels, *size)


def direct(conv, features):
    """The plain convolution in double precision."""
    weight = conv.weight.double()
    return functional.conv2d(
        features.double(), weight, padding=conv.kernel_size[0] // 2, groups=conv.groups
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("gradient", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_forward_equals_the_direct_convolution(case, gradient, training):
    conv, features = make(case)
    conv.train(training)
    with torch.set_grad_enabled(gradient):
        result = conv(features)
    expected = direct(conv, features)
    assert result.shape == expected.shape
    assert (result - expected).abs().max() < 1e-5 * (1 + expected.abs().max())


@pytest.mark.parametrize("case", CASES)
def test_gradients_equal_those_of_the_direct_convolution(case):
    conv, features = make(case)
    features.requires_grad_()
    upstream = torch.randn_like(conv(features))
    actual = torch.autograd.grad(conv(features), (features, conv.weight), upstream)
    expected = torch.autograd.grad(
        direct(conv, features), (features, conv.weight), upstream.double()
    )
    for ours, theirs in zip(actual, expected, strict=True):
        assert (ours - theirs).abs().max() < 1e-4 * (1 + theirs.abs().max())


def test_reduced_precision_comes_out_as_it_went_in():
    conv, features = make(CASES[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = conv(features.bfloat16())
    assert result.dtype == torch.bfloat16
    expected = direct(conv, features)
    assert (result - expected).abs().max() < 0.05 * expected.abs().max()


def test_lengths_are_those_that_scipy_finds():
    lengths = range(1, 2000)
    assert [fast_length(n) for n in lengths] == [next_fast_len(n, real=True) for n in lengths]
