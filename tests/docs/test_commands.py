"""The commands of the pages, in the order printed: they run, or at least all they name exists."""

from __future__ import annotations

from itertools import zip_longest

import pytest
from blocks import PAGES, REASONS, ROOT, blocks_of
from page_folder import prepare
from page_shell import PageShell
from spoken import check_command, check_python, commands_of, conversation, fits

WITH_BLOCKS = [page for page in PAGES if blocks_of(page)]
THAT_RUN = [page for page in PAGES if any(block.reason is None for block in blocks_of(page))]


@pytest.fixture
def root(page):
    """The folder that the page's commands begin in."""
    return ROOT / "monai_bundle" if page == "monai_bundle/docs/README.md" else ROOT


@pytest.fixture
def page_shell(root, tmp_path, warm):
    """A shell in a folder made for the page, like ``root`` and with small images."""
    folder = tmp_path / "clone"
    folder.mkdir()
    prepare(folder, root)
    shell = PageShell(folder, warm)
    yield shell
    shell.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", THAT_RUN)
def test_blocks_run_in_the_order_printed(page, page_shell):
    for block in blocks_of(page):
        if block.reason is not None:
            continue
        if block.language == "console":
            command, lines = conversation(block.text)
            code, printed = page_shell.talk(command, lines)
            answers = [line for is_typed, line in lines if not is_typed]
            assert [a for a, p in zip_longest(answers, printed) if not fits(a, p)] == [], block
        else:
            run = {"bash": page_shell.bash, "python": page_shell.python}[block.language]
            code, printed = run(block.text)
        assert code == 0, f"{block} ended with {code}:\n{printed[-6000:]}"


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_all_that_blocks_name_exists(page, root, tmp_path):
    typed = []
    for block in blocks_of(page):
        if block.language == "python":
            check_python(block.text)
        elif block.language == "console":
            typed.append(f"{conversation(block.text)[0]}\n")
        else:
            typed.append(block.text)
    for words in commands_of(typed, tmp_path):
        check_command(words, root)


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_a_block_runs_or_says_why_not(page):
    for block in blocks_of(page):
        assert block.language in ("bash", "python", "console"), block
        assert block.reason is None or block.reason in REASONS, block
