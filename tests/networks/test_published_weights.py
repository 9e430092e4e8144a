"""Import of the authors' checkpoint: every tensor finds its place or is refused by name."""

from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

from mactfusion.cli import app
from mactfusion.errors import InputError
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.published_weights import (
    PUBLISHED,
    import_published_weights,
    is_published_checkpoint,
    recognise,
)
from mactfusion.networks.registry import MODELS
from mactfusion.weights import load_weights, read_state

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
    assert MODELS["mactfusion"].parameter_count() == 571035
    assert MODELS["dilran"].parameter_count() == 216001


def test_the_model_is_recognised(synthetic_checkpoint, synthetic_dilran_checkpoint):
    assert recognise(synthetic_checkpoint) == "mactfusion"
    assert recognise(synthetic_dilran_checkpoint) == "dilran"
    for model in MODELS.values():
        assert recognise(model.network().state_dict()) is None
    assert set(PUBLISHED) <= set(MODELS)


def test_every_dilran_tensor_is_used_or_reported_as_dead(synthetic_dilran_checkpoint):
    checkpoint = synthetic_dilran_checkpoint
    imported = import_published_weights(checkpoint)
    assert imported.model == "dilran"
    assert len(checkpoint) == 49
    assert len(imported.dead) == 29
    assert set(imported.state) == set(DILRAN().state_dict())
    floating = [k for k in imported.dead if not k.endswith(("_mean", "_var", "_tracked"))]
    assert sum(checkpoint[key].numel() for key in floating) == 86720
    used = sum(v.double().sum() for k, v in checkpoint.items() if k not in imported.dead)
    assert sum(t.double().sum() for t in imported.state.values()) == pytest.approx(float(used))


@pytest.mark.parametrize(
    "key",
    [
        "fe.conv3.weight",
        "fe.fe.convd1.extra",
        "fe.fe.bnorm1.running",
        "recon.recon_conv.3.weight",
        "features.expand.weight",
    ],
)
def test_unknown_dilran_key_is_named(synthetic_dilran_checkpoint, key):
    with pytest.raises(InputError, match=key.rpartition(".")[2]):
        import_published_weights({**synthetic_dilran_checkpoint, key: torch.zeros(64, 1, 1, 1)})


def test_missing_and_misshapen_dilran_tensors_are_named(synthetic_dilran_checkpoint):
    key, ours = "fe.fe.reduce.bias", r"features\.reduce\.bias"
    without = {k: t for k, t in synthetic_dilran_checkpoint.items() if k != key}
    with pytest.raises(InputError, match=f"lacks .*{ours}"):
        import_published_weights(without)
    with pytest.raises(InputError, match=f"{ours}.* has shape"):
        import_published_weights({**without, key: torch.zeros(65)})


def test_the_model_can_be_named(synthetic_checkpoint, synthetic_dilran_checkpoint):
    imported = import_published_weights(synthetic_dilran_checkpoint, "dilran")
    assert imported.model == "dilran"
    with pytest.raises(InputError, match="published dilran network"):
        import_published_weights(synthetic_checkpoint, "dilran")
    for unknown in ("cminet", "nonsense"):
        with pytest.raises(InputError, match=f"'{unknown}' .*only mactfusion, dilran"):
            import_published_weights(synthetic_checkpoint, unknown)


@pytest.mark.parametrize("state", [{}, {"encoder.weight": torch.zeros(1)}])
def test_keys_of_no_known_checkpoint_are_refused(state):
    with pytest.raises(InputError, match="no published checkpoint"):
        import_published_weights(state)


@pytest.mark.parametrize("options", [(), ("--model", "dilran")])
def test_command_imports_dilran(tmp_path, run_command, synthetic_dilran_checkpoint, options):
    published, output = tmp_path / "last.pt", tmp_path / "dilran.pt"
    torch.save(synthetic_dilran_checkpoint, published)
    outcome = run_command("import-weights", published, "-o", output, *options)
    assert outcome.code == 0
    assert outcome.out.count("not used: ") == 29
    assert "dilran, 20 tensors, 29 unused" in outcome.out
    loaded = load_weights(DILRAN(), output).state_dict()
    theirs = synthetic_dilran_checkpoint["fe.fe.dilran.conv_d.weight"]
    assert torch.equal(loaded["features.attention.weight"], theirs)
    with pytest.raises(InputError, match="import-weights"):
        load_weights(DILRAN(), published)


def test_command_refuses_a_model_without_published_names(
    tmp_path, run_command, synthetic_dilran_checkpoint
):
    torch.save(synthetic_dilran_checkpoint, tmp_path / "last.pt")
    options = ("-o", tmp_path / "model.pt", "--model", "mactfusion")
    assert run_command("import-weights", tmp_path / "last.pt", *options).refused("last.pt: tensor")
    assert not (tmp_path / "model.pt").exists()


def test_dilran_authors_checkpoint(reference):
    published = read_state(reference / "checkpoints" / "dilran_ctmri.pt")
    imported = import_published_weights(published)
    assert (len(published), len(imported.dead)) == (49, 29)
    DILRAN().load_state_dict(imported.state, strict=True)


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
    published = read_state(reference / "checkpoints" / "mactfusion_ctmri.pth")
    imported = import_published_weights(published)
    assert len(published) == 362
    assert len(imported.dead) == 50
    MACTFusion().load_state_dict(imported.state, strict=True)
