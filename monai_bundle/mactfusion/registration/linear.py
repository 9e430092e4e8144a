"""Linear transforms between two volumes: as matrices here, and as files of ITK and 3D Slicer.

One direction everywhere, that of ITK's resampling: from a point of the anatomical volume to the
point of the partner that shows the same. A matrix is 4x4 in RAS+ millimetres. A file is in LPS
millimetres; 3D Slicer writes and reads the same file for a transform node that puts the partner in
place when it is the partner's parent.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from mactfusion.errors import InputError
from mactfusion.io.formats import base_name
from mactfusion.io.reasons import NOT_SAID
from mactfusion.registration.transform_file import read_linear

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Matrix = npt.NDArray[np.float64]

_LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_UNIT = np.c_[np.zeros(3), np.eye(3)].T
_SMALLEST_VOLUME = 1e-3
_RIGID_WITHIN = 1e-6


def from_itk(transform: SimpleITK.Transform) -> Matrix:
    """Return the matrix of a linear transform of ITK, whatever its class.

    Args:
        transform: three-dimensional and linear.
    """
    origin, *ends = (np.array(transform.TransformPoint(point.tolist())) for point in _UNIT)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([end - origin for end in ends]).T
    matrix[:3, 3] = origin
    return in_lps(matrix)


def in_lps(matrix: Matrix) -> Matrix:
    """Return a matrix between points in RAS+ as one between points in LPS+, or the reverse."""
    return _LPS_RAS @ matrix @ _LPS_RAS


def is_rigid(matrix: Matrix) -> bool:
    """Tell whether a matrix turns and shifts, and neither stretches nor shears."""
    turn = matrix[:3, :3]
    return bool(np.allclose(turn.T @ turn, np.eye(3), rtol=0, atol=_RIGID_WITHIN))


def to_itk(matrix: Matrix) -> SimpleITK.AffineTransform:
    """Return a matrix as a transform of ITK."""
    lps = in_lps(matrix)
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


def poses_of_moved(partners: Iterable[Mapping[str, Any]]) -> dict[str, Matrix]:
    """Return the pose of each partner that was moved, by its role.

    Args:
        partners: with ``input`` and ``pose``, see :func:`mactfusion.transforms.join.described`.
    """
    poses = {partner["input"]: np.asarray(partner["pose"], np.float64) for partner in partners}
    return {role: pose for role, pose in poses.items() if not np.array_equal(pose, np.eye(4))}


def read_transform(path: Path) -> Matrix:
    """Read a linear transform from a file of ITK or 3D Slicer.

    Args:
        path: ``.tfm``, ``.txt``, ``.h5`` or ``.hdf5``.

    Raises:
        InputError: it cannot be read, is not linear or not of three dimensions, or mirrors or
            flattens what it moves.
    """
    name = base_name(path)
    transform = read_linear(path)
    matrix = from_itk(transform)
    volume = np.linalg.det(matrix[:3, :3])
    if not np.isfinite(matrix).all() or abs(volume) < _SMALLEST_VOLUME:
        raise InputError(f"{name} holds no transform that could be undone.")
    if volume < 0:
        raise InputError(f"{name} mirrors: it would swap left and right.")
    return matrix


def write_transform(matrix: Matrix, path: Path) -> None:
    """Write a matrix as a ``.tfm`` file.

    Raises:
        OSError: it cannot be written.
    """
    try:
        SimpleITK.WriteTransform(to_itk(matrix), str(path))
        is_whole = np.allclose(read_transform(path), matrix, rtol=0, atol=1e-6)
    except (RuntimeError, InputError):
        is_whole = False
    if not is_whole:  # ITK's writer reports no full disk
        raise OSError(errno.EIO, NOT_SAID)
