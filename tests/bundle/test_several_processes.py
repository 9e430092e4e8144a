"""Two processes train as one does with twice the batch."""

from __future__ import annotations

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from warm_python import run_anew

from mactfusion.engine import read_checkpoint

pytestmark = pytest.mark.slow

OPTIONS = (
    *("--epochs", "1", "--epoch_length", "3", "--crop", "[32,32]", "--val_every_case", "2"),
    *("--warmup_steps", "1", "--precision", "float32", "--device", "$torch.device('cpu')"),
)
CONVOLUTION = "'_target_': 'torch.nn.Conv2d', 'in_channels': 2, 'out_channels': 1"
WITHOUT_NORM = ("--network_def", f"{{{CONVOLUTION}, 'kernel_size': 3, 'padding': 1}}")


@pytest.fixture(scope="module")
def train(bundle, slices, tmp_path_factory, warm):
    """Train in a number of processes; the value is the folder."""

    def run(processes, batch_size, overlay, options):
        folder = tmp_path_factory.mktemp(f"processes{processes}")
        files = ["configs/train.yaml", *overlay]
        run_python, launcher = warm.run, []
        if processes > 1:
            files.append("configs/multi_gpu_train.yaml")
            run_python, launcher = run_anew, ["-m", "torch.distributed.run", "--standalone"]
            launcher.append(f"--nproc_per_node={processes}")
        words = [*launcher, "-m", "monai.bundle", "run", "training", "--config_file", files]
        given = ["--dataset_dir", slices, "--output_dir", folder, "--batch_size", batch_size]
        variables = {"PYTHONPATH": str(bundle), "CUDA_VISIBLE_DEVICES": ""}
        code, printed = run_python(
            *words, *given, *OPTIONS, *options, cwd=bundle, variables=variables
        )
        assert code == 0, printed[-6000:]
        return folder

    return run


def losses(folder):
    """Training losses by step, and the validation loss."""
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("train_loss")] == [1, 2, 3]
    return [event.value for event in events.Scalars("train_loss")], events.Scalars("val_loss")


@pytest.mark.parametrize(
    ("overlay", "options", "noise"),
    [
        # Nothing in it depends on more than one pair.
        pytest.param(
            ["configs/ablations/mactfusion_loss_without_similarity.yaml"],
            (*WITHOUT_NORM, "--lesions", "False"),
            1e-5,
            id="separable",
        ),
        # On CPU each process has batch statistics of its own, and the legacy MS-SSIM multiplies
        # means over a batch.
        pytest.param([], (), 0.1, id="mactfusion"),
    ],
)
def test_two_processes_equal_one_with_twice_the_batch(train, overlay, options, noise):
    one, two = train(1, 4, overlay, options), train(2, 2, overlay, options)
    (first, first_val), (second, second_val) = losses(one), losses(two)
    assert first == pytest.approx(second, rel=noise)
    assert len(first_val) == len(second_val) == 1
    assert first_val[0].value == pytest.approx(second_val[0].value, rel=noise)
    assert first[0] != pytest.approx(first[1], rel=1e-3)
    if overlay:
        states = [read_checkpoint(f / "checkpoints" / "checkpoint.pt") for f in (one, two)]
        for name, tensor in states[0]["network"].items():
            torch.testing.assert_close(tensor, states[1]["network"][name], rtol=1e-4, atol=1e-6)
    # Of two processes one writes.
    assert len(list((two / "tensorboard").glob("events*"))) == len(
        list((one / "tensorboard").glob("events*"))
    )
