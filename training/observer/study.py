"""How well an observer finds lesions in each picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.trust.lesions import LESIONS
from training.lesion_study.measure import CHANNELS
from training.observer.areas import Draws, area
from training.observer.channels import BANDS, ORIENTATIONS, PHASES
from training.observer.hotelling import Lesson, Noise, human_noise, told_apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from training.observer.gather import Responses

FOLDS = 5
"""An observer looks at the heads of one fold and has learned from those of the others."""
EITHER = "either"
"""The lesion is in one source or the other, and the observer does not know in which."""
SIDE_BY_SIDE = "side by side"
"""Both sources beside each other, all of both looked at."""
CHANNELS_OF_LIGHTNESS = len(BANDS) * ORIENTATIONS * len(PHASES)


@dataclass(frozen=True)
class Observer:
    """An observer.

    Attributes:
        noise: its own.
        color: how much OKLab's a and b count beside lightness; 0 where it does not see them.
    """

    noise: Noise
    color: float = 1.0


def observers() -> dict[str, Observer]:
    """Name to observer: the one of the study, then those that tell why its figures are so."""
    noise = human_noise()
    return {
        "as a person": Observer(noise),
        "lightness alone": Observer(noise, color=0.0),
        "colour counts double": Observer(noise, color=2.0),
        "no static noise": Observer(Noise(0.0, noise.induced)),
        "no noise": Observer(Noise(0.0, 0.0)),
    }


@dataclass(frozen=True)
class Found:
    """How well one observer finds one kind of lesion in one picture.

    Attributes:
        task: such as ``ct-mri``.
        source: what the lesions are in, such as CT, or :data:`EITHER`.
        kind: key of :data:`~mactfusion.trust.lesions.LESIONS`.
        picture: a source, a network, a rule or :data:`SIDE_BY_SIDE`.
        observer: key of :func:`observers`.
        lesions: how many.
        areas: under the ROC curve ``(1 + D,)``: of all heads, and of each sample of heads.
    """

    task: str
    source: str
    kind: str
    picture: str
    observer: str
    lesions: int
    areas: NDArray[np.float64]


def find(task: str, responses: Responses, draws: int, rng: np.random.Generator) -> Iterator[Found]:
    """Let each observer look for each kind of lesion in each picture.

    Args:
        task: of the responses.
        responses: of the channels.
        draws: samples of heads; the same ones for all pictures, whose differences are then sure
            where the figures themselves are not.
        rng: draws them.
    """
    sources = CHANNELS[task]
    samples = Draws.of(int(responses.head.max()) + 1, draws, rng)
    for picture in (*responses.absent, SIDE_BY_SIDE):
        absent, present = (
            _of_picture(picture, of_all, sources)
            for of_all in (responses.absent, responses.present)
        )
        for source, kind, chosen in _cells(responses, sources):
            areas = _areas(responses, absent, present, chosen, samples)
            for observer, own in areas.items():
                yield Found(task, source, kind, picture, observer, len(chosen), own)


def _of_picture(
    picture: str, of_all: Mapping[str, NDArray[np.float64]], sources: tuple[str, str]
) -> NDArray[np.float64]:
    if picture == SIDE_BY_SIDE:
        return np.concatenate([of_all[source] for source in sources], axis=1)
    return of_all[picture]


def _seen(count: int, observer: Observer) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return which responses the observer looks at, and how much each counts.

    The planes L, a and b of one picture or of two lie behind each other.
    """
    is_lightness = np.arange(count) // CHANNELS_OF_LIGHTNESS % 3 == 0
    weight = np.where(is_lightness, 1.0, observer.color)
    seen = np.flatnonzero(weight)
    return seen, weight[seen]


def _cells(
    responses: Responses, sources: tuple[str, str]
) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    for number, kind in enumerate(LESIONS):
        is_kind = responses.kind == number
        for source, name in enumerate(sources):
            yield name, kind, np.flatnonzero(is_kind & (responses.source == source))
        yield EITHER, kind, np.flatnonzero(is_kind)


def _areas(
    responses: Responses,
    absent: NDArray[np.float64],
    present: NDArray[np.float64],
    chosen: NDArray[np.intp],
    samples: Draws,
) -> dict[str, NDArray[np.float64]]:
    """Return the areas ``(1 + D,)`` of each observer for the chosen lesions in one picture."""
    head = responses.head
    head_of_lesion = head[responses.place[chosen]]
    sums = {name: np.zeros((2, len(samples.counts))) for name in observers()}
    for fold in range(FOLDS):
        asked, asked_lesion = head % FOLDS == fold, head_of_lesion % FOLDS == fold
        if not asked_lesion.any():
            continue
        learned, looked = chosen[~asked_lesion], chosen[asked_lesion]
        changes = present[learned] - absent[responses.place[learned]]
        spread = (np.cov(absent[~asked].T) + np.cov(present[learned].T)) / 2
        for name, observer in observers().items():
            seen, weight = _seen(absent.shape[1], observer)
            signal = (changes[:, seen] * weight).mean(axis=0)
            lesson = Lesson(signal, spread[np.ix_(seen, seen)] * np.outer(weight, weight))
            template = lesson.template(observer.noise)
            right = told_apart(
                template.score(present[looked][:, seen] * weight),
                template.score(absent[asked][:, seen] * weight),
                template.noise,
            )
            sums[name] += area(right, (head_of_lesion[asked_lesion], head[asked]), samples)
    return {
        name: told / np.where(pairs == 0, np.nan, pairs) for name, (told, pairs) in sums.items()
    }
