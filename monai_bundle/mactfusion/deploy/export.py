"""A network as a file that other programs run, checked against the network.

The form that is exported is that of a recorded graph (:mod:`mactfusion.networks.recording`,
:mod:`mactfusion.networks.padding`): any size, the plain operations, blank pairs inside.
"""

from __future__ import annotations

import inspect
import json
import logging
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import torch

from mactfusion import __version__
from mactfusion.bundle import bundle_root
from mactfusion.choice import ChosenNetwork
from mactfusion.deploy.formats import FORMATS, check_export
from mactfusion.deploy.parity import TOLERANCE, largest_difference
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.reasons import reason_of
from mactfusion.networks.registry import DEFAULT_MODEL, find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor, nn

METADATA = "metadata.json"
"""Name of what a TorchScript or ``torch.export`` file says about itself."""

OPSET = 20
"""Of ONNX: the first that has GELU."""

EXAMPLE = (2, 2, 37, 45)
"""Shape of what is recorded; its edges need padding in every network."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        model: name of the network.
        weights_sha256: of its weight file.
        difference: the largest from the network, see :func:`~.parity.largest_difference`.
    """

    model: str
    weights_sha256: str
    difference: float


def export_network(
    output: Path,
    format: str,  # noqa: A002  the option's name
    model: str = "auto",
    task: str = "auto",
    weights: Path | None = None,
) -> Exported:
    """Write a network with its weights, run the file, and compare.

    Args:
        output: the file; it is replaced where it exists.
        format: one of :data:`~.formats.FORMATS`.
        model: see :data:`mactfusion.option_table.OPTIONS`.
        task: likewise; it counts where tasks have weights of their own.
        weights: likewise.

    Raises:
        InputError: the weights cannot be used, the format cannot hold the network, the file cannot
            be written, or it gives something else than the network; nothing is left then.
    """
    definition = find_model(DEFAULT_MODEL if model == "auto" else model).network()
    chosen = ChosenNetwork(definition, model, weights, bundle_root() / "models")
    chosen.settle([task])
    check_export(chosen.model, format)
    network = chosen.network.eval().requires_grad_(False)
    write, read = _WAYS[format]
    refusal = f"{chosen.model} cannot be exported to {FORMATS[format].called}"
    try:
        with atomic_path(output) as temporary:
            with _quiet(), _refusing(refusal), torch.no_grad():
                write(network, temporary, describe(chosen.model, chosen.sha256, format))
                difference = largest_difference(network, read(temporary))
            if not difference <= TOLERANCE:
                raise InputError(
                    f"{refusal}: the file gives other values, by up to {difference:.2g} of the "
                    "full scale."
                )
    except OSError as error:
        raise InputError(f"{output} cannot be written: {reason_of(error)}.") from error
    return Exported(chosen.model, chosen.sha256, difference)


def describe(model: str, sha256: str, format: str) -> dict[str, str]:  # noqa: A002
    """Say what a file is, and what goes in and comes out.

    Args:
        model: name of the network.
        sha256: of its weight file.
        format: one of :data:`~.formats.FORMATS`.
    """
    entry, kind = find_model(model), FORMATS[format]
    least, largest = kind.edges
    return {
        "model": model,
        "status": entry.status,
        "citation": entry.citation,
        "weights_sha256": sha256,
        "made_by": f"mactfusion {__version__}, torch {torch.__version__}",
        "input": "image (B, 2, H, W), float32 in [0, 1]; channel 0: the anatomical slice (MR or "
        "CT), channel 1: its partner's luminance (CT, or the luminance of PET or SPECT)",
        "output": "pred (B, 1, H, W), float32: the fused luminance, close to [0, 1] but not "
        "bounded; clamp it",
        "edges": f"from {least} pixels" + (f" to {largest}" if largest else "") + "; multiple of 1",
        "batch": "1 or more" if kind.batch is None else f"1 to {kind.batch}",
        "blank_pairs": "inside: where both channels of a pair are constant, the larger constant",
        "intended_use": "Research; not a medical device and not for diagnosis",
    }


def _write_torchscript(network: nn.Module, path: Path, about: dict[str, str]) -> None:
    traced = torch.jit.trace(network, torch.rand(EXAMPLE), check_trace=False)
    torch.jit.save(traced, str(path), _extra_files={METADATA: json.dumps(about)})


def _read_torchscript(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.jit.load(str(path), map_location="cpu")


def _write_onnx(network: nn.Module, path: Path, about: dict[str, str]) -> None:
    import onnx

    free = {0: "batch", 2: "height", 3: "width"}
    # The exporter of recorded graphs. That of torch.export (dynamo=True) refuses the attention of
    # MACTFusion where sizes are free, and takes 20 times as long for CMINet.
    torch.onnx.export(
        network,
        (torch.rand(EXAMPLE),),
        str(path),
        dynamo=False,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["pred"],
        dynamic_axes={"image": free, "pred": free},
    )
    stored = onnx.load(str(path))
    onnx.helper.set_model_props(stored, about)
    onnx.checker.check_model(stored, full_check=True)
    onnx.save(stored, str(path))


def _read_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


def _write_torch_export(network: nn.Module, path: Path, about: dict[str, str]) -> None:
    torch.export.save(record_program(network), str(path), extra_files={METADATA: json.dumps(about)})


def _read_torch_export(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(str(path)).module()


def record_program(network: nn.Module) -> torch.export.ExportedProgram:
    """Record a network for any batch, height and width of the format ``torch-export``.

    Raises:
        InputError: this PyTorch is too old.
    """
    export: Any = torch.export.export
    # Sizes that are padded cannot be reasoned about to the end; what is left is asserted when the
    # program runs.
    leaves_asserts = "prefer_deferred_runtime_asserts_over_guards"
    if leaves_asserts not in inspect.signature(export).parameters:
        raise InputError(f"PyTorch {torch.__version__} is too old for a program of any size.")
    (least, largest), batch = FORMATS["torch-export"].edges, FORMATS["torch-export"].batch
    free = {
        0: torch.export.Dim("batch", min=1, max=batch),
        2: torch.export.Dim("height", min=least, max=largest),
        3: torch.export.Dim("width", min=least, max=largest),
    }
    with torch.no_grad():
        return export(
            network, (torch.rand(EXAMPLE),), dynamic_shapes=(free,), **{leaves_asserts: True}
        )


_WAYS: dict[
    str,
    tuple[
        Callable[[nn.Module, Path, dict[str, str]], None],
        Callable[[Path], Callable[[Tensor], Tensor]],
    ],
] = {
    "torchscript": (_write_torchscript, _read_torchscript),
    "onnx": (_write_onnx, _read_onnx),
    "torch-export": (_write_torch_export, _read_torch_export),
}


@contextmanager
def _refusing(refusal: str) -> Iterator[None]:
    """Say in a sentence what an exporter or another program raises: there are many kinds."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        said = next(iter(str(error).splitlines()), type(error).__name__).strip()
        raise InputError(f"{refusal}: {said}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what exporters say about themselves; the comparison tells what counts."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
