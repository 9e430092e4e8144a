"""The DICOM database of the application, its indexer, and how Slicer's plugins load a series.

Only the application has them. Here files lie in a folder as there, headers are read by pydicom, and
volumes by the same GDCM in slicer-core. What ``ctkDICOMDatabase``, ``ctkDICOMIndexer`` and
``DICOMUtils`` do not have raises; so does a column that is not in the database's tables.
"""

from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pydicom
import slicer
import vtk
from PySide6 import QtCore, QtWidgets

FIELDS = {
    "Patient": {"PatientsName", "PatientID", "PatientsBirthDate", "PatientsSex"},
    "Study": {"StudyID", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription"},
    "Series": {
        *("SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription", "Modality"),
        *("BodyPartExamined", "FrameOfReferenceUID"),
    },
}
"""Columns that are filled in from the files; those of PatientName and others are in the plural."""


class Database(QtCore.QObject):
    """``ctkDICOMDatabase`` as ``slicer.dicomDatabase``, in a folder of the tests.

    Args:
        folder: of the database.
    """

    def __init__(self, folder):
        super().__init__()
        self._folder = folder
        self._is_open = True
        self._patients = {}
        self._images = {}
        self.room_for = None
        self.changes = 0

    isOpen = property(lambda self: self._is_open)  # noqa: N815
    isInMemory = property(lambda _self: False)  # noqa: N815
    databaseDirectory = property(lambda self: str(self._folder))  # noqa: N815
    databaseFilename = property(lambda self: str(self._folder / "ctkDICOM.sql"))  # noqa: N815

    def databaseChanged(self):  # noqa: N802  calling a signal of PythonQt emits it
        self.changes += 1

    def closeDatabase(self):  # noqa: N802
        self._is_open = False

    def patients(self):
        return tuple(dict.fromkeys(str(self._uid_of(each)) for each in self._headers()))

    def studiesForPatient(self, patient):  # noqa: N802
        return self._unique("StudyInstanceUID", lambda each: str(self._uid_of(each)) == patient)

    def seriesForStudy(self, study):  # noqa: N802
        return self._unique("SeriesInstanceUID", lambda each: each.StudyInstanceUID == study)

    def studyForSeries(self, series):  # noqa: N802
        return self._one("StudyInstanceUID", lambda each: each.SeriesInstanceUID == series)

    def patientForStudy(self, study):  # noqa: N802
        found = [each for each in self._headers() if each.StudyInstanceUID == study]
        return str(self._uid_of(found[0])) if found else ""

    def instancesForSeries(self, series, hits=-1):  # noqa: N802
        found = self._unique("SOPInstanceUID", lambda each: each.SeriesInstanceUID == series)
        return found if hits < 1 else found[:hits]

    def filesForSeries(self, series, hits=-1):  # noqa: N802
        return tuple(str(self._images[uid][0]) for uid in self.instancesForSeries(series, hits))

    def fileForInstance(self, uid):  # noqa: N802
        return str(self._images[uid][0]) if uid in self._images else ""

    def seriesForFile(self, file):  # noqa: N802
        return self.fileValue(file, "0020,000E")

    def instanceForFile(self, file):  # noqa: N802
        return next((uid for uid, (path, _) in self._images.items() if str(path) == file), "")

    def descriptionForSeries(self, series):  # noqa: N802
        return self.fieldForSeries("SeriesDescription", series)

    def nameForPatient(self, patient):  # noqa: N802
        return self.fieldForPatient("PatientsName", patient)

    def displayedNameForPatient(self, patient):  # noqa: N802
        last, _, first = self.nameForPatient(patient).partition("^")
        return f"{last}, {first}" if first else last

    def fieldForPatient(self, field, patient):  # noqa: N802
        return self._field("Patient", field, lambda each: str(self._uid_of(each)) == patient)

    def fieldForStudy(self, field, study):  # noqa: N802
        return self._field("Study", field, lambda each: each.StudyInstanceUID == study)

    def fieldForSeries(self, field, series):  # noqa: N802
        return self._field("Series", field, lambda each: each.SeriesInstanceUID == series)

    def fileValue(self, file, tag):  # noqa: N802
        uid = self.instanceForFile(file)
        if not uid:
            return ""
        group, element = (int(part, 16) for part in tag.split(","))
        found = self._images[uid][1].get((group, element))
        if found is None or found.VR == "SQ" or found.is_empty:
            return ""
        values = found.value if found.VM > 1 else [found.value]
        return "\\".join(str(value) for value in values)

    def removeSeries(self, series, clear_cached_tags=False, cleanup=True):  # noqa: N802
        for uid in self.instancesForSeries(series):
            path, _header = self._images.pop(uid)
            if self._folder in path.parents:
                path.unlink(missing_ok=True)
        return True

    # ---- what the indexer does with it

    def take(self, path, is_copied):
        """Insert a file; that a copy fails is not noticed, as in the application."""
        header = pydicom.dcmread(path, stop_before_pixels=True)
        stored = path
        if is_copied:
            names = header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID
            stored = self._folder.joinpath("dicom", *names[:2], f"{names[2]}.dcm")
            stored.parent.mkdir(parents=True, exist_ok=True)
            if self.room_for is None or self.room_for > 0:
                shutil.copyfile(path, stored)
            if self.room_for is not None:
                self.room_for -= 1
        self._images[header.SOPInstanceUID] = stored, header

    def _headers(self):
        return [header for _path, header in self._images.values()]

    def _uid_of(self, header):
        key = str(header.get("PatientID", "")), str(header.get("PatientName", ""))
        return self._patients.setdefault(key, 1 + len(self._patients))

    def _unique(self, keyword, condition):
        found = [str(each.get(keyword)) for each in self._headers() if condition(each)]
        return tuple(dict.fromkeys(found))

    def _one(self, keyword, condition):
        return next(iter(self._unique(keyword, condition)), "")

    def _field(self, level, field, condition):
        assert field in FIELDS[level], f"the table of {level} has no column {field}"
        found = next((each for each in self._headers() if condition(each)), None)
        value = "" if found is None else found.get(field.replace("Patients", "Patient"), "")
        text = "" if value is None else str(value)
        if field.endswith("Date"):  # a column of dates: one that is none is empty
            return QtCore.QDate.fromString(text, "yyyyMMdd").toString(QtCore.Qt.ISODate)
        return text


class Indexer(QtCore.QObject):
    """``ctkDICOMIndexer``: events pass while it works, so that it can be cancelled."""

    progress = QtCore.Signal(int)

    def __init__(self):
        super().__init__()
        self._is_stopped = False

    def addDirectory(self, database, folder, copy=False, hidden=True):  # noqa: N802
        assert isinstance(folder, str)
        files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        for number, path in enumerate(files):
            if self._is_stopped:
                break
            self.progress.emit(90 * number // len(files))
            QtWidgets.QApplication.processEvents()
            try:
                database.take(path, copy)
            except pydicom.errors.InvalidDicomError:
                continue
        self.progress.emit(100)

    def waitForImportFinished(self, timeout=-1):  # noqa: N802
        pass

    def cancel(self):
        self._is_stopped = True


def load_series(uids, messages=None, progressCallback=None, enabledPluginClassNames=None):  # noqa: N803
    """``DICOMUtils.loadSeriesByUID`` with the plugin for scalar volumes."""
    if not isinstance(uids, list) or not uids:
        raise ValueError("SeriesUIDs must contain a list")
    database = slicer.dicomDatabase
    if not database.isOpen:
        raise OSError("DICOM module or database cannot be accessed")
    return [_load(database, uid).GetID() for uid in uids if database.filesForSeries(uid)]


def read(files, scene, name="read"):
    """Read files of a series, in the order in which they lie, into a scene; returns the node."""
    logic = slicer.vtkSlicerVolumesLogic()
    logic.SetMRMLScene(scene)
    names = vtk.vtkStringArray()
    for file in sorted(map(str, files), key=_place):
        names.InsertNextValue(file)
    node = logic.AddArchetypeVolume(names.GetValue(0), name, 0, names)
    assert node is not None
    return node


def _load(database, uid):
    files = sorted(database.filesForSeries(uid), key=_place)
    number, said = (database.fieldForSeries(f, uid) for f in ("SeriesNumber", "SeriesDescription"))
    node = read(files, slicer.mrmlScene, f"{number}: {said}")
    to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(to_ras)
    if not slicer.vtkMRMLVolumeNode.IsIJKCoordinateSystemRightHanded(to_ras):
        slicer.vtkMRMLVolumeNode.ReverseSliceOrder(node.GetImageData(), to_ras)
        node.SetIJKToRASMatrix(to_ras)
        files.reverse()
    instances = " ".join(database.fileValue(file, "0008,0018") for file in files)
    node.SetAttribute("DICOM.instanceUIDs", instances)
    _put_into_hierarchy(database, uid, files[0], instances, node)
    _tell_units(database.fieldForSeries("Modality", uid), node)
    return node


def _place(file):
    header = pydicom.dcmread(file, stop_before_pixels=True)
    orientation = np.array(header.get("ImageOrientationPatient", [1, 0, 0, 0, 1, 0]), float)
    position = np.array(header.get("ImagePositionPatient", [0, 0, 0]), float)
    return float(position @ np.cross(orientation[:3], orientation[3:]))


def _put_into_hierarchy(database, uid, file, instances, node):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    names = slicer.vtkMRMLSubjectHierarchyConstants
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    hierarchy.SetItemUID(item, names.GetDICOMUIDName(), uid)
    modality = names.GetDICOMSeriesModalityAttributeName()
    hierarchy.SetItemAttribute(item, modality, database.fieldForSeries("Modality", uid))
    hierarchy.SetItemUID(item, names.GetDICOMInstanceUIDName(), instances)
    patient, study = (database.fileValue(file, tag) for tag in ("0010,0020", "0020,000D"))
    logic = slicer.vtkSlicerSubjectHierarchyModuleLogic
    logic.InsertDicomSeriesInHierarchy(hierarchy, patient, study, uid)


def _tell_units(modality, node):
    known = {"MR": ("1", "no units"), "CT": ("[hnsf'U]", "Hounsfield unit")}
    if modality in known:
        units = slicer.vtkCodedEntry()
        units.SetValueSchemeMeaning(known[modality][0], "UCUM", known[modality][1])
        node.SetVoxelValueUnits(units)


class TemporaryDatabase:
    """``DICOMUtils.TemporaryDICOMDatabase``: another database for a while, which is empty."""

    def __init__(self, directory=None):
        self._folder = Path(directory)

    def __enter__(self):
        self._before = getattr(slicer, "dicomDatabase", None)
        self._folder.mkdir(parents=True, exist_ok=True)
        slicer.dicomDatabase = Database(self._folder)
        return slicer.dicomDatabase

    def __exit__(self, *_):
        slicer.dicomDatabase.closeDatabase()
        slicer.dicomDatabase = self._before


def import_dicom(folder, database=None, copyFiles=False):  # noqa: N803
    """``DICOMUtils.importDicom``."""
    Indexer().addDirectory(database or slicer.dicomDatabase, folder, copyFiles)
    return True


def install(monkeypatch, folder):
    """Open a database in a folder for the time of a test; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(folder)
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    monkeypatch.setattr(sys.modules["ctk"], "ctkDICOMIndexer", Indexer, raising=False)
    library, functions = (types.ModuleType(f"DICOMLib{end}") for end in ("", ".DICOMUtils"))
    library.DICOMUtils = functions
    functions.loadSeriesByUID = load_series
    functions.TemporaryDICOMDatabase = TemporaryDatabase
    functions.importDicom = import_dicom
    for module in (library, functions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return database
