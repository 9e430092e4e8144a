"""Where studies are fused: processes of this machine, or workers on Ray."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mactfusion.batch.local import LocalEngine
from mactfusion.batch.share import GIGABYTE, share_of_machine
from mactfusion.errors import InputError, inform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mactfusion.batch.run import Engine

LOCAL, RAY = "local", "ray"


def check_engine(name: str, address: str | None) -> None:
    """Refuse an engine that is not there, before the studies are looked for.

    Raises:
        InputError: Ray is not installed, or an address was given for another engine.
    """
    if name == RAY:
        from mactfusion.batch.ray_cluster import check_ray

        check_ray(address)
    elif address is not None:
        raise InputError("--address is that of a Ray cluster: say --engine ray too.")


@contextmanager
def engine_for(
    name: str, address: str | None, workers: int | None, gigabytes: float | None, device: str
) -> Iterator[Engine]:
    """Start an engine, and say how much it does at a time.

    Args:
        name: :data:`LOCAL` or :data:`RAY`.
        address: of a Ray cluster.
        workers: studies at a time; None for as many as there is room for.
        gigabytes: memory that they may need together; None for what is free.
        device: the option of this name.

    Raises:
        InputError: there is no such Ray.
    """
    if name == LOCAL:
        count, room = share_of_machine(workers, gigabytes)
        inform(f"Fusing {_several(count)}, in {room / GIGABYTE:.1f} GB of memory at most.")
        yield LocalEngine(count, room)
        return

    from mactfusion.batch.ray_cluster import cluster
    from mactfusion.batch.ray_engine import RayEngine

    with cluster(address, workers, gigabytes, device) as share:
        each = share.bytes_each / GIGABYTE
        inform(f"Fusing {_several(share.workers)} on Ray, in {each:.1f} GB of memory each.")
        yield RayEngine(share)


def _several(count: int) -> str:
    return "one study at a time" if count == 1 else f"{count} studies at a time"
