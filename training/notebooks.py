"""Run the notebooks of the tutorials, and keep what they print and draw in them.

    python -m training.notebooks [docs/tutorials/NAME.ipynb ...]

Without names, all. Each runs in an empty folder, which is removed, in a Jupyter kernel of this
Python. Pictures are kept as JPEG, so that they need little room; when and how fast cells ran is not
kept.
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import nbformat
import typer
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image
from traitlets.config import Config

from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from training.refusals import refusals

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
QUALITY = 80
"""Of pictures, in Pillow's scale."""
ENVIRONMENT = {"PYTHONWARNINGS": "ignore:IProgress not found"}
"""What is said where Jupyter's widgets are not installed is no part of a tutorial."""
START_SECONDS = 900
"""How long a kernel may take to start; a cell may take as long as it needs."""


def run_notebook(path: Path) -> NotebookNode:
    """Run a notebook from its first cell to its last.

    Args:
        path: it stays as it is.

    Returns:
        The notebook with what its cells printed and drew this time.

    Raises:
        InputError: a cell failed; the message has its traceback.
    """
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    with TemporaryDirectory() as folder:
        work, connection = Path(folder) / "work", Path(folder) / "kernel.json"
        work.mkdir()
        # A socket that is a file: a port could be taken by another kernel before this one has it.
        manager = {"transport": "ipc", "connection_file": str(connection)}
        client = NotebookClient(
            notebook,
            timeout=None,
            startup_timeout=START_SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(work)}},
            config=Config({"KernelManager": manager}),
        )
        try:
            own = {**ENVIRONMENT, "IPYTHONDIR": str(Path(folder) / "ipython")}
            client.execute(env={**os.environ, **own})
        except CellExecutionError as error:
            raise InputError(f"{path} failed: {error}") from error
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                output["data"] = {"image/jpeg": _small(data["image/png"])}
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


def _small(png: str) -> str:
    """Turn a picture, PNG in base64, into JPEG."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        picture.convert("RGB").save(small, "JPEG", quality=QUALITY, optimize=True)
    return base64.b64encode(small.getvalue()).decode()


@refusals()
def main(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="Without: all.")] = None,
) -> None:
    """Run notebooks, and keep in them what they print and draw."""
    for path in notebooks or sorted(FOLDER.glob("*.ipynb")):
        notebook = run_notebook(path)
        nbformat.validate(notebook)
        with atomic_path(path) as temporary:
            nbformat.write(notebook, temporary)
        typer.echo(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    typer.run(main)
