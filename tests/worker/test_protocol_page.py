"""The page on the protocol names what the worker knows, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

from mactfusion.worker import folder, fusion, jobs, pieces, protocol, server, volumes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "worker_protocol.md").read_text("utf-8")
SOURCES = (folder, fusion, jobs, pieces, protocol, server, volumes)


def rows(begin):
    """Return the names in the first column of the table that begins with a line."""
    table = PAGE.split(f"\n{begin}")[1].split("\n\n")[0]
    return [name for line in table.splitlines() for name in _first_column(line)]


def _first_column(line):
    cell = re.match(r"\| (`[^|]*) \|", line)
    return re.findall(r"`([a-z-]+)`", cell[1]) if cell else []


def test_version_and_requests():
    assert PAGE.splitlines()[0].endswith(f", version {protocol.VERSION}")
    assert sorted(rows("| request | fields ")) == sorted(protocol.REQUESTS)
    assert set(re.findall(r"\"protocol\": (\d+)", PAGE)) == {str(protocol.VERSION)}


def test_codes():
    text = "".join(Path(source.__file__).read_text("utf-8") for source in SOURCES)
    raised = re.findall(r"(?:RequestError\(|\.error\([\w.]+, )\s*\"([a-z-]+)\"", text)
    returned = re.findall(r"return \"([a-z-]+)\", f?\"", text)
    handled = re.findall(r"code, sentence = \"([a-z-]+)\"", text)
    known = {*raised, *returned, *handled, *jobs._SENTENCES}
    assert sorted(rows("| code | meaning |")) == sorted(known)


def test_limits():
    assert f"{pieces.MOST_FILES} files" in PAGE
    assert PAGE.count(str(pieces.LARGEST_PIECE)) == 2
    assert f"{pieces.SPARE_BYTES // 2**20} MiB" in PAGE
    assert protocol.LONGEST_LINE == 2**20
    assert "at most 1 MiB" in PAGE
