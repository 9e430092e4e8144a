"""Linear transforms in files of ITK and 3D Slicer, read so that nothing is lost in silence.

ITK's own reader takes what is missing in a file for zero, or for whatever lies behind it in memory.
So a text is checked here before ITK gets it, and a file of HDF5, whose reader a damaged one can
bring down, becomes such a text in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import SimpleITK

from mactfusion.errors import InputError
from mactfusion.io.formats import base_name, extension_of

TEXT_EXTENSIONS, HDF_EXTENSIONS = (".tfm", ".txt"), (".h5", ".hdf5")
EXTENSIONS = (*TEXT_EXTENSIONS, *HDF_EXTENSIONS)

_LINEAR = {
    "AffineTransform": (12, (3,)),
    "ComposeScaleSkewVersor3DTransform": (12, (3,)),
    "Euler3DTransform": (6, (3, 4)),
    "IdentityTransform": (0, (0,)),
    "MatrixOffsetTransformBase": (12, (3,)),
    "QuaternionRigidTransform": (7, (3,)),
    "ScaleLogarithmicTransform": (3, (3,)),
    "ScaleSkewVersor3DTransform": (15, (3,)),
    "ScaleTransform": (3, (3,)),
    "ScaleVersor3DTransform": (9, (3,)),
    "Similarity3DTransform": (7, (3,)),
    "TranslationTransform": (3, (0,)),
    "VersorRigid3DTransform": (6, (3,)),
    "VersorTransform": (3, (3,)),
}
"""Numbers of parameters, and of those that are fixed (the centre), of each linear kind."""

_COMPOSITE = "CompositeTransform"
_FIRST_LINE = "#Insight Transform File V1.0"
_KIND = re.compile(r"(\w+)_(?:double|float)_(\d+)_(\d+)")

_MOST_BYTES = 2**20
"""A linear transform has a few hundred, and some thousand in HDF5."""

_LONGEST_S = 60
_AS_TEXT = (
    "import sys, SimpleITK; "
    "SimpleITK.WriteTransform(SimpleITK.ReadTransform(sys.argv[1]), sys.argv[2])"
)


def read_linear(path: Path) -> SimpleITK.Transform:
    """Read a linear transform of three dimensions.

    Args:
        path: ends in one of :data:`EXTENSIONS`.

    Raises:
        InputError: it cannot be read, is incomplete, is not linear or not of three dimensions.
    """
    name = base_name(path)
    failure = f"{name} cannot be read as a transform of ITK or 3D Slicer"
    extension = extension_of(path)
    if extension not in EXTENSIONS:
        raise InputError(f"{failure}: its name must end in {', '.join(EXTENSIONS)}.")
    try:
        with tempfile.TemporaryDirectory(prefix="mactfusion-") as folder:
            copy = Path(folder) / "transform.tfm"
            if path.stat().st_size > _MOST_BYTES:
                raise InputError(f"{name} is too large for a linear transform. {_TAKEN}")
            if extension in HDF_EXTENSIONS:
                _to_text(path, copy, failure)
                text = copy.read_text(encoding="ascii")
            else:
                text = path.read_text(encoding="ascii")
                copy.write_text(text, encoding="ascii")
            _check(text, name, failure)
            return SimpleITK.ReadTransform(str(copy))
    except (OSError, UnicodeError, RuntimeError) as error:
        raise InputError(f"{failure}: it is damaged or incomplete.") from error


_TAKEN = "Only linear ones (rigid, affine) are taken; resample the partner with it first."


def _to_text(path: Path, target: Path, failure: str) -> None:
    """Write a file of HDF5 as text, in a process of its own."""
    command = [sys.executable, "-c", _AS_TEXT, str(path.absolute()), str(target)]
    try:
        done = subprocess.run(  # noqa: S603  this Python, and a path that is only read
            command, capture_output=True, timeout=_LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{failure}: it is damaged or incomplete.") from error
    if b"more than one transform" in done.stderr:
        raise InputError(f"{failure}: it holds more than one transform.")
    if done.returncode != 0:
        raise InputError(f"{failure}: it is damaged or incomplete.")


def _check(text: str, name: str, failure: str) -> None:
    """Refuse a text whose every line is not as it must be."""
    first, *lines = text.strip().splitlines() or [""]
    if first.strip() != _FIRST_LINE:
        raise InputError(f"{failure}: it does not begin with {_FIRST_LINE}.")
    fields = [line.partition(":") for line in lines if line.strip() and line[0] != "#"]
    entries = [(label.strip(), content.strip()) for label, _, content in fields]
    kinds = [_checked_kind(content, name) for label, content in entries if label == "Transform"]
    is_composite = kinds[:1] == [_COMPOSITE]
    parts = kinds[1:] if is_composite else kinds
    if len(parts) != 1 and not (is_composite and parts):
        raise InputError(f"{failure}: it holds {len(parts)} transforms, not one.")
    rest = entries[1:] if is_composite else entries
    labels = [label for label, _ in rest]
    if labels != ["Transform", "Parameters", "FixedParameters"] * len(parts):
        raise InputError(f"{failure}: it is damaged or incomplete.")
    for place, kind in enumerate(parts):
        count, fixed = _LINEAR[kind]
        given, centre = (_numbers(content) for _, content in rest[3 * place + 1 : 3 * place + 3])
        if given != count or centre not in fixed:
            raise InputError(f"{failure}: a {kind} has {count} parameters, not {given}, or its "
                             "centre is missing.")  # fmt: skip


def _checked_kind(content: str, name: str) -> str:
    """Return which kind of transform a line names."""
    found = _KIND.fullmatch(content)
    if found is not None and found[2] == found[3] != "3":
        raise InputError(f"{name} is a transform of {found[2]} dimensions, not 3.")
    if found is None or found[1] not in (*_LINEAR, _COMPOSITE):
        raise InputError(f"{name} holds a {content.partition('_')[0]}. {_TAKEN}")
    return found[1]


def _numbers(content: str) -> int:
    """Count numbers; -1 where something is none."""
    try:
        return len([float(word) for word in content.split()])
    except ValueError:
        return -1
