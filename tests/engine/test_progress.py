"""The bar counts pairs of the whole training, after a resume too."""

from __future__ import annotations

import pytest
from ignite.engine import Engine, Events

from mactfusion.engine import PairProgress


@pytest.mark.parametrize("resumed_at", [0, 4])
def test_bar_counts_pairs_to_the_end(resumed_at, capsys):
    engine = Engine(lambda *_: None)
    progress = PairProgress(pairs_per_step=5)

    @engine.on(Events.STARTED)
    def resume(engine):
        engine.state.iteration, engine.state.epoch = resumed_at, resumed_at // 3

    progress.attach(engine)
    seen = []

    @engine.on(Events.ITERATION_COMPLETED)
    def look():
        seen.append((progress._bar.n, progress._bar.total))

    engine.run([0] * 9, max_epochs=3, epoch_length=3)
    assert seen == [(5 * step, 45) for step in range(resumed_at + 1, 10)]
    shown = capsys.readouterr().err
    assert "45/45" in shown
    assert "pair/s" in shown
    assert "<" in shown  # elapsed < left
    assert "epoch 3 of 3" in shown
    assert progress._bar is None
