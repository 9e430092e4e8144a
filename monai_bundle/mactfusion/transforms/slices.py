"""The order in which the network sees the slices, by anatomy, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TraceKeys

from mactfusion.errors import InputError
from mactfusion.transforms.trace import TracedStep, put_back
from mactfusion.transforms.volume import is_picture, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

DISPLAY_CODES = {"axial": "SPL", "coronal": "PIL", "sagittal": "LIP"}
"""Directions of (slice, row, column): the display of radiologists, patient right on the left."""

_AXIS_OF_WORLD = ("sagittal", "coronal", "axial")
CLEARLY_THICKER = 1.1


def choose_axis(volume: MetaTensor, axis: str = "auto") -> str:
    """Choose the axis along which a volume is cut into slices.

    "auto" takes the acquisition's slice axis: that of a single slice, or the axis whose spacing
    exceeds both others by more than 10 %; without such an axis, axial. An axis of the grid is
    named after the direction in the patient that it is closest to, whatever the storage order.

    Args:
        volume: ``(C, I, J, K)``.
        axis: "auto", "axial", "coronal" or "sagittal". A picture always keeps its own plane.

    Returns:
        "axial", "coronal" or "sagittal".

    Raises:
        InputError: unknown axis.
    """
    if axis != "auto" and axis not in DISPLAY_CODES:
        raise InputError(f"Unknown axis '{axis}': choose auto, {', '.join(DISPLAY_CODES)}.")
    if axis != "auto" and not is_picture(volume):
        return axis
    affine = volume.affine.double().cpu().numpy()
    names = [_AXIS_OF_WORLD[int(world)] for world in nib.io_orientation(affine)[:, 0]]
    if 1 in volume.shape[1:]:
        return names[list(volume.shape[1:]).index(1)]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    thinner, thickest = np.sort(spacing)[1:]
    return names[int(spacing.argmax())] if thickest > CLEARLY_THICKER * thinner else "axial"


class OrientToSlicesd(MapTransform, TracedStep):
    """Flip and permute volumes of one grid so that their axes are (slice, row, column).

    Nothing is interpolated. Adds ``axis`` (the name), ``grid_affine`` (4x4 float64) and
    ``grid_shape`` (3 integers) of the original grid for :class:`RestoreOrientationd`. An ``axis``
    that was settled before is kept. The inverse turns a volume back, with exactly the affine that
    the grid had.

    Args:
        keys: volumes to turn, all on the grid of the reference; those of each of ``partners`` too.
        axis: see :func:`choose_axis`; for data without one.
        reference: the key of the volume that decides the axis.
        allow_missing_keys: whether a key may be neither in the data nor in any of ``partners``.
    """

    def __init__(
        self,
        keys: Sequence[str],
        axis: str = "auto",
        reference: str = "anatomical",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.axis = axis
        self.reference = reference

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Turn the volumes.

        Raises:
            InputError: unknown axis.
            KeyError: a key is missing.
        """
        result = dict(data)
        partners = data.get("partners", [])
        held = {key: True for case in (data, *partners) for key in case}
        keys = list(self.key_iterator(held))
        reference = data[self.reference]
        axis = choose_axis(reference, data.get("axis", self.axis))
        result["axis"] = axis
        result["grid_affine"] = reference.affine.double().clone()
        result["grid_shape"] = torch.tensor(reference.shape[1:])
        result |= self._turned(data, keys, axis)
        if "partners" in data:
            result["partners"] = [
                {**partner, **self._turned(partner, keys, axis)} for partner in partners
            ]
        return result

    def undone(self, volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
        """Turn a volume back.

        Raises:
            ValueError: its size is not that of the turned volume.
        """
        grid_affine = done[TraceKeys.EXTRA_INFO]["affine"]
        shape = [int(size) for size in done[TraceKeys.ORIG_SIZE]]
        turn = _turn(grid_affine.cpu().numpy(), DISPLAY_CODES[done[TraceKeys.EXTRA_INFO]["axis"]])
        turned_shape = [shape[int(place)] for place in np.argsort(turn[:, 0])]
        if list(volume.shape[1:]) != turned_shape:
            raise ValueError(
                f"OrientToSlicesd cannot undo a volume of {list(volume.shape[1:])} voxels: what it "
                f"turned has {turned_shape} along slices, rows and columns. Something was cut, or "
                "turned back before."
            )
        slices_affine = _slices_affine(grid_affine, shape, done[TraceKeys.EXTRA_INFO]["axis"])
        back = _turned_back(plain(volume), slices_affine, grid_affine)
        return put_back(volume, back.to(volume.device), grid_affine)

    def _turned(
        self, data: Mapping[str, Any], keys: Sequence[Any], axis: str
    ) -> dict[str, MetaTensor]:
        return {
            key: self.traced(_reorient(data[key], DISPLAY_CODES[axis]), data[key], axis=axis)
            for key in keys
            if key in data
        }


class RestoreOrientationd(MapTransform):
    """Give volumes that :class:`OrientToSlicesd` turned, or results of their size, the old order.

    The affine is exactly ``grid_affine`` again. It needs no trace, so that one slice, or what the
    network made, comes back too. A trace of OrientToSlicesd is taken away. By what is left of it
    ``Invertd("pred", …)``, with ``pred`` as its own original, brings the result from cubes to the
    grid of the anatomical volume as it was read. It is the way back itself, and has no inverse.

    Args:
        keys: volumes ``(C, slice, row, column)``, with or without meta.
        allow_missing_keys: whether the data may lack one.
    """

    def __init__(self, keys: Sequence[str], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Turn the volumes back.

        Raises:
            KeyError: a key is missing.
        """
        result: dict[Any, Any] = dict(data)
        grid_affine = data["grid_affine"].double()
        slices_affine = _slices_affine(grid_affine, data["grid_shape"], data["axis"])
        for key in self.key_iterator(result):
            volume = data[key] if isinstance(data[key], MetaTensor) else MetaTensor(data[key])
            back = with_voxels(
                volume, _turned_back(plain(volume), slices_affine, grid_affine), grid_affine
            )
            trace = volume.applied_operations
            is_undone = trace and trace[-1][TraceKeys.CLASS_NAME] == OrientToSlicesd.__name__
            back.applied_operations = trace[:-1] if is_undone else list(trace)
            result[key] = back
        return result


def slice_axis(affine: torch.Tensor, axis: str) -> tuple[int, bool]:
    """Tell along which axis of its array a volume is cut into slices.

    Args:
        affine: 4x4 of the volume as stored.
        axis: "axial", "coronal" or "sagittal".

    Returns:
        Its number, 0 to 2, and whether the slices run from the array's last to its first.
    """
    turn = _turn(affine.cpu().numpy(), DISPLAY_CODES[axis])
    number = int(np.flatnonzero(turn[:, 0] == 0)[0])
    return number, bool(turn[number, 1] < 0)


def cut_slice(data: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Keep one slice of what :class:`OrientToSlicesd` turned, as a case with a smaller grid.

    Args:
        data: volumes ``(C, slices, rows, columns)`` with the keys that OrientToSlicesd adds.
        index: number of the slice along :func:`slice_axis` of the original array.

    Returns:
        The data with volumes ``(C, 1, rows, columns)``; ``grid_affine`` and ``grid_shape`` are
        those of the slice.

    Raises:
        InputError: there is no such slice.
    """
    number, is_reversed = slice_axis(data["grid_affine"], data["axis"])
    count = int(data["grid_shape"][number])
    if not 0 <= index < count:
        raise InputError(f"There is no slice {index}; choose one from 0 to {count - 1}.")
    place = count - 1 - index if is_reversed else index
    result = _cut(data, place)
    if "partners" in data:
        result["partners"] = [_cut(partner, place) for partner in data["partners"]]
    result["grid_affine"] = data["grid_affine"].clone()
    result["grid_affine"][:3, 3] += index * data["grid_affine"][:3, number]
    result["grid_shape"] = data["grid_shape"].clone()
    result["grid_shape"][number] = 1
    return result


def _cut(data: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Keep one slice of every volume among the values, and of the pictures of the partners."""
    shift = torch.eye(4, dtype=torch.float64)
    shift[0, 3] = place
    result = dict(data)
    for key, volume in data.items():
        if isinstance(volume, MetaTensor):
            voxels = plain(volume)[:, place : place + 1]
            result[key] = with_voxels(volume, voxels, volume.affine @ shift)
    for key in ("scaled", "shown"):
        if key in data:
            result[key] = [volume[:, place : place + 1] for volume in data[key]]
    if "strongest" in data:
        result["strongest"] = data["strongest"][:, place : place + 1]
    return result


def _reorient(volume: MetaTensor, codes: str) -> MetaTensor:
    """Flip and permute to axis codes.

    Args:
        volume: ``(C, I, J, K)``.
        codes: directions of the new axes, in whose order the voxels lie in memory.
    """
    affine = volume.affine.double().cpu().numpy()
    turn = _turn(affine, codes)
    new_affine = affine @ nib.orientations.inv_ornt_aff(turn, volume.shape[1:])
    return with_voxels(volume, _turned(plain(volume), turn, "C"), torch.as_tensor(new_affine))


def _turned_back(
    voxels: torch.Tensor, slices_affine: torch.Tensor, grid_affine: torch.Tensor
) -> torch.Tensor:
    """Flip and permute from (slice, row, column) to the axes of the grid."""
    codes = "".join(nib.aff2axcodes(grid_affine.cpu().numpy()))
    turn = _turn(slices_affine.cpu().numpy(), codes)
    return _turned(voxels, turn, "K")  # in memory as they were, which most files have too


def _turned(voxels: torch.Tensor, turn: np.ndarray, order: Literal["C", "K"]) -> torch.Tensor:
    """Flip and permute ``(C, I, J, K)``.

    Args:
        voxels: the voxels.
        turn: what to do, as nibabel has it.
        order: how they lie in memory then: "C" in the order of the new axes, "K" as they did, which
            is faster.
    """
    channel_last = np.moveaxis(voxels.cpu().numpy(), 0, -1)
    turned = np.moveaxis(nib.orientations.apply_orientation(channel_last, turn), -1, 0)
    return torch.from_numpy(turned.copy(order=order))


def _turn(affine: np.ndarray, codes: str) -> np.ndarray:
    """Return what turns the axes of a grid to axis codes, as nibabel has it."""
    return nib.orientations.ornt_transform(
        nib.io_orientation(affine), nib.orientations.axcodes2ornt(codes)
    )


def _slices_affine(
    grid_affine: torch.Tensor, grid_shape: torch.Tensor | Sequence[int], axis: str
) -> torch.Tensor:
    """Return the affine that a volume of the grid has once its axes are (slice, row, column)."""
    affine = grid_affine.cpu().numpy()
    turn = _turn(affine, DISPLAY_CODES[axis])
    shape = [int(size) for size in grid_shape]
    return torch.as_tensor(affine @ nib.orientations.inv_ornt_aff(turn, shape))
