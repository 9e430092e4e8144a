"""What is released: an archive and a wheel that hold what is needed, and run where it is installed.

The libraries are those of this environment, so that nothing is downloaded; the project's own is the
wheel's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import mactfusion

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "monai_bundle"


def run(*words, cwd, **variables):
    """Run a command in a folder; return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**kept, "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The source archive."""
    folder = tmp_path_factory.mktemp("archive")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (file,) = folder.glob("*.tar.gz")
    return file


@pytest.fixture(scope="module")
def unpacked(archive):
    """The folder in it."""
    with tarfile.open(archive) as file:
        file.extractall(archive.parent, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def wheel_of(folder, target):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=folder)
    (file,) = target.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from this clone."""
    return wheel_of(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_of_archive(unpacked, tmp_path_factory):
    """The wheel built from the archive."""
    return wheel_of(unpacked, tmp_path_factory.mktemp("wheel_of_archive"))


def content(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_the_library_and_the_bundle_whole(wheel):
    held = content(wheel)
    for path in BUNDLE.rglob("*"):
        part = path.relative_to(BUNDLE)
        if path.is_dir() or "__pycache__" in part.parts or part.parts[0] in ("runs", "splits"):
            continue
        if part.parts[0] == "LICENSE":
            name = f"mactfusion-{mactfusion.__version__}.dist-info/licenses/LICENSE"
        else:
            name = str(part if part.parts[0] == "mactfusion" else Path("mactfusion/bundle") / part)
        assert held.pop(name) == path.read_bytes(), name
    others = {name.split("/", 1)[1] for name in held}
    assert others == {"METADATA", "RECORD", "WHEEL", "entry_points.txt"}


def test_the_archive_holds_what_the_wheel_is_built_from_and_nothing_else(unpacked):
    assert {path.name for path in unpacked.iterdir()} == {
        *(".gitignore", "PKG-INFO"),  # hatchling's own
        *("CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "constraints.txt"),
        *("monai_bundle", "pyproject.toml"),
    }
    assert not list(unpacked.rglob("test_*"))


def test_both_ways_lead_to_the_same_wheel(wheel, wheel_of_archive):
    assert content(wheel) == content(wheel_of_archive)


@pytest.fixture(scope="module")
def environment(wheel_of_archive, tmp_path_factory):
    """The folder of programs of an environment that has the wheel, and libraries from here."""
    folder = tmp_path_factory.mktemp("environment")
    here = tmp_path_factory.mktemp("here")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=here)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    quick = ("--quiet", "--no-deps", "--no-index", "--no-compile")
    run(*pip, "install", *quick, wheel_of_archive, cwd=here)
    line = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(run(python, "-c", line, cwd=here).strip())
    # A folder named by such a file is searched after the environment's own, and its own .pth files,
    # among them that of this clone, are not read.
    (own / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin"


@pytest.fixture
def sources(tmp_path):
    """An MR and a PET of a few voxels."""
    random = np.random.default_rng(0)
    for name, high in (("mr", 900), ("pet", 9000)):
        voxels = random.integers(0, high, (20, 24, 3)).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.diag([-2.0, 2, 4, 1])), tmp_path / f"{name}.nii.gz")
    return tmp_path


@pytest.mark.slow
def test_installed_it_fuses_from_the_command_line_and_by_monai(environment, sources):
    program = "import mactfusion.bundle as b; print(b.__file__); print(b.bundle_root())"
    library, bundle = run(environment / "python", "-c", program, cwd=sources).split()
    assert Path(library).is_relative_to(environment.parent)
    assert "fuse" in run(environment / "mactfusion", "--help", cwd=sources)
    files = ("mr.nii.gz", "pet.nii.gz")
    run(
        *(environment / "mactfusion", "fuse", *files, "--task", "pet-mri", "-o", "ours.nii.gz"),
        cwd=sources,
    )
    run(
        *(environment / "python", "-m", "monai.bundle", "run"),
        *("--config_file", Path(bundle) / "configs" / "inference.yaml"),
        *("--anatomical", files[0], "--partner", files[1], "--task", "pet-mri"),
        *("--output", "theirs.nii.gz", "--device", "$torch.device('cpu')"),
        cwd=sources,
    )
    ours, theirs = (nib.load(sources / f"{name}.nii.gz") for name in ("ours", "theirs"))
    assert np.ptp(np.asarray(ours.dataobj)["R"]) > 0
    assert np.array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
