"""The network computes what the authors' published one computes, output and every stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mactfusion.networks.attention import from_grids, from_windows
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.published_weights import import_published_weights
from mactfusion.weights import read_state

SYNTHETIC = Path(__file__).with_name("mactfusion_synthetic_48x64.npz")
OUTPUT_TOLERANCE = 1e-4
FEATURE_TOLERANCE = 1e-3  # of the stage's maximum
CTMRI_CASES = ("16009", "2004", "28011", "41010")


class StageRecorder:
    """Keep what flows through the network under the published names of the stages."""

    def __init__(self, network):
        self.stages = {}
        for published, ours in (("vis", "anatomical"), ("inf", "partner")):
            self._watch_branch(published, getattr(network, ours))
            self._watch_cross(f"{published}_cross", getattr(network, f"{ours}_cross"))
        for index in (0, 1):  # what the next layer is given: after the leaky ReLU
            self._watch_input(f"decode.{index}", network.reconstruction.layers[index + 1])

    def _watch(self, name, module, to_image=lambda _, result: result):
        def keep(_, arguments, result):
            self.stages[name] = to_image(arguments, result)

        module.register_forward_hook(keep)

    def _watch_input(self, name, module):
        def keep(_, arguments):
            self.stages[name] = arguments[0]

        module.register_forward_pre_hook(keep)

    def _watch_branch(self, name, branch):
        self._watch(f"{name}_conv", branch.detail)
        self._watch(f"{name}_conv.conv11", branch.detail.reduce)
        self._watch(f"{name}_conv.conv11_", branch.detail.context)
        for number, block in ((1, branch.gradient1), (2, branch.gradient2)):
            self._watch(f"{name}_rgbd{number}", block)
            self._watch_input(f"{name}_rgbd{number}.dense", block.dense_out)
            self._watch(f"{name}_rgbd{number}.sobelconv", block.gradient)
        self._watch(f"{name}_max", branch.deep)
        self._watch(f"{name}_max.mb1_conv", branch.deep.position)
        self._watch_axes(f"{name}_max", branch.deep.attention)
        attention = branch.deep.attention.window.attention
        self._watch(
            f"{name}_max.block_transformer.attention", attention, lambda _, groups: groups[:1]
        )

    def _watch_cross(self, name, cross):
        self._watch(name, cross)
        self._watch(f"{name}.t1_adap_1", cross.adapt)
        self._watch(f"{name}.sam.mb1_conv", cross.transformer.query_position)
        self._watch(f"{name}.sam.mb2_conv", cross.transformer.context_position)
        self._watch_axes(f"{name}.sam", cross.transformer.attention)
        self._watch(f"{name}.select1", cross.gate, lambda given, result: result - given[0])

    def _watch_axes(self, name, axes):
        for published, block, merge in (
            ("block", axes.window, from_windows),
            ("grid", axes.grid, from_grids),
        ):
            self._watch(
                f"{name}.{published}_transformer",
                block,
                lambda _, groups, merge=merge: merge(groups),
            )


def select(stage, kind, corner):
    """The part of a stage that the golden file holds."""
    if kind == "crop":
        row, column = corner
        return stage[..., row : row + 8, column : column + 8]
    if kind == "ch0_mid":
        return stage[:, [0, stage.shape[1] // 2]]
    assert kind == "win0"
    return stage


@pytest.fixture
def whole_stages(monkeypatch):
    """Let a stage see all rows at a time."""
    monkeypatch.setattr("mactfusion.networks.strips.VALUES_PER_THREAD", 2**40)


def stage_errors(network, image, golden, corner):
    """Fuse, and give the output and the error of each stage relative to its maximum."""
    recorder = StageRecorder(network)
    with torch.no_grad():
        output = network(image)
    errors = {}
    for key in golden:
        name, _, kind = key.rpartition("__")
        if not name:
            continue
        expected = torch.from_numpy(golden[key])
        actual = select(recorder.stages[name], kind, corner)
        errors[key] = float((actual - expected).abs().max() / expected.abs().max())
    return output, errors


@pytest.fixture(scope="module")
def published_network(reference):
    """Make a fresh network with the authors' weights."""
    published = read_state(reference / "checkpoints" / "mactfusion_ctmri.pth")
    state = import_published_weights(published).state

    def make():
        network = MACTFusion()
        network.load_state_dict(state)
        return network.eval()

    return make


def test_synthetic_weights(network):
    with np.load(SYNTHETIC) as golden:
        image = torch.from_numpy(np.concatenate([golden["input_vis"], golden["input_inf"]], 1))
        expected = torch.from_numpy(golden["output_eval"])
    with torch.no_grad():
        output = network(image)
    assert (output - expected).abs().max() <= OUTPUT_TOLERANCE * expected.abs().max()
    with torch.no_grad():
        swapped = network(image.flip(1))
    assert (swapped - expected).abs().max() > 0.01 * expected.abs().max()


@pytest.mark.usefixtures("whole_stages")
def test_random_pair(reference, published_network):
    path = reference / "specs" / "golden" / "mactfusion_random_96x128.npz"
    with np.load(path) as file:
        golden = dict(file)
    image = torch.from_numpy(np.concatenate([golden["input_vis"], golden["input_inf"]], 1))
    output, errors = stage_errors(published_network(), image, golden, corner=(44, 60))
    assert len(errors) == 50
    assert {key: error for key, error in errors.items() if not error <= FEATURE_TOLERANCE} == {}
    assert np.abs(output.numpy() - golden["output_eval"]).max() <= OUTPUT_TOLERANCE


def test_random_pair_with_batch_statistics(reference, published_network):
    path = reference / "specs" / "golden" / "mactfusion_random_96x128.npz"
    with np.load(path) as golden, torch.no_grad():
        image = torch.from_numpy(np.concatenate([golden["input_vis"], golden["input_inf"]], 1))
        output = published_network().train()(image)
        assert np.abs(output.numpy() - golden["output_train_bn"]).max() <= OUTPUT_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("case", CTMRI_CASES)
@pytest.mark.usefixtures("whole_stages")
def test_ct_mri_pair(reference, published_network, case):
    with np.load(reference / "specs" / "golden" / f"mactfusion_ctmri_{case}.npz") as file:
        golden = dict(file)
    pair = np.stack([golden["mri_u8"], golden["ct_u8"]])[None].astype(np.float32) / 255
    output, errors = stage_errors(
        published_network(), torch.from_numpy(pair), golden, corner=(124, 124)
    )
    assert len(errors) == 10
    assert {key: error for key, error in errors.items() if not error <= FEATURE_TOLERANCE} == {}
    expected = golden["output_eval_vis_mri_inf_ct"]
    assert np.abs(output[0, 0].numpy() - expected).max() <= OUTPUT_TOLERANCE
