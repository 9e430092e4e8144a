"""What blocks name: commands, as a shell would start them, and whether all they name exists.

No command is started: a shell goes through the blocks with words that only note how they were
called.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
from inspect import signature
from pydoc import locate

import typer
from blocks import ROOT
from monai.bundle import ConfigParser

from mactfusion.cli import app

WORDS = ("mactfusion", "python", "python3", "torchrun", "make", "curl", "Slicer")
PROGRAMS = (".venv/bin/python", ".venv-panel/bin/python", ".venv-label/bin/python")
PROGRAMS = (*PROGRAMS, ".venv-label/bin/pip", ".venv-deploy/bin/python", "pip")
PROGRAMS = (*PROGRAMS, ".venv-deploy/bin/holoscan")
FOLDERS = ("MACTFusionSlicer", "docs", "monai_bundle", "monai_deploy", "monai_label", "tests")
FOLDERS = (*FOLDERS, "training")
PATHS = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})(?:/[\w.-]+)+")
RUN_WORDS = {"run_id", "config_file", "meta_file", "logging_file"}
"""What ``monai.bundle run`` takes for itself."""


def commands_of(texts, folder):
    """Words of every command that one shell calls in the texts of blocks, one after the other.

    Args:
        texts: in the order printed; what one sets, those after it have.
        folder: an empty one.

    Raises:
        AssertionError: a variable is not set, or a program is none of WORDS and PROGRAMS.
    """
    notes = folder / "notes"
    note = f"#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\" >> {notes}\nprintf '\\n\\0' >> {notes}\n"
    for name in (*WORDS, *PROGRAMS):
        program = folder / (name if "/" in name else f"words/{name}")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(note)
        program.chmod(0o755)
    (folder / ".venv/bin/activate").touch()
    notes.touch()
    done = subprocess.run(
        ["bash", "-eu", "-c", f"PATH='{folder}/words'\n{''.join(texts)}"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    commands = notes.read_text().removesuffix("\n\0").split("\n\0") if notes.stat().st_size else []
    return [
        [words[0].rpartition("/")[2], *words[1:]]
        for words in (command.removesuffix("\0").split("\0") for command in commands)
    ]


def check_command(words, root):
    """Fail unless all that a command names is in ``root``, and its options are options."""
    for word in words:
        for path in PATHS.findall(word):
            assert (root / path).exists(), f"{path} of {words}"
    program, *rest = words
    if program == "mactfusion":
        parse(app, rest)
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text()
        targets = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
        variables = re.findall(r"^(\w+) \?=", makefile, re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets), words
        assert {word.partition("=")[0] for word in rest if "=" in word} <= set(variables), words
    elif "monai.bundle" in rest and rest[rest.index("monai.bundle") + 1] == "run":
        check_run(rest[rest.index("monai.bundle") + 2 :], root)
    elif rest[:1] == ["-m"] and rest[1].startswith("training."):
        check_program(rest[1], rest[2:])


def check_program(name, words):
    """Fail unless a module of ``training`` is there and takes these words."""
    module = importlib.import_module(name)
    main = getattr(module, "main", None) or getattr(module, "publish", None)
    if main is not None:  # others take numbers alone
        one = typer.Typer()
        one.command()(main)
        parse(one, words)


def parse(application, words):
    """Fail unless typer takes the words; nothing is run."""
    command = typer.main.get_command(application)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("command", list(words)).close()
    except typer.BadParameter.__mro__[1] as misuse:
        raise AssertionError(f"{words}: {misuse.format_message()}") from misuse


def check_run(words, root):
    """Fail unless the configurations of ``monai.bundle run`` are there and have what is set."""
    run_id, words = (words[0], words[1:]) if not words[0].startswith("--") else ("run", words)
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    assert all(key.startswith("--") for key in pairs), words
    options = {key.removeprefix("--"): value for key, value in pairs.items()}
    files = [part.strip("' ") for part in options["config_file"].strip("[]").split(",")]
    parser = ConfigParser()
    parser.read_config([str(root / file) for file in files])
    for key in {run_id, *options} - RUN_WORDS:
        assert key in parser or is_argument(key, parser), f"{files} have no {key}"


def is_argument(key, parser):
    """Whether ``PART#NAME`` is an argument that the configuration leaves to what it builds."""
    part, _, name = key.rpartition("#")
    built = locate(parser.get(part, {}).get("_target_", ""))
    return built is not None and name in signature(built).parameters


def check_python(text):
    """Fail unless a program is Python and the panel's modules that it imports have these names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("MACTFusionLib"):
            file = ROOT / "MACTFusionSlicer" / f"{node.module.replace('.', '/')}.py"
            defined = {getattr(one, "name", None) for one in ast.parse(file.read_text()).body}
            assert {one.name for one in node.names} <= defined, file


def conversation(text):
    """Return the command of a ``console`` block, and ``(is_typed, line)`` for what follows it.

    A line with a ``request`` is typed, as the worker's protocol has it; any other is an answer.
    """
    first, *lines = text.splitlines()
    assert first.startswith("$ ")
    return first.removeprefix("$ "), [(is_request(line), line) for line in lines]


def is_request(line):
    try:
        return "request" in json.loads(line)
    except json.JSONDecodeError:  # an answer that is cut short
        return False


def fits(answer, printed):
    """Whether an answer is what is printed, ``...`` in it being anything."""
    if answer is None or printed is None:  # one is longer than the other
        return False
    return re.fullmatch(re.escape(answer).replace(r"\.\.\.", ".*"), printed) is not None
