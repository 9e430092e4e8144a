"""A progress bar whose steps are slices."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Task


class SlicesPerSecond(ProgressColumn):
    """Speed of the bar."""

    def render(self, task: Task) -> Text:
        """Show the speed."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.2f} slices/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress_bar(
    console: Console, description: str, quiet: bool = False
) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar for one fusion; nothing when quiet or when the console is no terminal.

    Yields:
        A function (slices done, slices in all) for ``fuse_volumes(progress=...)``, or None.
    """
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        SlicesPerSecond(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
