"""Volumes that are rare in tests and common in hospitals; those of the self-test are more.

Big ones are the same voxels again and again: nobody waits for 100 million random numbers.
"""

from __future__ import annotations

import numpy as np
import slicer
from MACTFusionLib.made_volumes import SHAPE, add_volume, make_pair, tilted
from MACTFusionLib.nodes.volumes import geometry_of

FAR_MM = 600.0
BIG = (512, 512, 400)


def far_pair():
    """An MR and a PET 600 mm away from the origin of the world along each axis."""
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    affine[:3, 3] = FAR_MM
    return make_pair(affine)


def tilted_pair(degrees):
    """An MR and a PET that are tilted as a head is, 1.5°, or as a plane is chosen, 10°."""
    return make_pair(tilted(degrees))


def big_volume(name="CT"):
    """One of 512×512×400 voxels, 200 MB, without a pass over them."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.zeros(BIG[::-1], np.int16))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.diag([-0.5, -0.5, 1.0, 1.0])))
    node.CreateDefaultDisplayNodes()
    return node


def beside(node, name, value=0):
    """A volume of one value on the grid of another one of :data:`SHAPE`."""
    return add_volume(name, np.full(SHAPE, value, np.int16), geometry_of(node).affine)


def save_scene(path):
    """Write the scene that is open, without its voxels."""
    slicer.mrmlScene.SetURL(str(path))
    assert slicer.mrmlScene.Commit(str(path))


def open_scene(path):
    """Close the scene that is open, and open another one."""
    slicer.mrmlScene.Clear(False)
    slicer.mrmlScene.SetURL(str(path))
    assert slicer.mrmlScene.Import()
