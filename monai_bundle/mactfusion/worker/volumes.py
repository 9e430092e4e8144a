"""Volumes that were handed over once, known by their content."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.worker.folder import file_in
from mactfusion.worker.protocol import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from mactfusion.worker.protocol import Request

MOST_PARTNERS = 4
MOST_VOLUMES = 1 + MOST_PARTNERS
"""An anatomical volume and its partners: all that one request can name."""


class Volumes:
    """The volumes that were used last, at most :data:`MOST_VOLUMES`; threads may share them.

    Args:
        folder: where the files of volumes lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._volumes: OrderedDict[str, MetaTensor] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, request: Request) -> str:
        """Take over the volume of a request and remove its file.

        Returns:
            Its key: the SHA-256 of voxels, geometry and what is known of it.

        Raises:
            RequestError: the file or the affine cannot be used.
        """
        path = file_in(self._folder, request.get("file", str))
        try:
            affine = _affine(request.get("affine", list))
            about = {
                name: request.get(name, str) if name in request.fields else ""
                for name in ("modality", "units", "name")
            }
            array = _read(path)
        finally:
            path.unlink(missing_ok=True)
        digest = hashlib.sha256(json.dumps([array.shape, array.dtype.str, about]).encode())
        digest.update(affine.tobytes())
        digest.update(array.T.data)
        key = digest.hexdigest()
        with self._lock:
            if key not in self._volumes:
                self._volumes[key] = _volume(array, affine, about)
            self._volumes.move_to_end(key)
            while len(self._volumes) > MOST_VOLUMES:
                self._volumes.popitem(last=False)
        return key

    def get(self, key: str) -> MetaTensor:
        """Return a volume in the type that it came in.

        Raises:
            RequestError: it was never loaded, or so many others since that it was dropped.
        """
        with self._lock:
            if key not in self._volumes:
                raise RequestError(
                    "unknown-volume", "The worker has no such volume; load it again."
                )
            self._volumes.move_to_end(key)
            return self._volumes[key]


def digest_of(voxels: np.ndarray) -> str:
    """Return the SHA-256 by which voxels are known again, wherever they lie and whatever they are.

    Args:
        voxels: ``(I, J, K)`` or ``(I, J, K, 3)``.
    """
    kind = voxels.dtype.newbyteorder("=").str
    digest = hashlib.sha256(json.dumps([list(voxels.shape), kind]).encode())
    for index in range(voxels.shape[2]):
        digest.update(np.ascontiguousarray(voxels[:, :, index], kind).data)
    return digest.hexdigest()


def _affine(rows: list[Any]) -> np.ndarray:
    try:
        affine = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        affine = np.empty(0)
    if affine.shape != (4, 4):
        raise RequestError("bad-request", "The affine must be 4 rows of 4 numbers.")
    return affine


def _read(path: Path) -> np.ndarray:
    """Read a file of ``(K, J, I[, 3])`` through a memory map, which never holds Python objects.

    Returns:
        ``(I, J, K[, 3])``, in memory always in the same order.
    """
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
        if mapped.ndim != 3 and (mapped.ndim != 4 or mapped.shape[-1] != 3):
            raise RequestError("bad-volume", f"A volume cannot have the shape {mapped.shape}.")
        turned = mapped.transpose(2, 1, 0, *range(3, mapped.ndim))
        # Little-endian, as torch wants it.
        array = np.array(turned, dtype=mapped.dtype.newbyteorder("="), order="F")
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise RequestError("bad-volume", "The volume's .npy file cannot be read.") from error
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8 or array.size == 0:
        raise RequestError("bad-volume", f"Voxels of type {array.dtype} cannot be fused.")
    return array


def _volume(array: np.ndarray, affine: np.ndarray, about: dict[str, str]) -> MetaTensor:
    known = {"modality": about["modality"], "units": about["units"]}
    return MetaTensor(
        torch.from_numpy(np.moveaxis(array[..., None] if array.ndim == 3 else array, -1, 0)),
        affine=torch.from_numpy(affine),
        meta={**known, "filename_or_obj": about["name"] or "array"},
    )
