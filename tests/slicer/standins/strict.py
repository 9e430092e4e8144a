"""Refuse what a release of Slicer does not have, to the panel and to Slicer's own Python files.

The release is 5.12, or what MACTFUSION_SLICER_RELEASE says. Stand-ins are seen through PythonQt's
rules: a name that is no property, signal, slot or listed method does not exist, a property is no
method, and nothing new can be put on an object. Tests may look at all that Qt has.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from pathlib import Path

from api.release import release

RELEASE = release(os.environ.get("MACTFUSION_SLICER_RELEASE", "5.12"))
_ROOT = Path(__file__).resolve().parents[3]
_STRICT_FOR = [str(_ROOT / "MACTFusionSlicer")]
_LAYER = os.environ.get("MACTFUSION_SLICER_PYTHON")
if _LAYER:
    _STRICT_FOR.append(str(Path(_LAYER).resolve()))
_STRICT_FOR = tuple(_STRICT_FOR)
_OF_PYTHONQT = frozenset(("name", "className", "help", "delete"))


def as_listed(kind: type, name: str) -> type:
    """Make a class refuse what the class of that name does not have; returns it."""
    kind._listed = name
    kind.__getattribute__ = _get
    kind.__setattr__ = _set
    return kind


def listed_module(name: str, start: str) -> types.ModuleType:
    """Return an empty module that has no classes but listed ones, for the panel.

    Args:
        name: of the module.
        start: names of classes begin so.
    """

    class Listed(types.ModuleType):
        def __getattribute__(self, each: str) -> object:
            is_class = each.startswith(start) and _is_panel(sys._getframe(1))
            if is_class and each not in RELEASE.classes:
                raise AttributeError(f"Slicer {RELEASE.name} has no {name}.{each}")
            return super().__getattribute__(each)

    return Listed(name)


def _is_panel(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_STRICT_FOR)


def _asks(frame: types.FrameType, name: str) -> bool:
    """Whether code of the panel has a name in it; Qt's own code asks for others meanwhile."""
    code = frame.f_code
    return _is_panel(frame) and (name in code.co_names or name in code.co_consts)


def _is_own(self: object, name: str) -> bool:
    """Whether a class of the panel that inherits from a listed one defines a name."""
    if _is_subclass(self) and name in object.__getattribute__(self, "__dict__"):
        return True
    for kind in type(self).__mro__:
        if "_listed" in vars(kind):
            return False
        if name in vars(kind):
            return True
    return False


def _get(self: object, name: str) -> object:
    if name[0] != "_" and _asks(sys._getframe(1), name):
        listed = type(self)._listed
        is_there = name in _OF_PYTHONQT or RELEASE.member(listed, name) is not None
        if not is_there and not _is_own(self, name):
            raise AttributeError(f"{listed} of Slicer {RELEASE.name} has no {name}")
        instead = getattr(type(self), "_instead", {}).get(name)
        if instead is not None:
            return functools.partial(instead, self)
    return super(_base_of(type(self)), self).__getattribute__(name)


def _set(self: object, name: str, value: object) -> None:
    if name[0] != "_" and _is_panel(sys._getframe(1)) and not _is_subclass(self):
        listed = type(self)._listed
        member = RELEASE.member(listed, name)
        if member is None or member.kind != "property":
            raise AttributeError(f"{listed} of Slicer {RELEASE.name} has no property {name}")
        if member.detail != "rw":
            raise AttributeError(f"{name} of {listed} cannot be written")
    super(_base_of(type(self)), self).__setattr__(name, value)


def _is_subclass(self: object) -> bool:
    return "_listed" not in vars(type(self))


@functools.cache
def _base_of(kind: type) -> type:
    """Return the last class of the line that is strict; what follows it looks names up."""
    return [each for each in kind.__mro__ if "_listed" in vars(each)][-1]
