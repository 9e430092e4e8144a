"""The key of a study: which method is behind which code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from mactfusion.errors import InputError
from mactfusion.io.reasons import reason_of
from mactfusion.study.blinded import PAGE_VERSION
from mactfusion.study.questions import FILLED_IN

if TYPE_CHECKING:
    from pathlib import Path

CODE = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
IDENTITY = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SEED = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["study", "version", "seed", "instructions", "questions", "cases"],
    "properties": {
        "study": IDENTITY,
        "version": {"const": PAGE_VERSION},
        "seed": SEED,
        "instructions": {"type": "string"},
        "questions": {"type": "array", "minItems": 1, "items": FILLED_IN},
        "cases": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["case", "number", "task", "images"],
                "properties": {
                    "case": CODE,
                    "number": {"type": "integer", "minimum": 1},
                    "task": {"type": "string"},
                    "slice": {"type": "integer", "minimum": 0},
                    "images": {
                        "type": "object",
                        "minProperties": 2,
                        "maxProperties": 9,
                        "propertyNames": CODE,
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        },
    },
}


def key_path(page: Path) -> Path:
    """Name of the key beside a page.

    Example:
        >>> from pathlib import Path
        >>> key_path(Path("study.html")).name
        'study.key.json'
    """
    return page.with_suffix(".key.json")


def read_json(path: Path, schema: dict[str, Any], what: str) -> Any:
    """Read a file that this package wrote.

    The message says where it is wrong, and nothing of what is there: readers write what they like.

    Raises:
        InputError: it cannot be read, is no JSON, or does not fit the schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason_of(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no {what}: it is no JSON.") from error
    for fault in Draft202012Validator(schema).iter_errors(content):
        raise InputError(f"{path} is no {what} of this version: see {fault.json_path} in it.")
    return content


def read_key(path: Path) -> dict[str, Any]:
    """Read the key that ``study make`` wrote beside its page.

    Raises:
        InputError: see :func:`read_json`.
    """
    return read_json(path, SCHEMA, "key of a study")
