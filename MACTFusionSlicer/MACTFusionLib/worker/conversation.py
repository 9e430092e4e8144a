"""Several requests one after another, written as one function that yields them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from .process import Reply, WorkerProcess

Steps = Generator  # yields (kind, fields), is sent the reply, returns the outcome


class WorkerError(Exception):
    """A request that failed.

    Args:
        code: one word for programs.
        sentence: for the user.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Conversation:
    """Runs steps: each ``yield kind, fields`` sends a request and gives back its result.

    Args:
        process: the worker.
        steps: the generator. An ``error`` is raised in it as :class:`WorkerError`.
        on_end: called once, with the outcome and None, or with None and the error.
        on_news: called with every reply that is not a last one (progress, warning).
    """

    def __init__(
        self,
        process: WorkerProcess,
        steps: Steps,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[Reply], None] | None = None,
    ) -> None:
        self._process = process
        self._steps = steps
        self._on_end = on_end
        self._on_news = on_news
        self._request = 0
        self._is_cancelled = False
        self.is_over = False

    def start(self) -> Conversation:
        """Send the first request."""
        self._go_on(lambda: next(self._steps))
        return self

    def cancel(self) -> None:
        """Ask for the end; it comes within one batch of the network."""
        if not self.is_over and not self._is_cancelled:
            self._is_cancelled = True
            self._process.request("cancel", lambda _reply: None, target=self._request)

    def abandon(self) -> None:
        """End now, without a word to ``on_end``; what the worker still sends is dropped."""
        if not self.is_over:
            self.cancel()
            self.is_over = True
            self._steps.close()

    def _go_on(self, step: Callable[[], tuple]) -> None:
        try:
            kind, fields = step()
        except StopIteration as end:
            self._finish(end.value, None)
        except Exception as error:  # whatever it is, whoever waits must hear of it
            self._finish(None, error)
        else:
            self._request = self._process.request(kind, self._take, **fields)

    def _take(self, reply: Reply) -> None:
        if self.is_over:
            return
        if reply["reply"] == "error":
            error = WorkerError(reply["code"], reply["sentence"])
            self._go_on(lambda: self._steps.throw(error))
        elif reply["reply"] != "result":
            if self._on_news is not None:
                self._on_news(reply)
        elif self._is_cancelled:
            error = WorkerError("cancelled", _("The request was cancelled."))
            self._go_on(lambda: self._steps.throw(error))
        else:
            self._go_on(lambda: self._steps.send(reply))

    def _finish(self, outcome: Any, error: Exception | None) -> None:
        self.is_over = True
        self._on_end(outcome, error)
