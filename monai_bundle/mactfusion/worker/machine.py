"""What the worker has to offer: devices and networks."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import psutil
import torch

from mactfusion import record
from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import check_weights

if TYPE_CHECKING:
    from pathlib import Path


def versions() -> dict[str, str]:
    """Return the versions of the library and of what it runs on; ``cuda`` is "" without it."""
    return {**record.versions(), "cuda": torch.version.cuda or ""}


def devices() -> list[dict[str, Any]]:
    """List the devices: how options call them, how people do, and their memory in bytes.

    ``free_bytes`` and ``total_bytes`` are None where the device does not tell.
    """
    found = [
        {
            "name": f"cuda:{index}",
            "title": torch.cuda.get_device_name(index),
            **dict(zip(("free_bytes", "total_bytes"), _cuda_memory(index), strict=True)),
        }
        for index in range(torch.cuda.device_count())
    ]
    memory = psutil.virtual_memory()
    if torch.backends.mps.is_available():
        found.append({"name": "mps", "title": "Apple GPU", "free_bytes": None, "total_bytes": None})
    cpu = {"name": "cpu", "title": platform.processor() or platform.machine()}
    return [*found, {**cpu, "free_bytes": memory.available, "total_bytes": memory.total}]


def models() -> list[dict[str, Any]]:
    """List the networks that the option ``model`` takes, and which weights of them are here.

    ``weights`` has a line for each weight file: its path, the tasks it serves, its SHA-256, and
    what is wrong with it, if so; a file that is not here has no line.
    """
    return [
        {
            "name": name,
            "is_default": name == DEFAULT_MODEL,
            "tasks": list(model.tasks),
            "status": model.status,
            "weights": [
                _weights(path, [task for task in model.tasks if model.weights_for(task) == file])
                for file in model.weight_files()
                if (path := bundle_root() / "models" / file).is_file()
            ],
        }
        for name, model in MODELS.items()
    ]


def _weights(path: Path, tasks: list[str]) -> dict[str, Any]:
    try:
        digest, problem = check_weights(path), ""
    except InputError as error:
        digest, problem = "", str(error)
    return {"path": str(path), "tasks": tasks, "sha256": digest, "problem": problem}


def _cuda_memory(index: int) -> tuple[int | None, int | None]:
    try:
        return torch.cuda.mem_get_info(index)
    except RuntimeError:  # a device that another program has for itself
        return None, None
