"""evaluate(): the metrics of fused pictures, folders of them, and volumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.errors import InputError
from mactfusion.evaluation.cases import Preparation, doubts_of, find_cases
from mactfusion.evaluation.result import CaseScores, Evaluation
from mactfusion.evaluation.score import available_cores, check_metrics, score_slices
from mactfusion.evaluation.slices import load_slices
from mactfusion.metrics import OF_COLORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mactfusion.evaluation.cases import Case
    from mactfusion.evaluation.score import Triple
    from mactfusion.evaluation.slices import Slices
    from mactfusion.metrics.readability import Readability


def evaluate(
    fused: str | Path,
    source_a: str | Path,
    source_b: str | Path,
    *,
    metrics: Sequence[str] | None = None,
    preparation: Preparation | None = None,
    method: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure how good a fused picture or volume, or a folder of them, is.

    Everything is compared as luminance in whole grey levels 0 to 255: pictures as they are,
    volumes as :func:`mactfusion.evaluation.slices.load_slices` prepares them. Of a volume every
    slice in which a source shows something is scored.

    Processes are started afresh: a script that calls this needs ``if __name__ == "__main__":``.

    Args:
        fused: a file, or a folder of files.
        source_a: the first source, or a folder with files of the same names; for volumes the
            anatomical one (a file, or DICOM).
        source_b: the second source, or folder; for volumes the partner.
        metrics: names of :func:`mactfusion.metrics.find_metric`, upper and lower case being the
            same; by default all of :data:`mactfusion.metrics.METRICS`, and
            :data:`mactfusion.metrics.OF_COLORS` where every case is a volume whose colours come
            from a table.
        preparation: how volumes were shown to the network, where no record tells.
        method: what tables call it; the name of ``fused`` by default.
        jobs: number of processes; by default one a core.
        progress: called with (slices done, slices in all as far as they are known).

    Returns:
        The scores of every case.

    Raises:
        InputError: something cannot be read, matched or compared, or a metric that was asked for
            cannot be told; the message says what.
    """
    fused = Path(fused)
    names = check_metrics(metrics)
    of_colors = [name for name in names if name in OF_COLORS]
    names = [name for name in names if name not in OF_COLORS]
    cases, unmatched = find_cases(fused, Path(source_a), Path(source_b))
    needed = of_colors if metrics is not None else []
    work = _Work(cases, preparation or Preparation(), needed)
    scores = score_slices(names, work, min(jobs or available_cores(), work.expected))
    by_case: list[list[dict[str, float]]] = [[] for _ in cases]
    for done, slice_scores in enumerate(scores, start=1):
        by_case[work.owners[done - 1]].append(slice_scores)
        if progress is not None:
            progress(done, work.expected)
    if any(readability is None for readability in work.readabilities):
        of_colors = []
    return Evaluation(
        method=method or fused.name,
        cases=tuple(
            replace(
                case,
                values={name: np.array([one[name] for one in rows]) for name in names},
                of_volume={name: float(getattr(colors, name.lower())) for name in of_colors},
            )
            for case, rows, colors in zip(work.cases, by_case, work.readabilities, strict=True)
        ),
        unmatched=tuple(unmatched),
    )


class _Work:
    """Slices to score, read case by case while others are being scored.

    ``expected`` is how many there are: exact once the last case was read, before that with every
    unread case counted as one. ``owners`` has the index of the case of every slice handed out;
    ``cases`` has the cases read so far, their values missing, and ``readabilities`` that of each.
    ``needed`` are metrics of colours that every case must have.
    """

    def __init__(
        self, files: Sequence[Case], preparation: Preparation, needed: Sequence[str]
    ) -> None:
        self.files = files
        self.preparation = preparation
        self.needed = needed
        self.cases: list[CaseScores] = []
        self.readabilities: list[Readability | None] = []
        self.owners: list[int] = []
        # read at once, so that a single picture or slice starts no processes
        self._first: Slices | None = self._loaded(files[0])
        self.expected = len(files) - 1 + len(self._first.places)

    def __iter__(self) -> Iterator[tuple[str, Triple]]:
        for index, case in enumerate(self.files):
            if index == 0 and self._first is not None:
                slices, self._first = self._first, None
            else:
                slices = self._loaded(case)
                self.expected += len(slices.places) - 1
            numbers = tuple(slices.numbers[place] for place in slices.places)
            self.readabilities.append(slices.readability)
            self.cases.append(
                CaseScores(
                    case=case,
                    axis=slices.axis,
                    slice_count=len(slices.fused),
                    numbers=numbers,
                    values={},
                    affine=slices.affine,
                    notes=(*doubts_of(case), *slices.notes),
                )
            )
            for place, number in zip(slices.places, numbers, strict=True):
                self.owners.append(index)
                label = f"{case.fused}, slice {number}" if slices.axis else str(case.fused)
                yield label, slices.pictures(place)

    def _loaded(self, case: Case) -> Slices:
        slices = load_slices(case, self.preparation)
        if self.needed and slices.readability is None:
            raise InputError(
                f"{self.needed[0]} cannot be told of {case.fused}: it takes a fused volume in "
                "colour, of a PET or SPECT volume whose values are known."
            )
        return slices
