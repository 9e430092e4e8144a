"""fuse_volumes(): the recipe of ``configs/inference.yaml``, run from Python."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from monai.bundle import ConfigParser

from mactfusion.errors import FusionCancelled, FusionWarning, InputError
from mactfusion.inference import PRECISIONS, is_out_of_memory
from mactfusion.transforms import (
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
            [0, 1]; the grid and affine of the anatomical volume.
        record: what the sidecar file holds: options, weights, versions, times.
        warnings: one sentence each.
    """

    fused: MetaTensor
    record: dict[str, Any]
    warnings: list[str]
    _data: Mapping[str, Any]

    @property
    def task(self) -> str:
        """The task that was fused, such as ``pet-mri``."""
        return self.record["task"]

    @property
    def coverage(self) -> float:
        """Share of the anatomical grid, 0 to 1, that the partner covers."""
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
        """The partner on the anatomical grid, ``(1 or 3, I, J, K)`` in [0, 1]."""
        luminance = plain(self._data["image"])[1:]
        if not self._data["is_color"]:
            return self._restored(luminance)
        cb, cr = plain(self._data["chrominance"]).split(1)
        return self._restored(merge_chrominance(luminance, cb, cr))

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
    task: str = "auto",
    weights: str | Path | None = None,
    window: str | tuple[float, float] = "auto",
    anatomical_window: str | tuple[float, float] = "auto",
    colormap: str = "hot_iron",
    axis: str = "auto",
    device: str | torch.device = "auto",
    precision: str = "float32",
    batch_size: int | None = None,
    luminance: bool = False,
    dtype: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FusionResult:
    """Fuse two volumes of one patient on the grid of the anatomical one.

    Args:
        anatomical: MR (or phase contrast): a path (NIfTI, NRRD, MetaImage, DICOM folder, picture),
            a ``MetaTensor``, a nibabel or SimpleITK image, or ``(array, affine)`` with an affine
            from index to RAS+ millimetres.
        partner: CT, PET, SPECT, a second MR or GFP, likewise, on any grid.
        output: file to write (``.nii.gz``, ``.nrrd``, ``.mha``, ``.png``, ...), with a record
            (``.json``) beside it.
        task: ``ct-mri``, ``pet-mri``, ``spect-mri``, ``mr-mr``, ``gfp-pc``, or ``auto``.
        weights: weight file; those of the project by default.
        window: of the partner: ``auto``, ``(level, width)`` in its units, or a CT preset.
        anatomical_window: ``auto`` or ``(level, width)``.
        colormap: colour table for scalar PET and SPECT.
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
    choices = {
        "task": (task, ("auto", *TASKS)),
        "axis": (axis, ("auto", *DISPLAY_CODES)),
        "precision": (precision, PRECISIONS),
        "dtype": (dtype, ("auto", "uint8", "uint16", "float32")),
    }
    for option, (value, allowed) in choices.items():
        if value not in allowed:
            raise InputError(f"Unknown {option} '{value}': choose {', '.join(allowed)}.")
    color_table(colormap)
    root = bundle_root()
    # Every text was checked above or enters as another type: the configuration would run a text
    # that starts with "$" as Python, also inside a list or a dictionary.
    options = {
        "bundle_root": root,
        "anatomical": _checked_source(anatomical),
        "partner": _checked_source(partner),
        "output": None if output is None else Path(output),
        "task": task,
        "weights": root / "models" / "model.pt" if weights is None else Path(weights),
        "window": _checked_window(window),
        "anatomical_window": _checked_window(anatomical_window),
        "colormap": colormap,
        "axis": axis,
        "device": resolve_device(device),
        "precision": precision,
        "batch_size": None if batch_size is None else int(batch_size),
        "luminance": bool(luminance),
        "dtype": dtype,
        "overwrite": bool(overwrite),
        "progress": progress,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FusionWarning)
        data = _run(root / "configs" / "inference.yaml", options)
    sentences = [str(w.message) for w in caught if issubclass(w.category, FusionWarning)]
    return FusionResult(data.pop("pred"), data.pop("record"), sentences, data)


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


def _run(config: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Run the recipe and return its data, raising what its steps raised."""
    parser = ConfigParser()
    parser.read_config(str(config))
    parser.update(dict(options))
    try:
        evaluator = parser.get_parsed_content("evaluator")
        # The engine would log an error that is raised here as well.
        evaluator.logger.setLevel(logging.CRITICAL)
        evaluator.run()
    except Exception as error:
        reason = _reason(error)
        if reason is error:
            raise
        raise reason from error
    return {**evaluator.state.batch[0], **evaluator.state.output[0]}


def _reason(error: BaseException) -> BaseException:
    """Find what a step raised behind the errors that MONAI wraps around it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InputError | FusionCancelled | OSError):
            return cause
        if is_out_of_memory(cause):
            return InputError("The volumes need more memory than is free; close other programs.")
        cause = cause.__cause__ or cause.__context__
    return error
