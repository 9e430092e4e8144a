"""A cluster of Ray, and what a run takes of it. Everything that is asked before a study begins."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mactfusion.batch.share import A_WORKER_GB, GIGABYTE
from mactfusion.errors import InputError
from mactfusion.io.reasons import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = "local"
"""Address of a Ray that is started on this machine, and ends with the run."""
_OBJECT_STORE_BYTES = 100 * 2**20
"""Of such a Ray: what passes through it are paths and outcomes."""

_SETTINGS = {
    # Who fuses patients tells nobody how often.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Of a worker that is lost the run has a sentence of its own.
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^A worker died or was killed",
}
"""What Ray reads when it is imported; what the user has set comes first."""
_HOST_AND_PORT = re.compile(r"(?:ray://)?\[?(?P<host>.+?)\]?:(?P<port>[0-9]+)")
_ANSWER_S = 10.0
_LONGEST_FOLDER = 24
"""Bytes; the name of a socket has no more than 107, of which Ray takes about 80."""


@dataclass(frozen=True)
class Share:
    """What a run takes of a cluster.

    Attributes:
        workers: actors, each with a study at a time and one core.
        bytes_each: memory of each; a study that needs more fails with a sentence.
        gpus_each: 1 where each has a GPU of its own, else 0.
    """

    workers: int
    bytes_each: int
    gpus_each: int = 0


def check_ray(address: str | None) -> None:
    """Import Ray as a run has it, and refuse where it is not installed.

    Args:
        address: see :func:`cluster`.

    Raises:
        InputError: it is not.
    """
    settings = dict(_SETTINGS)
    if _where(address) == HERE:
        # Its ports are open to the network, and whoever is let in can run any program.
        settings |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    if "ray" not in sys.modules:
        for name, value in settings.items():
            os.environ.setdefault(name, value)
    try:
        import ray  # noqa: F401
    except ImportError:
        raise InputError(
            "--engine ray needs Ray, which is not installed: pip install 'mactfusion[ray]'."
        ) from None


@contextmanager
def cluster(
    address: str | None, workers: int | None, gigabytes: float | None, device: str
) -> Iterator[Share]:
    """Connect to Ray, and say what a run takes of it.

    Args:
        address: of a cluster, "auto" for the one that this machine belongs to; None for that of
            RAY_ADDRESS, or for a Ray of this machine alone, which ends with the context.
        workers: as chosen; None for one a GPU, or where there is none one a core, as far as each
            can have 4 GB.
        gigabytes: that all workers may need together; None for 4 GB each.
        device: the option of this name; "cpu" leaves GPUs alone.

    Raises:
        InputError: Ray is not installed, or there is no cluster at this address.
    """
    check_ray(address)
    import ray

    where = _where(address)
    _check_address(where)
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    folder = _own_folder() if where == HERE else None
    try:
        if folder is not None:
            how.update(
                _temp_dir=folder,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                num_cpus=workers,
                _memory=None if gigabytes is None else int(gigabytes * GIGABYTE),
            )
        try:
            ray.init(where, **how)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(f"There is no Ray at {where}: {first}") from error
        try:
            yield share_of_cluster(ray.cluster_resources(), workers, gigabytes, device)
        finally:
            ray.shutdown()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _where(address: str | None) -> str:
    return address or os.environ.get("RAY_ADDRESS") or HERE


def _own_folder() -> str:
    """Make a folder for the sockets and logs of a Ray that is started here."""
    is_short = len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER
    return tempfile.mkdtemp(prefix="mactfusion-ray-", dir=None if is_short else "/tmp")  # noqa: S108


def _check_address(address: str) -> None:
    """Refuse an address where nobody answers, for which Ray itself waits for minutes."""
    found = _HOST_AND_PORT.fullmatch(address)
    if found is None:
        return
    try:
        socket.create_connection((found["host"], int(found["port"])), _ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"There is no Ray at {address}: {reason_of(error)}.") from error


def share_of_cluster(
    resources: Mapping[str, float], workers: int | None, gigabytes: float | None, device: str
) -> Share:
    """Return what a run takes.

    Args:
        resources: of the cluster as Ray counts them: "CPU", "GPU", and "memory" in bytes.
        workers: see :func:`cluster`, as the others.
        gigabytes: of all.
        device: the option of this name.
    """
    gpus = 0 if device == "cpu" else int(resources.get("GPU", 0))
    places = gpus or int(resources.get("CPU", 1))
    bound = gigabytes or resources.get("memory", 0.0) / GIGABYTE
    count = workers or max(1, min(places, int(bound / A_WORKER_GB)))
    each = gigabytes / count if gigabytes else A_WORKER_GB
    return Share(count, int(each * GIGABYTE), min(gpus, 1))
