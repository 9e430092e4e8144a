"""Train one variant with the bundle, in a process of its own, once."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monai.bundle import ConfigParser
from rich.console import Console

from mactfusion.bundle import bundle_root
from mactfusion.engine.splits import read_split
from mactfusion.errors import InputError
from mactfusion.io.atomic import atomic_path
from mactfusion.io.checksum import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from training.ablation.studies import Entry

MODEL, RECORD, LOG = "model.pt", "training.json", "training.log"
VALIDATED_EVERY = 12
"""Every which validation pair is fused at the end: the validation writes the weights, and selects
nothing, so that it may be short."""
WARMUP_SHARE = 20
"""One step of so many warms the learning rate up."""
AVERAGE_DECAY = 0.99
TRAINER = "train#trainer"
"""What a training runs: network, criterion, optimiser, rate and crops all hang on it."""
NOT_COMPARED = frozenset(
    ("pairs", "validate", "vgg_weights", "output_dir", "device", "num_workers", "rank")
)
"""What a trainer refers to and weights either do not depend on, or the record has by itself."""
ONLY_TELL = frozenset(
    (
        "StatsHandler",
        "TensorBoardStatsHandler",
        "ValidationHandler",
        "mactfusion.engine.PairProgress",
    )
)
"""Handlers that change no weights."""

_REFERENCE = re.compile(r"@([\w#]+)")


@dataclass(frozen=True)
class Budget:
    """What every variant may spend.

    Attributes:
        steps: of the optimiser.
        crop: edge of the square crops, in pixels.
        batch_size: crops a step.
        seed: of weights and draws.
        learning_rate: the highest; None: that of the configuration.
    """

    steps: int
    crop: int
    batch_size: int
    seed: int
    learning_rate: float | None = None


@dataclass(frozen=True)
class Data:
    """Where pairs and further weights are.

    Attributes:
        folder: with ``TASK/train/MODALITY/NAME.png`` and the same under ``test``.
        split: names the pairs of each part.
        vgg: weights of VGG16 for the perceptual term of DILRAN.
    """

    folder: Path
    split: Path
    vgg: Path | None = None


def config_files(entry: Entry) -> list[Path]:
    """List the configuration files of a variant, each laid over those before."""
    names = list(entry.study.configs)
    if entry.variant.override:
        names.append(f"ablations/{entry.variant.override}")
    return [bundle_root() / "configs" / f"{name}.yaml" for name in names]


def read_config(entry: Entry) -> ConfigParser:
    """Read the configuration of a variant.

    Raises:
        InputError: a file is missing.
    """
    for path in config_files(entry):
        if not path.is_file():
            raise InputError(f"{path} does not exist; restore the file.")
    return ConfigParser(ConfigParser.load_config_files([str(p) for p in config_files(entry)]))


def check_data(entry: Entry, data: Data) -> None:
    """Look whether a training can start.

    Raises:
        InputError: no pair of a task is there to train on, or of any to validate.
    """
    for part, enough in (("train", all), ("validation", any)):
        tasks = {pair["task"].upper() for pair in read_split(data.split, data.folder, part)}
        if not enough(task in tasks for task in entry.study.tasks):
            missing = ", ".join(task for task in entry.study.tasks if task not in tasks)
            raise InputError(f"{data.split} has no pair of {missing} in its part '{part}'.")


def training_record(entry: Entry, budget: Budget, data: Data) -> dict[str, Any]:
    """Return all that the weights depend on, but for the code and the pictures.

    Of the configuration that is what the trainer consists of, with the options filled in: what is
    added to the files for others does not make a finished training another one.
    """
    config = read_config(entry)
    spent = asdict(budget)
    if budget.learning_rate is None:
        spent["learning_rate"] = _filled_in(config, config["learning_rate"])
    for name, value in _options(spent).items():
        config[name] = value
    content = json.dumps(_filled_in(config, config[TRAINER]), sort_keys=True)
    uses_vgg = data.vgg is not None and entry.variant.needs_vgg
    return {
        "budget": spent,
        "tasks": list(entry.study.tasks),
        "configuration": hashlib.sha256(content.encode()).hexdigest(),
        "split": sha256_of(data.split),
        "vgg": sha256_of(data.vgg) if data.vgg and uses_vgg else None,
    }


def _options(spent: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the bundle that a budget stands for."""
    return {
        "epochs": 1,
        "epoch_length": spent["steps"],
        "warmup_steps": max(1, spent["steps"] // WARMUP_SHARE),
        "crop": [spent["crop"]] * 2,
        "batch_size": spent["batch_size"],
        "learning_rate": spent["learning_rate"],
        "seed": spent["seed"],
        "average_decay": AVERAGE_DECAY,
        "precision": "float32",
    }


def _filled_in(config: ConfigParser, content: Any) -> Any:
    """Put what is referred to in the place of each reference, also inside of expressions."""

    def referred(name: str) -> Any:
        compared = name.split("#")[0] not in NOT_COMPARED
        return _filled_in(config, config[name]) if compared else f"@{name}"

    if isinstance(content, dict):
        return {key: _filled_in(config, value) for key, value in content.items()}
    if isinstance(content, list):
        return [_filled_in(config, item) for item in content if not _only_tells(item)]
    if not isinstance(content, str):
        return content
    if whole := _REFERENCE.fullmatch(content):
        return referred(whole[1])
    if content.startswith("$"):
        return _REFERENCE.sub(lambda found: json.dumps(referred(found[1]), sort_keys=True), content)
    return content


def _only_tells(item: Any) -> bool:
    return isinstance(item, dict) and item.get("_target_") in ONLY_TELL


def training_command(entry: Entry, record: dict[str, Any], data: Data, folder: Path) -> list[str]:
    """Return the words of the bundle's training, which also go on with an interrupted one."""
    tasks = tuple(task.lower() for task in entry.study.tasks)
    of_tasks = f"if pair['task'] in {tasks!r}]"
    options = {
        "config_file": [str(path) for path in config_files(entry)],
        "bundle_root": bundle_root(),
        "dataset_dir": data.folder.resolve(),
        "split": data.split.resolve(),
        "output_dir": folder.resolve(),
        **_options(record["budget"]),
        "checkpoint_minutes": 5,
        "train#dataset#data": f"$[pair for pair in @pairs[0] {of_tasks}",
        "validate#dataset#data": f"$[pair for pair in @pairs[1] {of_tasks}[::{VALIDATED_EVERY}]",
    }
    if record["vgg"] and data.vgg:
        options["vgg_weights"] = data.vgg.resolve()
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai.bundle", "run", "training", *words]


def is_trained(folder: Path, record: dict[str, Any]) -> bool:
    """Whether a folder holds the weights of a complete training with this record."""
    # The only validation is at the end: with it the weights appear, the last averaged ones.
    return (folder / MODEL).is_file() and read_record(folder) == record


def train(entry: Entry, record: dict[str, Any], data: Data, folder: Path) -> None:
    """Train a variant to the end of its budget, unless that is done; go on where it stopped.

    What another record left in the folder is moved aside first, and the console says where to.

    Args:
        entry: a variant with a training of its own.
        record: see :func:`training_record`.
        data: to train on.
        folder: for the weights; the output of the process is appended to ``training.log``.

    Raises:
        InputError: the folder holds something else, or the training ended with an error.
    """
    if is_trained(folder, record):
        return
    if aside := begin(folder, record):
        Console(stderr=True, soft_wrap=True).print(
            f"{folder} held a training with other settings, which is now {aside}.", markup=False
        )
    with (folder / LOG).open("a", encoding="utf-8") as log:
        command = training_command(entry, record, data, folder)
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603  (a list, no shell)
    if done.returncode != 0 or not (folder / MODEL).is_file():
        raise InputError(
            f"The training of {entry.name} ended with code {done.returncode}: see {folder / LOG}."
        )


def begin(folder: Path, record: dict[str, Any]) -> Path | None:
    """Make a folder for a training; one of the same record, which was interrupted, stays.

    Returns:
        Where a training of another record was moved to, ``FOLDER.1`` or the next free number: it
        may be hours of work. None: there was none.

    Raises:
        InputError: the folder holds something else.
    """
    if read_record(folder) == record:
        return None
    aside = None
    if folder.exists() and any(folder.iterdir()):
        if not (folder / RECORD).is_file():
            raise InputError(f"{folder} holds no training; remove it, or give another --output.")
        names = (folder.with_name(f"{folder.name}.{number}") for number in itertools.count(1))
        aside = folder.rename(next(name for name in names if not name.exists()))
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return aside


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read what a training in a folder was started with; None where none was."""
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
