"""What the model card trains with runs: the same commands, for a step instead of an hour."""

from __future__ import annotations

import re

import pytest
import torch
from blocks import ROOT, blocks_of
from page_folder import prepare
from page_shell import PageShell
from spoken import commands_of

CARD = "monai_bundle/docs/README.md"
SHORT = "--epoch_length 1 --crop [32,32] --val_every_case 3 --warmup_steps 0 --device cpu"


@pytest.fixture(scope="module")
def training():
    """The texts of the blocks that train: in one process, and in several."""
    one, several = (block.text for block in blocks_of(CARD) if "run training" in block.text)
    return one, several


@pytest.mark.slow
def test_it_trains_and_the_same_command_goes_on(training, tmp_path, warm):
    folder = tmp_path / "clone"
    folder.mkdir()
    prepare(folder, ROOT / "monai_bundle")
    shell = PageShell(folder, warm)
    steps = []
    for epochs in (1, 2):
        code, printed = shell.bash(f"{training[0].rstrip()} {SHORT} --epochs {epochs}\n")
        assert code == 0, printed[-4000:]
        path = folder / "runs/mine/checkpoints/checkpoint.pt"
        steps.append(torch.load(path, weights_only=True)["iteration"])
    shell.close()
    assert steps == [1, 2]
    assert (folder / "runs/mine/model.pt").is_file()


def test_several_processes_are_started_as_a_test_starts_them(training, tmp_path):
    """tests/bundle/test_several_processes.py trains by the same words."""
    (words,) = commands_of([training[1]], tmp_path)
    launched = words[: words.index("--config_file")]
    expected = ["torchrun", "--standalone", "--nproc_per_node=2", "-m", "monai.bundle", "run"]
    assert launched == [*expected, "training"]
    files = re.findall(r"configs/\w+\.yaml", words[words.index("--config_file") + 1])
    assert files == ["configs/train.yaml", "configs/multi_gpu_train.yaml"]
    tested = (ROOT / "tests/bundle/test_several_processes.py").read_text()
    assert all(file in tested for file in files)
