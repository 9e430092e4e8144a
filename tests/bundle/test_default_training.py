"""The training of the default network: its terms by task, and that each of them reaches a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from mactfusion.bundle import bundle_root
from mactfusion.engine.contrasts import SYNTHETIC
from mactfusion.networks.registry import BRAIN_TASKS, DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def parser(slices: Path, tmp_path: Path) -> ConfigParser:
    """One step of one pair, on pictures of 48 x 48 or so."""
    configs = bundle_root() / "configs"
    parser = ConfigParser(ConfigParser.load_config_files(str(configs / "train.yaml")))
    parser["device"] = "cpu"
    parser["dataset_dir"], parser["output_dir"] = str(slices), str(tmp_path / "out")
    parser["crop"] = [40, 40]
    parser["epochs"] = parser["epoch_length"] = 1
    parser["val_interval"], parser["val_every_case"], parser["warmup_steps"] = 2, 2, 0
    return parser


def test_it_trains_the_default(parser: ConfigParser) -> None:
    assert parser["model"] == DEFAULT_MODEL


@pytest.mark.parametrize(
    ("ct", "pet", "batch_size", "steps"),
    [(4, 0, 1, 240), (4, 2, 4, 80), (0, 0, 1, 1), (400, 300, 1, 1000)],
)
def test_an_epoch_of_a_small_folder_is_short(
    parser: ConfigParser, ct: int, pet: int, batch_size: int, steps: int
) -> None:
    """CT is drawn three times, PET twice, and each draw at most twenty times in an epoch."""
    configs = bundle_root() / "configs"
    parser["epoch_length"] = ConfigParser.load_config_file(configs / "train.yaml")["epoch_length"]
    parser["pairs"] = [[{"task": "ct-mri"}] * ct + [{"task": "pet-mri"}] * pet, []]
    parser["batch_size"] = batch_size
    assert parser.get_parsed_content("epoch_length") == steps


def test_every_task_has_a_weight_in_every_term_that_is_weighed_by_task(
    parser: ConfigParser,
) -> None:
    by_task = [
        term["weight"] for term in parser["loss"]["terms"] if isinstance(term["weight"], dict)
    ]
    assert len(by_task) == 4
    assert all(set(weights) == {*BRAIN_TASKS, SYNTHETIC} for weights in by_task)


@pytest.mark.parametrize("term", range(7))
def test_each_term_reaches_the_step(parser: ConfigParser, term: int) -> None:
    losses = []
    for weight in (0, 1000.0):
        parser["loss#terms"][term]["weight"] = weight
        parser["seed"] = 5
        torch.manual_seed(0)
        network = parser.get_parsed_content("network")
        with torch.no_grad():
            network.last.bias.fill_(2.0)  # beyond the range, and hardly like its sources
        trainer = parser.get_parsed_content("train#trainer")
        trainer.run()
        plain, lesioned = trainer.state.output
        assert plain["pred"].shape == lesioned["pred"].shape == (1, 40, 40)
        losses.append(float(plain["loss"]))
        parser.ref_resolver.reset()
    assert losses[1] > losses[0] + 1


def test_some_pairs_are_of_another_contrast(parser: ConfigParser) -> None:
    dataset = parser.get_parsed_content("train#dataset")
    dataset.transform.set_random_state(seed=0)
    draws = [dataset[index % len(dataset)][0]["task"] for index in range(30)]
    assert SYNTHETIC in draws
    assert set(draws) & set(BRAIN_TASKS)


@pytest.mark.slow
def test_one_epoch_of_eight_pairs_ends_after_a_few_steps(
    run_bundle: Callable[..., str], bundle: Path, tmp_path: Path
) -> None:
    """One case is held out; the seven others are drawn twenty times."""
    for case in range(1, 9):
        for seed, kind in enumerate(("MRI", "SPECT")):
            pixels = np.random.default_rng([case, seed]).integers(0, 256, (24, 24), np.uint8)
            path = tmp_path / f"pairs/SPECT-MRI/train/{kind}/{case}001.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    chosen = {"dataset_dir": tmp_path / "pairs", "output_dir": tmp_path / "out"}
    words = [word for name, value in chosen.items() for word in (f"--{name}", str(value))]
    run_bundle(
        *(bundle, "run", "training", "--config_file", "configs/train.yaml", *words),
        *("--epochs", "1", "--crop", "[24,24]", "--device", "cpu"),
    )
    checkpoint = torch.load(tmp_path / "out/checkpoints/checkpoint.pt", weights_only=True)
    assert checkpoint["iteration"] == 20 * 7
    assert (tmp_path / "out/model.pt").is_file()
