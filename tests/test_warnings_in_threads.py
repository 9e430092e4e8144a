"""Sentences and warning filters where several threads work at once, as MONAI's caches do."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from monai.data import MetaTensor

from mactfusion.errors import FusionWarning, listening, unheard, warn
from mactfusion.io.guard import guarded
from mactfusion.io.load import LoadVolumesd

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def test_each_thread_hears_its_own_sentences() -> None:
    barrier = threading.Barrier(2, timeout=600)

    def say(sentence: str) -> list[str]:
        heard: list[str] = []
        with listening(heard.append):
            barrier.wait()
            warn(sentence)
            barrier.wait()
        return heard

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(say, ["of one", "of the other"])) == [["of one"], ["of the other"]]


def test_the_inner_listener_takes_the_place_of_the_outer() -> None:
    heard: list[str] = []
    with listening(heard.append):
        with unheard():
            warn("unheard")
        warn("heard")
    with pytest.warns(FusionWarning, match="outside"):
        warn("outside")
    assert heard == ["heard"]


def test_the_listener_goes_with_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"), unheard():
        raise ValueError("wrong")
    with pytest.warns(FusionWarning, match="outside"):
        warn("outside")


@pytest.mark.parametrize("prints", [True, False])
def test_filters_come_back_whichever_thread_ends_first(prints: bool) -> None:
    before = list(warnings.filters)
    first_ended = threading.Event()

    def second() -> None:
        with guarded("x", prints=prints):
            first_ended.wait(600)

    thread = threading.Thread(target=second)
    with guarded("x", prints=prints):
        thread.start()
        thread.join(0.2)  # long enough to come in, if it could
    first_ended.set()
    thread.join()
    assert warnings.filters == before


@pytest.mark.filterwarnings("ignore::mactfusion.errors.FusionWarning")
def test_notes_stay_with_their_case(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    cases = []
    for number in range(24):
        partner: NDArray[np.float32] = generator.random((1, 6, 5, 4), dtype=np.float32)
        partner.flat[: number % 3] = np.nan
        cases.append(
            {
                "anatomical": MetaTensor(generator.random((1, 6, 5, 4)), affine=np.eye(4)),
                "partner": MetaTensor(partner, affine=np.eye(4), meta={"filename_or_obj": "p"}),
            }
        )
    with ThreadPoolExecutor(8) as pool:
        notes = [str(data["notes"]) for data in pool.map(LoadVolumesd(tmp_path), cases)]
    assert [note.count("not finite") for note in notes] == [int(n % 3 > 0) for n in range(24)]
    assert all(f"{n % 3} values" in note for n, note in enumerate(notes) if n % 3)
