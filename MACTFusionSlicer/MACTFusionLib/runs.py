"""Apply, Cancel and batch: what the buttons start, and what is told of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .nodes.result import output_note
from .nodes.volumes import partners_in
from .panel.allow import allow
from .panel.estimate import kind_of_run, learn
from .panel.libraries import Libraries
from .panel.message import Message, details_of
from .panel.progress import Progress
from .summary import device_used
from .worker.conversation import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .logic import MACTFusionLogic


class Runs:
    """Runs whole volumes and shows how that goes.

    Args:
        ui: widgets of the panel.
        logic: fuses.
        requirements: path of requirements.txt.
        changed: called when a run has begun or ended.
        done: called with a fused node.
        clock: returns seconds, for how long a run takes.

    Attributes:
        message: the last sentence.
        libraries: those that the worker needs.
        fused: the volume that was fused last, None before.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        requirements: Path,
        changed: Callable[[], None],
        done: Callable[[Any], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ui = ui
        self._logic = logic
        self.message = Message(ui)
        self.libraries = Libraries(ui, lambda: logic.session, requirements, self.say)
        self._changed = changed
        self._done = done
        self._queue: list[tuple] = []
        self._count = 0
        self._failures: list[str] = []
        self._notes: list[str] = []
        self._warnings: list[str] = []
        self.fused = None
        self._progress = Progress(ui)
        self._clock = clock
        self._began: float | None = None
        ui.cancelButton.clicked.connect(self.cancel)
        self._show_progress(None)

    @property
    def is_running(self) -> bool:
        """Whether a whole volume is being fused, or a partner registered."""
        return self._logic.is_running

    @property
    def is_ready(self) -> bool:
        """Whether a worker can be started without asking for anything."""
        return self.libraries.are_ready

    def begin(self, jobs: list[tuple]) -> None:
        """Fuse volumes one after another, and say in the end what came of all of them.

        Args:
            jobs: ``(anatomical, partner, output, options)`` each.
        """
        if not jobs or self._logic.is_running or not self._install():
            return
        self._queue = list(jobs)
        self._count, self._failures, self._notes = len(jobs), [], []
        self._next()

    def register(self, anatomical: Any, partner: Any, options: dict) -> None:
        """Put partners in place by transforms; see :meth:`MACTFusionLogic.start_registration`."""
        if self._logic.is_running or not self._install():
            return
        self._count, self._warnings = 0, []
        self.say("")
        nodes = anatomical, partner
        try:
            self._logic.start_registration(*nodes, options, self._registered, self._take_news)
        except WorkerError as error:
            self._registered(None, error)
        else:
            self._show_progress({"stage": "place"})
            self._changed()

    def other(self, begin: Callable, ended: Callable) -> bool:
        """Run something else of the worker, with the bar, Cancel, notes and Details.

        Args:
            begin: called with ``on_end`` and ``on_news`` of :class:`Conversation`; may raise
                :class:`WorkerError`.
            ended: called with the outcome and the error, one of them None. Returns the sentence of
                a success, and the error that is to be told.

        Returns:
            Whether it was begun; ``ended`` is called whenever it was.
        """
        if self._logic.is_running or not self._install():
            return False
        self._count, self._warnings = 0, []
        self.say("")

        def end(outcome: Any, error: Exception | None) -> None:
            try:
                said, error = ended(outcome, error)
            except Exception as unforeseen:  # whoever waits must hear of it
                said, error = "", unforeseen
            self._show_progress(None)
            if error is None:
                self.say(" ".join([said, *self._warnings]))
            else:
                self._say_error(error, "\n".join(self._warnings))
            self._changed()

        try:
            begin(end, self._take_news)
        except WorkerError as error:
            end(None, error)
        else:
            if self._logic.is_running:  # else it has ended already
                self._show_progress({"stage": "prepare"})
            self._changed()
        return True

    def show_import(self, percent: int) -> None:
        """Show how much of a series is in the DICOM database."""
        self._show_progress({"stage": "import", "done": percent, "total": 100})

    def cancel(self) -> None:
        """End the run and those that wait."""
        self._failures += [_("{names}: cancelled").format(names=_names(job)) for job in self._queue]
        self._queue.clear()
        self._logic.cancel()
        allow(self._ui.cancelButton, _("The run is being ended."))

    def forget(self) -> None:
        """Drop what belongs to a scene that is closed."""
        self._queue.clear()
        self._count, self._failures, self._notes = 0, [], []
        self.fused = None
        self._show_progress(None)
        self.say("")

    def say(self, sentence: str, is_error: bool = False, details: str = "") -> None:
        """Show a sentence, and keep what lies behind it; see :class:`Message`."""
        self.message.say(sentence, is_error, details)

    def _install(self) -> bool:
        """Make sure that the libraries are there; ask before anything is installed."""
        return self.libraries.ensure()

    def _next(self) -> None:
        if not self._queue:
            return
        job = self._queue.pop(0)
        names = _names(job)

        def ended(node: Any, error: Exception | None) -> None:
            if error is None:
                self._learn(node, job)
                self._warnings += filter(None, [output_note(job[2], node)])
            self._ended(node, error, names)

        self._warnings, self._began = [], None
        self.say("")
        try:
            self._logic.start_fusion(*job, ended, self._take_news)
        except WorkerError as error:
            ended(None, error)
        else:
            self._show_progress({"stage": "hand over" if self._logic.session.hello else "start"})
            self._changed()

    def _learn(self, node: Any, job: tuple) -> None:
        """Take down how long a run took, without the start of the worker."""
        if self._began is None:
            return
        _anatomical, partner, _output, options = job
        device = device_used(options.get("device", "auto"), self._logic.session.devices)
        kind = kind_of_run(device, options, len(partners_in(partner)))
        voxels = node.GetImageData().GetNumberOfPoints()
        learn(kind, voxels, self._clock() - self._began)

    def _take_news(self, news: dict) -> None:
        if self._began is None:
            self._began = self._clock()
        if news["reply"] == "progress":
            self._show_progress(news)
        else:
            self._warnings.append(news["sentence"])

    def _ended(self, node: Any, error: Exception | None, names: str = "") -> None:
        self._show_progress(None)
        notes = "\n".join(self._warnings)
        if error is None:
            self.fused = node
            if self._warnings:
                self._notes.append(f"{names}: {notes}")
            ready = _("{name} is ready.").format(name=node.GetName())
            self.say("\n– ".join([ready, *self._warnings]))
            self._done(node)
        elif getattr(error, "code", "") == "cancelled":
            self._say_error(error, notes)
            self._failures.append(_("{names}: cancelled").format(names=names))
        else:
            self._say_error(error, notes)
            self._failures.append(f"{names}: {error}\n{details_of(notes, error)}".strip())
        self._changed()
        if self._queue:
            self._next()
        elif self._count > 1:
            self._sum_up(len(self._failures))

    def _registered(self, transforms: list | None, error: Exception | None) -> None:
        self._show_progress(None)
        if error is None and transforms:
            names = ", ".join(node.GetName() for node in transforms)
            template = _("In place by the transform {names}; remove it to undo that.")
            self.say(template.format(names=names))
        elif error is None:
            self.say(_("Nothing was moved."))
        else:
            self._say_error(error, "\n".join(self._warnings))
        self._changed()

    def _say_error(self, error: Exception, notes: str) -> None:
        if getattr(error, "code", "") == "cancelled":
            self.say(_("Cancelled; nothing was changed."))
        else:
            self.say(str(error), is_error=True, details=details_of(notes, error))

    def _sum_up(self, failed: int) -> None:
        """Say how many of several are fused: the message of each is gone with the next."""
        count, self._count = self._count, 0
        if failed and self._notes:
            template = _(
                "{ready} of {count} are ready; Details says why the others are not, and has notes."
            )
        elif failed:
            template = _("{ready} of {count} are ready; Details says why the others are not.")
        elif self._notes:
            template = _("All {count} are ready; Details has notes.")
        else:
            template = _("All {count} are ready.")
        sentence = template.format(ready=count - failed, count=count)
        self.say(sentence, bool(failed), "\n\n".join([*self._failures, *self._notes]))

    def _show_progress(self, news: dict | None) -> None:
        allow(self._ui.cancelButton, "" if news is not None else _("Nothing is under way."))
        if news is None:
            self._progress.hide()
            return
        prefix = ""
        if self._count > 1:
            number = self._count - len(self._queue)
            prefix = _("{number} of {count} · ").format(number=number, count=self._count)
        self._progress.show(news, prefix)


def _names(job: tuple) -> str:
    return " + ".join(node.GetName() for node in (job[0], *partners_in(job[1])))
