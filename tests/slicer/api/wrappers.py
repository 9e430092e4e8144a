"""What PythonQt's wrappers and decorators add to classes that they wrap.

Their public slots say it by their names: ``new_X`` makes an object, ``static_X_name`` is a function
of the class, and any other is a method of the class that its first argument points to.
"""

from __future__ import annotations

import re

from .cpp_text import split_arguments
from .headers import Declared, arity_of, classes_in

_STATIC = re.compile(r"static_([A-Za-z0-9]+)_(\w+)")
_HIDDEN = re.compile(r"(delete_|py_|operator_|__)")
_PREFIX = "PythonQtWrapper_"


def added_by(text: str) -> dict:
    """Return :class:`Declared` by name of the class that a header of wrappers adds to."""
    added: dict = {}
    for name, wrapper in classes_in(text).items():
        own = name[len(_PREFIX) :] if name.startswith(_PREFIX) else ""
        if own:
            wrapped = added.setdefault(own, Declared())
            known = wrapper.meta_enums | {wrapper.flags.get(flag) for flag in wrapper.meta_enums}
            for enum, values in wrapper.enums.items():
                if enum in known:
                    wrapped.enums[enum] = values
        elif "Decorators" not in name:
            continue
        for slot, arguments, _is_static in wrapper.wrapped:
            _take(added, own, slot, arguments)
    return added


def _take(added: dict, own: str, slot: str, arguments: str) -> None:
    static = _STATIC.fullmatch(slot)
    if slot.startswith("new_"):
        added.setdefault(slot[4:], Declared()).add("constructor", "", arity_of(arguments))
    elif static:
        target, name = static.groups()
        added.setdefault(target, Declared()).add("static", name, arity_of(arguments))
    elif not _HIDDEN.match(slot):
        parts = split_arguments(arguments)
        pointed = re.match(r"(?:const\s+)?(?:\w+::)*(\w+)\s*[*&]", parts[0]) if parts else None
        target = own or (pointed.group(1) if pointed else "")
        if target:
            rest = ", ".join(parts[1:])
            added.setdefault(target, Declared()).add("method", slot, arity_of(rest))
