"""``mactfusion batch``: many studies, from a table, a DICOM tree, BIDS, or two folders."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 (typer looks it up)
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from mactfusion.amounts import counted
from mactfusion.cli.choices import with_options
from mactfusion.cli.screen import caution, err, ignore, show, tell
from mactfusion.cli.studies_bar import studies_bar, tally
from mactfusion.errors import InputError, informing, listening
from mactfusion.io.names import check_folder, check_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mactfusion.batch.monitoring import Monitor
    from mactfusion.batch.outcome import Outcome
    from mactfusion.batch.plan import Plan
    from mactfusion.batch.run import Engine

RUN = "The run"
SOME_FAILED = 3
_MOST_SHOWN = 40

EXAMPLES = (
    "[bold]Examples[/]\n\n"
    "mactfusion batch CT_FOLDER PET_FOLDER -o RESULTS --task pet-ct\n\n"
    "mactfusion batch ARCHIVE -o RESULTS --dry-run --save-plan plan.csv\n\n"
    "mactfusion batch plan.csv -o RESULTS\n\n"
    "mactfusion batch plan.csv -o RESULTS --engine ray --address auto"
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
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Processes of this machine, or workers on Ray.", rich_help_panel=RUN),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="Of a Ray cluster; auto for the one that this machine belongs to. Without one, "
            "Ray is started here.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            help="File that gets a JSON line for each study.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            help="Text file (.prom) for Prometheus, kept while it runs.",
            show_default=False,
            rich_help_panel=RUN,
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
    from mactfusion.batch.engines import check_engine, engine_for
    from mactfusion.batch.monitoring import monitors
    from mactfusion.batch.source import make_plan

    output: Path = options.pop("output")
    overwrite: bool = options.pop("overwrite")
    check_places(source, partner, output, save_plan, overwrite=overwrite, dry_run=dry_run)
    check_engine(engine, address)
    watching = monitors(log, metrics)
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
            tell(f"{save_plan}: the plan, {counted(len(plan.studies), 'line')}.")
    if dry_run:
        return
    if not plan.to_do:
        raise InputError(f"{source} holds no study that can be fused.")
    with (
        informing(ignore if quiet else tell),
        engine_for(engine, address, workers, memory, options["device"]) as started,
    ):
        raise typer.Exit(do(plan, output, options, overwrite, report, started, watching, quiet))


def check_places(
    source: Path,
    partner: Path | None,
    output: Path,
    save_plan: Path | None,
    *,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Refuse what cannot be written, before the studies are looked for.

    Raises:
        InputError: the plan or a folder of results cannot be there, or lies among the sources.
    """
    from mactfusion.batch.source import check_outside
    from mactfusion.batch.table import check_table

    if save_plan is not None:
        check_table(save_plan)
        check_place(save_plan, overwrite, f"The plan {save_plan} cannot be written")
    if not dry_run:
        check_folder(output, f"{output} cannot be made a folder")
    for folder in (source, partner):
        if folder is not None and folder.is_dir():
            check_outside(output, folder)


def do(
    plan: Plan,
    output: Path,
    options: dict[str, Any],
    overwrite: bool,
    report: bool,
    engine: Engine,
    watching: Sequence[Monitor],
    quiet: bool,
) -> int:
    """Do a plan, and return the exit code."""
    from mactfusion.batch.fuse import Choices
    from mactfusion.batch.index import INDEX, write_index
    from mactfusion.batch.outcome import FAILED, STOPPED
    from mactfusion.batch.run import Run
    from mactfusion.batch.summary import SUMMARY, write_summary

    total = len(plan.to_do)
    for monitor in watching:
        monitor.begin(total)
    output.mkdir(parents=True, exist_ok=True)
    with (
        listening(ignore if quiet else caution),
        stopping() as stopped,
        studies_bar(total, quiet) as show_outcome,
    ):

        def said(outcome: Outcome) -> None:
            for monitor in watching:
                monitor.study(outcome)
            show_outcome(outcome)

        run = Run(plan, output, Choices(options, report), overwrite, said, lambda: bool(stopped))
        outcomes = run.do(engine)
        for monitor in watching:
            monitor.end()
    write_summary(output, outcomes)
    write_index(output, outcomes)
    if not quiet:
        tell(f"{output}: {tally(outcomes)}. See {INDEX} and {SUMMARY}.")
    if stopped:
        left = sum(outcome.outcome == STOPPED for outcome in outcomes)
        err.print(
            f"Stopped; no unfinished result was left. Still to do: {counted(left, 'study')}; the "
            "same command goes on from there."
        )
        return 128 + stopped[0]
    return SOME_FAILED if any(outcome.outcome == FAILED for outcome in outcomes) else 0


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
