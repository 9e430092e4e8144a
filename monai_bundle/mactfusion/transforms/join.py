"""All partners become the one second channel that the network takes, and one colour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from monai.transforms import Transform

from mactfusion.case import partner_roles
from mactfusion.transforms.color import NEUTRAL, color_partner
from mactfusion.transforms.color_names import COLORS
from mactfusion.transforms.slabs import by_slabs
from mactfusion.transforms.units import units_of
from mactfusion.transforms.volume import name_of, new_voxels, plain, with_voxels
from mactfusion.transforms.windows import rounded
from mactfusion.trust.provenance import strongest_partner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mactfusion.case import Partner

_HUE_CONTRAST = 4
"""Power of the luminance that weighs hues: the stronger tracer's wins, without a hard edge."""


class JoinPartnersd(Transform):
    """Make ``image`` of the anatomical volume and the pixel maximum of the partners' luminances.

    ``chrominance`` is that of the stronger tracer (docs/adr/0005-three-modalities.md). Of one
    partner both are its own. The volumes that went into them are dropped.

    Args:
        colors: see :func:`mactfusion.transforms.color.merge_colors`.
    """

    def __init__(self, colors: str = COLORS[0]) -> None:
        self.colors = colors

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Join ``partners``; see :class:`mactfusion.case.Case`."""
        result = dict(data)
        anatomical, partners = result.pop("anatomical"), data["partners"]
        image = new_voxels((2, *anatomical.shape[1:]))
        image[0], image[1] = plain(anatomical)[0], plain(partners[0]["luminance"])[0]
        for partner in partners[1:]:
            torch.maximum(image[1], plain(partner["luminance"])[0], out=image[1])
        result["image"] = with_voxels(anatomical, image)
        in_color = [partner for partner in partners if partner["is_color"]]
        result["is_color"] = bool(in_color)
        if in_color:
            result["chrominance"] = with_voxels(anatomical, _chrominance(in_color, self.colors))
        result["task"] = " + ".join(partner["task"] for partner in partners)
        result["task_reason"] = " ".join(partner["task_reason"] for partner in partners)
        result["coverage"] = min(partner["coverage"] for partner in partners)
        result["strongest"] = strongest_partner(
            [plain(partner["luminance"]) for partner in partners],
            [_seen(partner) for partner in partners],
        )
        result["scaled"] = [_scaled(partner) for partner in partners]
        if len(partners) > 1:
            result["shown"] = [_shown(partner, self.colors) for partner in partners]
        result["partners"] = [described(partner, len(partners)) for partner in partners]
        return result


def described(partner: Partner, count: int) -> dict[str, Any]:
    """Return what the record says of one partner.

    Args:
        partner: scaled and split.
        count: number of partners.

    Returns:
        ``input`` (its role: "partner", or of several "partner 1", …), ``name``, ``task``,
        ``task_reason``, ``level_width`` (in native units), ``units``, ``units_from`` (what made
        SUV of them), ``colormap``, ``colors``, ``coverage``.
    """
    return {
        "input": partner_roles(count)[partner["number"]],
        "name": name_of(partner["partner"]),
        "task": partner["task"],
        "task_reason": partner["task_reason"],
        "level_width": rounded(partner["level_width"]),
        "units": units_of(partner["partner"]),
        "units_from": str(partner["partner"].meta.get("units_from", "")),
        "colormap": partner["colormap"],
        "colors": partner["colors"],
        "coverage": float(partner["coverage"]),
        "register_verdict": partner["verdict"],
        "is_sided": partner["is_sided"],
        "off_mm": float(partner["off_mm"]),
        "off_degrees": float(partner["off_degrees"]),
        "pose": partner["pose"],
        "evidence": partner["evidence"],
    }


def _seen(partner: Partner) -> torch.Tensor | None:
    return plain(partner["field_of_view"]) if "field_of_view" in partner else None


def _scaled(partner: Partner) -> torch.Tensor:
    """Return what a partner says without its colours, ``(1, …)`` in 8 bits, to save memory."""
    is_scalar = partner["partner"].shape[0] == 1
    return by_slabs(
        _in_8_bits, plain(partner["partner" if is_scalar else "luminance"]), dtype=torch.uint8
    )


def _shown(partner: Partner, colors: str) -> torch.Tensor:
    """Return a partner as a picture of it needs: ``(1 or 3, …)`` in 8 bits, to save memory."""
    luminance = plain(partner["luminance"])
    if not partner["is_color"]:
        return by_slabs(_in_8_bits, luminance, dtype=torch.uint8)
    colormap = partner["colormap"]
    return by_slabs(
        lambda luminance, chrominance: _in_8_bits(
            color_partner(luminance, chrominance, colormap, colors)
        ),
        luminance,
        plain(partner["chrominance"]),
        dtype=torch.uint8,
    )


def _in_8_bits(voxels: torch.Tensor) -> torch.Tensor:
    return (voxels * 255).round_()


def _chrominance(partners: Sequence[Partner], colors: str) -> torch.Tensor:
    """Mix ``(2, …)``, each partner weighed by the fourth power of its luminance."""
    if len(partners) == 1:
        return plain(partners[0]["chrominance"])
    luminances = [plain(partner["luminance"]) for partner in partners]
    chrominances = [plain(partner["chrominance"]) for partner in partners]
    return by_slabs(partial(_mixed, neutral=NEUTRAL[colors]), *luminances, *chrominances)


def _mixed(*parts: torch.Tensor, neutral: float) -> torch.Tensor:
    """Mix the second half, chrominances, by the first half, luminances."""
    count = len(parts) // 2
    weights = torch.cat(parts[:count]) ** _HUE_CONTRAST
    weights /= weights.sum(dim=0).clamp(min=1e-12)
    differences = torch.stack(parts[count:]) - neutral
    return (weights[:, None] * differences).sum(dim=0) + neutral
