"""A training that logs to MLflow, into a file of its own."""

from __future__ import annotations

import pytest
from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.slow

FILES = ["configs/train.yaml", "configs/mlflow.yaml"]
OPTIONS = (
    *("--epoch_length", "2", "--crop", "[32,32]", "--batch_size", "1", "--val_every_case", "2"),
    *("--warmup_steps", "1", "--device", "$torch.device('cpu')"),
)


@pytest.fixture
def train(bundle, run_bundle, slices, tmp_path):
    def run(epochs):
        run_bundle(
            bundle,
            *("run", "training", "--config_file", FILES, "--dataset_dir", slices),
            *("--output_dir", tmp_path / "out", "--epochs", epochs, *OPTIONS),
        )

    return run


def test_losses_of_a_training_and_of_its_resumption_are_one_run(train, tmp_path):
    train(epochs=1)
    train(epochs=2)
    store = tmp_path / "out" / "mlflow.db"
    client = MlflowClient(f"sqlite:///{store}")
    experiment = client.get_experiment_by_name("mactfusion")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "out"
    losses = client.get_metric_history(run.info.run_id, "train_loss")
    assert [entry.step for entry in losses] == [1, 2, 3, 4]
    assert all(0 < entry.value < 100 for entry in losses)
    assert client.get_metric_history(run.info.run_id, "val_loss")
