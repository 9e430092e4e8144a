"""The bundle runs with the packages that its metadata names, and nothing else."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "monai_bundle"
PYTHON = ROOT / ".venv-zoo" / "bin" / "python"
METADATA = json.loads((BUNDLE / "configs" / "metadata.json").read_text())
MODULES = {
    "PIL": "pillow",
    "ignite": "pytorch-ignite",
    "yaml": "PyYAML",
    "jpeg_ls": "pyjpegls",
    "gdcm": "python-gdcm",
    "openjpeg": "pylibjpeg-openjpeg",
}
"""Modules that are not called as their packages."""
ALWAYS = {"monai", "torch", "numpy", "mactfusion"}
BROUGHT_BY_TORCH = {"jinja2", "markupsafe", "typing_extensions"}
COMMAND_LINE = {
    "typer",
    "krippendorff",
    "onnx",
    "onnxruntime",
    "prometheus_client",
    "pyarrow",
    "ray",
}
"""What commands alone need, and no configuration."""

needs_environment = pytest.mark.skipif(
    not (PYTHON.parent.parent / ".ready").is_file(), reason="run make setup-zoo first"
)


def imported(file):
    """The top modules that a file imports, inside of functions too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_every_package_that_is_imported_is_named():
    found = {name for file in (BUNDLE / "mactfusion").rglob("*.py") for name in imported(file)}
    others = found - COMMAND_LINE - set(sys.stdlib_module_names) - ALWAYS - BROUGHT_BY_TORCH
    named = METADATA["required_packages_version"]
    assert len(others) > 10
    assert {name for name in others if MODULES.get(name, name) not in named} == set()
    # What MONAI imports when a configuration is run, and says only then.
    assert {"fire", "PyYAML", "pytorch-ignite", "tensorboard", "tqdm"} <= set(named)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run ``python -m monai.bundle`` from nowhere in particular, with a copy of the bundle."""
    folder = tmp_path_factory.mktemp("alone")
    ignored = shutil.ignore_patterns("runs", "__pycache__")
    shutil.copytree(BUNDLE, folder / "fusion", ignore=ignored)
    (folder / "here").mkdir()

    def run(config, *words):
        file = folder / "fusion" / "configs" / config
        command = [PYTHON, "-m", "monai.bundle", "run", "--config_file", file, *words]
        variables = {n: v for n, v in os.environ.items() if not n.startswith("PYTHON")}
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder / "here",
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-4000:]

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pairs of slices to train on and to score."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for kind in ("MRI", "CT"):
            target = folder / "CT-MRI" / part / kind
            target.mkdir(parents=True)
            for name in ("1001", "2001", "3001"):
                pixels = rng.integers(0, 256, (48, 48), dtype=np.uint8)
                Image.fromarray(pixels).save(target / f"{name}.png")
    return folder


@needs_environment
def test_it_has_the_versions_that_are_named():
    wanted = {**METADATA["required_packages_version"], "monai": METADATA["monai_version"]}
    wanted |= {"numpy": METADATA["numpy_version"], "torch": METADATA["pytorch_version"]}
    program = (
        "import json, sys; from importlib.metadata import version; "
        "print(json.dumps({name: version(name).partition('+')[0] for name in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [str(PYTHON), "-c", program, *wanted], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == wanted


@needs_environment
def test_it_fuses(run, tmp_path):
    rng = np.random.default_rng(0)
    for name, high in (("mr", 900), ("pet", 9000)):
        voxels = rng.integers(0, high, (24, 28, 3)).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.diag([-2.0, 2, 4, 1])), tmp_path / f"{name}.nii.gz")
    run(
        "inference.yaml",
        *("--anatomical", tmp_path / "mr.nii.gz", "--partner", tmp_path / "pet.nii.gz"),
        *("--task", "pet-mri", "--output", tmp_path / "fused.nrrd", "--dataset_dir", tmp_path),
    )
    assert (tmp_path / "fused.nrrd").stat().st_size > 1000


@needs_environment
def test_it_trains_for_a_step(run, pictures, tmp_path):
    run(
        "train.yaml",
        *("--dataset_dir", pictures, "--output_dir", tmp_path, "--crop", "[32,32]"),
        *("--epochs", 1, "--epoch_length", 1, "--val_every_case", 3, "--warmup_steps", 0),
    )
    assert (tmp_path / "model.pt").is_file()


@needs_environment
def test_it_scores(run, pictures, tmp_path):
    run(
        "evaluate.yaml",
        *("--dataset_dir", pictures, "--output_dir", tmp_path, "--task", "ct-mri"),
    )
    assert (tmp_path / "metrics.csv").stat().st_size > 0
