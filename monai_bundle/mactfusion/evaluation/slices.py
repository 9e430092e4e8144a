"""Three pictures or volumes become stacks of slices that the metrics can compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.transforms import Compose

from mactfusion.errors import InputError, listening, warn
from mactfusion.evaluation.cases import colors_of, has_record
from mactfusion.evaluation.readable import readability_of
from mactfusion.io.load import LoadVolumesd
from mactfusion.io.luminance import METRICS_NEED_8_BITS, check_8_bit_picture, grey_levels
from mactfusion.io.read import read_volume
from mactfusion.metrics.content import has_content
from mactfusion.option_table import OPTIONS
from mactfusion.recipe import own_errors
from mactfusion.registration.step import placed
from mactfusion.transforms.align import AlignPartnerd, align_to
from mactfusion.transforms.color import SplitLuminanced
from mactfusion.transforms.color_names import FORMER_COLORS
from mactfusion.transforms.each import EachPartnerd
from mactfusion.transforms.grid import ChooseGridd
from mactfusion.transforms.intensity import ScaleAnatomicald, ScalePartnerd
from mactfusion.transforms.legible import luminance_of_legible
from mactfusion.transforms.padding import LeaveOutPaddingd
from mactfusion.transforms.slabs import by_slabs
from mactfusion.transforms.slices import OrientToSlicesd, slice_axis
from mactfusion.transforms.task import ResolveTaskd
from mactfusion.transforms.volume import is_picture, plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor
    from numpy.typing import NDArray

    from mactfusion.evaluation.cases import Case, Preparation
    from mactfusion.metrics.readability import Readability

    GreyLevels = NDArray[np.uint8]


NO_RECORD = (
    "A fused result in colour that has no record beside it is measured as one in the colours "
    "ycbcr: of legible ones the numbers would be wrong."
)


@dataclass(frozen=True)
class Slices:
    """One case, cut into slices.

    Attributes:
        fused: ``(slices, rows, columns)``, luminance 0 to 255.
        source_a: the same of the first source.
        source_b: the same of the second.
        numbers: place of each slice along its axis of the file's array, from 0.
        axis: "axial", "coronal" or "sagittal"; empty for a picture.
        affine: 4x4 from index to RAS+ millimetres of the fused volume.
        notes: what should be known about the case, one sentence each.
        readability: of the colours; None where there is nothing to read from them.
    """

    fused: GreyLevels
    source_a: GreyLevels
    source_b: GreyLevels
    numbers: tuple[int, ...]
    axis: str
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    readability: Readability | None = None

    @property
    def places(self) -> list[int]:
        """Indices of the slices in which a source shows anything, by number; a picture counts."""
        places = [
            place
            for place, sources in enumerate(zip(self.source_a, self.source_b, strict=True))
            if not self.axis or has_content(*sources)
        ]
        return sorted(places, key=self.numbers.__getitem__)

    def pictures(self, place: int) -> tuple[GreyLevels, GreyLevels, GreyLevels]:
        """Return one slice of the fused file and of both sources, ``(rows, columns)``."""
        return self.fused[place], self.source_a[place], self.source_b[place]


def load_slices(case: Case, preparation: Preparation) -> Slices:
    """Read a case and bring it to grey levels on the grid of the fused file.

    Pictures are compared pixel by pixel. The sources of a fused volume take the recipe's way to
    the network (the grid, the partner onto it, windows, colour table) and from there, through
    the affines, onto the grid of the fused volume.

    Args:
        case: three pictures or three volumes.
        preparation: for volumes alone.

    Raises:
        InputError: a file cannot be read, the three cannot be compared, or no slice has content.
    """
    notes: list[str] = []
    with listening(notes.append):
        fused = read_volume(case.fused, may_be_constant=True)
        if len(fused) == 3 and not has_record(case):
            warn(NO_RECORD)
        slices = _pictures(fused, case) if is_picture(fused) else _volume(fused, case, preparation)
    if not slices.places:
        raise InputError(
            f"The sources of {case.fused} show nothing on its grid: every slice is blank."
        )
    return replace(slices, notes=tuple(notes))


def _each_once(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what was recorded of one partner into lists of one."""
    for_each = {name: OPTIONS[name].for_each for name in reading}
    return {name: [value] if for_each[name] else value for name, value in reading.items()}


def _put(data: Mapping[str, Any], pose: Sequence[Sequence[float]] | None) -> dict[str, Any]:
    """Put the partner where it was when it was fused."""
    if pose is None:
        return dict(data)
    return {**data, "partner": placed(data["partner"], np.array(pose, np.float64))}


def _pictures(fused: MetaTensor, case: Case) -> Slices:
    """Take three pictures of one size."""
    sources = []
    for path in (case.source_a, case.source_b):
        source = read_volume(path)
        if is_picture(source) and source.shape[1:] != fused.shape[1:]:
            sizes = " and ".join(f"{v.shape[1]} x {v.shape[2]}" for v in (fused, source))
            raise InputError(f"{case.fused} and {path} differ in size: {sizes} pixels.")
        sources.append(align_to(source, fused)[0])
    for picture in (fused, *sources):
        check_8_bit_picture(picture, METRICS_NEED_8_BITS)
    levels = [_fused_levels(fused, colors_of(case)), *(grey_levels(source) for source in sources)]
    stacks = [np.ascontiguousarray(grey.transpose(2, 1, 0)) for grey in levels]
    return Slices(stacks[0], stacks[1], stacks[2], (0,), "", fused.affine.numpy())


def _volume(fused: MetaTensor, case: Case, preparation: Preparation) -> Slices:
    """Prepare both sources as the recipe does, and cut all three into slices."""
    chosen = preparation.completed(case)
    prepare = Compose(
        [
            LoadVolumesd(**_each_once(chosen.reading)),
            LeaveOutPaddingd(),
            EachPartnerd(partial(ResolveTaskd, task=chosen.task or "auto")),
            EachPartnerd(lambda: partial(_put, pose=chosen.pose)),
            ChooseGridd(chosen.grid or "anatomical"),
            EachPartnerd(AlignPartnerd),
            ScaleAnatomicald(chosen.anatomical_window or "auto"),
            EachPartnerd(partial(ScalePartnerd, window=chosen.window or "auto")),
            EachPartnerd(
                partial(
                    SplitLuminanced,
                    colormap=chosen.colormap or "hot_iron",
                    colors=chosen.colors or FORMER_COLORS,
                )
            ),
        ]
    )
    with own_errors():
        sources: dict[str, Any] = prepare({"anatomical": case.source_a, "partner": case.source_b})
    shown = {
        "fused": _shown(fused, chosen.colors or FORMER_COLORS),
        "anatomical": align_to(sources["anatomical"], fused)[0],
        "luminance": align_to(sources["partners"][0]["luminance"], fused)[0],
    }
    turned = OrientToSlicesd(list(shown), chosen.axis or "auto", reference="fused")(shown)
    stacks = [np.round(255 * plain(turned[key])[0].numpy()).astype(np.uint8) for key in shown]
    affine = fused.affine.double()
    axis = turned["axis"]
    _, is_reversed = slice_axis(affine, axis)
    numbers = tuple(range(len(stacks[0])))
    return Slices(
        fused=stacks[0],
        source_a=stacks[1],
        source_b=stacks[2],
        numbers=numbers[::-1] if is_reversed else numbers,
        axis=axis,
        affine=affine.numpy(),
        readability=readability_of(fused, sources),
    )


def _fused_levels(fused: MetaTensor, colors: str) -> GreyLevels:
    """Return the luminance that the network fused, ``(I, J, K)``, in whole grey levels.

    Of legible colours that is not the luminance of red, green and blue.
    """
    if colors != "legible" or len(fused) == 1:
        return grey_levels(fused)
    levels = by_slabs(luminance_of_legible, plain(fused).float())[0]
    return np.round(255 * levels.numpy()).astype(np.uint8)


def _shown(fused: MetaTensor, colors: str) -> MetaTensor:
    """Return the fused volume as luminance in [0, 1]."""
    levels = _fused_levels(fused, colors)
    return with_voxels(fused, plain(fused).new_tensor(levels[None] / 255.0))
