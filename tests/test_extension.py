"""What the Extensions Index of 3D Slicer reads, and the one word that a host has to replace."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "OWNER"
ADDRESS = f"/{PLACEHOLDER}/MACTFusionSlicer"
CMAKE = ROOT / "CMakeLists.txt"
ENTRY = ROOT / "docs" / "extension_index" / "MACTFusion.json"


@pytest.fixture(scope="module")
def described():
    """What the extension says of itself, by name without ``EXTENSION_``."""
    found = re.findall(r'^set\(EXTENSION_(\w+) "([^"]*)"\)$', CMAKE.read_text(), re.MULTILINE)
    return dict(found)


@pytest.fixture(scope="module")
def entry():
    return json.loads(ENTRY.read_text())


def test_the_index_and_the_extension_say_the_same(described, entry):
    assert ENTRY.stem == "MACTFusion"
    assert f"project({ENTRY.stem})" in CMAKE.read_text()
    assert entry["scm_url"] == described["HOMEPAGE"] + ".git"
    assert entry["build_dependencies"] == described["DEPENDS"].split()
    assert entry["category"] == "Nuclear Medicine"
    assert set(entry) == {
        *("$schema", "build_dependencies", "build_subdirectory", "category"),
        *("scm_revision", "scm_url", "tier"),
    }


def test_pictures_of_the_extension_are_in_the_repository(described):
    urls = [described["ICONURL"], *described["SCREENSHOTURLS"].split()]
    assert len(urls) == 3
    for url in urls:
        assert (ROOT / url.partition(f"{ADDRESS}/main/")[2]).is_file(), url


def test_the_owner_is_all_that_a_host_has_to_set(described, entry):
    """There is no public address yet, so none is claimed; CONTRIBUTING says what to replace."""
    urls = re.findall(r"https?://[^\s\"]+", " ".join(described.values()))
    assert len(urls) == 4
    assert all(ADDRESS in url for url in [*urls, entry["scm_url"]])
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone")
    holding = {
        name
        for name in listed.stdout.splitlines()
        if (ROOT / name).is_file() and ADDRESS.encode() in (ROOT / name).read_bytes()
    }
    assert holding == {"CMakeLists.txt", "docs/extension_index/MACTFusion.json"}
    said = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())
    assert f"replace `{PLACEHOLDER}` in `CMakeLists.txt`" in said
