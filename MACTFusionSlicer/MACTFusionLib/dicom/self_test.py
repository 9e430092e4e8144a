# ruff: noqa: S101  unittest inside the application
"""A case of the module's own test: a study of a DICOM database gets a fused series."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from ..nodes.volumes import geometry_of, voxels_of
from .database import patients_in, series_of
from .importing import Import
from .loading import load_all
from .made_study import turned, write_series
from .suitable import best_pair

if TYPE_CHECKING:
    from collections.abc import Callable

_SHAPES = {"MR": (20, 24, 6), "PT": (16, 18, 8)}


class DICOMCases:
    """To be mixed into the test of the module, whose ``fuse`` and ``logic`` it uses."""

    logic: Any
    fuse: Any

    def test_a_study_of_the_database_gets_a_fused_series(self) -> None:
        """Import, choose, load, fuse, write, import, and load again: the same voxels, there."""
        try:
            import pydicom  # noqa: F401  comes with Slicer
            from DICOMLib.DICOMUtils import TemporaryDICOMDatabase, importDicom, loadSeriesByUID
        except ImportError as error:
            raise unittest.SkipTest(f"The DICOM module is not here ({error}).") from error
        folder = Path(tempfile.mkdtemp(prefix="mactfusion-test-"))
        try:
            with TemporaryDICOMDatabase(str(folder / "database")) as database:
                self._go_round(database, folder, importDicom, loadSeriesByUID)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _go_round(self, database: Any, folder: Path, take: Callable, load: Callable) -> None:
        affine = turned(10.0)
        places = {"MR": affine, "PT": affine @ np.diag([1.2, 1.3, 0.7, 1.0])}
        for modality, place in places.items():
            array = np.arange(np.prod(_SHAPES[modality])).reshape(_SHAPES[modality])
            write_series(folder / "files" / modality, (array, place), modality)
        assert take(str(folder / "files"), database, True)
        (patient,) = patients_in(database)
        pair = best_pair(series_of(database, patient.uid))
        assert [one.kind for one in pair] == ["MR", "PT"]
        nodes, notes = load_all(database, list(pair))
        assert notes == []
        fused = self.fuse(*nodes)
        told = self.logic.write_dicom(fused, str(folder / "series"))
        Import(database, folder / "series", told).run(lambda _percent: None)
        assert told["series"] in database.seriesForStudy(pair[0].study)
        before = set(slicer.util.getNodesByClass("vtkMRMLVolumeNode"))
        load([told["series"]])
        (read,) = set(slicer.util.getNodesByClass("vtkMRMLVolumeNode")) - before
        index = np.stack(
            np.meshgrid(*map(np.arange, voxels_of(fused).shape[:3]), indexing="ij"), -1
        )
        to_read = np.linalg.inv(geometry_of(read).affine) @ geometry_of(fused).affine
        found = index @ to_read[:3, :3].T + to_read[:3, 3]
        rounded = np.rint(found).astype(int)
        spacing = np.linalg.norm(geometry_of(read).affine[:3, :3], axis=0)
        assert np.abs((found - rounded) * spacing).max() < 1e-3
        theirs = voxels_of(read)[tuple(np.moveaxis(rounded, -1, 0))]
        assert np.array_equal(theirs, voxels_of(fused))
