"""Make the folder that a repository of weights on Hugging Face holds.

python -m training.hugging_face

It is the bundle with all its networks, so that ``monai.bundle.download`` finds one there, and in
front of it the model card with the lines that the site reads, and the hash of every weight file.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.io.checksum import sha256_of
from mactfusion.io.dicom.folder import atomic_folder
from training.refusals import refusals

NAME = "mactfusion"
PARTS = ("LICENSE", "configs", "docs", "mactfusion", "models", "splits")
LARGE = "*.pt filter=lfs diff=lfs merge=lfs -text\n"
"""How the site keeps files that are no text."""
HIDDEN = re.compile(r"^<!-- .* -->\n+", re.MULTILINE)
"""What programs and tests of this project look for in the card."""


def make_hugging_face_folder(folder: Path) -> None:
    """Fill a new folder with the bundle and its card.

    Args:
        folder: one that is not there yet; it appears whole or not at all.

    Raises:
        InputError: it is there already.
    """
    if folder.exists():
        raise InputError(f"{folder} exists already: remove it, or choose another.")
    with atomic_folder(folder) as unfinished:
        _fill(unfinished, bundle_root())


def _fill(folder: Path, bundle: Path) -> None:
    """Put the bundle and its card into an empty folder."""
    for name in PARTS:
        if (bundle / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(bundle / name, folder / name, ignore=ignored)
        else:
            shutil.copyfile(bundle / name, folder / name)
    (folder / ".gitattributes").write_text(LARGE, "utf-8")
    metadata = json.loads((folder / "configs" / "metadata.json").read_text("utf-8"))
    head = yaml.safe_dump(front_matter(metadata), sort_keys=False, allow_unicode=True)
    card = HIDDEN.sub("", (folder / "docs" / "README.md").read_text("utf-8"))
    (folder / "README.md").write_text(
        f"---\n{head}---\n\n{card}\n{weights_section(folder / 'models')}", "utf-8"
    )


def front_matter(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what the site reads of a card, the scores being those of the metadata."""
    scores = [(*key.split(), value) for key, value in metadata["eval_metrics"].items()]
    return {
        "license": "apache-2.0",
        "library_name": "monai",
        "pipeline_tag": "image-to-image",
        "tags": ["monai", "medical", "image-fusion", "mri", "ct", "pet", "spect", "brain"],
        "model-index": [
            {
                "name": metadata["name"],
                "results": [
                    {
                        "task": {"type": "image-to-image", "name": "image fusion"},
                        "dataset": {
                            "name": f"Whole Brain Atlas, public fusion split, {task}",
                            "type": "whole-brain-atlas",
                        },
                        "metrics": [
                            {"type": metric, "name": metric, "value": value}
                            for of_task, metric, value in scores
                            if of_task == task
                        ],
                    }
                    for task in dict.fromkeys(task for task, _, _ in scores)
                ],
            }
        ],
    }


def weights_section(models: Path) -> str:
    """Return the section that names every weight file, its size and its SHA-256."""
    rows = [
        f"| `models/{file.name}` | {file.stat().st_size} | `{sha256_of(file)}` |"
        for file in sorted(models.glob("*.pt"))
    ]
    return "\n".join(("## Weights", "", "| file | bytes | SHA-256 |", "|---|---:|---|", *rows, ""))


@refusals()
def write(
    parent: Annotated[Path, typer.Option(help=f"Where {NAME} is made.")] = Path(
        "build/hugging-face"
    ),
) -> None:
    """Make the folder."""
    folder = parent / NAME
    make_hugging_face_folder(folder)
    typer.echo(folder)


if __name__ == "__main__":
    typer.run(write)
