"""What the answers of all readers say: shares, strengths and agreement, by task and by reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mactfusion.errors import InputError
from mactfusion.study.agreement import (
    agreement_with_others,
    fleiss_kappa,
    kappa_interval,
    ordinal_alpha,
)
from mactfusion.study.blinded import method_names
from mactfusion.study.choices import (
    Choices,
    are_comparable,
    strength_intervals,
    strengths,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.study.answers import Answers
    from mactfusion.study.choices import Interval

ALL = "all"


@dataclass(frozen=True)
class MethodScore:
    """One method in some cases.

    Attributes:
        method: its name.
        offered: how often it could be chosen: readers times cases.
        chosen: how often it was.
        share: chosen by offered.
        share_interval: by Wilson.
        strength: see :func:`mactfusion.study.choices.strengths`; None where it cannot be told.
        strength_interval: by bootstrap; None likewise, or where there is none.
    """

    method: str
    offered: int
    chosen: int
    share: float
    share_interval: Interval
    strength: float | None
    strength_interval: Interval | None


@dataclass(frozen=True)
class Tally:
    """The choices in some cases.

    Attributes:
        cases: how many.
        readers: how many.
        methods: those with an image in one of the cases, by name.
        kappa: Fleiss' kappa; None where it is not defined.
        kappa_interval: by jackknife over cases; None likewise, of fewer than three, or where no
            case changes kappa.
    """

    cases: int
    readers: int
    methods: tuple[MethodScore, ...]
    kappa: float | None
    kappa_interval: Interval | None


@dataclass(frozen=True)
class CaseCount:
    """How often each method was chosen in one case, by its number and task."""

    number: int
    task: str
    chosen: Mapping[str, int]


@dataclass(frozen=True)
class ReaderScore:
    """One reader's choices.

    Attributes:
        reader: code.
        shares: by method, of the cases that show it.
        agreement: how often another reader chose the same; None of a single reader.
    """

    reader: str
    shares: Mapping[str, float]
    agreement: float | None


@dataclass(frozen=True)
class ChoiceScore:
    """A question that chooses an image.

    Attributes:
        id: of the question.
        text: likewise.
        tallies: of :data:`ALL` cases, and of each task where there are several.
        readers: in the order of their codes.
        cases: in the order of their numbers.
        places: how often the image in the first place was chosen, in the second, …
    """

    id: str
    text: str
    tallies: Mapping[str, Tally]
    readers: tuple[ReaderScore, ...]
    cases: tuple[CaseCount, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class RatingScore:
    """A question that rates.

    Attributes:
        id: of the question.
        text: likewise.
        scale: the highest rating.
        ends: what the lowest and the highest mean.
        of: "images" or "case".
        means: mean rating of each method where images are rated, of each reader where cases are.
        counts: how many ratings each mean is of.
        alpha: Krippendorff's, of ordered values; None where it is not defined.
    """

    id: str
    text: str
    scale: int
    ends: tuple[str, str]
    of: str
    means: Mapping[str, float]
    counts: Mapping[str, int]
    alpha: float | None


@dataclass(frozen=True)
class Remark:
    """A text of a reader about a case."""

    question: str
    reader: str
    number: int
    text: str


@dataclass(frozen=True)
class Scores:
    """All that a study says.

    Attributes:
        study: its identity.
        methods: by name.
        readers: codes of who is counted, in order.
        left_out: by code, how many cases lack an answer, of who is not counted.
        seconds: by code the median time that a reader took for a case.
        choices: one for each question that chooses an image.
        ratings: one for each question that rates.
        remarks: what readers wrote.
    """

    study: str
    methods: tuple[str, ...]
    readers: tuple[str, ...]
    left_out: Mapping[str, int]
    seconds: Mapping[str, float]
    choices: tuple[ChoiceScore, ...]
    ratings: tuple[RatingScore, ...]
    remarks: tuple[Remark, ...]


def score_study(key: Mapping[str, Any], answers: Sequence[Answers]) -> Scores:
    """Count what readers answered.

    Who left out an answer that is required is not counted, and named in ``left_out``: a choice that
    is missing is seldom missing by chance.

    Args:
        key: see :func:`mactfusion.study.key.read_key`.
        answers: see :func:`mactfusion.study.answers.read_answers`.

    Raises:
        InputError: nobody answered all that is required.
    """
    counted = [own for own in answers if not own.unanswered]
    left_out = {own.reader: own.unanswered for own in answers if own.unanswered}
    if not counted:
        raise InputError(
            "No reader answered every question that is required, so that there is nothing to count."
        )
    methods = method_names(key)
    asked = key["questions"]
    return Scores(
        study=key["study"],
        methods=tuple(methods),
        readers=tuple(own.reader for own in counted),
        left_out=left_out,
        seconds={own.reader: _seconds(own) for own in counted},
        choices=tuple(
            _choice(question, key["cases"], methods, counted)
            for question in asked
            if question["kind"] == "choice"
        ),
        ratings=tuple(
            _rating(question, key["cases"], methods, counted)
            for question in asked
            if question["kind"] == "rating"
        ),
        remarks=tuple(
            Remark(question["text"], own.reader, case["number"], text)
            for question in asked
            if question["kind"] == "text"
            for case in key["cases"]
            for own in counted
            if (text := own.cases[case["case"]]["answers"].get(question["id"], ""))
        ),
    )


def _seconds(own: Answers) -> float:
    return float(np.median([case["milliseconds"] for case in own.cases.values()])) / 1000


def _choice(
    question: Mapping[str, Any],
    cases: Sequence[Mapping[str, Any]],
    methods: list[str],
    counted: Sequence[Answers],
) -> ChoiceScore:
    """Count one question that chooses an image."""
    given = [[own.cases[case["case"]] for case in cases] for own in counted]
    codes = [[one["answers"][question["id"]] for one in row] for row in given]
    chosen = np.array(
        [
            [methods.index(case["images"][code]) for case, code in zip(cases, row, strict=True)]
            for row in codes
        ]
    )
    offered = np.array([[name in case["images"].values() for name in methods] for case in cases])
    choices = Choices(chosen, offered)
    tasks = np.array([case["task"] for case in cases])
    parts = {ALL: np.ones(len(cases), bool)}
    if len(set(tasks)) > 1:
        parts |= {task: tasks == task for task in sorted(set(tasks))}
    places = np.zeros(max(len(case["images"]) for case in cases), int)
    for row, picked in zip(given, codes, strict=True):
        for one, code in zip(row, picked, strict=True):
            places[one["order"].index(code)] += 1
    together = agreement_with_others(chosen)
    return ChoiceScore(
        id=question["id"],
        text=question["text"],
        tallies={part: _tally(choices.of_cases(which), methods) for part, which in parts.items()},
        readers=tuple(
            ReaderScore(own.reader, _shares(choices.of_reader(place), methods), together[place])
            for place, own in enumerate(counted)
        ),
        cases=tuple(
            CaseCount(
                case["number"],
                case["task"],
                {
                    name: int((chosen[:, place] == methods.index(name)).sum())
                    for name in methods
                    if name in case["images"].values()
                },
            )
            for place, case in enumerate(cases)
        ),
        places=tuple(places.tolist()),
    )


def _counts(choices: Choices) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each method was chosen, and how often it could be."""
    readers = len(choices.chosen)
    return choices.wins.sum(axis=(0, 1)), readers * choices.offered.sum(axis=0)


def _shares(choices: Choices, methods: Sequence[str]) -> dict[str, float]:
    chosen, offered = _counts(choices)
    return {
        name: float(chosen[place] / offered[place])
        for place, name in enumerate(methods)
        if offered[place]
    }


def _tally(choices: Choices, methods: Sequence[str]) -> Tally:
    """Count the choices of some cases."""
    chosen, offered = _counts(choices)
    comparable = are_comparable(choices)
    strength = strengths(choices)
    intervals = strength_intervals(choices)
    return Tally(
        cases=choices.chosen.shape[1],
        readers=len(choices.chosen),
        methods=tuple(
            MethodScore(
                name,
                int(offered[place]),
                int(chosen[place]),
                float(chosen[place] / offered[place]),
                wilson(int(chosen[place]), int(offered[place])),
                float(strength[place]) if comparable else None,
                intervals[place] if comparable else None,
            )
            for place, name in enumerate(methods)
            if offered[place]
        ),
        kappa=fleiss_kappa(choices.chosen, len(methods)),
        kappa_interval=kappa_interval(choices.chosen, len(methods)),
    )


def _rating(
    question: Mapping[str, Any],
    cases: Sequence[Mapping[str, Any]],
    methods: Sequence[str],
    counted: Sequence[Answers],
) -> RatingScore:
    """Average one question that rates."""
    name, of = question["id"], question["of"]
    units: list[tuple[str, str | None]] = [
        (case["case"], code)
        for case in cases
        for code in (case["images"] if of == "images" else [None])
    ]
    table = np.full((len(counted), len(units)), np.nan)
    for row, own in enumerate(counted):
        for column, (case, code) in enumerate(units):
            given = own.cases[case]["answers"].get(name)
            value = given if code is None else (given or {}).get(code)
            table[row, column] = np.nan if value is None else value
    if of == "images":
        method_of = {code: own for case in cases for code, own in case["images"].items()}
        behind = np.array([method_of[code] for _, code in units if code is not None])
        groups = {method: table[:, behind == method] for method in methods}
    else:
        groups = {own.reader: table[row] for row, own in enumerate(counted)}
    counts = {group: int(np.count_nonzero(~np.isnan(part))) for group, part in groups.items()}
    return RatingScore(
        id=name,
        text=question["text"],
        scale=question["scale"],
        ends=(question["ends"][0], question["ends"][1]),
        of=of,
        means={group: float(np.nanmean(groups[group])) for group, n in counts.items() if n},
        counts=counts,
        alpha=ordinal_alpha(table),
    )
