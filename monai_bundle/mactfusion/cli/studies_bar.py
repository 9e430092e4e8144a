"""How far a run of many studies is, and what became of them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mactfusion.batch.outcome import FAILED
from mactfusion.cli.screen import complain, progress_console, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mactfusion.batch.outcome import Outcome


@contextmanager
def studies_bar(total: int, quiet: bool) -> Iterator[Any]:
    """Show how many studies are done, how many an hour, and how long it will take."""
    console = progress_console()
    started, done = time.monotonic(), 0

    def line(outcome: Outcome) -> str:
        hours = (time.monotonic() - started) / 3600
        an_hour = done / hours if hours else 0.0
        left = (total - done) / an_hour if an_hour else 0.0
        return (
            f"{done} of {total}: {outcome.study} {outcome.outcome}; {an_hour:.0f} studies an hour, "
            f"{duration(left)} left"
        )

    def of_failure(outcome: Outcome) -> None:
        if outcome.outcome == FAILED:
            complain(f"{outcome.study}: {outcome.sentence}")

    if quiet or not console.is_terminal:

        def say(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            of_failure(outcome)
            if not quiet:
                tell(line(outcome))

        yield say
        return

    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        shown = bar.add_task(f"0 of {total}", total=total)

        def update(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            of_failure(outcome)
            bar.update(shown, completed=done, description=line(outcome))

        yield update


def duration(hours: float) -> str:
    """Say how long something takes.

    Example:
        >>> duration(0.4), duration(2.51)
        ('24 min', '2 h 31 min')
    """
    minutes = round(hours * 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def tally(outcomes: Sequence[Outcome]) -> str:
    """Say how many studies came to what."""
    names = dict.fromkeys(outcome.outcome for outcome in outcomes)
    counts = {name: sum(outcome.outcome == name for outcome in outcomes) for name in names}
    return ", ".join(f"{count} {name}" for name, count in counts.items())
