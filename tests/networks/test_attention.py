"""Attention written out for training on a CPU equals the fused kernel's."""

from __future__ import annotations

import torch
from torch.nn import functional

from mactfusion.networks.attention import attend


def test_the_form_for_training_equals_the_fused_kernel() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 4, 64, 12) for _ in range(3))
    bias = torch.randn(1, 4, 64, 64)
    leaves = [tensor.requires_grad_() for tensor in (query, key, value, bias)]
    written_out = attend(query, key, value, bias, 0.5)
    kernel = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=0.5)
    torch.testing.assert_close(written_out, kernel, rtol=1e-5, atol=1e-5)
    wanted = torch.randn_like(kernel)
    for ours, theirs in zip(
        torch.autograd.grad(written_out, leaves, wanted),
        torch.autograd.grad(kernel, leaves, wanted),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
