"""Networks with weights that every machine can make."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from mactfusion.networks.attention import relative_position_index
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.published_weights import import_published_weights

KEYS = Path(__file__).with_name("mactfusion_published_keys.tsv")
DILRAN_KEYS = Path(__file__).with_name("dilran_published_keys.tsv")


def synthetic_values(key, shape):
    """The recipe of the synthetic golden file: noise seeded by the key, scaled by its role."""
    z = np.random.default_rng(zlib.crc32(key.encode("ascii"))).standard_normal(shape)
    if key.endswith("relative_position_bias_table"):
        values = 0.3 * z
    elif key.endswith("running_mean"):
        values = 0.05 * z
    elif key.endswith("running_var"):
        values = 0.5 + np.abs(z)
    elif key.endswith("bias"):
        values = 0.05 * z
    elif len(shape) > 1:
        values = z * np.sqrt(1 / np.prod(shape[1:]))
    else:
        values = 1 + 0.1 * z
    return torch.from_numpy(values.astype(np.float32))


def synthetic_tensors(keys):
    """A state dict with the names, shapes and types that a file lists, and synthetic values."""
    state = {}
    for line in keys.read_text().splitlines():
        key, size, dtype = line.split("\t")
        shape = () if size == "scalar" else tuple(int(edge) for edge in size.split("x"))
        if dtype == "float32":
            state[key] = synthetic_values(key, shape)
        elif key.endswith("relative_position_index"):
            state[key] = relative_position_index()
        else:
            state[key] = torch.tensor(0)
    return state


@pytest.fixture(scope="session")
def synthetic_checkpoint():
    """A state dict with the published names and shapes, and synthetic values."""
    return synthetic_tensors(KEYS)


@pytest.fixture(scope="session")
def synthetic_dilran_checkpoint():
    """The same with the names that DILRAN's authors gave."""
    return synthetic_tensors(DILRAN_KEYS)


@pytest.fixture(scope="session")
def synthetic_state(synthetic_checkpoint):
    """The synthetic weights in this project's names."""
    return import_published_weights(synthetic_checkpoint).state


@pytest.fixture
def network(synthetic_state):
    """The network with synthetic weights, for evaluation; every parameter is in play."""
    network = MACTFusion()
    network.load_state_dict(synthetic_state)
    return network.eval()


@pytest.fixture
def train_briefly():
    """Train for 20 steps on one batch; every parameter has to take part. Returns the losses."""

    def train(network, criterion, image, learning_rate):
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = criterion(network(image), image)
            loss.backward()
            gradients = [p.grad for p in network.parameters()]
            assert all(g is not None and torch.isfinite(g).all() for g in gradients)
            optimizer.step()
            losses.append(loss.item())
        return losses

    return train
