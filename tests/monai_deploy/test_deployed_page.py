"""The commands of the page on the application: each that only needs the SDK runs as printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from conftest import APP
from holoscan_cli.__main__ import parse_args

from mactfusion import __version__
from tests.docs.blocks import blocks_of

BLOCKS = blocks_of("docs/monai_deploy.md")


def of_reason(reason):
    return [block.text for block in BLOCKS if block.reason == reason]


def test_its_commands_run_in_the_order_printed(study, tmp_path):
    clone = tmp_path / "clone"
    python = clone / ".venv-deploy" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (clone / "monai_deploy").symlink_to(APP)
    study.rename(clone / "STUDY")
    commands = of_reason("needs the App SDK")
    assert len(commands) == 2
    environment = {name: value for name, value in os.environ.items() if "HOLOSCAN" not in name}
    for command in commands:
        ran = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=clone,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
    for output in ("OUTPUT", "OUTPUT_2"):
        assert (clone / output / "fused.json").is_file()
        assert len(list((clone / output / "fused").iterdir())) == 6


def test_the_package_tool_takes_the_words_of_its_command(monkeypatch):
    (command,) = of_reason("needs Docker")
    monkeypatch.chdir(APP.parent)
    asked = parse_args(shlex.split(command.replace("\\\n", "")))
    assert asked.command == "package"
    assert asked.application.samefile(APP)
    assert asked.config.samefile(APP / "app.yaml")
    assert asked.tag == f"mactfusion:{__version__}"
