"""``mactfusion batch``: many studies, from a table, a DICOM tree, BIDS, or two folders."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import psutil
import typer
from rich.table import Table

from mactfusion.cli.choices import with_options
from mactfusion.cli.screen import caution, complain, err, ignore, progress_console, show, tell
from mactfusion.errors import InputError, informing, listening
from mactfusion.io.names import check_folder, check_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mactfusion.batch.outcome import Outcome
    from mactfusion.batch.plan import Plan

RUN = "The run"
SOME_FAILED = 3
GIGABYTE = 2**30
_SHARE_OF_MEMORY = 0.8
_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""Where Linux says what a container may have, version 2 and 1."""
_A_WORKER_GB = 4.0
_MOST_SHOWN = 40

EXAMPLES = (
    "[bold]Examples[/]\n\n"
    "mactfusion batch CT_FOLDER PET_FOLDER -o RESULTS --task pet-ct\n\n"
    "mactfusion batch ARCHIVE -o RESULTS --dry-run --save-plan plan.csv\n\n"
    "mactfusion batch plan.csv -o RESULTS"
)


@with_options
def batch(
    source: Annotated[
        Path,
        typer.Argument(
            help="Table (.csv, .parquet), folder tree of DICOM files, BIDS data set, or folder of "
            "anatomical files."
        ),
    ],
    partner: Annotated[
        Path | None,
        typer.Argument(
            help="Of a folder of files: that of their partners, with the same names.",
            show_default=False,
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say what would be done and what is left out, and stop.",
            rich_help_panel=RUN,
        ),
    ] = False,
    save_plan: Annotated[
        Path | None,
        typer.Option(
            help="Also write the plan as a table, to be edited and given as the source.",
            rich_help_panel=RUN,
        ),
    ] = None,
    pair_by: Annotated[
        Literal["study", "patient"],
        typer.Option(help="Of a DICOM tree: what belongs together.", rich_help_panel=RUN),
    ] = "study",
    choose_anatomical: Annotated[
        list[str] | None,
        typer.Option(
            help="Which volume of a study is the anatomical one: words of its modality and "
            "description, of BIDS a suffix. Several are tried one after another.",
            rich_help_panel=RUN,
        ),
    ] = None,
    choose_partner: Annotated[
        list[str] | None, typer.Option(help="Likewise the partner.", rich_help_panel=RUN)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Studies at a time; by itself one a core, if memory allows.",
            rich_help_panel=RUN,
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            min=1.0, help="GB that all studies in hand may need together.", rich_help_panel=RUN
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option(help="Write an HTML report of each study.", rich_help_panel=RUN)
    ] = True,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print errors only.", rich_help_panel=RUN)
    ] = False,
    **options: Any,
) -> None:
    """Fuse many studies; what is done already is not done again."""
    from mactfusion.batch.source import make_plan

    output: Path = options.pop("output")
    overwrite: bool = options.pop("overwrite")
    if save_plan is not None:
        from mactfusion.batch.table import check_table

        check_table(save_plan)
        check_place(save_plan, overwrite, f"The plan {save_plan} cannot be written")
    if not dry_run:
        check_folder(output, f"{output} cannot be made a folder")
    for folder in (source, partner):
        if folder is not None and folder.is_dir():
            check_outside(output, folder)
    with listening(ignore if quiet else caution), informing(ignore if quiet else tell):
        plan = make_plan(
            source,
            partner,
            by=pair_by,
            choose_anatomical=choose_anatomical or (),
            choose_partner=choose_partner or (),
            common=options,
        )
    if save_plan is not None:
        from mactfusion.batch.table import write_plan

        write_plan(save_plan, plan)
    if not quiet:
        show_plan(plan, whole=dry_run)
        if save_plan is not None:
            tell(f"{save_plan}: the plan, {len(plan.studies)} lines.")
    if dry_run:
        return
    if not plan.to_do:
        raise InputError(f"{source} holds no study that can be fused.")
    bound = int((memory or _SHARE_OF_MEMORY * free_gigabytes()) * GIGABYTE)
    count = workers or max(1, min(os.cpu_count() or 1, int(bound / GIGABYTE / _A_WORKER_GB)))
    raise typer.Exit(do(plan, output, options, overwrite, report, count, bound, quiet))


def do(
    plan: Plan,
    output: Path,
    options: dict[str, Any],
    overwrite: bool,
    report: bool,
    workers: int,
    memory_bytes: int,
    quiet: bool,
) -> int:
    """Do a plan on this machine, and return the exit code."""
    from mactfusion.batch.fuse import Choices
    from mactfusion.batch.index import INDEX, write_index
    from mactfusion.batch.local import LocalEngine
    from mactfusion.batch.outcome import FAILED, STOPPED
    from mactfusion.batch.run import Run
    from mactfusion.batch.summary import SUMMARY, write_summary

    total = len(plan.to_do)
    if not quiet:
        several = "one study at a time" if workers == 1 else f"{workers} studies at a time"
        tell(f"Fusing {several}, in {memory_bytes / GIGABYTE:.1f} GB of memory at most.")
    output.mkdir(parents=True, exist_ok=True)
    with stopping() as stopped, studies_bar(total, quiet) as said:
        run = Run(plan, output, Choices(options, report), overwrite, said, lambda: bool(stopped))
        outcomes = run.do(LocalEngine(workers, memory_bytes))
    write_summary(output, outcomes)
    write_index(output, outcomes)
    if not quiet:
        tell(f"{output}: {counted(outcomes)}. See {INDEX} and {SUMMARY}.")
    if stopped:
        left = sum(outcome.outcome == STOPPED for outcome in outcomes)
        err.print(
            f"Stopped; no unfinished result was left, and {left} studies are still to do: the same "
            "command goes on from there."
        )
        return 128 + stopped[0]
    return SOME_FAILED if any(outcome.outcome == FAILED for outcome in outcomes) else 0


def counted(outcomes: Sequence[Outcome]) -> str:
    """Say how many studies came to what."""
    names = dict.fromkeys(outcome.outcome for outcome in outcomes)
    counts = {name: sum(outcome.outcome == name for outcome in outcomes) for name in names}
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def show_plan(plan: Plan, *, whole: bool) -> None:
    """Print what would be done, and what is left out with its reason."""
    shown = plan.to_do if whole else []
    if shown:
        table = Table("study", "anatomical", "partner", "what")
        for study in shown[:_MOST_SHOWN]:
            partners = ", ".join(str(path) for path in study.partners) or "of the same study"
            table.add_row(*map(_plain, (study.name, study.anatomical, partners, study.what)))
        show(table)
        if len(shown) > _MOST_SHOWN:
            tell(f"… and {len(shown) - _MOST_SHOWN} more; --save-plan writes all of them.")
    for study in plan.left_out[: len(plan.left_out) if whole else _MOST_SHOWN]:
        place = study.anatomical or (study.partners[0] if study.partners else "")
        caution(f"{study.name} is left out ({place}): {study.left_out}.")
    if not whole and len(plan.left_out) > _MOST_SHOWN:
        caution(f"{len(plan.left_out) - _MOST_SHOWN} more are left out; --dry-run names them.")
    tell(f"{len(plan.to_do)} to fuse, {len(plan.left_out)} left out.")


def _plain(value: object) -> Any:
    from rich.text import Text

    return Text(str(value))


@contextmanager
def stopping() -> Iterator[list[int]]:
    """Note Ctrl-C and SIGTERM, as of a scheduler, instead of ending at once."""
    noted: list[int] = []

    def note(number: int, _: object) -> None:
        noted.append(number)

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, note) for kind in kinds}
    try:
        yield noted
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextmanager
def studies_bar(total: int, quiet: bool) -> Iterator[Any]:
    """Show how many studies are done, how many an hour, and how long it will take."""
    from mactfusion.batch.outcome import FAILED

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


def free_gigabytes() -> float:
    """Return the memory that is free, within the limit of a container where there is one."""
    room = [psutil.virtual_memory().available]
    for folder, most, used in _CGROUPS:
        with suppress(OSError, ValueError):  # no such container, or one without a limit
            room.append(
                int(folder.joinpath(most).read_text()) - int(folder.joinpath(used).read_text())
            )
    return max(min(room), 0) / GIGABYTE


def check_outside(output: Path, source: Path) -> None:
    """Refuse results among sources, for which they would be taken the next time.

    Raises:
        InputError: they would lie there, and not in the ``derivatives`` of a BIDS data set.
    """
    place, folder = output.resolve(), source.resolve()
    if not place.is_relative_to(folder):
        return
    from mactfusion.batch.bids import DERIVATIVES, DESCRIPTION

    is_bids = source.joinpath(DESCRIPTION).is_file()
    if is_bids and place.relative_to(folder).parts[:1] == (DERIVATIVES,):
        return
    raise InputError(
        f"{output} lies within {source}, so that results would be taken for sources: choose a "
        "folder elsewhere."
    )
