"""DICOM sources that are open: each is listed once, whoever asks."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pydicom.config import disable_value_validation

from mactfusion.errors import InputError, inform, warn
from mactfusion.io.dicom.choose import PARTNER, choose, choose_pair
from mactfusion.io.dicom.listing import list_series
from mactfusion.io.dicom.source import DICOMDIR, files_of, is_archive, is_hidden
from mactfusion.io.dicom.volume import read_series
from mactfusion.io.formats import base_name
from mactfusion.io.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from monai.data import MetaTensor

    from mactfusion.io.dicom.listing import Listing, Series

_ALONE = "it is one slice alone; nothing else of its series lies beside it"
_DAMAGED = "a DICOM file in it has a damaged header"


class Studies:
    """Lists DICOM sources, and keeps unpacked archives until it is closed."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._listings: dict[Path, Listing] = {}
        self._said: set[int] = set()

    def __enter__(self) -> Studies:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def listing(self, path: Path) -> Listing:
        """Return what a source holds.

        Args:
            path: a folder, a DICOMDIR, a ZIP, or one file (then the folder that it lies in).

        Raises:
            InputError: it cannot be read.
        """
        is_of_folder = is_loose_file(path) and not is_hidden(path)
        place = path.parent if is_of_folder else path
        if place not in self._listings:
            with guarded(f"{path} cannot be read", _DAMAGED), disable_value_validation():
                files = self._open.enter_context(files_of(path))
                self._listings[place] = list_series(files)
        return self._listings[place]

    def series(self, path: Path, wanted: str = "", role: str = "") -> Series:
        """Choose one volume of a source; one file stands for its series.

        Raises:
            InputError: see :func:`mactfusion.io.dicom.choose.choose`.
        """
        listing = self.listing(path)
        if not is_loose_file(path):
            return choose(listing, path, wanted, role)
        if path in listing.damaged:
            raise InputError(f"{path} {listing.damaged[path]}; copy or export it again")
        own = [one for one in listing.series if any(each.path == path for each in one.images)]
        if not own:
            raise InputError(f"{path} holds no image")
        found = choose(type(listing)(own, listing.passed, listing.damaged), path, wanted, role)
        if found.slices == 1:
            found.sentences.append(_ALONE)
        return found

    def pair(self, path: Path, anatomical: str, partners: Sequence[str]) -> list[Series]:
        """Choose the anatomical volume and its partners from one study.

        Raises:
            InputError: see :func:`mactfusion.io.dicom.choose.choose_pair`.
        """
        return choose_pair(self.listing(path), path, anatomical, partners)

    def passed_over_is_said(self, path: Path) -> None:
        """Say nothing when it is read of what was passed over: it was said elsewhere."""
        self._said.add(id(self.listing(path)))

    def read(
        self,
        path: Path,
        series: Series,
        frame: str = "auto",
        units: str = "auto",
        role: str = PARTNER,
    ) -> MetaTensor:
        """Read one volume; say what of the source was passed over.

        Raises:
            InputError: see :func:`mactfusion.io.dicom.volume.read_series`.
        """
        listing = self.listing(path)
        is_only = len(listing.candidates) == 1
        name = str(path) if is_only else f"{path}, {series.modality} {series.number}"
        if id(listing) not in self._said:
            self.passed_over_is_said(path)
            say_passed_over(listing, str(path))
        with disable_value_validation():
            return read_series(series, name, frame, units, role)


def is_loose_file(path: Path) -> bool:
    """Tell one DICOM file from a folder, an index of one, or an archive."""
    return path.is_file() and path.name.upper() != DICOMDIR and not is_archive(path)


def say_passed_over(listing: Listing, name: str) -> None:
    """Say how many files were no part of any volume, and why."""
    if listing.damaged:
        path, how = next(iter(listing.damaged.items()))
        count = len(listing.damaged)
        warn(
            f"{name}: {count} damaged file{'s were' if count > 1 else ' was'} passed over"
            f" ({base_name(path)} {how})"
        )
    if listing.passed:
        inform(f"{base_name(name)}: files passed over: {listing.passed_in_words}.")
