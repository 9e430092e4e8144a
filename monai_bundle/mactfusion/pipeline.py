"""fuse_volumes(): the recipe of ``configs/inference.yaml``, run from Python."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mactfusion.errors import InputError, listening
from mactfusion.inference import PRECISIONS
from mactfusion.models import choose_model, shipped_weights, weights_of_pair
from mactfusion.networks.registry import find_model
from mactfusion.recipe import Recipe
from mactfusion.several import JointRecipe, joint_record, options_of_each
from mactfusion.transforms import (
    GRIDS,
    TASKS,
    RestoreOrientationd,
    color_table,
    merge_chrominance,
    parse_window,
)
from mactfusion.transforms.slices import DISPLAY_CODES
from mactfusion.transforms.volume import plain, with_voxels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monai.data import MetaTensor
    from numpy.typing import ArrayLike
    from torch import nn

    from mactfusion.inference import Progress


def bundle_root() -> Path:
    """Folder of the bundle: around the library in a checkout, inside it once installed."""
    library = Path(__file__).parent
    return library.parent if (library.parent / "configs").is_dir() else library / "bundle"


@dataclass(frozen=True)
class FusionResult:
    """A fused volume and how it came about.

    Attributes:
        fused: ``(1, I, J, K)``, or RGB ``(3, I, J, K)`` where the partner has colour; float32 in
            [0, 1]; the grid and affine of the anatomical volume, or see the option ``grid``.
        record: what the sidecar file holds: options, weights, versions, times.
        warnings: one sentence each.
    """

    fused: MetaTensor
    record: dict[str, Any]
    warnings: list[str]
    _data: Mapping[str, Any]

    @property
    def task(self) -> str:
        """The task that was fused, such as ``pet-mri``; ``ct-mri + pet-mri`` of two partners."""
        return self.record["task"]

    @property
    def model(self) -> str:
        """Name of the network that fused them."""
        return self.record["options"]["model"]

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
        return self._restored(plain(self._data["image"])[:1])

    @property
    def partner(self) -> MetaTensor:
        """The partner on the result's grid, ``(1 or 3, I, J, K)`` in [0, 1]; several joined."""
        luminance = plain(self._data["image"])[1:]
        if not self._data["is_color"]:
            return self._restored(luminance)
        cb, cr = plain(self._data["chrominance"]).split(1)
        return self._restored(merge_chrominance(luminance, cb, cr))

    @property
    def partners(self) -> list[MetaTensor]:
        """Each partner as :attr:`partner` is, in the order of ``record["partners"]``.

        Of several they have 256 levels: they are for looking at.
        """
        if "shown" not in self._data:
            return [self.partner]
        return [self._restored(shown / 255) for shown in self._data["shown"]]

    def _restored(self, voxels: torch.Tensor) -> MetaTensor:
        volume = with_voxels(self._data["image"], voxels)
        return RestoreOrientationd(["volume"])({**self._data, "volume": volume})["volume"]


def resolve_device(name: str | torch.device) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` into a device that is there.

    Raises:
        InputError: this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"The device '{name}' is not available on this machine; use --device cpu."
        ) from error
    return device


def fuse_volumes(
    anatomical: Any,
    partner: Any,
    *,
    output: str | Path | None = None,
    task: str | list[str] = "auto",
    model: str = "auto",
    weights: str | Path | None = None,
    window: str | tuple[float, float] | list[Any] = "auto",
    anatomical_window: str | tuple[float, float] = "auto",
    colormap: str | ArrayLike | list[Any] = "auto",
    grid: str = "anatomical",
    axis: str = "auto",
    device: str | torch.device = "auto",
    precision: str = "float32",
    batch_size: int | None = None,
    luminance: bool = False,
    dtype: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FusionResult:
    """Fuse volumes of one patient on the grid of the anatomical one, or in cubes (``grid``).

    Args:
        anatomical: MR (or phase contrast): a path (NIfTI, NRRD, MetaImage, DICOM folder, picture),
            a ``MetaTensor``, a nibabel or SimpleITK image, or ``(array, affine)`` with an affine
            from index to RAS+ millimetres.
        partner: CT, PET, SPECT, a second MR or GFP, likewise, on any grid; or a list of several,
            whose order does not matter. For several, ``task``, ``window`` and ``colormap`` may be
            lists with one value for each.
        output: file to write (``.nii.gz``, ``.nrrd``, ``.mha``, ``.png``, ...), with a record
            (``.json``) beside it.
        task: ``ct-mri``, ``pet-mri``, ``spect-mri``, ``mr-mr``, ``gfp-pc``, or ``auto``.
        model: name of the network, as ``mactfusion models`` lists them; ``auto`` is the one that
            ``weights`` belong to, and without them ``mactfusion_plus``.
        weights: weight file; that of the model by default.
        window: of the partner: ``auto``, ``(level, width)`` in its units, or a CT preset.
        anatomical_window: ``auto`` or ``(level, width)``.
        colormap: colour table for scalar PET and SPECT: a name, or its entries ``(N, 3 or 4)`` in
            [0, 1]; ``auto`` is hot iron, and distinct hues for several of them.
        grid: of the result: ``anatomical``, or ``isotropic``, cubic voxels of the finest spacing in
            the same field of view, for a CT that is finer than the slices of the MR.
        axis: ``auto``, ``axial``, ``coronal`` or ``sagittal``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``float32``, ``bfloat16`` or ``float16``.
        batch_size: slices at a time.
        luminance: leave the colour out.
        dtype: stored type: ``auto``, ``uint8``, ``uint16``, ``float32``.
        overwrite: replace ``output`` if it exists.
        progress: called with (slices done, slices in all); it stops the run by raising
            ``FusionCancelled``.

    Returns:
        The fused volume, its record and the warnings.

    Raises:
        InputError: the input cannot be fused; the message says why and what to do.
        FusionCancelled: ``progress`` asked for it.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> mr = (rng.random((32, 32, 3)) * 900, np.diag([2.0, 2.0, 5.0, 1.0]))
        >>> pet = (rng.random((16, 16, 3)) * 8e3, np.diag([4.0, 4.0, 5.0, 1.0]))
        >>> result = fuse_volumes(mr, pet, task="pet-mri")
        >>> tuple(result.fused.shape), result.task
        ((3, 32, 32, 3), 'pet-mri')
    """
    options = {
        "output": output,
        "task": task,
        "model": model,
        "weights": weights,
        "window": window,
        "anatomical_window": anatomical_window,
        "colormap": colormap,
        "grid": grid,
        "axis": axis,
        "device": device,
        "precision": precision,
        "batch_size": batch_size,
        "luminance": luminance,
        "dtype": dtype,
        "overwrite": overwrite,
    }
    sentences: list[str] = []
    with listening(sentences.append):
        data = recipe_for(anatomical, partner, options, progress).run()
    sentences = list(dict.fromkeys(sentences))  # each partner's pair may say the same of the MR
    return FusionResult(data.pop("pred"), data.pop("record"), sentences, data)


DEFAULT_OPTIONS = {
    name: parameter.default
    for name, parameter in inspect.signature(fuse_volumes).parameters.items()
    if name not in ("anatomical", "partner", "progress")
}
"""The options of :func:`fuse_volumes` that are values, with their defaults."""

_CHOICES = {
    "task": ("auto", *TASKS),
    "grid": GRIDS,
    "axis": ("auto", *DISPLAY_CODES),
    "precision": PRECISIONS,
    "dtype": ("auto", "uint8", "uint16", "float32"),
}


def recipe_for(
    anatomical: Any,
    partner: Any,
    options: Mapping[str, Any],
    progress: Progress | None = None,
    network: nn.Module | None = None,
) -> Recipe:
    """Check the options of :func:`fuse_volumes` and lay them over its recipe.

    Args:
        anatomical: see :func:`fuse_volumes`.
        partner: likewise; a list of several too.
        options: all of :data:`DEFAULT_OPTIONS`.
        progress: see :func:`fuse_volumes`.
        network: one of the chosen model that holds the chosen weights already.

    Raises:
        InputError: an option that cannot be.
    """
    model, weights = chosen_model(options, anatomical, partner)
    options = {**options, "model": model, "weights": weights}
    if not isinstance(partner, list):
        return _recipe(_checked(anatomical, partner, options, progress, network), network)
    choices = [
        _checked(anatomical, source, own, progress, network)
        for source, own in zip(partner, options_of_each(options, len(partner)), strict=True)
    ]
    if len(choices) == 1:
        return _recipe(choices[0], network)
    first = _recipe({**choices[0], "record": joint_record(choices)}, network)
    return JointRecipe([first, *(_recipe(own, first.network) for own in choices[1:])])


def _recipe(choices: Mapping[str, Any], network: nn.Module | None) -> Recipe:
    return Recipe(bundle_root() / "configs" / "inference.yaml", choices, network)


def _checked(
    anatomical: Any,
    partner: Any,
    options: Mapping[str, Any],
    progress: Progress | None,
    network: nn.Module | None,
) -> dict[str, Any]:
    """Check the options of one pair; see :func:`recipe_for`.

    Every text is checked or enters as another type: the configuration would run a text that
    starts with "$" as Python, also inside a list or a dictionary.
    """
    output, colormap, batch_size = (options[key] for key in ("output", "colormap", "batch_size"))
    table = color_table(colormap)
    return {
        **{option: options[option] for option in _CHOICES},
        "bundle_root": bundle_root(),
        "anatomical": _checked_source(anatomical),
        "partner": _checked_source(partner),
        "output": None if output is None else Path(output),
        "model": options["model"],
        "network_def": network or find_model(options["model"]).network(),
        "weights": options["weights"],
        "window": _checked_window(options["window"]),
        "anatomical_window": _checked_window(options["anatomical_window"]),
        "colormap": colormap if isinstance(colormap, str) else table,
        "device": resolve_device(options["device"]),
        "batch_size": None if batch_size is None else int(batch_size),
        "luminance": bool(options["luminance"]),
        "overwrite": bool(options["overwrite"]),
        "progress": progress,
    }


def chosen_model(options: Mapping[str, Any], anatomical: Any, partner: Any) -> tuple[str, Path]:
    """Settle the network that options of :func:`fuse_volumes` mean, and the file of its weights.

    Args:
        options: all of :data:`DEFAULT_OPTIONS`.
        anatomical: see :func:`fuse_volumes`; looked at where the task is "auto" and the model has
            weights of its own for a task.
        partner: likewise; of several that have other weights each, the model's joint weights are
            taken.

    Raises:
        InputError: there is no partner, an option has no such value, the model no weights for the
            task or tasks, or the task cannot be told.
    """
    partners = partner if isinstance(partner, list) else [partner]
    if not partners:
        raise InputError("There is no partner volume; give one.")
    each = options_of_each(options, len(partners)) if isinstance(partner, list) else [options]
    for own in each:
        for option, allowed in _CHOICES.items():
            if own[option] not in allowed:
                raise InputError(f"Unknown {option} '{own[option]}': choose {', '.join(allowed)}.")
    folder = bundle_root() / "models"
    model, weights = choose_model(options["model"], options["weights"])
    if weights is not None:
        return model, weights
    files = {
        weights_of_pair(folder, model, own["task"], anatomical, source)
        for own, source in zip(each, partners, strict=True)
    }
    if len(files) == 1 and (file := files.pop()):
        return model, file
    if not find_model(model).weights:
        raise InputError(
            f"The model {model} has other weights for each task, and none for partners of several "
            "tasks: choose another model, or give a weight file."
        )
    return model, shipped_weights(folder, model, "auto")


def _checked_source(source: Any) -> Any:
    """Let through what a configuration hands on as it is: anything but texts and containers."""
    if isinstance(source, str):
        return Path(source)
    if isinstance(source, list | dict):
        raise InputError(
            f"A volume of type {type(source).__name__} is not understood; use a path, a "
            "MetaTensor, a nibabel or SimpleITK image, or a tuple (array, affine)."
        )
    return source


def _checked_window(window: str | Sequence[float]) -> str | list[float]:
    """Refuse what is no window; keep the name of a preset, for the record."""
    values = parse_window(window)
    return window if isinstance(window, str) else [float(value) for value in values]
