"""What can be refused without a volume is refused before torch and MONAI are imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "monai", "SimpleITK", "nibabel", "scipy")

OBSERVED = """
import sys
from mactfusion.__main__ import start
try:
    start()
except SystemExit as end:
    heavy = [name for name in {heavy} if name in sys.modules]
    print("CODE", end.code or 0, "HEAVY", heavy)
"""


def observe(*words):
    """Run the command in a process of its own; return what it printed, code and heavy modules."""
    done = subprocess.run(
        [sys.executable, "-c", OBSERVED.format(heavy=HEAVY), *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
        check=True,
    )
    told, _, end = done.stdout.rpartition("CODE ")
    return told + done.stderr, "CODE " + end.strip()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("absent.nii.gz", "pet.nii.gz", "-o", "a.nii.gz"), "absent.nii.gz does not exist"),
        (("mr.nii.gz", "absent.nii.gz", "-o", "a.nii.gz"), "absent.nii.gz does not exist"),
        (("mr.nii.gz", "notes.txt", "-o", "a.nii.gz"), "notes.txt is of an unknown kind"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "there.nii.gz"), "add --overwrite"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "mr.nii.gz", "--overwrite"), "write elsewhere"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "notes.txt/a.nii.gz"), "notes.txt is no folder"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.jpg"), "JPEG"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--task", "brain"), "Unknown task"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--window", "wide"), "Unknown window"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--colormap", "hot_ironn"), "did you mean"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--model", "dilan"), "Unknown model"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--weights", "no.pt"), "do not exist"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--report", "a.pdf"), ".html"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--picture", "a.jpg"), ".png"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--nonsense"), "--nonsense"),
        (("mr.nii.gz", "pet.nii.gz", "-o", "a.nii", "--batch-size", "0"), "batch-size"),
    ],
)
def test_wrong_words_are_refused_at_once(words, sentence, files):
    (files / "notes.txt").write_text("no volume")
    (files / "there.nii.gz").write_text("mine")
    told, end = observe("fuse", *words)
    assert sentence in told
    assert end == "CODE 2 HEAVY []"
    assert (files / "there.nii.gz").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("evaluate", "absent.nii", "mr.nii.gz", "pet.nii.gz"), "absent.nii does not exist"),
        (("evaluate", "mr.nii.gz", "mr.nii.gz", "absent"), "absent does not exist"),
        (("evaluate", "mr.nii.gz", "mr.nii.gz", "pet.nii.gz", "--metrics", "magic"), "no metric"),
        (("evaluate", "mr.nii.gz", "mr.nii.gz", "pet.nii.gz", "--csv", "there.csv"), "--overwrite"),
        (("evaluate", "mr.nii.gz", "mr.nii.gz", "pet.nii.gz", "--report", "a.pdf"), ".html"),
        (("evaluate", "mr.nii.gz", "mr.nii.gz", "pet.nii.gz", "--task", "brain"), "--task"),
        (("info", "mr.nii.gz", "absent.nii"), "absent.nii does not exist"),
        (("import-weights", "absent.pt", "-o", "a.pt"), "absent.pt does not exist"),
        (("import-weights", "mr.nii.gz", "-o", "there.csv"), "--overwrite"),
        (("models", "--nonsense"), "--nonsense"),
        (("study", "make", "absent", "dilran", "-o", "a.html"), "absent does not exist"),
        (("study", "make", "mr.nii.gz", "dilran", "-o", "a.pdf"), ".html"),
        (("study", "score", "mr.nii.gz", "--key", "absent.json"), "absent.json cannot be read"),
        (("probe", "absent.nii", "0", "0", "0"), "absent.nii does not exist"),
        (("probe", "mr.nii.gz", "0", "0", "zero"), "Invalid value for 'z'"),
    ],
)
def test_other_commands_refuse_at_once_too(words, sentence, files):
    (files / "there.csv").write_text("mine")
    told, end = observe(*words)
    assert sentence in told
    assert end.startswith("CODE 2 ")
    assert "torch" not in end
    assert "monai" not in end


@pytest.mark.parametrize("words", [("--help",), ("fuse", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(words):
    told, end = observe(*words)
    assert told
    assert end == "CODE 0 HEAVY []"


def test_the_function_can_be_imported_without_torch():
    code = "import sys; from mactfusion import fuse_volumes; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_process_that_fuses_leaves_out_libraries_of_training(files):
    code = (
        "import sys; sys.argv[1:] = ['fuse', 'mr.nii.gz', 'pet.nii.gz', '--task', 'pet-mri', "
        "'-o', 'fused.nii.gz', '--quiet']\n"
        "from mactfusion.__main__ import start\n"
        "try:\n    start()\nexcept SystemExit as end:\n    assert not end.code\n"
        "from mactfusion.lean import LEFT_OUT\n"
        "print(sorted(LEFT_OUT & set(sys.modules)), 'monai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[] True\n"
    assert (files / "fused.nii.gz").is_file()


def test_the_module_is_a_command_and_completes_words():
    words = [sys.executable, "-m", "mactfusion"]
    version = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.strip()
    completing = {
        **os.environ,
        "_MACTFUSION_COMPLETE": "complete_bash",
        "COMP_WORDS": "mactfusion fuse a b --grid ",
        "COMP_CWORD": "5",
    }
    done = subprocess.run(words, capture_output=True, text=True, env=completing)
    assert set(done.stdout.split()) >= {"anatomical", "isotropic", "auto"}
