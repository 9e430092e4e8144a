"""The methods that VTK's and Slicer's macros declare."""

from __future__ import annotations

import re

_ARITIES = {"Vector2": 2, "Vector3": 3, "Vector4": 4, "Vector6": 6}


def methods_of_macro(macro: str, arguments: list) -> list:
    """Return ``(method, (least, most) arguments)`` of each method that a macro declares.

    Args:
        macro: name, such as ``vtkSetMacro``.
        arguments: texts; the first one is the name of the attribute, or of the class.
    """
    if not arguments:
        return []
    name = arguments[0]
    if re.fullmatch(r"vtk(Abstract)?Type(Revision)?Macro\w*", macro):
        return _type_methods()
    if macro.startswith("vtkMRMLCopyContent"):
        return [("CopyContent", (1, 2))]
    if macro == "vtkBooleanMacro":
        return [(f"{name}On", (0, 0)), (f"{name}Off", (0, 0))]
    if re.fullmatch(r"vtk(Viewport|World)CoordinateMacro", macro):
        return _coordinate_methods(name, 2 if "Viewport" in macro else 3)
    if re.fullmatch(r"vtkSetClampMacro|vtkSetAndPropagateClampMacro", macro):
        limits = [(f"Get{name}{end}Value", (0, 0)) for end in ("Min", "Max")]
        return [(f"Set{name}", (1, 1)), *limits]
    vector = re.fullmatch(r"vtk(Set|Get)(?:AndPropagate)?(Vector\d?)Macro", macro)
    if vector:
        return _vector_methods(vector.group(1), name, vector.group(2))
    accessor = re.fullmatch(r"vtk(Cxx)?(Set|Get)(\w*)Macro", macro)
    if accessor and accessor.group(1) is None:
        count = 1 if accessor.group(2) == "Set" else 0
        return [(f"{accessor.group(2)}{name}", (count, count))]
    return []


def _vector_methods(way: str, name: str, vector: str) -> list:
    count = _ARITIES.get(vector)
    if way == "Get":
        arities = [(0, 1)] if count is None else [(0, 1), (count, count)]
    else:
        arities = [(1, 1)] if count is None else [(1, 1), (count, count)]
    return [(f"{way}{name}", arity) for arity in arities]


def _coordinate_methods(name: str, count: int) -> list:
    return [
        (f"Get{name}Coordinate", (0, 0)),
        (f"Set{name}", (1, 1)),
        (f"Set{name}", (count, count)),
        (f"Get{name}", (0, 0)),
    ]


def _type_methods() -> list:
    return [
        ("GetClassName", (0, 0)),
        ("IsA", (1, 1)),
        ("IsTypeOf", (1, 1)),
        ("NewInstance", (0, 0)),
        ("SafeDownCast", (1, 1)),
    ]
