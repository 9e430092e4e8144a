"""A worker that is there when it is needed, and what it knows: devices, models, volumes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from slicer.i18n import tr as _

from ..nodes.memory import empty_voxels
from ..nodes.volumes import about, geometry_of, partners_in, stamp_of, voxels_of
from .carriers import SharedFolder, Wire
from .conversation import Conversation, Steps, WorkerError
from .environment import (
    environment_of_others,
    external_python,
    log,
    remote_command,
    work_folder,
    worker_command,
    worker_environment,
)
from .log import WorkerLog
from .process import GRACE_S, PROTOCOL, WorkerProcess
from .transfer import hand_over, take_over

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer

_PATHS = ("weights", "output", "transform")
"""Options that name files."""

_PREFIX = "mactfusion-worker-"
_TRIES = 3


class Session:
    """Starts the worker when the first conversation needs it, and again after its end.

    Attributes:
        python: interpreter of the user, "" for Slicer's own.
        remote: command that connects to a worker elsewhere, such as ``ssh gpu-server
            /opt/mactfusion/bin/python -m mactfusion.worker``; "" for one on this computer.
        hello: what the worker said of itself, {} before.
        asked: called when a conversation begins, so that whoever pumps does it often from then on.
        log: what it says besides replies.
        spoken_of: IDs of the volumes of its last fusion or preview, which the request ``probe``
            asks about; [] while that is unknown.
    """

    def __init__(self) -> None:
        self.python = ""
        self.remote = ""
        self.hello: dict = {}
        self.asked: Callable[[], None] = lambda: None
        self.log = WorkerLog()
        self.spoken_of: list = []
        self._process: WorkerProcess | None = None
        self._carrier: SharedFolder | Wire | None = None
        self._keys: dict[str, tuple] = {}
        self._files = 0

    @property
    def is_external(self) -> bool:
        """Whether the worker needs nothing of Slicer's own Python."""
        return bool(self.remote.strip() or external_python(self.python))

    @property
    def carrier(self) -> SharedFolder | Wire | None:
        """How files come to the worker and back, None before it was greeted."""
        return self._carrier

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
        return Conversation(process, steps, on_end, on_news, self._unread).start()

    def pump(self) -> None:
        """Hand out what the worker has said."""
        if self._process is not None:
            self._process.pump()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End the worker, within half a second; the next conversation starts another."""
        process, self._process = self._process, None
        carrier, self._carrier = self._carrier, None
        folder = self.hello.get("folder", "")
        self.hello, self._keys, self.spoken_of = {}, {}, []
        if process is not None:
            process.stop(grace_s)
        if isinstance(carrier, SharedFolder) and Path(folder).name.startswith(_PREFIX):
            # A worker that had to be killed has left its volumes.
            shutil.rmtree(folder, ignore_errors=True)

    def greet(self) -> Steps:
        """Steps: learn what the worker is and has, once."""
        if not self.hello:
            self.hello = yield "hello", {"protocol": PROTOCOL}
            folder = Path(self.hello["folder"])
            # The folder's name is drawn by chance: it is not here unless the worker is.
            is_shared = not self.remote.strip() and folder.is_dir() and os.access(folder, os.W_OK)
            self._carrier = SharedFolder(folder) if is_shared else Wire(self._process)
        return self.hello

    def load(self, node: slicer.vtkMRMLVolumeNode, is_fresh: bool = False) -> Steps:
        """Steps: hand a volume over, in pieces between which the window lives.

        Args:
            node: the volume.
            is_fresh: hand it over even if nothing tells of a change, as voxels can be edited
                without anybody being told.

        Returns:
            The worker's key of the volume.

        Raises:
            WorkerError: it cannot be handed over, as it goes on changing, or the disk is full.
        """
        yield from self.greet()
        known = self._keys.get(node.GetID())
        if known is not None and known[0] == stamp_of(node) and not is_fresh:
            return known[1]
        for _try in range(_TRIES):
            stamp, affine, carrier = (
                stamp_of(node),
                geometry_of(node).affine.tolist(),
                self._carrier,
            )
            known_as = about(node)
            name = self.new_name()
            try:
                yield from hand_over(carrier, name, _unchanged(node, stamp), node.GetName() or "")
            except _ChangedError:
                continue
            try:
                reply = yield "load", {"file": name, "affine": affine, **known_as}
            except BaseException:  # also where nobody waits any more
                carrier.drop(name)
                raise
            self._keys[node.GetID()] = (stamp, reply["volume"])
            return reply["volume"]
        sentence = _("{name} changes all the time; stop that, and press Apply again.")
        raise WorkerError("input", sentence.format(name=node.GetName()))

    def new_name(self) -> str:
        """Return a name that no file of the worker's folder has."""
        self._files += 1
        return f"volume-{self._files}.npy"

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
            request = {"anatomical": anatomical, "partner": partner, **self._with_paths(fields)}
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
        voxels = yield from take_over(self._carrier, reply["file"], allocate=_allocated)
        return voxels.transpose(2, 1, 0, *range(3, voxels.ndim)), reply

    def forget_volumes(self) -> None:
        """Drop what was handed over, when the scene is closed."""
        self._keys.clear()

    def _running(self) -> WorkerProcess:
        if not self.is_alive:
            self.stop(0)
            self._process = self._started()
        return self._process

    def _started(self) -> WorkerProcess:
        is_remote = bool(self.remote.strip())
        try:
            if is_remote:
                command, environment = remote_command(self.remote), environment_of_others()
            else:
                command, environment = worker_command(self.python), worker_environment(self.python)
            self.log.begin(log())
            self.log.append(f"--- {command}\n".encode("utf-8", "replace"))
            return WorkerProcess(command, environment, work_folder(), self.log, is_remote)
        except (OSError, ValueError) as error:
            template = _("The Python {path} cannot be started ({reason}).")
            path = external_python(self.python) or _("of Slicer")
            if is_remote:
                template = _("The command of the remote worker cannot be started ({reason}).")
            reason = getattr(error, "strerror", None) or error
            raise WorkerError("installation", template.format(path=path, reason=reason)) from error

    def _with_paths(self, fields: dict) -> dict:
        """Name files as they are called from the folder where the worker runs."""
        options = fields.get("options")
        if self.remote.strip() or not options:
            return fields
        absolute = {
            name: os.path.abspath(options[name])  # noqa: PTH100  a URL-like text stays text
            for name in _PATHS
            if isinstance(options.get(name), str) and options[name]
        }
        return {**fields, "options": {**options, **absolute}}

    def _unread(self, reply: dict) -> None:
        """Remove the voxels of a result that nobody will look at."""
        if isinstance(reply.get("file"), str) and self._carrier is not None:
            self._carrier.drop(reply["file"])


def _allocated(shape: tuple, dtype: np.dtype) -> np.ndarray:
    """Make room for a result: a large one where its node will have it."""
    is_large = np.prod(shape, dtype=np.int64) * dtype.itemsize > SharedFolder.largest
    return empty_voxels(shape, dtype) if is_large else np.empty(shape, dtype)


class _ChangedError(Exception):
    """A volume that is another one now."""


def _unchanged(node: slicer.vtkMRMLVolumeNode, stamp: tuple) -> Callable[[], np.ndarray]:
    """Return a function that returns the voxels ``(K, J, I[, 3])`` while they are what they were.

    Raises:
        WorkerError: the volume was removed; by the function.
        _ChangedError: it was changed.
    """
    was_in_scene = node.GetScene() is not None

    def array() -> np.ndarray:
        if was_in_scene and node.GetScene() is None:
            raise WorkerError("input", _("A volume was removed from the scene during the run."))
        if stamp_of(node) != stamp:
            raise _ChangedError
        voxels = voxels_of(node)
        return voxels.transpose(2, 1, 0, *range(3, voxels.ndim))

    return array
