"""An engine without processes of its own: studies are fused where they are asked for."""

from __future__ import annotations

from mactfusion.batch.fuse import fuse_study


class HereEngine:
    """One study at a time, in this process.

    Args:
        before: called with each task before it is done.
    """

    size = 1

    def __init__(self, before=lambda task: None):
        self._before = before
        self._task = None
        self._networks = {}
        self.asked = []
        self.done = []

    @property
    def has_room(self):
        return self._task is None

    @property
    def in_hand(self):
        return [] if self._task is None else [self._task]

    def start(self, task):
        self._task = task

    def finished(self, timeout_s):
        if self._task is None:
            return []
        task = self._task
        self._before(task)
        outcome = fuse_study(
            task.study,
            task.folder,
            task.choices,
            known_key=task.known_key,
            networks=self._networks,
            ask_memory=self.asked.append,
        )
        self._task = None
        self.done.append(task.study.name)
        return [(task, outcome)]

    def end(self):
        self._task = None
