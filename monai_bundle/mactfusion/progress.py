"""How far a fusion is: a bar of slices, or of the steps of a search, or a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Task

Progress = Callable[[int, int], None]
"""Called with (slices done, slices in all) after each batch; what it raises stops the run.

While it is searched where a partner belongs, it is called with (0, 1) between the steps."""

LINES = 10
"""Without a terminal: a line for each tenth."""

Watcher = Callable[[str, int, int], object]
"""Called with (what is done, steps done, steps in all) between steps; what it raises stops it."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
_count: ContextVar[Callable[[], None] | None] = ContextVar("count", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of the steps of long work without slices that is done in this thread.

    That is the search of where a partner belongs.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def in_steps(what: str, total: int) -> Iterator[None]:
    """Count the steps of what is done inside, each by :func:`step_done`, for who is watching.

    Args:
        what: is done, such as "Registering PET.nii to MR.nii".
        total: about so many steps; the end counts as all of them.
    """
    watcher = _watcher.get()
    if watcher is None:
        yield
        return
    done = 0

    def count() -> None:
        nonlocal done
        done = min(done + 1, total)
        watcher(what, done, total)

    watcher(what, done, total)
    token = _count.set(count)
    try:
        yield
    finally:
        _count.reset(token)
    watcher(what, total, total)


def step_done() -> None:
    """Say that one step of :func:`in_steps` is done; raises what the watcher raises."""
    count = _count.get()
    if count is not None:
        count()


@contextmanager
def progress_bar(
    console: Console, description: str, quiet: bool = False, of: str = "slices"
) -> Iterator[Progress | None]:
    """Show how far one run is; nothing when quiet.

    Args:
        console: a bar on a terminal; elsewhere (a log, a job queue) a line at every tenth.
        description: what is under way.
        quiet: show nothing.
        of: what is counted.

    Yields:
        A function (slices done, slices in all) for ``fuse_volumes(progress=...)``, or None.
    """
    if quiet:
        yield None
    elif not console.is_terminal:
        yield _lines(console, description, of)
    else:
        with _bar(console, description, of) as progress:
            yield progress


@contextmanager
def _bar(console: Console, description: str, of: str) -> Iterator[Progress]:
    from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class SlicesPerSecond(ProgressColumn):
        """Speed of the bar."""

        def render(self, task: Task) -> Text:
            """Show the speed."""
            speed = task.fields["counts_slices"] and (task.finished_speed or task.speed)
            return Text(f"{speed:.2f} {of}/s" if speed else "", style="progress.data.speed")

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        SlicesPerSecond(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        slices = bar.add_task(description, total=None, counts_slices=True)
        steps = bar.add_task("", visible=False, counts_slices=False)

        def watch(what: str, done: int, total: int) -> None:
            is_over = done == total
            bar.update(steps, description=what, completed=done, total=total, visible=not is_over)
            bar.update(slices, visible=is_over)

        with watching(watch):
            yield lambda done, total: bar.update(slices, completed=done, total=total)


def _lines(console: Console, description: str, of: str) -> Progress:
    """Return what prints a line at every tenth of the way."""
    said = 0

    def report(done: int, total: int) -> None:
        nonlocal said
        tenth = LINES * done // max(total, 1)
        if tenth < said:  # out of memory: the slices begin anew
            said = 0
        if tenth > said:
            said = tenth
            console.print(f"{description}: {done} of {total} {of}", markup=False)

    return report


@contextmanager
def shown_progress(progress: Progress | bool | None) -> Iterator[Progress | None]:
    """Settle what ``fuse_volumes(progress=...)`` means.

    Yields:
        The function that was given, whose errors come back as they are; for None a bar in a
        notebook; else None.
    """
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):  # a text would be run where it starts with "$"
            raise InputError("The progress is no function of (slices done, slices in all).")
        with _own_errors(progress) as report:
            watcher = _watcher.get() or (lambda *_: report(0, 1))
            with watching(watcher):
                yield report
    elif progress is False or (progress is None and not is_notebook()):
        yield None
    else:
        from tqdm.auto import tqdm

        with tqdm(unit="slice", desc="Fusing") as bar:

            def report(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            def watch(what: str, done: int, total: int) -> None:
                bar.set_description("Fusing" if done == total else f"{what}: {done} of {total}")

            with watching(watch):
                yield report


@contextmanager
def _own_errors(progress: Progress) -> Iterator[Progress]:
    """Raise what the function raised itself, and not what others wrapped around it."""
    raised: list[Exception] = []

    def report(done: int, total: int) -> None:
        try:
            progress(done, total)
        except Exception as error:
            raised.append(error)
            raise

    try:
        yield report
    except Exception:
        if raised:
            raise raised[0] from None
        raise


def is_notebook() -> bool:
    """Tell whether this process serves a notebook."""
    if "IPython" not in sys.modules:
        return False
    shell = cast("object", sys.modules["IPython"].get_ipython())
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)
