"""One study into a folder: what was done before, what it needs, the fusion, its pages."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mactfusion.batch.key import key_of
from mactfusion.batch.need import bytes_needed, peak_bytes
from mactfusion.batch.outcome import DONE, FAILED, UNCHANGED, Outcome, write_outcome
from mactfusion.batch.plan import options_of
from mactfusion.batch.summary import VERDICTS
from mactfusion.errors import InputError, unheard
from mactfusion.io.formats import PICTURE_EXTENSIONS, extension_of
from mactfusion.io.names import check_input
from mactfusion.pipeline import check_choices, fuse_checked
from mactfusion.report.fusion import write_fusion_report
from mactfusion.report.picture import write_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mactfusion.batch.plan import Study
    from mactfusion.options import Options
    from mactfusion.pipeline import Networks
    from mactfusion.result import FusionResult

FUSED = "fused"
REPORT, PICTURE = "report.html", "picture.png"
SCRATCH = "scratch"
"""Folder within that of a study, for what is unpacked or gathered; gone when it is done."""


@dataclass(frozen=True)
class Choices:
    """What was chosen for all studies of a run.

    Attributes:
        common: options of the fusion, by name.
        report: write a report of each study.
    """

    common: Mapping[str, Any]
    report: bool = True


def fuse_study(
    study: Study,
    folder: Path,
    choices: Choices,
    *,
    known_key: str,
    networks: Networks,
    ask_memory: Callable[[int], None],
) -> Outcome:
    """Fuse one study into a folder of its own, and say what became of it.

    Args:
        study: its volumes.
        folder: an empty one; the result, its pages and the outcome are in it afterwards.
        choices: of all studies.
        known_key: of the result that there is, see :mod:`mactfusion.batch.key`; "" where there is
            none.
        networks: see :func:`mactfusion.pipeline.fuse_checked`.
        ask_memory: called with the bytes that the process will need; returns when there is room,
            and raises `InputError` where there never will be.

    Returns:
        The outcome; the folder of one that is unchanged stays empty.
    """
    started = time.monotonic()
    key = ""
    scratch = folder / SCRATCH
    scratch.mkdir()
    try:
        with unheard():
            check_sources(study)
            options = options_of(study, choices.common)
            pages = (REPORT, PICTURE) if choices.report else (PICTURE,)
            key = key_of(study, options, pages)
            if key == known_key:
                return Outcome(study.name, UNCHANGED, key=key)
            anatomical = _at_hand(study, scratch)
            ask_memory(bytes_needed(study, anatomical, options, choices.report))
            output = folder / output_name(study, options)
            result = _fused(study, anatomical, output, choices, networks)
            _write_pages(folder, result, choices.report)
        outcome = _described(study, key, output, result)
    except InputError as error:
        outcome = _failed(study, key, _without_names(str(error), study, choices))
    except MemoryError:
        outcome = _failed(study, key, "There was not enough memory for it.")
    except Exception as error:
        outcome = _failed(
            study,
            key,
            f"The program met an error that it does not know ({type(error).__name__}); "
            "'mactfusion fuse' of this study alone shows where.",
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if outcome.outcome == FAILED:
        _empty(folder)
    outcome = replace(
        outcome,
        seconds=round(time.monotonic() - started, 3),
        gigabytes=round(peak_bytes() / 2**30, 3),
        files=tuple(_names_in(folder, outcome.files[0])) if outcome.files else (),
    )
    write_outcome(folder, outcome)
    return outcome


def check_sources(study: Study) -> None:
    """Refuse a study whose files are not there.

    Raises:
        InputError: one is missing, or of no known kind.
    """
    if study.anatomical is None:
        raise InputError("There is no anatomical volume.")
    for source in (study.anatomical, *study.partners):
        check_input(source)
    for file in study.files:
        if not file.is_file():
            raise InputError(f"{file} does not exist")


def output_name(study: Study, options: Options) -> str:
    """Name the fused volume: a picture of pictures, a folder of DICOM, else NIfTI."""
    if options.format == "dicom":
        return FUSED
    is_picture = study.anatomical and extension_of(study.anatomical) in PICTURE_EXTENSIONS
    return f"{FUSED}{'.png' if is_picture else '.nii.gz'}"


def _fused(
    study: Study, anatomical: Path, output: Path, choices: Choices, networks: Networks
) -> FusionResult:
    options = {**choices.common, **study.options, "output": output, "overwrite": False}
    sources, chosen = check_choices(anatomical, list(study.partners) or None, options)
    return fuse_checked(sources, chosen, keep_native=choices.report, networks=networks)


def _at_hand(study: Study, scratch: Path) -> Path:
    """Return the anatomical source; its files are gathered where others lie among them."""
    if study.anatomical is None:
        raise InputError("There is no anatomical volume.")
    if not study.files:
        return study.anatomical
    gathered = scratch / study.anatomical.name
    gathered.mkdir()
    for number, file in enumerate(study.files):
        gathered.joinpath(f"{number:06d}{file.suffix[:8]}").symlink_to(file.resolve())
    return gathered


def _write_pages(folder: Path, result: FusionResult, report: bool) -> None:
    write_picture(folder / PICTURE, result)
    if report:
        write_fusion_report(folder / REPORT, result)


def _described(study: Study, key: str, output: Path, result: FusionResult) -> Outcome:
    record = result.record
    partners = record["partners"]
    verdicts = [partner["register_verdict"] for partner in partners]
    offs = [partner["off_mm"] for partner in partners if partner["off_mm"] is not None]
    regions = record["lost"]
    return Outcome(
        study.name,
        DONE,
        key=key,
        files=(output.name,),
        task=result.task,
        verdict=min(verdicts, key=VERDICTS.index),
        off_mm=max(offs, default=None),
        coverage=result.coverage,
        lost=None if regions is None else len(regions),
        lost_mm=None if regions is None else max((one["size"] for one in regions), default=0.0),
        notes=tuple(record["notes"]),
    )


def _failed(study: Study, key: str, sentence: str) -> Outcome:
    return Outcome(study.name, FAILED, sentence, key)


def _without_names(sentence: str, study: Study, choices: Choices) -> str:
    """Take the names of files, which may name a patient, out of a sentence."""
    if choices.common.get("keep_names"):
        return sentence
    sources = [study.anatomical, *study.partners, *study.files]
    for number, source in enumerate(sources):
        if source is None:
            continue
        role = "the anatomical volume" if number == 0 else "the partner"
        called = role if number <= len(study.partners) else "a file of it"
        for name in (str(source), str(source.resolve()), source.name):
            sentence = sentence.replace(name, called)
    return sentence[:1].upper() + sentence[1:]


def _names_in(folder: Path, first: str) -> list[str]:
    names = sorted(path.name for path in folder.iterdir())
    return [first, *(name for name in names if name != first)]


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
