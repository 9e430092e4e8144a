"""Make the folder that a pull request to the MONAI Model Zoo holds.

python -m training.zoo

It holds the default network alone: the zoo lists one model a bundle, and what another network
needs is no part of it. What runs from it is the same library, without the rooms that no
configuration asks for.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.io.dicom.folder import atomic_folder
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import CHECKSUMS
from training.marked_page import Markers, around_markers
from training.refusals import refusals

NAME = "brain_mri_ct_pet_spect_fusion"
"""As the zoo names its bundles: what the weights were trained on, the kinds of data, the task."""

LIBRARY = "mactfusion"
LEFT_OUT = (
    "__main__.py", "batch", "cli", "demo", "deploy", "evaluation", "report", "study", "worker",
)  # fmt: skip
"""Rooms of the library that no configuration asks for: the ways in beside MONAI's own."""

CONFIGS = (
    *(f"{name}.{kind}" for name in ("evaluate", "inference", "train") for kind in ("json", "yaml")),
    *("logging.conf", "metadata.json", "multi_gpu_train.yaml"),
)
OTHER_NETWORKS = Markers("<!-- other networks begin -->", "<!-- other networks end -->")
"""Around what the model card says of networks that the folder does not hold."""


def make_zoo_folder(folder: Path) -> None:
    """Fill a new folder with the bundle as the Model Zoo takes it.

    Args:
        folder: one that is not there yet; its name is the bundle's. It appears whole or not at all.

    Raises:
        InputError: it is there already.
    """
    if folder.exists():
        raise InputError(f"{folder} exists already: remove it, or choose another.")
    with atomic_folder(folder) as unfinished:
        _fill(unfinished, bundle_root())


def _fill(folder: Path, bundle: Path) -> None:
    """Put what the zoo takes of the bundle into an empty folder."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copyfile(bundle / "LICENSE", folder / "LICENSE")
    for name in CONFIGS:
        _copy(bundle / "configs" / name, folder / "configs" / name)
    for part in (bundle / LIBRARY).iterdir():
        if part.name in (*LEFT_OUT, "__pycache__", "bundle"):
            continue
        if part.is_dir():
            shutil.copytree(part, folder / LIBRARY / part.name, ignore=ignored)
        else:
            _copy(part, folder / LIBRARY / part.name)
    _copy(bundle / "docs" / "data_license.txt", folder / "docs" / "data_license.txt")
    before, after = around_markers(bundle / "docs" / "README.md", OTHER_NETWORKS)
    (folder / "docs" / "README.md").write_text(before + after.lstrip("\n"), "utf-8")
    weights = MODELS[DEFAULT_MODEL].weight_files()
    for name in weights:
        _copy(bundle / "models" / name, folder / "models" / name)
    listed = (bundle / "models" / CHECKSUMS).read_text("utf-8").splitlines(keepends=True)
    chosen = [line for line in listed if line.split()[1] in weights]
    (folder / "models" / CHECKSUMS).write_text("".join(chosen), "utf-8")
    for file in folder.rglob("*.json"):
        _as_the_zoo_writes(file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)


def _as_the_zoo_writes(file: Path) -> None:
    """Write a JSON file as the zoo's commit hook would."""
    content = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(content, indent=4) + "\n", "utf-8")


@refusals()
def write(
    parent: Annotated[Path, typer.Option(help=f"Where {NAME} is made.")] = Path("build/zoo"),
) -> None:
    """Make the folder."""
    folder = parent / NAME
    make_zoo_folder(folder)
    typer.echo(folder)


if __name__ == "__main__":
    typer.run(write)
