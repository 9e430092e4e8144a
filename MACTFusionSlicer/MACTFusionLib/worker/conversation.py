"""Several requests one after another, written as one function that yields them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from .process import Reply, WorkerProcess

Steps = Generator
"""Yields ``(kind, fields)`` or a :class:`Turn`, is sent its result, returns the outcome."""


class WorkerError(Exception):
    """A request that failed.

    Args:
        code: one word for programs.
        sentence: for the user.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Turn:
    """A part of something long, between two of which the window lives.

    Attributes:
        requests: ``(kind, fields)`` each, sent together; steps are sent the list of their results.
            Without any the steps go on when the events that wait are done.
        news: told as if the worker had sent it, {} for none.
    """

    requests: Sequence[tuple] = ()
    news: dict = field(default_factory=dict)


class Conversation:
    """Runs steps: each ``yield kind, fields`` sends a request and gives back its result.

    Args:
        process: the worker.
        steps: the generator. An ``error`` is raised in it as :class:`WorkerError`.
        on_end: called once, with the outcome and None, or with None and the error.
        on_news: called with every reply that is not a last one (progress, warning).
        on_unread: called with a result that nobody will look at, as its request was given up.
    """

    def __init__(
        self,
        process: WorkerProcess,
        steps: Steps,
        on_end: Callable[[Any, Exception | None], None],
        on_news: Callable[[Reply], None] | None = None,
        on_unread: Callable[[Reply], None] | None = None,
    ) -> None:
        self._process = process
        self._steps = steps
        self._on_end = on_end
        self._on_news = on_news
        self._on_unread = on_unread
        self._kind = ""
        self._is_single = True
        self._open: dict[int, int] = {}  # id of a request, and its place in the turn
        self._results: list = []
        self._error: WorkerError | None = None
        self._is_cancelled = False
        self.is_over = False

    def start(self) -> Conversation:
        """Send the first request."""
        self._go_on(lambda: next(self._steps))
        return self

    def cancel(self) -> None:
        """Ask for the end; it comes within one batch of the network."""
        if self.is_over or self._is_cancelled:
            return
        self._is_cancelled = True
        if self._kind == "hello":  # nobody may be there who could answer
            self._process.give_up()
            self._steps.close()
            self._finish(None, _cancelled())
        else:
            self._ask_for_the_end()

    def abandon(self) -> None:
        """End now, without a word to ``on_end``; what the worker still sends is dropped."""
        if self.is_over:
            return
        self.is_over = True
        if not self._is_cancelled and self._kind != "hello":
            self._ask_for_the_end()
        self._steps.close()

    def _ask_for_the_end(self) -> None:
        for number in list(self._open):
            self._process.request("cancel", lambda _reply: None, target=number)

    def _go_on(self, step: Callable[[], Any]) -> None:
        try:
            wanted = step()
        except StopIteration as end:
            self._finish(end.value, None)
        except Exception as error:  # whatever it is, whoever waits must hear of it
            self._finish(None, error)
        else:
            self._send(wanted)

    def _send(self, wanted: Any) -> None:
        turn = wanted if isinstance(wanted, Turn) else Turn((wanted,))
        self._kind = "" if isinstance(wanted, Turn) else wanted[0]
        self._results, self._error = [None] * len(turn.requests), None
        self._is_single = not isinstance(wanted, Turn)
        if turn.news and self._on_news is not None:
            self._on_news(turn.news)
        if self.is_over:  # who heard the news gave up
            return
        if not turn.requests:
            self._open = {self._process.pause(self._take): -1}
        for place, (kind, fields) in enumerate(turn.requests):
            self._open[self._process.request(kind, self._take, **fields)] = place

    def _take(self, reply: Reply) -> None:
        if reply["reply"] not in ("result", "error"):
            if self._on_news is not None and not self.is_over:
                self._on_news(reply)
            return
        place = self._open.pop(reply["id"], -1)
        if reply["reply"] == "error":
            self._error = self._error or WorkerError(reply["code"], reply["sentence"])
        elif self.is_over or self._is_cancelled:
            if self._on_unread is not None:
                self._on_unread(reply)
        elif place >= 0:
            self._results[place] = reply
        if not self._open and not self.is_over:
            self._answer()

    def _answer(self) -> None:
        """Give the results of a turn to the steps."""
        error = self._error or (_cancelled() if self._is_cancelled else None)
        if error is not None:
            self._go_on(lambda: self._steps.throw(error))
        else:
            results = self._results[0] if self._is_single else self._results
            self._go_on(lambda: self._steps.send(results))

    def _finish(self, outcome: Any, error: Exception | None) -> None:
        self.is_over = True
        self._on_end(outcome, error)


def _cancelled() -> WorkerError:
    return WorkerError("cancelled", _("The request was cancelled."))
