"""fuse_volumes(): the recipe of ``configs/inference.yaml``, run from Python.

What can be refused without reading a volume is refused before torch and MONAI are imported.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mactfusion.case import partner_roles
from mactfusion.errors import InputError, inform, overhearing
from mactfusion.io.dicom.choices import check_dicom_choices
from mactfusion.io.dicom.source import is_dicom_source
from mactfusion.io.formats import base_name
from mactfusion.io.names import check_input, check_outputs
from mactfusion.option_table import OPTIONS
from mactfusion.option_values import is_automatic
from mactfusion.options import Options, is_list_of_values
from mactfusion.progress import shown_progress
from mactfusion.words import in_python, worded

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from mactfusion.choice import ChosenNetwork
    from mactfusion.progress import Progress
    from mactfusion.result import FusionResult

    Networks = MutableMapping[tuple[str, str], ChosenNetwork]
    """Networks that are kept, by model and weight file."""


@worded(in_python)
def fuse_volumes(
    anatomical: Any,
    partner: Any = None,
    *,
    progress: Progress | bool | None = None,
    keep_native: bool = False,
    **options: Any,
) -> FusionResult:
    """Fuse volumes of one patient on the grid of the anatomical one, or in cubes (``grid``).

    Args:
        anatomical: MR or CT (or phase contrast): a path (NIfTI, NRRD, MetaImage, picture, or
            DICOM: folder, file, DICOMDIR, ZIP), a ``MetaTensor``, a nibabel or SimpleITK image, or
            ``(array, affine)`` with an affine from index to RAS+ millimetres.
        partner: CT, PET, SPECT, dose, a second MR or GFP, likewise, on any grid; or a list of
            several, whose order does not matter. None where ``anatomical`` is a DICOM study that
            holds both; ``anatomical_series`` and ``partner_series`` choose among its volumes.
        progress: called with (slices done, slices in all), and with (0, 1) between the steps of
            a search where a partner belongs, of which :func:`mactfusion.progress.watching` tells
            more; it stops the run by raising ``FusionCancelled``. None shows a bar in a notebook
            and nothing elsewhere, False nothing.
        keep_native: also keep the sources in their own units on the result's grid, for a report.
        **options: see :data:`mactfusion.option_table.OPTIONS`; of what is for each partner a list
            has one value for each.

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
    sources, chosen = check_choices(anatomical, partner, options)
    return fuse_checked(sources, chosen, progress=progress, keep_native=keep_native)


def fuse_checked(
    sources: tuple[Any, list[Any]],
    chosen: Options,
    *,
    progress: Progress | bool | None = None,
    keep_native: bool = False,
    networks: Networks | None = None,
) -> FusionResult:
    """Fuse what :func:`check_choices` let through.

    Args:
        sources: the anatomical source and those of all partners.
        chosen: the options.
        progress: see :func:`fuse_volumes`.
        keep_native: likewise.
        networks: those of fusions before, by model and weight file, so that none is loaded twice;
            that of this one is in it afterwards.

    Raises:
        InputError: see :func:`fuse_volumes`.
        FusionCancelled: likewise.
    """
    inform(f"Reading {' with '.join(_called_once(sources))}.")

    from mactfusion.recipe import Recipe
    from mactfusion.result import FusionResult

    kept = {} if networks is None else networks
    key = (chosen.model, str(chosen.weights))
    sentences: list[str] = []
    with overhearing(sentences.append), shown_progress(progress) as report:
        recipe = Recipe(*sources, chosen, report, kept.get(key))
        kept[key] = recipe.network
        if keep_native:
            aligned = recipe.align()
            case = recipe.finish(recipe.infer(recipe.scale(aligned)))
        else:
            aligned, case = None, recipe.fuse()
    fused, record = case.pop("pred"), case.pop("record")
    return FusionResult(fused, record, sentences, case, aligned)


def check_choices(
    anatomical: Any, partner: Any, options: dict[str, Any]
) -> tuple[tuple[Any, list[Any]], Options]:
    """Refuse what can be refused without reading a volume, and without torch and MONAI.

    Args:
        anatomical: see :func:`fuse_volumes`.
        partner: likewise; one or a list.
        options: likewise.

    Returns:
        The anatomical source and those of all partners, texts being paths; the options.

    Raises:
        InputError: an option that cannot be, a file that is not there or no volume, or an output
            that cannot be written.
        TypeError: there is no such option.
    """
    chosen = Options(**options)
    is_several = isinstance(partner, list) or _is_tuple_of_paths(partner)
    given = list(partner) if is_several else [partner]
    if not given:
        raise InputError("There is no partner volume; give one.")
    if partner is None and is_list_of_values(chosen.partner_series):
        given = [None] * len(chosen.partner_series)
    chosen.of_each(len(given))
    check_dicom_choices(
        chosen.output,
        format=chosen.format,
        dtype=chosen.dtype,
        dicom_template=chosen.dicom_template,
        anonymous=chosen.anonymous,
        blending_state=chosen.blending_state,
    )
    first, *partners = (_checked_source(source) for source in (anatomical, *given))
    if None in partners and not (isinstance(first, Path) and is_dicom_source(first)):
        raise InputError("There is no partner volume; give one.")
    _refuse_same_path([first, *partners])
    roles = dict(zip(partner_roles(len(partners)), partners, strict=True))
    inputs = {f"{role} volume": source for role, source in {"anatomical": first, **roles}.items()}
    for role, file in zip(roles, chosen.of_each(len(partners))["transform"], strict=True):
        if not is_automatic(file):
            inputs[f"transform of the {role}"] = file
    inputs |= {"weight file": chosen.weights, "DICOM template": chosen.dicom_template}
    check_outputs(chosen.output, chosen.overwrite, inputs, chosen.format)
    return (first, partners), chosen


def _checked_source(source: Any) -> Any:
    """Let through what a configuration hands on as it is: anything but texts and containers."""
    if isinstance(source, str | Path):
        check_input(Path(source))
        return Path(source)
    if isinstance(source, list | dict):
        raise InputError(
            f"A volume of type {type(source).__name__} is not understood; use a path, a "
            "MetaTensor, a nibabel or SimpleITK image, or a tuple (array, affine)."
        )
    return source


def _is_tuple_of_paths(partner: Any) -> bool:
    """Tell several partners from one that is an array with its affine."""
    return (
        isinstance(partner, tuple)
        and bool(partner)
        and all(isinstance(source, str | Path) for source in partner)
    )


def _refuse_same_path(sources: list[Any]) -> None:
    """Refuse a file that is named twice; copies, and series of a study, are noticed later."""
    seen: dict[Path, Path] = {}
    for source in sources:
        if isinstance(source, Path):
            other = seen.setdefault(source.resolve(), source)
            if other is not source and not is_dicom_source(source):
                raise InputError(
                    f"{base_name(other)} and {base_name(source)} are the same volume: give each "
                    "once."
                )


def _called(source: Any) -> str:
    return base_name(source) if isinstance(source, Path) else "a volume in memory"


def _called_once(sources: tuple[Any, list[Any]]) -> list[str]:
    """Name each source, and a study that holds both once."""
    named = [_called(source) for source in (sources[0], *sources[1]) if source is not None]
    return list(dict.fromkeys(named))


def _signature() -> inspect.Signature:
    """Return the signature with the options by their names, as help() and notebooks show it."""
    own = inspect.signature(fuse_volumes)
    parameters = [each for each in own.parameters.values() if each.kind != each.VAR_KEYWORD]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default)
        for name, option in OPTIONS.items()
    ]
    return own.replace(parameters=parameters)


fuse_volumes.__signature__ = _signature()  # type: ignore[attr-defined]  # inspect looks for it
