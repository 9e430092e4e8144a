"""Put a trained network into the bundle, with its SHA-256 beside it.

python -m training.publish_weights runs/train/model.pt
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import Annotated

import typer

from mactfusion.errors import InputError
from mactfusion.networks.registry import MODELS
from mactfusion.pipeline import bundle_root
from mactfusion.weights import CHECKSUMS, load_weights, save_state
from training.refusals import refusals


@refusals()
def publish(
    checkpoint: Annotated[Path, typer.Argument(help="Weights or checkpoint of a training run.")],
    name: Annotated[str, typer.Option(help="File name in the bundle: a model's.")] = "model.pt",
) -> None:
    """Check that the network loads, write it into the bundle, and list its hash."""
    networks = {file: model.network for model in MODELS.values() for file in model.weight_files()}
    if name not in networks:
        raise InputError(f"No model has weights called {name}: choose {', '.join(networks)}.")
    network = load_weights(networks[name](), checkpoint)
    folder = bundle_root() / "models"
    digest = save_state(network.state_dict(), folder / name)
    checksums = folder / CHECKSUMS
    lines = checksums.read_text().splitlines() if checksums.is_file() else []
    others = [line for line in lines if line.split()[-1] != name]
    checksums.write_text("\n".join(sorted([*others, f"{digest}  {name}"])) + "\n")
    print(f"{folder / name}: SHA-256 {digest}")


if __name__ == "__main__":
    typer.run(publish)
