"""The extension goes through CMake, and what it installs is whole and works.

The macros are a stand-in's, see ``slicer_stub/``. Where ``MACTFUSION_SLICER_SOURCE`` names a folder
with ``Slicer`` and ``CTK``, the sources of a release, it goes through theirs as well, which also
byte-compile what is named.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from index_rules import set_by_cmake

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).parent / "slicer_stub"
MODULES = "lib/Slicer-5/qt-scripted-modules"
SOURCES = os.environ.get("MACTFUSION_SLICER_SOURCE", "")
LARGEST = 30 * 10**6
"""Bytes that an installation may have; 22.8 million in November 2026, most of them weights."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(shutil.which, ("cmake", "make", "c++"))),
        reason="CMake, make or a C++ compiler is not here",
    ),
]


def run_cmake(*arguments):
    return subprocess.run(["cmake", *map(str, arguments)], capture_output=True, text=True)


def configured(source, build, macros="the stand-in's"):
    choices = []
    if macros != "the stand-in's":
        choices = [f"-DSLICER_SOURCE={SOURCES}/Slicer", f"-DCTK_SOURCE={SOURCES}/CTK"]
        choices += [f"-DSLICER_PYTHON={sys.executable}"]
    return run_cmake("-Wno-dev", "-S", source, "-B", build, f"-DSlicer_DIR={STUB}", *choices)


@pytest.fixture(
    scope="module",
    params=[
        "the stand-in's",
        pytest.param(
            "the release's",
            marks=pytest.mark.skipif(not SOURCES, reason="needs MACTFUSION_SLICER_SOURCE"),
        ),
    ],
)
def build(request, tmp_path_factory):
    """A folder in which the extension is built."""
    folder = tmp_path_factory.mktemp("build")
    done = configured(ROOT, folder, request.param)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    made = run_cmake("--build", folder)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    """The folder of modules of an installation."""
    folder = tmp_path_factory.mktemp("installed")
    done = run_cmake("--install", build, "--prefix", folder, "--component", "RuntimeLibraries")
    assert done.returncode == 0, done.stderr
    return folder / MODULES


def files_in(folder, *without):
    """Files that come with the project, without those that Python makes."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.parts[len(folder.parts)] not in without
    }


def test_all_of_the_module_and_of_the_library_is_installed(installed):
    module = files_in(ROOT / "MACTFusionSlicer", "Testing", "CMakeLists.txt")
    library = {
        f"{folder}/{name}"
        for folder in ("configs", "mactfusion", "models")
        for name in files_in(ROOT / "monai_bundle" / folder)
    }
    library |= {"LICENSE", "data_license.txt"}
    expected = module | {f"Resources/monai_bundle/{name}" for name in library}
    found = files_in(installed)
    assert found == expected
    assert "MACTFusion.py" in found
    for name in library:
        source = "docs/" + name if name == "data_license.txt" else name
        copy = installed / "Resources" / "monai_bundle" / name
        assert filecmp.cmp(ROOT / "monai_bundle" / source, copy, shallow=False), name
    bytes_of_all = sum((installed / name).stat().st_size for name in found)
    assert bytes_of_all < LARGEST, f"{bytes_of_all / 10**6:.1f} MB"


def test_what_cmake_understood_is_what_the_index_reads(build):
    """The index reads the file by patterns, Slicer by CMake."""
    lines = (build / "described.txt").read_text(encoding="utf-8").splitlines()
    understood = dict(line.split("=", 1) for line in lines)
    read = set_by_cmake((ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert understood == {name: read[name] for name in understood}


def test_the_module_s_own_test_is_registered(build):
    listed = subprocess.run(["ctest", "-N"], cwd=build, capture_output=True, text=True)
    assert "py_MACTFusion" in listed.stdout.split()


FUSE = """
import sys
import mactfusion
mactfusion.fuse_volumes(*sys.argv[1:3], task="pet-mri", device="cpu", output=sys.argv[3])
print(mactfusion.__file__)
"""


def test_the_installed_library_fuses_the_installed_samples(installed, tmp_path):
    """It is found as the panel lets its worker find it, with configuration and weights."""
    library = installed / "Resources" / "monai_bundle"
    samples, fused = installed / "Resources" / "Samples", tmp_path / "fused.nrrd"
    done = subprocess.run(
        [sys.executable, "-c", FUSE, samples / "mr.nrrd", samples / "pet.nrrd", fused],
        env={**os.environ, "PYTHONPATH": str(library), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]) == library / "mactfusion" / "__init__.py"
    assert fused.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  MACTFusionLib/batch.py\n", "  MACTFusionLib/gone.py\n", "gone.py"),
        ("  WITH_GENERIC_TESTS\n", "  WITH_EVERYTHING\n", "WITH_EVERYTHING"),
        ("SCRIPT ${MODULE_NAME}.py", "SCRIPT Gone.py", "Gone.py"),
    ],
)
def test_what_slicer_would_refuse_is_refused(old, new, said, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "MACTFusionSlicer", source / "MACTFusionSlicer")
    for name in ("CMakeLists.txt", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    (source / "monai_bundle").symlink_to(ROOT / "monai_bundle")
    lists = source / "MACTFusionSlicer" / "CMakeLists.txt"
    text = lists.read_text()
    assert text.count(old) == 1
    lists.write_text(text.replace(old, new))
    done = configured(source, tmp_path / "build")
    assert done.returncode != 0
    assert said in done.stderr
