"""The criterion of DILRAN against independent computations; VGG's weights are synthetic here."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn

from mactfusion.errors import FusionWarning, InputError
from mactfusion.losses import (
    FusionLoss,
    GradientDifferenceLoss,
    PerceptualLoss,
    ReconstructionLoss,
    dilran_loss,
)

GX = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
GY = np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
# Layers of torchvision's vgg16_bn.features, as its documentation numbers them.
CONVOLUTIONS = {0: (3, 64), 3: (64, 64), 7: (64, 128), 10: (128, 128)}
CONVOLUTIONS |= {14: (128, 256), 17: (256, 256), 20: (256, 256)}
POOLINGS = (6, 13)


def torchvision_layers():
    """The same layers, with ReLUs that work in place as torchvision's do, and random weights."""
    layers = []
    for index in range(22):
        if index in CONVOLUTIONS:
            layers.append(nn.Conv2d(*CONVOLUTIONS[index], 3, padding=1))
        elif index - 1 in CONVOLUTIONS:
            layers.append(nn.BatchNorm2d(CONVOLUTIONS[index - 1][1]))
        else:
            layers.append(nn.MaxPool2d(2) if index in POOLINGS else nn.ReLU(inplace=True))
    torch.manual_seed(0)
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.05, 0.5)
            nn.init.normal_(layer.bias, 0, 0.1)
    return network.eval()


@pytest.fixture(scope="module")
def vgg():
    return torchvision_layers()


@pytest.fixture(scope="module")
def state(vgg):
    """A state dict as torchvision's file holds it, with a layer that is not used."""
    state = {f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}
    return {**state, "classifier.0.weight": torch.zeros(2, 2)}


def pair(channels=2, size=(20, 28)):
    rng = np.random.default_rng(5)
    sources = rng.random((2, channels, *size))
    return sources + 0.3 * rng.standard_normal(sources.shape), sources


def loss_of(term, pred, sources):
    value = term(torch.from_numpy(pred).float(), torch.from_numpy(sources).float())
    assert value.shape == ()
    return float(value)


def gradient_difference(p, q):
    p, q = (
        [np.abs(signal.correlate2d(image, kernel, mode="valid")) for kernel in (GX, GY)]
        for image in (p, q)
    )
    return sum(np.mean((a - b) ** 2) for a, b in zip(p, q, strict=True))


def perceptual(vgg, p, q):
    """As the authors' program does it: keep the norms' outputs, which the ReLUs then change."""

    def taps(image):
        features = torch.from_numpy(image).float()[None, None].repeat(1, 3, 1, 1)
        kept = []
        with torch.no_grad():
            for index, layer in enumerate(vgg):
                features = layer(features)
                if index in (4, 11, 21):
                    kept.append(features)
        return [k.double().numpy() for k in kept]

    return sum(np.mean((a - b) ** 2) for a, b in zip(taps(p), taps(q), strict=True))


def mean_over_images(distance, pred, sources):
    pred = np.broadcast_to(pred, sources.shape)
    return np.mean(
        [distance(pred[i], sources[i]) for i in np.ndindex(sources.shape[:2])], dtype=float
    )


# As many predictions as sources: reconstructions. One for two sources: a fused picture.
@pytest.fixture(params=[2, 1])
def prediction(request):
    pred, sources = pair()
    return pred[:, : request.param], sources


def test_reconstruction(prediction):
    expected = mean_over_images(lambda p, q: np.mean((p - q) ** 2), *prediction)
    assert loss_of(ReconstructionLoss(), *prediction) == pytest.approx(expected, rel=1e-5)


def test_gradient_difference(prediction):
    expected = mean_over_images(gradient_difference, *prediction)
    assert loss_of(GradientDifferenceLoss(), *prediction) == pytest.approx(expected, rel=1e-5)


def test_perceptual(prediction, vgg, state):
    expected = mean_over_images(lambda p, q: perceptual(vgg, p, q), *prediction)
    assert expected > 0.01
    assert loss_of(PerceptualLoss(state), *prediction) == pytest.approx(expected, rel=1e-4)


def test_the_sum_has_the_published_weights(prediction, state):
    terms = (ReconstructionLoss(), GradientDifferenceLoss(), PerceptualLoss(state))
    mse, gradient, features = (loss_of(term, *prediction) for term in terms)
    whole = loss_of(dilran_loss(vgg=state), *prediction)
    assert whole == pytest.approx(mse + 0.2 * gradient + 0.2 * features, rel=1e-5)
    only_mse = dilran_loss(gradient=0, perceptual=0, vgg=state)
    assert loss_of(only_mse, *prediction) == pytest.approx(mse, rel=1e-6)
    unequal = loss_of(dilran_loss(gradient=0.5, perceptual=0.1, vgg=state), *prediction)
    assert unequal == pytest.approx(mse + 0.5 * gradient + 0.1 * features, rel=1e-5)


def test_without_vgg_the_term_is_left_out_and_that_is_said(prediction):
    with pytest.warns(FusionWarning, match=r"vgg16_bn-6c64b313\.pth"):
        loss = dilran_loss()
    mse, gradient = (
        loss_of(t(), *prediction) for t in (ReconstructionLoss, GradientDifferenceLoss)
    )
    assert loss_of(loss, *prediction) == pytest.approx(mse + 0.2 * gradient, rel=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dilran_loss(perceptual=0)


def test_nothing_to_improve_in_a_perfect_reconstruction(state):
    _, sources = pair()
    assert loss_of(dilran_loss(vgg=state), sources, sources) == 0


@pytest.mark.parametrize("kind", ["missing", "another shape", "no weights at all"])
def test_weights_of_another_network_are_refused(kind, state):
    key = "features.10.weight"
    wrong = {
        "missing": {k: t for k, t in state.items() if k != key},
        "another shape": {**state, key: torch.zeros(128, 64, 3, 3)},
        "no weights at all": {},
    }[kind]
    with pytest.raises(InputError, match=r"features\.\d+\.weight.*vgg16_bn"):
        PerceptualLoss(wrong)


def test_older_files_without_a_count_of_batches_do(state):
    older = {k: t for k, t in state.items() if not k.endswith("num_batches_tracked")}
    assert len(older) < len(state)
    assert loss_of(PerceptualLoss(older), *pair()) == loss_of(PerceptualLoss(state), *pair())


def test_training_changes_nothing_of_vgg(state):
    loss = FusionLoss([{"weight": 1.0, "term": PerceptualLoss(state)}]).train()
    before = {name: tensor.clone() for name, tensor in loss.state_dict().items()}
    pred, sources = (torch.from_numpy(x).float() for x in pair())
    loss(pred.requires_grad_(), sources).backward()
    assert pred.grad.abs().max() > 0
    assert all(not p.requires_grad and p.grad is None for p in loss.parameters())
    assert all(torch.equal(loss.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_gradients_are_finite(state, dtype, value):
    pred = torch.full((1, 2, 16, 16), value, dtype=dtype, requires_grad=True)
    loss = dilran_loss(vgg=state)(pred, torch.zeros(1, 2, 16, 16, dtype=dtype))
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(pred.grad).all()
