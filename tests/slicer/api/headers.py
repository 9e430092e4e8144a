"""Read what classes declare from C++ headers, as far as lists of an interface need it.

This is no parser of C++: it reads class bodies declaration by declaration, as Qt's and VTK's own
wrappers do, and knows the macros that declare properties, signals and accessors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .cpp_text import balanced_end, cleaned, split_arguments
from .vtk_macros import methods_of_macro

_CLASS = re.compile(
    r"\b(?:class|struct)\s+((?:(?:[A-Z][A-Z0-9_]+|\w+_EXPORT)(?:\([^()]*\))?\s+)*)(\w+)\s*(?:final\s*)?(:[^{};()]*)?\{"
)
_ACCESS = re.compile(r"^(public|protected|private|signals|Q_SIGNALS)\s*(slots|Q_SLOTS)?$")
_STATEMENT_MACRO = re.compile(
    r"^(vtk\w*Macro\w*|Q_(?:OBJECT|GADGET|PROPERTY|ENUMS?|FLAGS?|CLASSINFO|DECLARE_\w+"
    r"|DISABLE_COPY\w*|INTERFACES|PRIVATE_\w+|MOC_INCLUDE|CLASSINFO|NAMESPACE)|QVTK_OBJECT"
    r"|QDOC_PROPERTY|QT_WARNING_\w+|QT_DEFINE\w*)\b"
)
_ATTRIBUTE = re.compile(
    r"^(?:\[\[[^\]]*\]\]|(?:VTK|QT|CTK|Q|QMRML|MRML)_(?!INVOKABLE|SIGNAL\b|SLOT\b|SCRIPTABLE)[A-Z0-9_]+"
    r"(?:\s*\([^()]*\))?|virtual\b|explicit\b|inline\b|constexpr\b|mutable\b|Q_SCRIPTABLE\b)\s*"
)
_NUMBER = r"char|void|bool|int|float|double|unsigned"
_POINTED = re.compile(rf"(?:const\s+)?(?:\w+::)*((?!{_NUMBER})\w+)\s*\*\s*(?:const)?$")
_NOT_IN_PYTHON = re.compile(
    r"std::(map|set|list|pair|function|deque)\b|std::vector<[^<>]*[*<]|stream\b|\*\*|\(\s*\*"
    r"|XMLAttributes|itk::|vnl_|json|\bNew$"
)
"""What VTK's wrappers leave out."""
_NO_METHOD = re.compile(r"^(friend|template|typedef|using|class|struct|union|static_assert)\b")


@dataclass
class Declared:
    """What one class declares.

    Attributes:
        bases: names of public bases.
        members: ``{kind: {name: [(least, most) arguments, ...]}}``.
        enums: ``{name: [values]}``, the name "" where it has none.
        meta_enums: names of the enums that the meta-object knows.
        flags: name of the enum of each type of flags.
        returns: class that a method returns a pointer to.
        wrapped: ``(name, arguments as text, is_static)`` of the public slots, for wrapper classes.
    """

    bases: list = field(default_factory=list)
    members: dict = field(default_factory=dict)
    enums: dict = field(default_factory=dict)
    meta_enums: set = field(default_factory=set)
    flags: dict = field(default_factory=dict)
    returns: dict = field(default_factory=dict)
    wrapped: list = field(default_factory=list)

    def add(self, kind: str, name: str, arity: object) -> None:
        ranges = self.members.setdefault(kind, {}).setdefault(name, [])
        if arity not in ranges:
            ranges.append(arity)


def classes_in(text: str) -> dict:
    """Return :class:`Declared` by class name of a header's text."""
    text = cleaned(text)
    found, position = {}, 0
    while True:
        head = _CLASS.search(text, position)
        if head is None:
            return found
        start = head.end()
        end = balanced_end(text, start - 1, "{}")
        position = start if end < 0 else end
        is_template = re.search(r"template\s*<[^;{}]*>\s*$", text[: head.start()])
        is_friend = re.search(r"\b(friend|enum)\s*$", text[: head.start()])
        if end < 0 or is_template or is_friend:
            continue
        declared = Declared(bases=_bases(head.group(3) or ""))
        is_struct = text[head.start() :].startswith("struct")
        _read_body(head.group(2), text[start : end - 1], declared, is_struct)
        found[head.group(2)] = declared


def arity_of(arguments: str) -> tuple:
    """Return how many arguments a function takes at least and at most (None: any number)."""
    parts = split_arguments(arguments)
    if parts in ([], ["void"]):
        return 0, 0
    if parts[-1] == "...":
        return len(parts) - 1, None
    least = sum(not _has_default(part) for part in parts)
    return least, len(parts)


def _has_default(argument: str) -> bool:
    depth = 0
    for place, sign in enumerate(argument):
        depth += (sign in "(<{[") - (sign in ")>}]")
        if sign == "=" and depth == 0 and argument[place - 1] not in "<>!":
            return True
    return False


def _bases(text: str) -> list:
    parts = split_arguments(text.lstrip(":"))
    public = [part for part in parts if re.match(r"(virtual\s+)?public\b", part)]
    names = [re.sub(r"\b(virtual|public)\b", "", part).split("<")[0].strip() for part in public]
    return [name.rpartition("::")[2] for name in names]


def _read_body(name: str, body: str, declared: Declared, is_struct: bool) -> None:
    access, is_slots = ("public" if is_struct else "private"), False
    for text in _declarations(body):
        rest = _without_macros(name, text, access, declared)
        label = _ACCESS.match(rest)
        if label:
            access = "signals" if "ignals" in label.group(1).lower() else label.group(1)
            is_slots = label.group(2) is not None
        elif access in ("public", "signals"):
            kind = "signal" if access == "signals" else "slot" if is_slots else "method"
            _read_declaration(name, rest, kind, declared)


def _declarations(body: str):
    """Yield the declarations of a class body; of functions without their bodies."""
    text, place = "", 0
    while place < len(body):
        sign = body[place]
        if sign in "([":
            end = balanced_end(body, place, "()" if sign == "(" else "[]")
            text += body[place:end]
            place = end
            continue
        if sign == "{":
            end = balanced_end(body, place, "{}")
            head = text.strip()
            if re.search(r"\b(enum|class|struct|union)\b[^()]*$", head) or head.endswith("="):
                text += body[place:end]
            else:
                yield text.strip()
                text = ""
            place = end
            continue
        is_scope = body[place : place + 2] == "::" or body[place - 1 : place + 1] == "::"
        is_label = (
            sign == ":"
            and not is_scope
            and re.search(r"\b(public|protected|private|signals|Q_SIGNALS|slots|Q_SLOTS)\s*$", text)
        )
        if sign == ";" or is_label:
            yield text.strip()
            text = ""
        else:
            text += sign
        place += 1


def _without_macros(name: str, text: str, access: str, declared: Declared) -> str:
    """Take down what leading macros declare, and return the rest."""
    while True:
        macro = _STATEMENT_MACRO.match(text)
        if macro is None:
            return text
        rest, arguments = text[macro.end() :].lstrip(), ""
        if rest.startswith("("):
            end = balanced_end(rest, 0, "()")
            arguments, rest = rest[1 : end - 1], rest[end:].lstrip()
        if macro.group(1) == "Q_PROPERTY":
            _read_property(arguments, declared)
        elif re.fullmatch(r"Q_(ENUM|FLAG)S?", macro.group(1)):
            declared.meta_enums.update(re.findall(r"\w+", arguments))
        elif macro.group(1) == "Q_DECLARE_FLAGS" and access == "public":
            declared.flags[arguments.split(",")[0].strip()] = arguments.split(",")[-1].strip()
        elif macro.group(1).startswith("vtk") and access == "public":
            parts = split_arguments(arguments)
            for method, arity in methods_of_macro(macro.group(1), parts):
                declared.add("method", method, arity)
                if macro.group(1) in ("vtkGetObjectMacro", "vtkGetNewMacro"):
                    declared.returns[method] = parts[1].rpartition("::")[2]
        text = rest


def _read_property(text: str, declared: Declared) -> None:
    found = re.match(r"\s*(.*?)[\s*&]+(\w+)\s+(?=READ|MEMBER|BINDABLE|WRITE)(.*)", text, re.S)
    if found:
        is_writable = re.search(r"\b(WRITE|MEMBER)\b", found.group(3)) is not None
        declared.members.setdefault("property", {})[found.group(2)] = "rw" if is_writable else "r"


def _read_declaration(name: str, text: str, kind: str, declared: Declared) -> None:
    enum = re.match(r"(?:typedef\s+)?enum\s*(?:class|struct)?\s*(?:\w+_\w+\s+)?(\w*)[^{]*\{", text)
    if enum:
        values = split_arguments(text[enum.end() : text.rindex("}")])
        names = [re.match(r"\w+", value).group() for value in values if re.match(r"\w", value)]
        names = ["None_" if each == "None" else each for each in names]  # as VTK and PythonQt do
        declared.enums.setdefault(enum.group(1), []).extend(names)
        return
    is_invokable = "Q_INVOKABLE" in text
    text = text.replace("Q_INVOKABLE", " ").strip()
    is_static = False
    while True:
        attribute = _ATTRIBUTE.match(text)
        if attribute and attribute.end():
            text = text[attribute.end() :]
        elif re.match(r"static\b", text):
            text, is_static = text[6:].lstrip(), True
        else:
            break
    if _NO_METHOD.match(text) or "(" not in text or "operator" in text:
        return
    function = re.search(r"([~\w]+)\s*\(", text)
    if function is None or "=" in text[: function.start()]:
        return
    end = balanced_end(text, function.end() - 1, "()")
    arguments = text[function.end() : end - 1]
    found = function.group(1)
    result = text[: function.start()].strip()
    if name.startswith("vtk") and _NOT_IN_PYTHON.search(f"{arguments} {result} {found}"):
        return
    if found == name:
        declared.add("constructor", "", arity_of(arguments))
    elif not found.startswith("~") and result:
        if kind == "slot":
            declared.wrapped.append((found, arguments, is_static))
        if kind == "method":
            kind = "invokable" if is_invokable else "static" if is_static else "method"
        declared.add(kind, found, arity_of(arguments))
        pointed = _POINTED.fullmatch(result)
        if pointed:
            declared.returns[found] = pointed.group(1)
