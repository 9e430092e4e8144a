"""Steps that move geometry leave a trace on a volume, by which MONAI undoes them."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, SpatialResample
from monai.utils import TraceKeys

from mactfusion.transforms.index_map import is_same_grid
from mactfusion.transforms.volume import is_picture, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TracedStep(InvertibleTransform):
    """A step that says in ``applied_operations`` of a volume how its voxels or axes were moved.

    ``monai.transforms.Invertd``, or ``inverse`` of a ``Compose`` of such steps, brings a volume
    back by its trace, whatever its key: what is made of a volume on its grid, as ``image`` is of
    ``anatomical``, has its trace too. A prediction comes back to the grid of the volume as it was
    read, with exactly its affine.
    """

    def inverse(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Undo the step on each volume of ``data``, and of its ``partners``, that it moved last.

        Raises:
            RuntimeError: no volume has a trace, or another step of this class left it.
            ValueError: a volume is not on the grid that the step left it on.
        """
        partners = data.get("partners", [])
        if not any(has_trace(case) for case in (data, *partners)):
            raise RuntimeError(
                f"{type(self).__name__} has nothing to undo: no volume under {', '.join(data)} has "
                "a trace (applied_operations) of the steps that moved it. It did not go through "
                "them, or is back already."
            )
        result = self._undone(data)
        if "partners" in data:
            result["partners"] = [self._undone(partner) for partner in partners]
        return result

    def _undone(self, case: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(case)
        for key, volume in case.items():
            trace = _trace_of(volume)
            if trace and trace[-1][TraceKeys.CLASS_NAME] == type(self).__name__:
                self.check_transforms_match(trace[-1])
                result[key] = self.undone(volume, trace[-1])
        return result

    @abstractmethod
    def undone(self, volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
        """Return the volume as it was before the step.

        Args:
            volume: what has the trace, which stays as it is.
            done: the last entry of the trace.
        """

    def traced(self, moved: MetaTensor, before: MetaTensor, **details: Any) -> MetaTensor:
        """Give a new volume the trace of the one that it was made of, and this step's entry.

        Args:
            moved: what the step made; it is changed.
            before: what it made it of.
            **details: what undoing it needs, beside the affine and the size.
        """
        moved.applied_operations = list(before.applied_operations)
        affine = before.affine.double().clone()
        self.push_transform(
            moved, orig_size=tuple(before.shape[1:]), extra_info={"affine": affine, **details}
        )
        return moved


def has_trace(case: Mapping[str, Any]) -> bool:
    """Tell whether anything in a case, or in what one partner has of it, bears a trace."""
    return any(_trace_of(value) for value in case.values())


def _trace_of(value: Any) -> list[dict[str, Any]]:
    return value.applied_operations if isinstance(value, MetaTensor) else []


def put_back(volume: MetaTensor, voxels: torch.Tensor, affine: torch.Tensor) -> MetaTensor:
    """Return a volume with other voxels and affine, and without the last entry of its trace."""
    back = MetaTensor(voxels, meta={**volume.meta, "affine": affine.clone()})
    back.applied_operations = volume.applied_operations[:-1]
    return back


def resampled_back(volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
    """Bring a volume back to the grid that it was resampled from, as ``Spacingd`` of MONAI does.

    Values are interpolated linearly, or as ``mode`` of the entry says, which ``Invertd`` sets to
    "nearest" unless told otherwise; whole numbers and masks always take the nearest. Beyond the
    field of view the outermost values continue. Where nothing was resampled the voxels stay.

    Args:
        volume: ``(C, I, J, K)``.
        done: its trace's last entry.
    """
    details = done[TraceKeys.EXTRA_INFO]
    affine, shape = details["affine"], [int(size) for size in done[TraceKeys.ORIG_SIZE]]
    if is_picture(volume) or _is_on(volume, affine, shape):
        return put_back(volume, plain(volume), affine)
    resample = SpatialResample(
        mode=details["mode"] if volume.is_floating_point() else "nearest",
        padding_mode="border",
        align_corners=False,
        dtype=torch.float64,  # type: ignore[arg-type]  # MONAI means torch's too
    )
    # A volume of its own, because MONAI writes into the trace of what it is given.
    source = MetaTensor(plain(volume), affine=volume.affine)
    found = resample(source, dst_affine=affine, spatial_size=shape)
    return put_back(volume, plain(found).to(volume.dtype), affine)


def _is_on(volume: MetaTensor, affine: torch.Tensor, shape: Sequence[int]) -> bool:
    index_map = torch.linalg.solve(affine.double(), volume.affine.double())
    return is_same_grid(index_map, tuple(volume.shape[1:]), shape)
