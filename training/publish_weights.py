"""Put a trained network into the bundle, with its SHA-256 beside it.

python -m training.publish_weights runs/train/model.pt
python -m training.publish_weights runs/msgfusion-ct/model.pt --name msgfusion-ct-mri.pt
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.checksum import sha256_of
from mactfusion.networks.registry import MODELS
from mactfusion.phantom.slices import phantom_slices
from mactfusion.weights import CHECKSUMS, load_weights
from training.compact import store
from training.refusals import refusals

if TYPE_CHECKING:
    from torch import Tensor, nn

LARGEST_CHANGE = 0.01
"""Of a fused pixel in [0, 1], by rounding the weights."""


@refusals()
def publish(
    checkpoint: Annotated[Path, typer.Argument(help="Weights or checkpoint of a training run.")],
    name: Annotated[str, typer.Option(help="File name in the bundle: a model's.")] = "model.pt",
) -> None:
    """Check that the network loads, write it into the bundle, and list its hash."""
    models = {file: model for model in MODELS.values() for file in model.weight_files()}
    if name not in models:
        raise InputError(f"No model has weights called {name}: choose {', '.join(models)}.")
    model = models[name]
    network = load_weights(model.network(), checkpoint)
    folder = bundle_root() / "models"
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / name
        if store(network.state_dict(), file):
            task = next(task for task in model.tasks if model.weights_for(task) == name)
            change = change_of_slices(network, load_weights(model.network(), file), task)
            print(
                "Rounded to half precision, which changes pixels of fused slices by "
                f"{change.mean():.1e} in the mean and {change.max():.1e} at most."
            )
            if not change.max() <= LARGEST_CHANGE:
                raise InputError(f"{name} is too large for the bundle unless that changes less.")
        with atomic_path(folder / name) as target:
            target.write_bytes(file.read_bytes())
    digest = sha256_of(folder / name)
    checksums = folder / CHECKSUMS
    lines = checksums.read_text().splitlines() if checksums.is_file() else []
    others = [line for line in lines if line.split()[-1:] not in ([], [name])]
    with atomic_path(checksums) as target:
        target.write_text("\n".join(sorted([*others, f"{digest}  {name}"])) + "\n")
    print(f"{folder / name}: {(folder / name).stat().st_size:,} bytes, SHA-256 {digest}")


@torch.no_grad()
def change_of_slices(exact: nn.Module, rounded: nn.Module, task: str) -> Tensor:
    """Differences, not negative, between what two networks make of a slice of a synthetic head."""
    image = phantom_slices(task, count=1)
    return (exact(image) - rounded(image)).abs()


if __name__ == "__main__":
    typer.run(publish)
