"""A worker that is there when it is needed, and what it knows: devices, models, volumes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from slicer.i18n import tr as _

from ..nodes.volumes import about, geometry_of, partners_in, stamp_of, voxels_of
from .conversation import Conversation, Steps, WorkerError
from .environment import external_python, worker_command, worker_environment
from .process import PROTOCOL, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer


class Session:
    """Starts the worker when the first conversation needs it, and again after its end.

    Attributes:
        python: interpreter of the user, "" for Slicer's own.
        hello: what the worker said of itself, {} before.
        asked: called when a conversation begins, so that whoever pumps does it often from then on.
    """

    def __init__(self) -> None:
        self.python = ""
        self.hello: dict = {}
        self.asked: Callable[[], None] = lambda: None
        self._process: WorkerProcess | None = None
        self._keys: dict[str, tuple] = {}
        self._files = 0

    @property
    def is_alive(self) -> bool:
        """Whether a worker runs."""
        return self._process is not None and self._process.is_alive

    @property
    def is_busy(self) -> bool:
        """Whether the worker owes an answer."""
        return self._process is not None and self._process.is_busy

    @property
    def devices(self) -> list:
        """Devices of the worker, [] before it said them."""
        return self.hello.get("devices", [])

    @property
    def models(self) -> list:
        """Networks of the library, [] before the worker said them."""
        return self.hello.get("models", [])

    def converse(self, steps: Steps, on_end: Any, on_news: Any = None) -> Conversation:
        """Run steps with the worker, which is started if it does not run.

        Raises:
            WorkerError: it cannot be started.
        """
        process = self._running()
        self.asked()
        return Conversation(process, steps, on_end, on_news).start()

    def pump(self) -> None:
        """Hand out what the worker has said."""
        if self._process is not None:
            self._process.pump()

    def stop(self, grace_s: float = 2.0) -> None:
        """End the worker; the next conversation starts another."""
        process, self._process = self._process, None
        folder = self.hello.get("folder", "")
        self.hello, self._keys = {}, {}
        if process is not None:
            process.stop(grace_s)
        if folder:  # a worker that had to be killed has left its volumes
            shutil.rmtree(folder, ignore_errors=True)

    def greet(self) -> Steps:
        """Steps: learn what the worker is and has, once."""
        if not self.hello:
            self.hello = yield "hello", {"protocol": PROTOCOL}
        return self.hello

    def load(self, node: slicer.vtkMRMLVolumeNode, is_fresh: bool = False) -> Steps:
        """Steps: hand a volume over.

        Args:
            node: the volume.
            is_fresh: hand it over even if nothing tells of a change, as voxels can be edited
                without anybody being told.

        Returns:
            The worker's key of the volume.
        """
        yield from self.greet()
        stamp = stamp_of(node)
        known = self._keys.get(node.GetID())
        if known is not None and known[0] == stamp and not is_fresh:
            return known[1]
        self._files += 1
        name = f"volume-{self._files}.npy"
        np.save(Path(self.hello["folder"]) / name, voxels_of(node), allow_pickle=False)
        affine = geometry_of(node).affine.tolist()
        reply = yield "load", {"file": name, "affine": affine, **about(node)}
        self._keys[node.GetID()] = (stamp, reply["volume"])
        return reply["volume"]

    def ask(self, kind: str, pair: tuple, fields: dict, is_fresh: bool = False) -> Steps:
        """Steps: ``place``, ``preview`` or ``fuse`` nodes; the second may be a list of partners.

        Returns:
            The reply.

        Raises:
            WorkerError: the worker cannot do it; the sentence says why.
        """
        for is_second_try in (False, True):
            anatomical = yield from self.load(pair[0], is_fresh or is_second_try)
            keys = []
            for node in partners_in(pair[1]):
                keys.append((yield from self.load(node, is_fresh or is_second_try)))  # noqa: PERF401
            partner = keys if isinstance(pair[1], (list, tuple)) else keys[0]
            request = {"anatomical": anatomical, "partner": partner, **fields}
            try:
                return (yield kind, request)
            except WorkerError as error:
                if error.code != "unknown-volume" or is_second_try:
                    raise
        raise AssertionError  # the second try has returned or raised

    def ask_voxels(self, kind: str, pair: tuple, fields: dict, is_fresh: bool = False) -> Steps:
        """Steps: ``preview`` or ``fuse`` nodes, and take the voxels over; see :meth:`ask`.

        Returns:
            ``(voxels, reply)``.
        """
        reply = yield from self.ask(kind, pair, fields, is_fresh)
        path = Path(self.hello["folder"]) / reply["file"]
        voxels = np.load(path, allow_pickle=False)
        path.unlink()
        return voxels, reply

    def forget_volumes(self) -> None:
        """Drop what was handed over, when the scene is closed."""
        self._keys.clear()

    def _running(self) -> WorkerProcess:
        if not self.is_alive:
            self.stop(0)
            command = worker_command(self.python)
            try:
                self._process = WorkerProcess(command, worker_environment(self.python))
            except OSError as error:
                sentence = _("The Python {path} cannot be started ({reason}).").format(
                    path=external_python(self.python) or command[0], reason=error.strerror
                )
                raise WorkerError("installation", sentence) from error
        return self._process
