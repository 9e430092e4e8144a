"""What the death of a process means for the study that it had: begin it again, or give it up."""

from __future__ import annotations

from collections import Counter

from mactfusion.batch.outcome import FAILED, Outcome

TRIES = 3
"""Times that a study is begun whose process dies."""
STARTS = 10
"""Times that a process dies before it begins with its study, which is then not to blame."""


class Deaths:
    """Counts the deaths of processes, by the study that they had."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, bool]] = Counter()

    def outcome_of(self, study: str, how: str, *, had_begun: bool) -> Outcome | None:
        """Count one.

        Args:
            study: name of the study in hand.
            how: the process ended, as "by signal 9".
            had_begun: whether the process had begun with the study.

        Returns:
            The outcome of the study; None where it is to be begun again.
        """
        self._counted[study, had_begun] += 1
        most = TRIES if had_begun else STARTS
        if self._counted[study, had_begun] < most:
            return None
        when = "" if had_begun else " before it began"
        return Outcome(
            study,
            FAILED,
            f"Its process ended {how} {most} times{when}, as where memory is short: give the run "
            "fewer --workers.",
        )
