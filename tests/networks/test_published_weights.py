"""Import of the authors' checkpoint: every tensor finds its place or is refused by name."""

from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

from mactfusion.cli import app
from mactfusion.errors import InputError
from mactfusion.networks import MACTFusion
from mactfusion.networks.published_weights import (
    import_published_weights,
    is_published_checkpoint,
    parameter_count,
)
from mactfusion.weights import load_weights

QKV = "vis_max.block_transformer.attention.qkv_mapping"


def test_every_tensor_is_used_or_reported_as_dead(synthetic_checkpoint):
    imported = import_published_weights(synthetic_checkpoint)
    assert len(imported.dead) == 50
    assert all(
        "mb2_conv" in key or "conv_noshared" in key or "relative_position_index" in key
        for key in imported.dead
    )
    # The 4 fused query-key-value layers become two, in weight and bias each.
    assert len(imported.state) == len(synthetic_checkpoint) - 50 + 4 * 2
    assert set(imported.state) == set(MACTFusion().state_dict())


def test_values_are_those_of_the_file(synthetic_checkpoint):
    state = import_published_weights(synthetic_checkpoint).state
    kept = [v for k, v in synthetic_checkpoint.items() if "relative_position_index" not in k]
    dead = sum(
        tensor.double().sum()
        for key, tensor in synthetic_checkpoint.items()
        if "_max.mb2_conv" in key or "conv_noshared" in key
    )
    total = sum(tensor.double().sum() for tensor in kept) - dead
    assert sum(tensor.double().sum() for tensor in state.values()) == pytest.approx(float(total))
    query = state["anatomical.deep.attention.window.attention.query.weight"]
    assert torch.equal(query, synthetic_checkpoint[f"{QKV}.weight"][:48])


@pytest.mark.parametrize(
    "key",
    [
        "vis_conv.extra.weight",
        "encoder.weight",
        "encoder.attention.qkv_mapping.weight",
        "vis_conv.conv11.1.extra",
    ],
)
def test_unknown_key_is_named(synthetic_checkpoint, key):
    with pytest.raises(InputError, match=key.rpartition(".")[2]):
        import_published_weights({**synthetic_checkpoint, key: torch.zeros(1)})


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("decode.1.conv2d.bias", "reconstruction.layers.1.bias"),
        ("vis_rgbd1.sobelconv.convx.weight", "anatomical.gradient1.gradient.horizontal.weight"),
        (f"{QKV}.bias", "anatomical.deep.attention.window.attention.query.bias"),
    ],
)
def test_missing_tensor_is_named(synthetic_checkpoint, key, ours):
    state = {name: tensor for name, tensor in synthetic_checkpoint.items() if name != key}
    with pytest.raises(InputError, match=ours.replace(".", r"\.")):
        import_published_weights(state)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("decode.1.conv2d.bias", (33,)),
        ("inf_conv.conv11_.0.0.weight", (4, 4, 29, 29)),
        (f"{QKV}.weight", (96, 48)),
        (f"{QKV}.weight", ()),
    ],
)
def test_wrong_shape_is_refused(synthetic_checkpoint, key, shape):
    with pytest.raises(InputError, match=r"shape|qkv_mapping"):
        import_published_weights({**synthetic_checkpoint, key: torch.zeros(shape)})


def test_published_names_are_recognised(synthetic_checkpoint, synthetic_state):
    assert is_published_checkpoint(synthetic_checkpoint)
    assert not is_published_checkpoint(synthetic_state)
    assert not is_published_checkpoint({})


def test_parameter_count():
    assert parameter_count(MACTFusion()) == 571035


def test_command_writes_a_file_that_loads(tmp_path, synthetic_checkpoint, synthetic_state):
    published, output = tmp_path / "published.pth", tmp_path / "model.pt"
    torch.save(synthetic_checkpoint, published)
    result = CliRunner().invoke(app, ["import-weights", str(published), "-o", str(output)])
    assert result.exit_code == 0
    assert result.output.count("not used: ") == 50
    loaded = load_weights(MACTFusion(), output).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in synthetic_state.items())


def test_command_keeps_an_existing_file(tmp_path, synthetic_checkpoint):
    published, output = tmp_path / "published.pth", tmp_path / "model.pt"
    torch.save(synthetic_checkpoint, published)
    output.write_text("kept")
    result = CliRunner().invoke(app, ["import-weights", str(published), "-o", str(output)])
    assert isinstance(result.exception, InputError)
    assert output.read_text() == "kept"


def test_authors_checkpoint(reference):
    from mactfusion.weights import read_state

    published = read_state(reference / "checkpoints" / "mactfusion_ctmri.pth")
    imported = import_published_weights(published)
    assert len(published) == 362
    assert len(imported.dead) == 50
    MACTFusion().load_state_dict(imported.state, strict=True)
