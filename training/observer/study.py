"""How well an observer finds lesions in each picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mactfusion.trust.lesions import LESIONS
from training.lesion_study.measure import CHANNELS
from training.observer.areas import Draws, area
from training.observer.channels import BANDS, ORIENTATIONS, PHASES
from training.observer.hotelling import Noise, human_noise, told_apart, train

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
        sees_color: it looks at OKLab's a and b too, not at lightness alone.
    """

    noise: Noise
    sees_color: bool = True


def observers() -> dict[str, Observer]:
    """Name to observer: the one of the study, then those that tell why its figures are so."""
    noise = human_noise()
    return {
        "as a person": Observer(noise),
        "lightness alone": Observer(noise, sees_color=False),
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
    pictures = [*responses.absent, SIDE_BY_SIDE]
    for picture in pictures:
        absent, present = (
            _of_picture(picture, of_all, sources)
            for of_all in (responses.absent, responses.present)
        )
        for name, observer in observers().items():
            seen = _seen(absent.shape[1], observer)
            for source, kind, chosen in _cells(responses, sources):
                areas = _areas(
                    responses, absent[:, seen], present[:, seen], chosen, observer.noise, samples
                )
                yield Found(task, source, kind, picture, name, len(chosen), areas)


def _of_picture(
    picture: str, of_all: Mapping[str, NDArray[np.float64]], sources: tuple[str, str]
) -> NDArray[np.float64]:
    if picture == SIDE_BY_SIDE:
        return np.concatenate([of_all[source] for source in sources], axis=1)
    return of_all[picture]


def _seen(count: int, observer: Observer) -> NDArray[np.intp]:
    """Return which responses the observer looks at; planes L, a and b, of one picture or two."""
    index = np.arange(count)
    is_lightness = index // CHANNELS_OF_LIGHTNESS % 3 == 0
    return index if observer.sees_color else index[is_lightness]


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
    noise: Noise,
    samples: Draws,
) -> NDArray[np.float64]:
    head = responses.head
    head_of_lesion = head[responses.place[chosen]]
    told, pairs = np.zeros((2, len(samples.counts)))
    for fold in range(FOLDS):
        tests, tests_lesion = head % FOLDS == fold, head_of_lesion % FOLDS == fold
        if not tests_lesion.any():
            continue
        learned = chosen[~tests_lesion]
        template = train(absent[~tests], absent[responses.place[learned]], present[learned], noise)
        looked = chosen[tests_lesion]
        right = told_apart(
            template.score(present[looked]), template.score(absent[tests]), template.noise
        )
        of_fold = area(right, (head_of_lesion[tests_lesion], head[tests]), samples)
        told, pairs = told + of_fold[0], pairs + of_fold[1]
    return told / np.where(pairs == 0, np.nan, pairs)
