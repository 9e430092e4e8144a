"""``mactfusion evaluate``: how good fused pictures and volumes are."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (typer looks it up)
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from mactfusion.amounts import counted
from mactfusion.cli.screen import caution, progress_console
from mactfusion.errors import InputError
from mactfusion.io.names import check_place
from mactfusion.option_table import OPTIONS
from mactfusion.option_values import AXES, GRIDS, TASKS, UNITS
from mactfusion.progress import progress_bar
from mactfusion.report.names import check_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mactfusion.evaluation.cases import Preparation
    from mactfusion.evaluation.result import Evaluation
    from mactfusion.evaluation.statistics import Comparison

    Task: TypeAlias = str
    Grid: TypeAlias = str
    Axis: TypeAlias = str
    Units: TypeAlias = str
else:
    Task, Grid, Axis, Units = Literal[TASKS], Literal[GRIDS], Literal[AXES], Literal[UNITS]

SIGNIFICANT = 0.05


def evaluate(
    fused: Annotated[Path, typer.Argument(help="Fused picture or volume, or a folder of them.")],
    source_a: Annotated[
        Path,
        typer.Argument(metavar="A", help="First source (MR or CT), or a folder of equal names."),
    ],
    source_b: Annotated[
        Path, typer.Argument(metavar="B", help="Second source (CT, PET, SPECT), likewise.")
    ],
    metrics: Annotated[
        str | None, typer.Option(help="Names with commas between; all by default.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a table, one line a case.")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write an HTML report.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another method's result, compared case by case.")
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option(help="Of volumes; by default what was recorded when they were fused."),
    ] = None,
    window: Annotated[str | None, typer.Option(help="Of the partner volume, likewise.")] = None,
    anatomical_window: Annotated[
        str | None, typer.Option(help="Of the anatomical volume, likewise.")
    ] = None,
    colormap: Annotated[
        str | None, typer.Option(help="Of scalar PET and SPECT volumes, likewise.")
    ] = None,
    grid: Annotated[Grid | None, typer.Option(help="Of the result, likewise.")] = None,
    axis: Annotated[Axis | None, typer.Option(help="Of slices, likewise.")] = None,
    anatomical_series: Annotated[
        str | None,
        typer.Option(
            help="Which volume of a DICOM source A, by its number in 'mactfusion info' or by words "
            "of its description; likewise."
        ),
    ] = None,
    partner_series: Annotated[
        str | None, typer.Option(help="Which volume of a DICOM source B, likewise.")
    ] = None,
    anatomical_frame: Annotated[
        str | None,
        typer.Option(help="Which of several frames of A, a number or mean; likewise."),
    ] = None,
    frame: Annotated[str | None, typer.Option(help="Which of the frames of B, likewise.")] = None,
    units: Annotated[
        Units | None, typer.Option(help="Of a DICOM PET as source B, likewise.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Measure fused images against their sources: two pictures, volumes, or folders of them."""
    from mactfusion.evaluation.cases import READING, Preparation, find_cases
    from mactfusion.evaluation.score import check_metrics

    names = None if metrics is None else check_metrics(metrics.split(","))
    check_outputs(csv, report, overwrite)
    for method in (fused, *([] if against is None else [against])):
        find_cases(method, source_a, source_b)  # refused before torch is imported
    told = (anatomical_series, partner_series, anatomical_frame, frame, units)
    reading = {
        name: OPTIONS[name].checked(name, value)
        for name, value in zip(READING, told, strict=True)
        if value is not None
    }
    preparation = Preparation(task, window, anatomical_window, colormap, grid, axis, reading)
    results = measure(fused, against, (source_a, source_b), names, preparation, jobs, quiet)
    write(results, preparation, csv, report)
    if not quiet:
        from mactfusion.evaluation.result import compare

        warn(results)
        show(results, compare(*results) if against is not None else None)


def write(
    results: list[Evaluation], preparation: Preparation, csv: Path | None, report: Path | None
) -> None:
    """Write the files that were asked for."""
    if csv is not None:
        from mactfusion.evaluation.table import write_csv

        write_csv(csv, results)
    if report is not None:
        from mactfusion.evaluation.report import write_evaluation_report

        write_evaluation_report(report, results[0], preparation, *results[1:])


def measure(
    fused: Path,
    against: Path | None,
    sources: tuple[Path, Path],
    metrics: list[str] | None,
    preparation: Preparation,
    jobs: int | None,
    quiet: bool,
) -> list[Evaluation]:
    """Evaluate one method, or two on the cases that both have, behind a progress bar each."""
    from mactfusion.evaluation.result import on_common_cases
    from mactfusion.evaluation.run import evaluate as evaluate_method

    results = []
    paths = [fused] if against is None else [fused, against]
    for path, label in zip(paths, method_names(fused, against), strict=True):
        with progress_bar(progress_console(), label, quiet) as progress:
            results.append(
                evaluate_method(
                    path,
                    *sources,
                    metrics=metrics,
                    preparation=preparation,
                    method=label,
                    jobs=jobs,
                    progress=progress,
                )
            )
    return results if against is None else list(on_common_cases(*results))


def check_outputs(csv: Path | None, report: Path | None, overwrite: bool) -> None:
    """Refuse names before the long work begins.

    Raises:
        InputError: see :func:`check_csv` and :func:`mactfusion.report.names.check_report`.
    """
    if csv is not None:
        check_csv(csv, overwrite)
    if report is not None:
        check_report(report, overwrite)


def check_csv(path: Path, overwrite: bool) -> None:
    """Refuse a table's name before the long work begins.

    Raises:
        InputError: no ``.csv`` name, a folder that cannot be made, or a file of that name and no
            ``overwrite``.
    """
    if path.suffix.lower() != ".csv":
        raise InputError(f"The table {path} must have a name that ends in .csv.")
    check_place(path, overwrite, f"The table {path} cannot be written")


def method_names(fused: Path, against: Path | None) -> list[str]:
    """Call methods by their files' or folders' names, or by the last folders that differ.

    Raises:
        InputError: both are the same.

    Example:
        >>> method_names(Path("ours/CT-MRI"), Path("theirs/CT-MRI"))
        ['ours', 'theirs']
    """
    if against is None:
        return [fused.resolve().name]
    parts = [reversed(path.resolve().parts) for path in (fused, against)]
    for names in zip(*parts, strict=False):
        if names[0] != names[1]:
            return list(names)
    raise InputError(f"{against} is what is evaluated: give another method's result to --against.")


def warn(results: list[Evaluation]) -> None:
    """Print what should be known about the cases, each sentence once."""
    sentences = [f"{path} has no counterpart." for one in results for path in one.unmatched]
    sentences += [note for one in results for scores in one.cases for note in scores.notes]
    for sentence in dict.fromkeys(sentences):
        caution(sentence)


def show(results: list[Evaluation], comparisons: Mapping[str, Comparison] | None) -> None:
    """Print the table of means, medians and worst cases, and how sure a difference is."""
    first = results[0]
    count = counted(len(first.labels), first.unit)
    table = Table(
        "metric", "better", title=f"{' against '.join(one.method for one in results)}, {count}"
    )
    columns = ["mean", "SD", "median", "lowest", "highest"]
    if comparisons is not None:
        columns = ["mean", "mean of the other", "median difference", "larger in", "p after Holm"]
    for column in columns:
        table.add_column(column, justify="right")
    others = results[-1].summaries()
    for metric, row in first.summaries().items():
        if comparisons is None:
            numbers = (row.mean, row.standard_deviation, row.median, row.minimum, row.maximum)
            table.add_row(metric, better(metric), *(f"{number:.4f}" for number in numbers))
        else:
            compared = comparisons[metric]
            p_value = "<0.0001" if compared.p_adjusted < 1e-4 else f"{compared.p_adjusted:.4f}"
            table.add_row(
                metric,
                better(metric),
                f"{row.mean:.4f}",
                f"{others[metric].mean:.4f}",
                f"{compared.median_difference:+.4f}",
                f"{compared.larger} of {row.count}",
                f"[bold]{p_value}[/]" if compared.p_adjusted < SIGNIFICANT else p_value,
            )
    Console(highlight=False).print(table)


def better(metric: str) -> str:
    """Say whether up is good; some metrics describe a picture and judge nothing."""
    from mactfusion.metrics import LARGER_IS_BETTER

    return {True: "up", False: "down", None: ""}[LARGER_IS_BETTER[metric]]
