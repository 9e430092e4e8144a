"""What readers are asked, from a file in YAML or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypedDict, cast

import yaml
from jsonschema import Draft202012Validator

from mactfusion.errors import InputError
from mactfusion.io.reasons import reason_of

DEFAULT = Path(__file__).with_name("questions.yaml")
SCALE = 5
LARGEST_BYTES = 100_000


class _Asked(TypedDict):
    """What every question has."""

    id: str
    kind: Literal["choice", "rating", "text"]
    text: str
    required: bool


class Question(_Asked, total=False):
    """One question, as the page and the key have it; what is named here a rating alone has."""

    of: Literal["case", "images"]
    scale: int
    ends: list[str]


class Questions(TypedDict):
    """All that a file of questions says."""

    instructions: str
    questions: list[Question]


_LINE = {"type": "string", "minLength": 1, "maxLength": 300}
_ID = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}$"}
_OWN: dict[str, dict[str, Any]] = {
    "choice": {},
    "rating": {
        "of": {"enum": ["case", "images"]},
        "scale": {"type": "integer", "minimum": 2, "maximum": 9},
        "ends": {"type": "array", "items": _LINE, "minItems": 2, "maxItems": 2},
        "required": {"type": "boolean"},
    },
    "text": {},
}
"""What a question of each kind has beside id, kind and text."""


def _question(is_filled_in: bool) -> dict[str, Any]:
    """Describe a question, as the file has it or once all that it leaves out is said."""
    kinds = []
    for kind, own in _OWN.items():
        has = {"id": _ID, "kind": {"const": kind}, "text": _LINE, **own}
        if is_filled_in:
            has["required"] = {"type": "boolean"}
        then = {
            "properties": has,
            "additionalProperties": False,
            "required": list(has) if is_filled_in else [],
        }
        kinds.append({"if": {"properties": {"kind": {"const": kind}}}, "then": then})
    return {
        "type": "object",
        "required": ["id", "kind", "text"],
        "properties": {"kind": {"enum": list(_OWN)}},
        "allOf": kinds,
    }


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "instructions": {"type": "string", "maxLength": 3000},
        "questions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 12,
            "items": _question(is_filled_in=False),
        },
    },
    "required": ["questions"],
    "additionalProperties": False,
}
"""What a file of questions may hold; :data:`DEFAULT` is one."""

FILLED_IN = _question(is_filled_in=True)
"""A question as the page and the key have it."""


def read_questions(path: Path = DEFAULT) -> Questions:
    """Read a file of questions.

    What it leaves out is filled in: choices are required, ratings too unless they say otherwise,
    texts never; a rating is of the case, from 1 to 5.

    Raises:
        InputError: the file cannot be read, holds something else, asks two questions by one id, or
            asks for no choice.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path} is too large for a file of questions.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} is no file of questions: it is neither YAML nor JSON.") from error
    for fault in Draft202012Validator(SCHEMA).iter_errors(content):
        raise InputError(f"{path} is no file of questions: {fault.json_path}: {fault.message}.")
    asked = [_filled_in(question) for question in content["questions"]]
    ids = [question["id"] for question in asked]
    if len(set(ids)) < len(ids):
        raise InputError(f"{path} asks two questions of one id; give each an id of its own.")
    if "choice" not in [question["kind"] for question in asked]:
        raise InputError(f"{path} asks for no choice of an image; add a question of that kind.")
    return Questions(instructions=content.get("instructions", "").strip(), questions=asked)


def _filled_in(question: dict[str, Any]) -> Question:
    """Say what the file leaves out."""
    known = {"required": question["kind"] != "text", **question}
    if question["kind"] == "rating":
        known = {"of": "case", "scale": SCALE, "ends": ["lowest", "highest"], **known}
    return cast("Question", known)
