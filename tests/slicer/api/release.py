"""A release of 3D Slicer as its list says it: what a class has by PythonQt's and VTK's rules."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parent / "lists"
RELEASES = ("5.8", "5.10", "5.12")
KINDS = ("property", "signal", "slot", "invokable", "method", "static", "enum")
"""In the order in which PythonQt looks for a name."""


@dataclass(frozen=True)
class Member:
    """What a name of a class is.

    Attributes:
        kind: one of :data:`KINDS`.
        detail: ``rw`` or ``r`` of a property, else arguments such as ``0-1,3``.
        returns: class of the object that is returned, "" where it is not known.
    """

    kind: str
    detail: str = ""
    returns: str = ""

    @property
    def is_callable(self) -> bool:
        """Whether the name can be called."""
        return self.kind in ("slot", "invokable", "method", "static")

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return _is_in_ranges(self.detail, count)

    @property
    def most(self) -> int | None:
        """The most arguments that it takes; None for any number."""
        ends = [each.rpartition("-")[2] for each in self.detail.split(",")]
        return None if "*" in ends else max(map(int, ends))


class Release:
    """The list of one release.

    Attributes:
        name: such as ``5.12``.
        path: of the list.
        made_from: what the list was read from.
        classes: names of all listed classes.
        modules: facts of Python modules.
    """

    def __init__(self, name: str) -> None:
        self.path = LISTS / f"slicer-{name}.json"
        content = json.loads(self.path.read_text(encoding="utf-8"))
        self.name, self.made_from = name, content["made_from"]
        self.modules = content["modules"]
        self.in_vtk = frozenset(content["in_vtk"].split())
        self._rows = content["classes"]
        self.classes = frozenset(self._rows)
        self._own: dict = {}
        self._below: dict = {}
        for each, row in self._rows.items():
            for base in row.get("bases", ()):
                self._below.setdefault(base, []).append(each)

    def own(self, name: str) -> dict:
        """Return :class:`Member` by name of what a class itself has."""
        if name not in self._own:
            self._own[name] = _members(self._rows.get(name, {}))
        return self._own[name]

    def line(self, name: str) -> list:
        """Return a class and all that it inherits from."""
        found, open_ones = [], [name]
        while open_ones:
            each = open_ones.pop(0)
            if each in self._rows and each not in found:
                found.append(each)
                open_ones += self._rows[each].get("bases", [])
        return found

    @functools.cached_property
    def _cache(self) -> dict:
        return {}

    def member(self, name: str, wanted: str) -> Member | None:
        """Return what a name of a class is, None where the class has none.

        A property hides a method of its name, wherever in the line of classes either is.
        """
        key = name, wanted
        if key not in self._cache:
            found = [own[wanted] for each in self.line(name) if wanted in (own := self.own(each))]
            found.sort(key=lambda member: KINDS.index(member.kind))
            self._cache[key] = _merged(found)
        return self._cache[key]

    def below(self, name: str) -> list:
        """Return the classes that inherit from a class."""
        found, open_ones = [], list(self._below.get(name, ()))
        while open_ones:
            each = open_ones.pop()
            if each not in found:
                found.append(each)
                open_ones += self._below.get(each, ())
        return found

    def constructor(self, name: str) -> str:
        """Return the arguments that make an object of a class, such as ``0-1``; "" if unknown."""
        return self._rows.get(name, {}).get("constructor", "")[1:]

    @functools.cached_property
    def names_of_vtk(self) -> frozenset:
        """Every name of a listed class of VTK or MRML, and of VTK's common classes."""
        of_vtk = (LISTS / "vtk-methods.txt").read_text(encoding="utf-8").partition("\n")[2]
        names = {name for each in self.classes if each[:3] == "vtk" for name in self.own(each)}
        return frozenset({*names, *of_vtk.split()})


@functools.cache
def release(name: str) -> Release:
    """Return the list of a release, read once."""
    return Release(name)


def _merged(found: list) -> Member | None:
    """Join overloads of a method that several classes of a line have; the first kind counts."""
    if not found:
        return None
    first = found[0]
    if not first.is_callable:
        return first
    details = [member.detail for member in found if member.is_callable]
    returns = next((member.returns for member in found if member.returns), "")
    return Member(first.kind, ",".join(dict.fromkeys(",".join(details).split(","))), returns)


def _members(row: dict) -> dict:
    returns = dict(each.split(":") for each in row.get("returns", "").split())
    members: dict = {}
    for kind in reversed(KINDS[:-1]):  # what is found first overwrites
        for each in row.get(kind, "").split():
            name, detail = each.split(":")
            former = members.get(name)
            if former is not None and former.is_callable and kind not in ("property", "signal"):
                detail = f"{former.detail},{detail}"
            members[name] = Member(kind, detail, returns.get(name, ""))
    for enum, values in row.get("enum", {}).items():
        for name in (enum, *values.split()):
            if name:
                members.setdefault(name, Member("enum"))
    return members


def _is_in_ranges(text: str, count: int) -> bool:
    for part in filter(None, text.split(",")):
        least, _dash, most = part.partition("-")
        if int(least) <= count and (most == "*" or count <= int(most or least)):
            return True
    return False
