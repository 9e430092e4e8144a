"""A fused volume and how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from mactfusion.amounts import counted, percent
from mactfusion.transforms.color import color_partner
from mactfusion.transforms.color_names import FORMER_COLORS
from mactfusion.transforms.slabs import by_slabs
from mactfusion.transforms.slices import RestoreOrientationd
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    import numpy as np
    from monai.data import MetaTensor

    from mactfusion.case import Case
    from mactfusion.trust.regions import Region


@dataclass(frozen=True, repr=False)
class FusionResult:
    """A fused volume and how it came about.

    Attributes:
        fused: ``(1, I, J, K)``, or RGB ``(3, I, J, K)`` where a partner has colour; float32 in
            [0, 1]; the grid and affine of the anatomical volume, or see the option ``grid``.
        record: what the sidecar file holds: options, weights, versions, times.
        warnings: one sentence each, with the names of the inputs.
    """

    fused: MetaTensor
    record: dict[str, Any]
    warnings: list[str]
    _case: Case
    _aligned: Case | None = None

    def __repr__(self) -> str:
        kind = "colour" if len(self.fused) == 3 else "grey"
        shape = " x ".join(str(size) for size in self.fused.shape[1:])
        return (
            f"FusionResult({self.task}, {kind}, {shape}, {self.model}, "
            f"coverage {percent(self.coverage, 1)}, {self.seconds['total']:.1f} s, "
            f"{counted(len(self.warnings), 'warning')})"
        )

    @property
    def task(self) -> str:
        """The task that was fused, such as ``pet-mri``; ``ct-mri + pet-mri`` of two partners."""
        return self.record["task"]

    @property
    def model(self) -> str:
        """Name of the network that fused them."""
        return self.record["options"]["model"]

    @property
    def colors(self) -> str:
        """How brightness and colours met: the option of that name."""
        return self.record["options"].get("colors", FORMER_COLORS)

    @property
    def coverage(self) -> float:
        """Share of the result's grid, 0 to 1, that the partner covers; of several the least."""
        return self.record["coverage"]

    @property
    def seconds(self) -> dict[str, float]:
        """Time to prepare, to fuse, and in all."""
        return self.record["seconds"]

    @property
    def anatomical(self) -> MetaTensor:
        """The anatomical volume as the network saw it, ``(1, I, J, K)`` in [0, 1]."""
        return self._restored(plain(self._case["image"])[:1])

    @property
    def partner(self) -> MetaTensor:
        """The partner on the result's grid, ``(1 or 3, I, J, K)`` in [0, 1]; several joined."""
        luminance = plain(self._case["image"])[1:]
        if not self._case["is_color"]:
            return self._restored(luminance)
        partners = self.record["partners"]
        colormap = partners[0]["colormap"] if len(partners) == 1 else ""
        in_color = partial(color_partner, colormap=colormap, colors=self.colors)
        return self._restored(by_slabs(in_color, luminance, plain(self._case["chrominance"])))

    @property
    def partners(self) -> list[MetaTensor]:
        """Each partner as :attr:`partner` is, in the order of ``record["partners"]``.

        Of several they have 256 levels: they are for looking at.
        """
        if "shown" not in self._case:
            return [self.partner]
        return [self._restored(shown / 255) for shown in self._case["shown"]]

    @property
    def native(self) -> list[MetaTensor] | None:
        """The sources on the result's grid in their own units, if ``keep_native`` asked for them.

        The anatomical volume ``(1, I, J, K)``, then each partner ``(1 or 3, I, J, K)`` in the order
        of ``record["partners"]``, NaN outside its field of view; colours are in [0, 1].
        """
        if self._aligned is None:
            return None
        volumes = [plain(self._aligned["anatomical"])]
        for partner in self._aligned["partners"]:
            is_seen = plain(partner["field_of_view"]) > 0
            volumes.append(plain(partner["partner"]).where(is_seen, torch.nan))
        return [self._restored(volume) for volume in volumes]

    @property
    def before(self) -> list[list[MetaTensor] | None]:
        """Of each partner that was moved three planes as it lay, if ``keep_native`` asked for them.

        See :class:`mactfusion.registration.KeepBefored`; None for the others.
        """
        if self._aligned is None:
            return [None] * len(self.record["partners"])
        return [partner.get("before") for partner in self._aligned["partners"]]

    @property
    def shares(self) -> MetaTensor | None:
        """The share of each source in each voxel, if the option ``provenance`` asked for it.

        ``(sources, I, J, K)`` in [0, 1], the anatomical volume first, then each partner in the
        order of ``record["partners"]``. They add up to 1; all are 0 where none can be told.
        """
        shares = self._case.get("shares")
        return None if shares is None else self._restored(plain(shares) / 255)

    @property
    def lost(self) -> MetaTensor | None:
        """Where the result lost or invented structure, ``(1, I, J, K)``; None without a check.

        The sum of 1 (structure of the anatomical volume is lost), 2, 4, 8 … (of the partners, in
        the order of ``record["partners"]``) and 128 (no source has it).
        """
        codes = self._case.get("lost")
        return None if codes is None else self._restored(codes)

    @property
    def regions(self) -> list[Region]:
        """The same as a list, see :class:`mactfusion.trust.regions.Region`; empty without."""
        return self._case.get("regions", [])

    @property
    def hottest_mm(self) -> np.ndarray | None:
        """``(3,)`` RAS, where the first PET or SPECT is highest; None without one."""
        place = self._case.get("hottest_mm")
        return None if place is None else place.numpy()

    def _restored(self, voxels: torch.Tensor) -> MetaTensor:
        volume = with_voxels(self._case["image"], voxels)
        return RestoreOrientationd(["volume"])({**self._case, "volume": volume})["volume"]
