"""The formats, what each needs and cannot hold; asked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mactfusion.errors import InputError
from mactfusion.io.formats import extension_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Format:
    """One line of the table.

    Attributes:
        extension: of its files.
        called: its name in a sentence.
        edges: least and largest height and width that a file takes, in pixels; None for any.
        batch: the largest batch; None for any.
        needs: packages beyond those of the project, all of its extra of the format's name.
        lacks: by model why it cannot be written.
    """

    extension: str
    called: str
    edges: tuple[int | None, int | None] = (1, None)
    batch: int | None = None
    needs: tuple[str, ...] = ()
    lacks: Mapping[str, str] = field(default_factory=dict)


FORMATS: dict[str, Format] = {
    "torchscript": Format(".ts", "TorchScript"),
    "onnx": Format(
        ".onnx",
        "ONNX",
        needs=("onnx", "onnxruntime"),
        lacks={
            "msgfusion": "PyTorch writes no Fourier transform of real images to it",
            "dilran": "it has no singular values, which the fusion rule of this network needs",
        },
    ),
    # The least edge is of two tokens or windows in every network, each of up to 16 pixels.
    "torch-export": Format(".pt2", "torch.export", edges=(17, 8192), batch=1024),
}


def format_of(path: Path, name: str | None = None) -> str:
    """Return the format of a file to be written.

    Args:
        path: the file; its extension says the format.
        name: the format, where it was chosen too.

    Raises:
        InputError: no format has that extension, or another one than the chosen.
    """
    if name is not None and name not in FORMATS:
        raise InputError(f"Unknown format '{name}': choose {', '.join(FORMATS)}.")
    by_name = {entry.extension: each for each, entry in FORMATS.items()}
    found = by_name.get(extension_of(path))
    if found is None or found != (name or found):
        endings = [FORMATS[name].extension] if name else by_name
        raise InputError(
            f"{path} cannot be written: the name of {FORMATS[name].called if name else 'an export'}"
            f" must end in {', '.join(endings)}."
        )
    return found


def check_export(model: str, name: str) -> None:
    """Refuse what cannot be written.

    Args:
        model: name in the registry.
        name: of the format.

    Raises:
        InputError: the format cannot hold that network, or packages are missing.
    """
    entry = FORMATS[name]
    if model in entry.lacks:
        others = [each for each, other in FORMATS.items() if model not in other.lacks]
        raise InputError(
            f"{model} cannot be exported to {entry.called}: {entry.lacks[model]}; use "
            f"{' or '.join(others)}."
        )
    if missing := [package for package in entry.needs if find_spec(package) is None]:
        raise InputError(
            f'{entry.called} needs {" and ".join(missing)}: pip install "mactfusion[{name}]"'
        )
