"""Load, place, preview and fuse: the recipe's stages, with those kept that need not run again."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.errors import InputError, listening, unheard, with_names
from mactfusion.io.save import restored_bytes
from mactfusion.io.write import stored_type, stored_values
from mactfusion.option_table import OPTIONS
from mactfusion.pipeline import check_choices
from mactfusion.progress import watching
from mactfusion.recipe import Recipe
from mactfusion.registration.step import why_not
from mactfusion.registration.verdict import NOT_CHECKED
from mactfusion.report.two_way import legends_of
from mactfusion.transforms.slices import slice_axis
from mactfusion.trust.probed import Result, probe_point
from mactfusion.words import worded
from mactfusion.worker.pace import Pace
from mactfusion.worker.protocol import RequestError
from mactfusion.worker.series import SeriesWriter
from mactfusion.worker.volumes import MOST_PARTNERS, Volumes, digest_of
from mactfusion.worker.words import in_panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from mactfusion.case import Case, Partner
    from mactfusion.choice import ChosenNetwork
    from mactfusion.options import Options
    from mactfusion.worker.jobs import Job
    from mactfusion.worker.protocol import Channel, Request

_WRITES_NOTHING = {"output": None, "overwrite": False}

_AS_NRRD = Path("fused.nrrd")
"""Voxels travel in the types that a file for 3D Slicer holds."""

_PLACED_BY = ("task", "register", "accept_doubtful", "transform")
_ALIGNED_BY = (*_PLACED_BY, "grid", "axis")
_WINDOWS = ("window", "anatomical_window")
_SCALED_BY = (*_ALIGNED_BY, *_WINDOWS, "colormap", "colors", "tint", "luminance", "dtype", "check")

_GLANCE_S = 0.05


class Fusion:
    """Does the jobs of the queues.

    It keeps the network, the last pair whose places were searched, the last pair on one grid, and,
    for automatic windows, which need the whole volume, that pair in [0, 1]. A preview is the same
    stages with one slice: it equals that slice of the fused volume, because no stage after the
    windows looks beyond a slice. It does not wait for a check, which moves nothing.

    Args:
        folder: where voxels come and go.
        channel: where replies go.
    """

    def __init__(self, folder: Path, channel: Channel) -> None:
        self._folder = folder
        self._channel = channel
        self._volumes = Volumes(folder)
        self._series = SeriesWriter(folder, self._volumes, channel)
        self._network: tuple[tuple[str, str], ChosenNetwork] | None = None
        self._kept: dict[str, tuple[str, Case]] = {}
        self._placing = threading.Lock()
        self._last: Result | None = None

    def work(self, job: Job) -> dict[str, Any]:
        """Do a job and return the fields of its result.

        Raises:
            RequestError: the request cannot be understood.
            InputError: the volumes cannot be fused.
            FusionCancelled: somebody ended the job.
        """
        steps = {
            "load": self._load,
            "place": self._place,
            "preview": self._preview,
            "fuse": self._fuse,
            "export": self._series.work,
        }
        hear = listening(partial(self._say, job))  # such as a batch that must be smaller
        with worded(in_panel), hear:
            return steps[job.request.kind](job)

    def probe(self, request: Request) -> dict[str, Any]:
        """Say what is known of a voxel of the last fusion or preview; any thread may ask.

        Raises:
            RequestError: nothing was fused yet, or no place was named.
        """
        last = self._last
        if last is None:
            raise RequestError("nothing-fused", "Nothing was fused yet, so there is no voxel.")
        position = request.get("position", list)
        is_place = len(position) == 3 and all(type(each) in (int, float) for each in position)
        if not is_place or not np.isfinite(position).all():
            raise RequestError("bad-request", "The position must be 3 numbers.")
        found = probe_point(last, position)
        return {"found": None if found is None else asdict(found)}

    def _load(self, job: Job) -> dict[str, Any]:
        return {"volume": self._volumes.load(job.request)}

    def _place(self, job: Job) -> dict[str, Any]:
        recipe, options = self._recipe(job, _WRITES_NOTHING)
        case = self._placed(job, recipe, options)
        self._say_notes(job, case)
        partners = sorted(case["partners"], key=lambda partner: partner["number"])
        return {"partners": [_place_of(partner, case["anatomical"]) for partner in partners]}

    def _preview(self, job: Job) -> dict[str, Any]:
        index = job.request.get("slice", int)
        # A look writes nothing, wherever the volume is to go, and lasts no longer than it must.
        fixed = {**_WRITES_NOTHING, "check": False, "lost_map": False}
        recipe, options = self._recipe(job, fixed, is_look=True)
        started = time.time()
        aligned = self._aligned(job, recipe, options)
        job.check()
        with unheard():  # the notes say it
            if any(_is_named(getattr(options, window)) for window in _WINDOWS):
                case = recipe.cut(self._scaled(job, recipe, aligned, options), index)
            else:
                case = recipe.scale(recipe.cut(aligned, index))
        dtype = _stored_type(case, options)
        self._say_notes(job, case)
        job.check()
        case = recipe.infer({**case, "started": started})
        array_axis, _ = slice_axis(case["grid_affine"], case["axis"])
        fields = self._result(job, recipe.finish(case), dtype)
        return {**fields, "slice": index, "array_axis": array_axis}

    def _fuse(self, job: Job) -> dict[str, Any]:
        self._channel.send("progress", job.request.id, **Pace.unknown("prepare"))
        pace = Pace()

        def progress(done: int, total: int) -> None:
            self._channel.send("progress", job.request.id, **pace.after(done, total))
            job.check()

        recipe, options = self._recipe(job, {}, progress)
        started = time.time()
        aligned = self._aligned(job, recipe, options)
        job.check()
        with unheard():  # the notes say it
            case = recipe.scale({**aligned, "started": started})
        dtype = _stored_type(case, options)
        self._say_notes(job, case)
        job.check()
        pace.start()
        try:
            case = recipe.infer(case)
        finally:
            if torch.cuda.is_available():  # other programs may want the memory of the batches
                torch.cuda.empty_cache()
        self._channel.send("progress", job.request.id, **Pace.unknown("write"))
        return self._result(job, recipe.finish(case), dtype)

    def _recipe(
        self, job: Job, fixed: dict[str, Any], progress: Any = None, is_look: bool = False
    ) -> tuple[Recipe, Options]:
        """Lay the options of a request over the recipe, with the network that is warm.

        Args:
            job: what is asked.
            fixed: options that are not the asker's to choose.
            progress: see :class:`~mactfusion.recipe.Recipe`.
            is_look: leave out a check that was not done yet.
        """
        chosen = job.request.fields.get("options", {})
        if not isinstance(chosen, dict) or (unknown := set(chosen) - set(OPTIONS)):
            names = ", ".join(sorted(unknown)) if isinstance(chosen, dict) else "'options'"
            raise RequestError("bad-request", f"There is no such option: {names}.")
        anatomical = self._volumes.get(job.request.get("anatomical", str))
        keys = job.request.get("partner", (str, list))
        partner = self._several(keys) if isinstance(keys, list) else self._volumes.get(keys)
        try:
            sources, options = check_choices(anatomical, partner, {**chosen, **fixed})
            if is_look and self._kept.get("placed", ("",))[0] != _key(job, options, _PLACED_BY):
                options = options.replaced(register=_without_checks(options.register))
            key = (options.model, str(options.weights))
            known = self._network[1] if self._network and self._network[0] == key else None
            recipe = Recipe(*sources, options, progress, known)
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise RequestError("bad-request", f"An option has a wrong type: {error}.") from error
        self._network = (key, recipe.network)
        return recipe, options

    def _several(self, keys: list[Any]) -> list[MetaTensor]:
        if not all(isinstance(key, str) for key in keys):
            raise RequestError("bad-request", "The partners are not a list of volumes' keys.")
        if len(keys) > MOST_PARTNERS:
            raise RequestError(
                "bad-request", f"There are {len(keys)} partners; at most {MOST_PARTNERS} are fused."
            )
        return [self._volumes.get(key) for key in keys]

    def _placed(self, job: Job, recipe: Recipe, options: Options) -> Case:
        """Check or register the pair, once; who needs it while that is under way waits for it."""
        if not any(_listed(options.register, each) for each in ("check", "rigid", "affine")):
            return recipe.place()  # reading alone

        def watch(_what: str, done: int, total: int) -> None:
            job.check()
            if job.request.kind != "preview":
                self._channel.send("progress", job.request.id, **Pace.of_search(done, total))

        while not self._placing.acquire(timeout=_GLANCE_S):
            job.check()
        try:
            with watching(watch):
                return self._keep("placed", _key(job, options, _PLACED_BY), recipe.place)
        finally:
            self._placing.release()

    def _aligned(self, job: Job, recipe: Recipe, options: Options) -> Case:
        def align() -> Case:
            placed = self._placed(job, recipe, options)
            job.check()
            return recipe.align(placed)

        return self._keep("aligned", _key(job, options, _ALIGNED_BY), align)

    def _scaled(self, job: Job, recipe: Recipe, case: Case, options: Options) -> Case:
        return self._keep("scaled", _key(job, options, _SCALED_BY), lambda: recipe.scale(case))

    def _keep(self, stage: str, key: str, make: Callable[[], Case]) -> Case:
        if self._kept.get(stage, ("",))[0] != key:
            self._kept.pop(stage, None)  # before the new one needs its memory
            with unheard():  # the notes say it
                self._kept[stage] = (key, make())
        return self._kept[stage][1]

    def _result(self, job: Job, case: Case, dtype: str) -> dict[str, Any]:
        fused: MetaTensor = case["pred"]
        name = f"result-{job.request.id}.npy"
        voxels = stored_values(fused, dtype, _AS_NRRD)
        order = (2, 1, 0, *range(3, voxels.ndim))  # as they lie in memory, here and in 3D Slicer
        np.save(self._folder / name, voxels.transpose(order), allow_pickle=False)
        self._last = self._seen(job, case, voxels)
        known_by = {"voxels_sha256": digest_of(voxels)} if job.request.kind == "fuse" else {}
        return {
            **known_by,
            "file": name,
            "affine": fused.affine.tolist(),
            "record": case["record"],
            "legends": legends_of(case["record"]),
        }

    def _seen(self, job: Job, case: Case, voxels: np.ndarray) -> Result:
        """Keep what a probe looks at; the sources are kept anyway."""
        keys = [job.request.fields[role] for role in ("anatomical", "partner")]
        keys[1:] = keys[1] if isinstance(keys[1], list) else keys[1:]
        sources = {}
        for role, key in zip(case["record"]["inputs"], keys, strict=True):
            with suppress(RequestError):  # dropped meanwhile for others
                sources[role] = self._volumes.get(key)
        affine = case["pred"].affine
        scale = float(np.iinfo(voxels.dtype).max) if voxels.dtype.kind == "u" else 1.0
        # PyTorch does next to nothing with 16 bits without a sign.
        voxels = voxels if voxels.dtype == np.uint8 else voxels.astype(np.float32)
        known: dict[str, Any] = {**case}
        beside = {
            name: MetaTensor(restored_bytes(case, known[name]), affine=affine)
            for name in ("shares", "lost")
            if name in known
        }
        return Result(
            MetaTensor(
                torch.from_numpy(np.moveaxis(voxels.reshape(*voxels.shape[:3], -1), -1, 0)),
                affine=affine,
                meta={"is_image": False},
            ),
            case["record"],
            sources,
            full_scale=scale,
            **beside,
        )

    def _say_notes(self, job: Job, case: Case) -> None:
        for sentence in dict.fromkeys(str(case["notes"]).splitlines()):
            self._say(job, with_names(sentence))

    def _say(self, job: Job, sentence: str) -> None:
        self._channel.send("warning", job.request.id, sentence=sentence)


def _stored_type(case: Case, options: Options) -> str:
    """Settle the type of the voxels before the network's long work begins."""
    is_colour = bool(case["is_color"]) and not options.luminance
    return stored_type(_AS_NRRD, options.dtype, is_colour, case["grid_shape"].tolist())


def _is_named(window: Any) -> bool:
    """Tell whether a window, or one of several partners', is not given in numbers."""
    windows = window if isinstance(window, list) else [window]
    return any(isinstance(each, str) for each in windows)


def _listed(value: Any, wanted: str) -> bool:
    """Tell whether an option, or that of one of several partners, has a value."""
    return wanted in (value if isinstance(value, list) else [value])


def _without_checks(register: Any) -> Any:
    if isinstance(register, list):
        return [_without_checks(each) for each in register]
    return "off" if register == "check" else register


def _place_of(partner: Partner, anatomical: MetaTensor) -> dict[str, Any]:
    """Return what the reply says of a partner that was checked or registered."""
    verdict = partner["verdict"]
    is_unchecked = verdict == NOT_CHECKED
    return {
        "verdict": verdict,
        "is_sided": partner["is_sided"],
        "off_mm": None if is_unchecked else partner["off_mm"],
        "off_degrees": None if is_unchecked else partner["off_degrees"],
        "pose": partner["pose"].tolist(),
        "reason": why_not(anatomical) or why_not(partner["partner"]) if is_unchecked else "",
    }


def _key(job: Job, options: Options, names: tuple[str, ...]) -> str:
    sources = [job.request.fields[role] for role in ("anatomical", "partner")]
    return json.dumps([sources, [getattr(options, name) for name in names]], default=_as_json)


def _as_json(value: np.ndarray | Path) -> Any:
    """Return a colour table as rows, and a file with the time of its last change."""
    if isinstance(value, Path):
        return [str(value), value.stat().st_mtime_ns]
    return value.tolist()
