"""Bad input of a run of the bundle is one sentence, whatever MONAI raises around it."""

from __future__ import annotations

import errno
import json
import shutil
import sys

import pytest
from PIL import Image
from warm_python import run_anew

from mactfusion.errors import InputError
from mactfusion.uncaught import end_in_a_sentence

pytestmark = pytest.mark.slow

SMALL = (
    *("--epochs", 1, "--epoch_length", 1, "--batch_size", 1, "--crop", "[32,32]"),
    *("--val_every_case", 2, "--warmup_steps", 0, "--precision", "float32"),
)


@pytest.fixture
def data(slices, tmp_path):
    """Pairs to train on, to be damaged."""
    return shutil.copytree(slices, tmp_path / "data")


@pytest.fixture
def refusal(bundle, warm):
    """Run the bundle; the value is what stands in its last line, once it ended as it should.

    With ``anew`` in a process that imports everything itself, as users have it.
    """

    def run(config, *arguments, anew=False):
        run_python = run_anew if anew else warm.run
        words = ("-m", "monai.bundle", "run", "--config_file", f"configs/{config}.yaml")
        variables = {"PYTHONPATH": str(bundle), "CUDA_VISIBLE_DEVICES": ""}
        code, printed = run_python(*words, *arguments, cwd=bundle, variables=variables)
        assert code == 2, printed[-4000:]
        assert "Traceback" not in printed
        return printed.splitlines()[-1]

    return run


def palette(path):
    Image.open(path).convert("P").save(path)


def gone(path):
    path.unlink()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (palette, "{path} is a palette picture; save it as 8-bit grey or RGB."),
        (gone, "has no partner {path}; add it or remove both."),
    ],
)
def test_a_fault_in_the_data_ends_a_training(data, refusal, tmp_path, fault, sentence):
    path = data / "CT-MRI" / "train" / "CT" / "2001.png"
    fault(path)
    said = refusal("train", "--dataset_dir", data, "--output_dir", tmp_path / "out", *SMALL)
    assert said.startswith("Error: ")
    assert sentence.format(path=path) in said
    assert not (tmp_path / "out" / "model.pt").exists()


def test_a_task_that_the_criterion_does_not_know_ends_a_training(data, bundle, refusal, tmp_path):
    (data / "CT-MRI").rename(data / "GFP-MRI")
    (data / "GFP-MRI" / "train" / "CT").rename(data / "GFP-MRI" / "train" / "GFP")
    words = ("--dataset_dir", data, "--output_dir", tmp_path / "out", *SMALL)
    said = refusal("train", *words)
    assert said.startswith("Error: The criterion has no weights for the task gfp-mri, and 4 of its")
    assert not list((tmp_path / "out").iterdir())


def test_a_case_in_two_parts_ends_an_evaluation(data, refusal, tmp_path):
    split = tmp_path / "split.json"
    names = {"anatomical": "CT-MRI/train/MRI/{}.png", "partner": "CT-MRI/train/CT/{}.png"}
    pairs = [
        {**{key: name.format(slice_name) for key, name in names.items()}, "split": part}
        | {"task": "ct-mri", "case": "1"}
        for slice_name, part in (("1001", "train"), ("1002", "test"))
    ]
    split.write_text(json.dumps({"split": "mine", "pairs": pairs}))
    options = ("--dataset_dir", data, "--split", split, "--output_dir", tmp_path / "out")
    said = refusal("evaluate", *options)
    assert said.startswith(f"Error: {split} has case 1 in both train and test (CT-MRI/train")


def test_a_volume_that_is_not_there_ends_a_fusion(refusal, tmp_path):
    names = {name: tmp_path / f"{name}.nii.gz" for name in ("anatomical", "partner", "output")}
    options = [word for name, path in names.items() for word in (f"--{name}", path)]
    said = refusal("inference", *options, "--task", "pet-mri", anew=True)
    assert said.startswith("Error: ")
    assert str(names["anatomical"]) in said


def test_a_place_that_cannot_be_written_ends_a_training(refusal, tmp_path):
    (tmp_path / "file").write_text("mine")
    said = refusal("train", "--output_dir", tmp_path / "file", *SMALL)
    assert said == f"Error: {tmp_path / 'file'} cannot be used: file exists."


READING = """
import time
import torch
from monai.data import CacheDataset
from monai.transforms import Transform
from mactfusion.errors import InputError
from mactfusion.uncaught import end_in_a_sentence

class Read(Transform):
    def __call__(self, number):
        if number == 0:
            time.sleep(0.1)  # so that the other thread is inside PyTorch by now
            raise InputError("a.png is damaged.")
        for _ in range(3):
            torch.rand(2000, 2000) @ torch.rand(2000, 2000)
        return number

end_in_a_sentence()
CacheDataset(list(range(6)), Read(), num_workers=2)
"""


def test_a_reader_at_work_does_not_abort_what_ends(bundle, warm):
    code, printed = warm.run("-c", READING, variables={"PYTHONPATH": str(bundle)})
    assert code == 2, printed[-4000:]
    assert printed.splitlines()[-1] == "Error: a.png is damaged."


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    end_in_a_sentence()
    end_in_a_sentence()
    sys.excepthook(KeyError, KeyError("loss"), None)
    assert capsys.readouterr().err == "KeyError: 'loss'\n"
    for error, sentence in (
        (InputError("a.png is damaged."), "a.png is damaged."),
        (OSError(errno.ENOSPC, "No space left"), "A file cannot be used: the disk is full."),
    ):
        with pytest.raises(SystemExit) as ended:
            sys.excepthook(type(error), error, None)
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"Error: {sentence}\n"


def test_a_fault_after_something_that_was_handled_is_a_fault(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    end_in_a_sentence()
    fault = KeyError("loss")
    fault.__context__ = FileNotFoundError(errno.ENOENT, "No such file", "absent")
    sys.excepthook(KeyError, fault, None)
    assert "KeyError: 'loss'" in capsys.readouterr().err


def test_another_hook_is_left_alone(monkeypatch):
    def hook(*error):
        """Stand for that of a notebook."""

    monkeypatch.setattr(sys, "excepthook", hook)
    end_in_a_sentence()
    assert sys.excepthook is hook
