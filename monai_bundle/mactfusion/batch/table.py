"""A plan as a table, CSV or Parquet: read, written, edited and given back.

Columns: ``study`` (the name of its result), ``anatomical``, ``partner``, ``partner_2`` and so on,
``group``, ``what``, ``left_out``, and any option of a fusion, by its name; of an option that each
partner has one of, ``window`` is for the first and ``window_2`` for the second. An empty cell
chooses nothing. Relative paths start at the folder of the table.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

from mactfusion.batch.plan import Study
from mactfusion.errors import InputError
from mactfusion.evaluation.table import write_lines
from mactfusion.io.atomic import atomic_path
from mactfusion.io.guard import one_sentence
from mactfusion.option_table import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from mactfusion.batch.plan import Plan

CSV, PARQUET = ".csv", ".parquet"
TABLES = (CSV, PARQUET)
_OWN = ("study", "anatomical", "partner", "group", "what", "left_out")
_NOT_FOR_ONE = ("output", "overwrite")
_NUMBERED = re.compile(r"(.+)_([2-9]|[1-9][0-9])")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


def is_table(path: Path) -> bool:
    """Tell by its name."""
    return path.suffix.lower() in TABLES


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the lines of a table as texts, by the titles of the columns.

    Raises:
        InputError: it cannot be read.
    """
    with one_sentence(f"The table {path} cannot be read", "it is no table of this kind"):
        if path.suffix.lower() == PARQUET:
            lines = _parquet().read_table(path).to_pylist()
            return [{name: _as_text(value) for name, value in line.items()} for line in lines]
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file, strict=True)
            lines = list(reader)
    for number, line in enumerate(lines, start=2):
        if None in line or None in line.values():
            raise InputError(
                f"The table {path} has in line {number} other columns than its first line names."
            )
    return lines


def studies_of_table(path: Path) -> list[Study]:
    """Read a plan.

    Raises:
        InputError: the table cannot be read, has no column of the anatomical volume, or one that
            nobody knows.
    """
    lines = read_table(path)
    if not lines:
        raise InputError(f"The table {path} has no line of a study.")
    titles = list(lines[0])
    if "anatomical" not in titles:
        raise InputError(f"The table {path} has no column 'anatomical'.")
    for title in titles:
        _check_title(path, title)
    width = len(str(len(lines)))
    return [
        _study(path, line, f"study-{number:0{width}d}")
        for number, line in enumerate(lines, start=1)
    ]


def write_plan(path: Path, plan: Plan) -> Path:
    """Write a plan as a table, with whole paths.

    Raises:
        InputError: it cannot be written.
    """
    lines = [_line(study) for study in plan.studies]
    most = max((len(study.partners) for study in plan.studies), default=0)
    partners = [_title("partner", number) for number in range(max(most, 1))]
    options = [name for line in lines for name in line if name not in (*_OWN, *partners)]
    titles = [
        "study",
        "anatomical",
        *partners,
        "group",
        *dict.fromkeys(options),
        "what",
        "left_out",
    ]
    return write_table(path, titles, [[line.get(title, "") for title in titles] for line in lines])


def write_table(path: Path, titles: Sequence[str], lines: Iterable[Sequence[Any]]) -> Path:
    """Write any table in one step, as CSV or Parquet by its name.

    Args:
        path: the file.
        titles: of the columns.
        lines: a value for each; None where there is none.

    Raises:
        InputError: it cannot be written.
    """
    if path.suffix.lower() != PARQUET:
        blank = (["" if value is None else value for value in line] for line in lines)
        return write_lines(path, [titles, *blank])
    import pyarrow

    parquet = _parquet()
    columns = list(zip(*lines, strict=True)) or [()] * len(titles)
    table = pyarrow.table(
        {title: list(column) for title, column in zip(titles, columns, strict=True)}
    )
    with one_sentence(f"The table {path} cannot be written"), atomic_path(path) as unfinished:
        parquet.write_table(table, unfinished)
    return path


def check_table(path: Path) -> None:
    """Refuse a name that is none of a table, or Parquet where it cannot be read and written.

    Raises:
        InputError: it is none.
    """
    if not is_table(path):
        raise InputError(f"The table {path} must have a name that ends in {' or '.join(TABLES)}.")
    if path.suffix.lower() == PARQUET:
        _parquet()


def has_parquet() -> bool:
    """Tell whether Parquet can be read and written here."""
    try:
        _parquet()
    except InputError:
        return False
    return True


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "Parquet needs pyarrow, which is not installed: pip install 'mactfusion[batch]', or "
            "use a .csv table."
        ) from None
    return parquet


def _check_title(path: Path, title: str) -> None:
    name, number = _parted(title)
    option = OPTIONS.get(name)
    is_option = option is not None and name not in _NOT_FOR_ONE
    if number and not (name == "partner" or (is_option and option is not None and option.for_each)):
        is_known = False
    else:
        is_known = name in _OWN or is_option
    if not is_known:
        raise InputError(
            f"The table {path} has a column '{title}', which is none of {', '.join(_OWN)}, and no "
            "option of 'mactfusion fuse'."
        )


def _parted(title: str) -> tuple[str, int]:
    """Return the name of a column, and from which partner on it is, 0 for the first."""
    found = _NUMBERED.fullmatch(title)
    if found is None or title in OPTIONS:
        return title, 0
    return found[1], int(found[2]) - 1


def _title(name: str, number: int) -> str:
    return name if number == 0 else f"{name}_{number + 1}"


def _study(path: Path, line: Mapping[str, str], default: str) -> Study:
    cells = {title: text.strip() for title, text in line.items() if text.strip()}
    options: dict[str, list[str]] = {}
    partners: dict[int, Path] = {}
    for title, text in cells.items():
        name, number = _parted(title)
        if name == "partner":
            partners[number] = path.parent / text
        elif name in OPTIONS:
            of_name = options.setdefault(name, [])
            of_name += ["auto"] * (number + 1 - len(of_name))
            of_name[number] = text
    name = cells.get("study", default)
    return Study(
        name,
        path.parent / cells["anatomical"] if "anatomical" in cells else None,
        tuple(partners[number] for number in sorted(partners)),
        {option: _value(name, option, values) for option, values in options.items()},
        cells.get("group", ""),
        cells.get("left_out", "") or ("" if "anatomical" in cells else "no anatomical volume"),
        cells.get("what", ""),
    )


def _value(study: str, name: str, texts: Sequence[str]) -> Any:
    """Return the value of an option as Python takes it."""
    declared = OPTIONS[name]
    if declared.for_each:
        return list(texts) if len(texts) > 1 else texts[0]
    text = texts[0]
    if declared.kind is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise InputError(f"{study}: {name} is true or false, not '{text}'.")
    if declared.kind is int:
        if text.isascii() and text.isdigit():
            return int(text)
        raise InputError(f"{study}: {name} is a whole number, not '{text}'.")
    return text


def _line(study: Study) -> dict[str, str]:
    line = {
        "study": study.name,
        "anatomical": "" if study.anatomical is None else str(study.anatomical.absolute()),
        "group": study.group,
        "what": study.what,
        "left_out": study.left_out,
    }
    for number, partner in enumerate(study.partners):
        line[_title("partner", number)] = str(partner.absolute())
    for name, value in study.options.items():
        values = value if isinstance(value, list) else [value]
        for number, one in enumerate(values):
            line[_title(name, number)] = _as_text(one)
    return line


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
