"""Volumes made for tests: an MR and a PET of a few thousand voxels, on grids of every kind."""

from __future__ import annotations

import numpy as np
import slicer
import vtk

SHAPE = (24, 20, 6)


def turn(degrees: float, axis: int = 2) -> np.ndarray:
    """Return the 3x3 rotation about a world axis."""
    angle, turn = np.deg2rad(degrees), np.eye(3)
    first, second = [other for other in range(3) if other != axis]
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
    return turn


def _oblique() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = turn(14, 0) @ turn(-9, 1) @ turn(20) @ np.diag([-2.0, -2.0, 5.0])
    affine[:3, 3] = (31, 12, -55)
    return affine


GRIDS = {
    "left-posterior": np.array([[-2.0, 0, 0, 23], [0, -2, 0, 19], [0, 0, 5, -12], [0, 0, 0, 1]]),
    "right-anterior": np.array([[2.0, 0, 0, -23], [0, 2, 0, -19], [0, 0, 5, -12], [0, 0, 0, 1]]),
    "upside-down": np.array([[-2.0, 0, 0, 23], [0, 2, 0, -19], [0, 0, -5, 12], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 5.0, -12], [-2, 0, 0, 23], [0, -2, 0, 19], [0, 0, 0, 1]]),
    "oblique": _oblique(),
}


def add_volume(name: str, voxels: np.ndarray, affine: np.ndarray) -> slicer.vtkMRMLScalarVolumeNode:
    """Add a scalar volume to the scene.

    Args:
        name: of the node.
        voxels: ``(I, J, K)``.
        affine: 4x4, voxel index to RAS millimetres.
    """
    matrix = slicer.util.vtkMatrixFromArray(affine)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    node.SetIJKToRASMatrix(matrix)
    node.CreateDefaultDisplayNodes()
    return node


def make_pair(affine: np.ndarray = GRIDS["left-posterior"], shape: tuple = SHAPE) -> tuple:
    """Add an MR, and a PET on a coarser grid with one hot corner at index (0, 0, 0) of the MR."""
    rng = np.random.default_rng(3)
    index = np.indices(shape)
    middle = (np.array(shape)[:, None, None, None] - 1) / 2
    inside = (((index - middle) / (middle * 0.9 + 1e-9)) ** 2).sum(0) < 1
    anatomical = (inside * 600 + rng.random(shape) * 60).astype(np.int16)
    halved = tuple(-(-n // 2) for n in shape[:2]) + shape[2:]
    uptake = np.full(halved, 50, np.int16)
    uptake[: halved[0] // 3, : halved[1] // 3] = 9000
    coarse = affine @ np.diag([2.0, 2.0, 1.0, 1.0])
    coarse[:3, 3] = affine[:3, 3] + affine[:3, :2].sum(1) * 0.5
    return add_volume("MR", anatomical, affine), add_volume("PET", uptake, coarse)


def put_under(node: slicer.vtkMRMLVolumeNode, matrix: np.ndarray) -> None:
    """Put a node under a new linear transform, 4x4 in RAS millimetres."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    to_parent = vtk.vtkMatrix4x4()
    slicer.util.updateVTKMatrixFromArray(to_parent, matrix)
    transform.SetMatrixTransformToParent(to_parent)
    node.SetAndObserveTransformNodeID(transform.GetID())


def tilted(degrees: float, spacing_mm: tuple = (2.0, 2.0, 5.0)) -> np.ndarray:
    """Return the affine of a volume around the origin that is turned about the left-right axis.

    Args:
        degrees: 1.5 is how a head lies, and 10 how a plane is chosen.
        spacing_mm: along I, J, K.
    """
    affine = np.eye(4)
    affine[:3, :3] = turn(degrees, 0) @ np.diag(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def put_in_study(patient: str, study: str, *nodes: slicer.vtkMRMLNode, patient_id: str = "") -> int:
    """Put nodes into a study of a patient, as the DICOM browser does; both are made once.

    Args:
        patient: name of the patient.
        study: text that tells the studies of a patient apart.
        nodes: such as volume nodes.
        patient_id: ID of the patient, by default one that comes from the name.

    Returns:
        The item of the study.
    """
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient_id = patient_id or f"ID-{patient}"
    of_patient = tree.GetItemByUID("DICOM", patient_id)
    if not of_patient:
        of_patient = tree.CreateSubjectItem(tree.GetSceneItemID(), patient)
        tree.SetItemUID(of_patient, "DICOM", patient_id)
        tree.SetItemAttribute(of_patient, "DICOM.PatientID", patient_id)
    study_uid = f"1.2.{patient_id}.{study}"
    of_study = tree.GetItemByUID("DICOM", study_uid)
    if not of_study:
        of_study = tree.CreateStudyItem(of_patient, study)
        tree.SetItemUID(of_study, "DICOM", study_uid)
    for node in nodes:
        own = tree.GetItemByDataNode(node)
        if own:
            tree.SetItemParent(own, of_study)
        else:
            tree.CreateItem(of_study, node)
    return int(of_study)
