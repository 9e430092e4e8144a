"""What readers answered: the files that the page writes, checked against the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mactfusion.errors import InputError
from mactfusion.study.key import CODE, IDENTITY, SEED, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LONGEST_TEXT = 2000

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["study", "version", "seed", "reader", "cases"],
    "properties": {
        "study": IDENTITY,
        "version": {"type": "integer"},
        "seed": SEED,
        "reader": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"},
        "cases": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["case", "order", "answers", "milliseconds"],
                "properties": {
                    "case": CODE,
                    "order": {"type": "array", "items": CODE},
                    "answers": {
                        "type": "object",
                        "additionalProperties": {
                            "anyOf": [
                                {"type": "integer", "minimum": 1, "maximum": 9},
                                {"type": "string", "maxLength": LONGEST_TEXT},
                                {
                                    "type": "object",
                                    "propertyNames": CODE,
                                    "additionalProperties": {
                                        "type": "integer",
                                        "minimum": 1,
                                        "maximum": 9,
                                    },
                                },
                            ]
                        },
                    },
                    "milliseconds": {"type": "integer", "minimum": 0, "maximum": 2**53},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""What the page writes. ``order`` are the codes of the images from the first place to the last, and
the cases stand in the order that the reader saw; of a choice the answer is the code of an image, of
a rating a number, or by code a number for each image."""


@dataclass(frozen=True)
class Answers:
    """All that one reader answered.

    Attributes:
        reader: the code that the reader goes by.
        cases: by the code of each case what the page wrote about it.
        unanswered: cases in which a question that is required has no answer.
    """

    reader: str
    cases: Mapping[str, Mapping[str, Any]]
    unanswered: int


def read_answers(paths: Sequence[Path], key: Mapping[str, Any]) -> list[Answers]:
    """Read the files of all readers, in the order of the readers' codes.

    Raises:
        InputError: a file cannot be read or was not written by this version of the page, is of
            another study, or has answers that the study has not; or two files are of one reader.
    """
    read: dict[str, tuple[Path, Answers]] = {}
    for path in paths:
        answers = _checked(path, read_json(path, SCHEMA, "file of answers"), key)
        if answers.reader in read:
            raise InputError(
                f"{read[answers.reader][0]} and {path} are both of the reader {answers.reader}; "
                "keep one of them."
            )
        read[answers.reader] = (path, answers)
    return [answers for _, (_, answers) in sorted(read.items())]


def _checked(path: Path, content: dict[str, Any], key: Mapping[str, Any]) -> Answers:
    """Compare a file with the key."""
    if content["study"] != key["study"]:
        raise InputError(f"{path} has the answers of another study than the key is of.")
    if (content["version"], content["seed"]) != (key["version"], key["seed"]):
        raise InputError(f"{path} was not written by the page of this key: it has been changed.")
    images = {case["case"]: set(case["images"]) for case in key["cases"]}
    if sorted(case["case"] for case in content["cases"]) != sorted(images):
        raise InputError(f"{path} has not each case of the study once: it has been changed.")
    unanswered = 0
    for case in content["cases"]:
        codes = images[case["case"]]
        where = f"{path}, case {case['case']}"
        if len(case["order"]) != len(codes) or set(case["order"]) != codes:
            raise InputError(f"{where}: its order does not have each image once.")
        asked = {question["id"]: question for question in key["questions"]}
        for name, answer in case["answers"].items():
            if name not in asked or not _is_possible(answer, asked[name], codes):
                raise InputError(f"{where}: the study has no such answer to a question '{name}'.")
        unanswered += not all(
            _is_whole(case["answers"].get(name), question, codes)
            for name, question in asked.items()
            if question["required"]
        )
    cases = {case["case"]: case for case in content["cases"]}
    return Answers(content["reader"], cases, unanswered)


def _is_possible(answer: Any, question: Mapping[str, Any], codes: set[str]) -> bool:
    """Tell whether a question can be answered so, perhaps in part."""
    if question["kind"] == "choice":
        return isinstance(answer, str) and answer in codes
    if question["kind"] == "text":
        return isinstance(answer, str)
    if question["of"] == "case":
        return isinstance(answer, int) and answer <= question["scale"]
    return (
        isinstance(answer, dict)
        and set(answer) <= codes
        and max(answer.values(), default=1) <= question["scale"]
    )


def _is_whole(answer: Any, question: Mapping[str, Any], codes: set[str]) -> bool:
    """Tell whether there is an answer, of a rating of images one for each."""
    if answer is None or answer == "":
        return False
    return question.get("of") != "images" or set(answer) == codes
