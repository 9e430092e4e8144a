"""A training that was stopped ends with the weights of one that was not, bit for bit."""

from __future__ import annotations

import os
import signal
import time

import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigWorkflow

from mactfusion.engine import read_checkpoint

pytestmark = pytest.mark.slow

OPTIONS = {
    "epochs": 2,
    "epoch_length": 3,
    "batch_size": 2,
    "crop": [32, 32],
    "val_every_case": 2,
    "warmup_steps": 1,
    "device": "cpu",
}


class Stop(Exception):
    pass


@pytest.fixture(scope="module")
def train(bundle, slices):
    """Train in this process, to the end or to a step at which it crashes."""

    def run(folder, stop_at=None, minutes=10.0):
        workflow = ConfigWorkflow(
            config_file=str(bundle / "configs" / "train.yaml"),
            workflow_type="train",
            logging_file=False,
            bundle_root=str(bundle),
            dataset_dir=str(slices),
            output_dir=str(folder),
            checkpoint_minutes=minutes,
            **OPTIONS,
        )
        workflow.initialize()
        if stop_at:

            def stop():
                raise Stop

            workflow.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=stop_at), stop)
        try:
            workflow.run()
        finally:
            workflow.finalize()
        return read_checkpoint(folder / "checkpoints" / "checkpoint.pt")

    return run


@pytest.fixture(scope="module")
def uninterrupted(train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, train(folder)


def assert_equal(first, second, name="checkpoint"):
    """Compare tensors in nested mappings and lists, bit for bit."""
    assert type(first) is type(second), name
    if isinstance(first, dict):
        assert first.keys() == second.keys(), name
        for key in first:
            assert_equal(first[key], second[key], f"{name}/{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), name
        for place, (a, b) in enumerate(zip(first, second, strict=True)):
            assert_equal(a, b, f"{name}/{place}")
    else:
        equal = torch.equal(first, second) if torch.is_tensor(first) else first == second
        assert equal, name


def assert_same_training(folder, uninterrupted):
    whole, checkpoint = uninterrupted
    assert checkpoint["iteration"] == 6
    assert_equal(read_checkpoint(folder / "checkpoints" / "checkpoint.pt"), checkpoint)
    best, expected = (torch.load(f / "model.pt", weights_only=True) for f in (folder, whole))
    assert_equal(best, expected)


@pytest.mark.parametrize(("stop_at", "minutes", "kept"), [(3, 0.0, 2), (4, 10.0, 3), (6, 0.0, 5)])
def test_a_crash_is_not_to_be_seen_in_the_weights(
    train, uninterrupted, tmp_path, stop_at, minutes, kept
):
    with pytest.raises(RuntimeError, match="Failed to evaluate") as error:
        train(tmp_path, stop_at, minutes)
    assert isinstance(error.value.__cause__, Stop)
    stopped = read_checkpoint(tmp_path / "checkpoints" / "checkpoint.pt")
    assert stopped["iteration"] == kept
    train(tmp_path)
    assert_same_training(tmp_path, uninterrupted)


def test_training_moved_the_weights(uninterrupted):
    checkpoint = uninterrupted[1]
    network, averaged = checkpoint["network"], checkpoint["averaged"]
    assert averaged["n_averaged"] == 6
    name = "last.weight"
    assert not torch.equal(network[name], averaged[f"module.{name}"])
    assert len(checkpoint["optimizer"]["state"]) == 18


def test_a_killed_process_is_not_to_be_seen_in_the_weights(
    bundle, slices, uninterrupted, tmp_path, train, warm
):
    words = ["-m", "monai.bundle", "run", "training", "--config_file", "configs/train.yaml"]
    given = {**OPTIONS, "dataset_dir": slices, "output_dir": tmp_path, "checkpoint_minutes": 0}
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    newest = tmp_path / "checkpoints" / "checkpoint.pt"
    process = warm.start(*words, *options, cwd=bundle, variables={"PYTHONPATH": str(bundle)})
    while not newest.is_file():
        assert warm.poll(process) is None
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    assert warm.wait(process) == -signal.SIGKILL
    if not newest.is_file():  # killed between the two renames of a save
        newest = newest.with_name("checkpoint_before.pt")
    assert read_checkpoint(newest)["iteration"] < 6
    train(tmp_path)
    assert_same_training(tmp_path, uninterrupted)
