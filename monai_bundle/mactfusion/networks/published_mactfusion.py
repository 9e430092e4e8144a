"""The names of the authors' published MACTFusion checkpoint, and what they are called here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

BRANCHES = {"vis": "anatomical", "inf": "partner"}
"""The published names come from infrared-visible fusion; ``vis`` is the MR in CT-MRI."""

SEPARABLE = {
    "main_path.0": "norm",
    "main_path.1.conv_dw": "depthwise",
    "main_path.1.bn1": "depthwise_norm",
    "main_path.1.conv_pw": "pointwise",
    "main_path.1.bn2": "pointwise_norm",
    "main_path.3": "out",
}
TRANSFORMER = {
    "norm_1": "norm_attention",
    "norm_2": "norm_perceptron",
    "mlp.fc1": "perceptron.0",
    "mlp.fc2": "perceptron.2",
    "attention.q": "attention.query",
    "attention.kv": "attention.key_value",
    "attention.proj": "attention.projection",
    "attention.relative_position_bias_table": "attention.relative_position_bias",
}
DENSE = {
    "dense.conv1.conv": "dense1",
    "dense.conv2.conv": "dense2",
    "convdown.conv": "dense_out",
    "sobelconv.convx": "gradient.horizontal",
    "sobelconv.convy": "gradient.vertical",
    "convup.conv": "gradient_out",
}
DETAIL = {
    "conv11.0.0": "reduce.0",
    "conv11.1": "reduce.1",
    "conv33.0.0": "deeper.0",
    "conv55.0.0": "deeper.1",
    "conv77.0.0": "deeper.2",
    "conv11_.0.0": "context.0",
    "conv11_.1": "context.1",
    "conv33_.0.0": "back.0",
    "conv55_.0.0": "back.1",
    "conv77_.0.0": "back.2",
}
CROSS = {
    "t1_adap_1.conv_shared.0": "adapt.shared",
    "t1_adap_1.conv_gamma": "adapt.gamma",
    "t1_adap_1.conv_beta": "adapt.beta",
    "select1.conv": "gate.select",
}
DEAD = re.compile(
    r"(vis|inf)_max\.mb2_conv\..+"
    r"|(vis|inf)_cross\.t1_adap_1\.conv_noshared\.0\.(weight|bias)"
    r"|.+\.relative_position_index"
)
"""Modules that the published code owns and never calls, and tables that are computed here."""


def _modules() -> dict[str, str]:
    """Published module name -> ours, but for the fused query-key-value projection."""
    names: dict[str, str] = {f"decode.{i}.conv2d": f"reconstruction.layers.{i}" for i in range(3)}

    def add(old: str, new: str, table: Mapping[str, str]) -> None:
        names.update({f"{old}.{a}": f"{new}.{b}" for a, b in table.items()})

    for published, ours in BRANCHES.items():
        add(f"{published}_conv", f"{ours}.detail", DETAIL)
        add(f"{published}_rgbd1", f"{ours}.gradient1", DENSE)
        add(f"{published}_rgbd2", f"{ours}.gradient2", DENSE)
        add(f"{published}_max.mb1_conv", f"{ours}.deep.position", SEPARABLE)
        add(f"{published}_cross", f"{ours}_cross", CROSS)
        add(
            f"{published}_cross.sam.mb1_conv", f"{ours}_cross.transformer.query_position", SEPARABLE
        )
        add(
            f"{published}_cross.sam.mb2_conv",
            f"{ours}_cross.transformer.context_position",
            SEPARABLE,
        )
        for old, new in (("block", "window"), ("grid", "grid")):
            add(f"{published}_max.{old}_transformer", f"{ours}.deep.attention.{new}", TRANSFORMER)
            add(
                f"{published}_cross.sam.{old}_transformer",
                f"{ours}_cross.transformer.attention.{new}",
                TRANSFORMER,
            )
    return names


def rename(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors; those without a place keep their name."""
    modules = _modules()
    state: dict[str, Tensor] = {}
    for key, tensor in published.items():
        module, _, leaf = key.rpartition(".")
        fused = module.removesuffix(".qkv_mapping")
        if fused != module and f"{fused}.q" in modules and tensor.ndim:
            block = modules[f"{fused}.q"].removesuffix(".query")
            query, key_value = tensor.tensor_split([tensor.shape[0] // 3])
            state[f"{block}.query.{leaf}"] = query.clone()
            state[f"{block}.key_value.{leaf}"] = key_value.clone()
        elif module in modules:
            state[f"{modules[module]}.{leaf}"] = tensor
        else:
            state[modules.get(key, key)] = tensor
    return state
