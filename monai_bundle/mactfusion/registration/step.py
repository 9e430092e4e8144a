"""The step of the recipe between reading and the common grid: the partner in its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.utils import TraceKeys

from mactfusion.amounts import counted
from mactfusion.errors import InputError, inform, note
from mactfusion.option_values import is_automatic
from mactfusion.progress import in_steps
from mactfusion.registration.verdict import (
    DOUBTFUL,
    IN_PLACE,
    MIRRORED,
    NO_MATCH,
    NOT_CHECKED,
    OFF,
    Verdict,
)
from mactfusion.transforms.trace import TracedStep, put_back
from mactfusion.transforms.volume import is_picture, name_of, noted, plain, with_voxels
from mactfusion.words import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monai.data import MetaTensor

    from mactfusion.registration.linear import Matrix

LEAST_SLICES = 6
LEAST_MM = 20.0


class PlacePartnerd(TracedStep):
    """Check whether ``partner`` lies where ``anatomical`` is, or put it there.

    Only the affine of the partner changes, so that its voxels are resampled once. Adds ``pose``,
    ``verdict``, ``is_sided``, ``off_mm``, ``off_degrees`` and ``evidence``, see
    :class:`mactfusion.case.Partner`. The inverse gives the partner its own affine again.

    Args:
        register: "check" says whether it is in place; "rigid" and "affine" put it there; "off"
            does nothing.
        transform: a file of ITK or 3D Slicer that is applied first, see
            :mod:`mactfusion.registration.linear`; "auto" for none.
        accept_doubtful: also apply a registration of which it cannot be told whether it is right.

    Raises:
        InputError: a transform that cannot be used.
    """

    def __init__(
        self,
        register: str = "check",
        transform: str | Path = "auto",
        accept_doubtful: bool = False,
    ) -> None:
        self.register = register
        self.given: Matrix | None = None
        if not is_automatic(transform):
            from mactfusion.registration.linear import read_transform  # with SimpleITK

            self.given = read_transform(Path(transform))
        self.accept_doubtful = accept_doubtful

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Check or register the partner.

        Raises:
            InputError: a picture that was to be moved, or a registration that failed, or that is
                doubtful and was not accepted.
        """
        result = dict(data)
        pose = np.eye(4)
        if self.given is not None:
            if is_picture(data["partner"]):
                raise InputError(
                    f"{name_of(data['partner'])} is a picture without a place in the patient, "
                    "which no transform can move."
                )
            pose = self.given
            result["partner"] = placed(data["partner"], pose)
        verdict = Verdict(NOT_CHECKED)
        evidence: tuple[float, ...] = ()
        if self.register != "off":
            found = self._found(result)
            if found is not None:
                verdict, evidence, moved = found
                if not np.array_equal(moved, np.eye(4)):
                    pose = pose @ moved
                    result["partner"] = placed(result["partner"], moved)
        partner = result["partner"]
        result["partner"] = self.traced(with_voxels(partner, partner), data["partner"])
        result |= {
            "pose": torch.from_numpy(pose),
            "verdict": verdict.name,
            "is_sided": verdict.is_sided,
            "off_mm": verdict.off_mm,
            "off_degrees": verdict.off_degrees,
            "evidence": torch.tensor(evidence, dtype=torch.float64),
        }
        return result

    def undone(self, volume: MetaTensor, done: Mapping[str, Any]) -> MetaTensor:
        """Put a volume where the partner was."""
        return put_back(volume, plain(volume), done[TraceKeys.EXTRA_INFO]["affine"])

    def _found(self, data: dict[str, Any]) -> tuple[Verdict, tuple[float, ...], Matrix] | None:
        """Search, judge and say; return the motion that is to be applied."""
        anatomical, partner = data["anatomical"], data["partner"]
        name, on = name_of(partner), name_of(anatomical)
        reason = why_not(anatomical) or why_not(partner)
        if reason and self.register != "check":
            raise InputError(
                f"{name} cannot be registered: {reason}; use {option('register', 'off')}."
            )
        if reason:
            inform(f"Whether {name} lies where {on} is was not checked: {reason}.")
            return None
        from mactfusion.registration.check import STEPS, found_pose

        is_check = self.register == "check"
        what = (
            f"Checking whether {name} lies where {on} is"
            if is_check
            else f"Registering {name} to {on}"
        )
        inform(f"{what}.")
        with in_steps(what, STEPS[self.register]):
            verdict, evidence, pose = found_pose(anatomical, partner, self.register)
        is_left = verdict.name == IN_PLACE and data.get("same_frame_of_reference", False)
        if self.register == "check" or is_left:
            pose = np.eye(4)
        self._say(data, verdict, is_moved=not np.array_equal(pose, np.eye(4)))
        return verdict, evidence, pose

    def _say(self, data: dict[str, Any], verdict: Verdict, is_moved: bool) -> None:
        """Say the verdict; refuse what must not be applied."""
        name, on = noted(data["partner"]), noted(data["anatomical"])
        plain_name, plain_on = name_of(data["partner"]), name_of(data["anatomical"])
        asks = self.register != "check"
        if asks and not verdict.is_good and not (verdict.is_applicable and self.accept_doubtful):
            more = (
                f" If you have looked at it and it is right, {option('accept_doubtful', True)} "
                "applies it."
                if verdict.is_applicable
                else ""
            )
            raise InputError(
                f"{plain_name} was not registered to {plain_on}: {_why(verdict)}.{more}"
            )
        if verdict.name == IN_PLACE and not is_moved:
            sided = (
                "" if verdict.is_sided else "; whether left and right are swapped cannot be told"
            )
            inform(f"{plain_name} lies where {plain_on} is{sided}.")
            return
        how_far = f"{verdict.off_mm:.0f} mm and {verdict.off_degrees:.0f}°"
        if is_moved:
            sentence = f"{name} was moved by about {how_far} onto {on}"
            if not verdict.is_good:
                sentence += "; whether that is right cannot be told"
        elif verdict.name == OFF:
            remedy = option("register", "rigid")
            sentence = f"{name} is off {on} by about {how_far}; {remedy} puts it in place"
        else:
            sentence = f"{name} may not lie where {on} is: {_why(verdict)}"
        if verdict.is_good and not verdict.is_sided:
            sentence += "; whether left and right are swapped cannot be told"
        note(data, f"{sentence}.")


_WHY = {
    DOUBTFUL: "whether they match, or are of two patients, cannot be told from their images",
    NO_MATCH: "they do not match, as volumes of two patients or of two parts of the body",
    MIRRORED: "one matches the other better with left and right swapped",
}

_SMALL = "they show too small a part of the body together to tell whether they match"


def _why(verdict: Verdict) -> str:
    return _SMALL if verdict.is_small else _WHY[verdict.name]


def why_not(volume: MetaTensor) -> str:
    """Say why a volume cannot be compared with another by its image; "" where it can."""
    if is_picture(volume):
        return "pictures have no place in the patient"
    spacing = torch.linalg.vector_norm(volume.affine[:3, :3].double(), dim=0)
    length_mm = spacing * torch.tensor(volume.shape[1:])
    name = name_of(volume)
    if min(volume.shape[1:]) < LEAST_SLICES:
        count = min(volume.shape[1:])
        return f"{name} has only {counted(count, 'slice')}"
    if float(length_mm.min()) < LEAST_MM:
        return f"{name} is only {float(length_mm.min()):.0f} mm thick"
    low, high = plain(volume).aminmax()
    if bool(low == high):
        return f"{name} shows nothing: all its voxels are the same"
    if bool(((plain(volume) == low) | (plain(volume) == high)).all()):
        return f"{name} is a mask of two values"
    return ""


def placed(partner: MetaTensor, pose: Matrix) -> MetaTensor:
    """Return the partner with the affine that a pose gives it; its voxels stay."""
    affine = torch.linalg.solve(torch.from_numpy(pose), partner.affine.double())
    return with_voxels(partner, partner, affine)
