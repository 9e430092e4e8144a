"""How an object names others, by study and series (PS3.3 C.12.2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mactfusion.io.dicom.origin import Image, Origin


@dataclass(frozen=True)
class Named:
    """Another object.

    Attributes:
        study: UID of the study that it belongs to, ``series`` of its series.
        sop_class: SOP Class UID.
        uid: SOP Instance UID.
    """

    study: str
    series: str
    sop_class: str
    uid: str


def named_images(origin: Origin, images: Iterable[Image]) -> list[Named]:
    """Return images of a series as others that an object names."""
    study, series = (str(origin.header[f"{level}InstanceUID"].value) for level in _LEVELS)
    return [Named(study, series, image.sop_class, image.uid) for image in images]


_LEVELS = ("Study", "Series")


def reference(sop_class: str, uid: str) -> Dataset:
    """Return an item that names one object."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def add_references(dataset: Dataset, others: Iterable[Named]) -> None:
    """Name other objects by study and series, those of the own study apart.

    Args:
        dataset: with ``StudyInstanceUID``.
        others: those that are named, each once.
    """
    studies: dict[str, dict[str, dict[str, Dataset]]] = defaultdict(lambda: defaultdict(dict))
    for one in others:
        studies[one.study][one.series][one.uid] = reference(one.sop_class, one.uid)
    own = studies.pop(str(dataset.StudyInstanceUID), None)
    if own:
        dataset.ReferencedSeriesSequence = _series_items(own)
    if studies:
        items = []
        for study, of_study in studies.items():
            item = Dataset()
            item.StudyInstanceUID = study
            item.ReferencedSeriesSequence = _series_items(of_study)
            items.append(item)
        dataset.StudiesContainingOtherReferencedInstancesSequence = items


def _series_items(all_series: Mapping[str, Mapping[str, Dataset]]) -> list[Dataset]:
    items = []
    for uid, references in all_series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedInstanceSequence = list(references.values())
        items.append(item)
    return items
