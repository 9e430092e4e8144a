"""The page of the configuration's keys, made from the table of options and the files themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from mactfusion.option_table import OPTIONS
from page_tables import code, table
from site_addresses import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mactfusion.option_entry import Option

CONFIGS = ROOT / "monai_bundle" / "configs"
RECIPE = "inference.yaml"
WHOLE = (RECIPE, "train.yaml", "evaluate.yaml")
"""Files that say a whole way; all others are laid over one of them."""

HEAD = """# Options and configuration keys

A choice has one name everywhere. `register` is a key of `inference.yaml`, an argument of
`fuse_volumes`, a field of the worker's `options` and of the record; on the command line it is
`--register`.

## Options of a fusion
"""
WHOLE_HEAD = """## Keys of {name}

Set one by `--KEY VALUE` after
`python -m monai.bundle run --config_file monai_bundle/configs/{name}`, or in a file that is laid
over it.{beside}
"""
OVERLAY_HEAD = """## Files that are laid over them

`--config_file "['monai_bundle/configs/train.yaml','monai_bundle/configs/FILE']"` lays one over
another.
"""
SECTION = re.compile(r"^# ---- ", re.MULTILINE)
CHOICES = "what a user may choose"
KEY, REMARK = re.compile(r"(\w+):"), re.compile(r"\s# (.*)$")
MADE, COMPUTED = "made", "computed"
"""Instead of a default: an object, and an expression."""


def configuration_page() -> str:
    """Return the page: options, keys of the whole configurations, and what the others are for."""
    parts = [HEAD, *_options()]
    for name in WHOLE:
        beside = " Beside the options above it has these." if name == RECIPE else ""
        parts += [WHOLE_HEAD.format(name=name, beside=beside), _keys(CONFIGS / name)]
    rows = [
        [code(path.name), purpose(path.read_text(encoding="utf-8"))]
        for path in sorted(CONFIGS.glob("*.yaml"))
        if path.name not in WHOLE
    ]
    return "\n\n".join([*parts, OVERLAY_HEAD, table(["file", "what it is for"], rows)]) + "\n"


def _options() -> Iterator[str]:
    groups = dict.fromkeys(option.group for option in OPTIONS.values())
    head = ["name", "what it does", "values", "default", "for each partner"]
    for group in groups:
        rows = [
            [code(name), option.help, _values(option), code(_default(option)), _each(option)]
            for name, option in OPTIONS.items()
            if option.group == group
        ]
        yield f"### {group}\n\n{table(head, rows)}"


def _values(option: Option) -> str:
    if option.choices:
        return ", ".join(map(code, option.choices))
    kind = {"Path": "path", "bool": "true, false", "int": "whole number", "str": "text"}.get(
        option.kind.__name__, option.kind.__name__
    )
    return f"{kind} from {option.least}" if option.least is not None else kind


def _default(option: Option) -> str:
    return "" if option.default is None else yaml.safe_dump(option.default).split("\n")[0]


def _each(option: Option) -> str:
    if not option.for_each:
        return ""
    return "one for all, or one for each" if option.for_all else "one for each"


def keys_of(text: str) -> dict[str, tuple[str, str]]:
    """Return default and remark of every key that a user may choose.

    What the configuration makes of them, without a remark, is left out.

    Args:
        text: a configuration, with a section of that name.
    """
    section = next(part for part in SECTION.split(text) if part.startswith(CHOICES))
    _, _, section = section.partition("\n")
    remarks = _remarks(section)
    defaults = {name: _shown(value) for name, value in yaml.safe_load(section).items()}
    return {
        name: (default, remarks[name])
        for name, default in defaults.items()
        if remarks[name] or default != MADE
    }


def _shown(value: Any) -> str:
    """Return a value as the page shows it."""
    if isinstance(value, dict) and "_target_" in value:
        return MADE
    if isinstance(value, str) and value.startswith("$"):
        return COMPUTED
    return yaml.safe_dump(value, default_flow_style=True, width=1000).partition("\n")[0]


def _remarks(section: str) -> dict[str, str]:
    """Return what stands above each key and beside its lines."""
    found: dict[str, list[str]] = {}
    above: list[str] = []
    name = ""
    for line in section.splitlines():
        if line.startswith("#"):
            above.append(line.lstrip("# "))
            continue
        if key := KEY.match(line):
            name = key[1]
            found[name], above = above, []
        if remark := REMARK.search(line):
            found[name].append(remark[1])
    return {name: " ".join(lines) for name, lines in found.items()}


def _keys(path: Path) -> str:
    rows = [
        [code(name), default if default in (MADE, COMPUTED) else code(default), remark]
        for name, (default, remark) in keys_of(path.read_text(encoding="utf-8")).items()
        if path.name != RECIPE or name not in OPTIONS
    ]
    return table(["key", "default", "remark"], rows)


def purpose(text: str) -> str:
    """Return the first sentence of the remark that a configuration begins with."""
    remark = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        remark.append(line.lstrip("# "))
    return re.split(r"(?<=[.:])\s", " ".join(remark), maxsplit=1)[0].rstrip(":")
