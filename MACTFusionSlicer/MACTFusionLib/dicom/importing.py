"""A written series goes into the DICOM database, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctk
from slicer.i18n import tr as _

from ..worker.conversation import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable


class Import:
    """Copies the files of a folder into a database; the window stays alive meanwhile.

    Args:
        database: an open one.
        folder: holds nothing but the files.
        told: what the worker says of them: ``files``, ``series``, ``others``.
    """

    def __init__(self, database: Any, folder: Path, told: dict) -> None:
        self._database = database
        self._folder = folder
        self._told = told
        self._indexer = ctk.ctkDICOMIndexer()
        self._is_cancelled = False

    def cancel(self) -> None:
        """Stop after the file under way; what was copied is taken out again."""
        self._is_cancelled = True
        self._indexer.cancel()

    def run(self, on_percent: Callable[[int], None]) -> None:
        """Import, and look whether everything arrived.

        Args:
            on_percent: called with 0 to 100.

        Raises:
            WorkerError: it was cancelled, or not all of it arrived; the database is as it was.
        """
        self._indexer.progress.connect(on_percent)
        self._indexer.addDirectory(self._database, str(self._folder), True)
        self._indexer.waitForImportFinished()
        missing = 0 if self._is_cancelled else self._missing()  # the folder may be gone
        if self._is_cancelled or missing:
            for series in (self._told["series"], *self._told["others"]):
                self._database.removeSeries(series, True, True)
        self._database.databaseChanged()  # the indexer has a connection of its own
        if self._is_cancelled:
            raise WorkerError("cancelled", _("The request was cancelled."))
        if missing:
            raise WorkerError(
                "input",
                _(
                    "The DICOM database did not take the series ({missing} of {count} files are "
                    "missing there). Check rights and free space of its folder. Nothing was added."
                ).format(missing=missing, count=len(self._told["files"])),
            )

    def _missing(self) -> int:
        """Count the files that did not arrive whole: the database does not look at its copies."""
        wanted = Counter((self._folder / name).stat().st_size for name in self._told["files"])
        there: Counter = Counter()
        for series in (self._told["series"], *self._told["others"]):
            files = [Path(file) for file in self._database.filesForSeries(series) if file]
            there.update(file.stat().st_size for file in files if file.is_file())
        return sum((wanted - there).values())
