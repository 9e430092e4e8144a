"""Slicer reads the program's DICOM: every voxel in its place, in its colours.

Slicer's scalar volume plugin hands the sorted files of a series to the volumes' logic, which reads
them with GDCM, and a multi-frame file likewise; here the same logic is called.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys
import numpy as np
from mactfusion import fuse_volumes

folder = sys.argv[1]
cosine, sine = np.cos(0.3), np.sin(0.3)
turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
affine = np.eye(4)
affine[:3, :3] = turn @ np.diag([-1.1, 1.3, 2.7])
affine[:3, 3] = (-31.25, 17.5, -612.75)
rng = np.random.default_rng(0)
for task in ("pet-mri", "pet-ct"):
    pair = [(rng.random((12, 11, 10)) * scale, affine) for scale in (900, 8e3)]
    for colours in ("grey", "colour"):
        name = f"{folder}/{task}-{colours}"
        options = {"task": task, "luminance": colours == "grey", "anonymous": True}
        options["anatomical_window"] = (450, 900)
        series = fuse_volumes(*pair, output=name, format="dicom", **options)
        fuse_volumes(*pair, output=name + ".dcm", **options)
        full_scale = 65535 if colours == "grey" else 255
        values = np.rint(np.moveaxis(series.fused.numpy(), 0, -1) * full_scale)
        np.savez(name + ".npz", values=values, affine=series.fused.affine.numpy())
"""


@pytest.fixture(scope="module")
def written(library, tmp_path_factory):
    """Series and objects of each kind, and what they hold, from the library's own Python."""
    folder = tmp_path_factory.mktemp("dicom")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "monai_bundle"), "OMP_NUM_THREADS": "1"}
    words = [os.environ["MACTFUSION_PYTHON"], "-W", "ignore", "-c", WRITE, str(folder)]
    subprocess.run(words, check=True, env=environment)
    return folder


def read(scene, files):
    """Voxels ``(K, J, I, 1 or 3)`` and RAS affine, as Slicer has them after loading."""
    logic = slicer.vtkSlicerVolumesLogic()
    logic.SetMRMLScene(scene)
    names = vtk.vtkStringArray()
    for file in files:
        names.InsertNextValue(str(file))
    node = logic.AddArchetypeVolume(str(files[0]), "read", 0, names)
    assert node is not None
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    affine = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    image = node.GetImageData()
    columns, rows, slices = image.GetDimensions()
    scalars = vtk_to_numpy(image.GetPointData().GetScalars())
    return scalars.reshape(slices, rows, columns, -1), affine


@pytest.mark.parametrize("task", ["pet-mri", "pet-ct"])
@pytest.mark.parametrize("colours", ["grey", "colour"])
@pytest.mark.parametrize("form", ["series", "object"])
def test_every_voxel_is_in_its_place(written, task, colours, form):
    place = written / f"{task}-{colours}"
    files = sorted(place.iterdir()) if form == "series" else [place.with_name(place.name + ".dcm")]
    voxels, affine = read(slicer.vtkMRMLScene(), files)
    expected = np.load(written / f"{task}-{colours}.npz")
    values, own = expected["values"], expected["affine"]
    index = np.stack(np.meshgrid(*map(np.arange, values.shape[:3]), indexing="ij"), -1)
    to_theirs = np.linalg.inv(affine) @ own
    found = index @ to_theirs[:3, :3].T + to_theirs[:3, 3]
    rounded = np.rint(found).astype(int)
    assert np.abs((found - rounded) * np.linalg.norm(affine[:3, :3], axis=0)).max() < 1e-3
    theirs = voxels[rounded[..., 2], rounded[..., 1], rounded[..., 0]]
    np.testing.assert_array_equal(theirs, values)
