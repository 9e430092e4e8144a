"""What the Extensions Index of 3D Slicer reads, and the one word that a host has to replace."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from index_rules import (
    faults_of_entry,
    faults_of_homepage,
    faults_of_repository,
    set_by_cmake,
)
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = "OWNER"
ADDRESS = f"/{PLACEHOLDER}/SlicerMACTFusion"
CMAKE = ROOT / "CMakeLists.txt"
ENTRY = ROOT / "docs" / "extension_index" / "MACTFusion.json"
MODULES = {"MACTFusion": "The extension MACTFusion has one module of the same name: it fuses"}


def tracked():
    """The files of the repository, as their paths from its root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The repository as the first commit of one would hold it, ``.git`` included."""
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        subprocess.run([*git, *arguments], cwd=folder, check=True, capture_output=True)
    return folder


def test_the_entry_passes_every_rule_of_the_index():
    assert faults_of_entry(ENTRY) == []
    assert json.loads(ENTRY.read_text())["category"] == "Nuclear Medicine"


def test_the_repository_passes_every_rule_of_the_index(clone):
    assert faults_of_repository(clone, ENTRY) == []


def test_the_homepage_says_what_the_index_asks_for():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert faults_of_homepage(readme, ENTRY.stem, MODULES) == []
    assert faults_of_homepage("# Another", ENTRY.stem, MODULES) == [
        "the extension's name is not at the beginning",
        "no picture is at the beginning",
        "no publication is linked",
        "the licence is not named",
        "nothing says what the module MACTFusion does",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"tier": 1', '"tier": 6', "tier is from 1 to 5"),
        ('"tier": 1', '"tier": "1"', "tier must be of type int, and not empty"),
        ('"tier": 1', '"tier": 1, "icon": "x"', "icon is no field of an entry"),
        ("Nuclear Medicine", "Fusion", "category Fusion is not of the list"),
        ('  "category": "Nuclear Medicine",\n', "", "category is missing"),
        ('  "scm_revision": "main",\n', "", "scm_revision is missing"),
        ("https://github", "http://github", "scm_url is no address that begins with git:// or"),
        ("SlicerMACTFusion", "MACTFusion", "the repository's name must begin with Slicer"),
        ('"PyTorch"', '"TorchPy"', "TorchPy is no extension of the index"),
        ("schema-v1.0.1", "schema-v9", "$schema is not the address of the schema"),
        ("\n", "\r\n", "lines must end with LF"),
        ('[\n    "PyTorch"\n  ]', '["PyTorch"]', "each item of a list stands on a line"),
        ("{", "", "no JSON"),
    ],
)
def test_a_wrong_entry_is_found(old, new, fault, tmp_path):
    path = tmp_path / ENTRY.name
    text = ENTRY.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    assert [said for said in faults_of_entry(path) if said.startswith(fault)]


def test_an_extension_is_not_named_slicer_something(tmp_path):
    path = tmp_path / "SlicerMACTFusion.json"
    path.write_text(ENTRY.read_text())
    assert faults_of_entry(path) == ["the extension's name must not begin with Slicer"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("project(MACTFusion)", "project(Fusion)", "project() is not named MACTFusion"),
        ("EXTENSION_ICONURL", "ICONURL", "EXTENSION_ICONURL is not set"),
        ("Icons/MACTFusion.png", "Icons/MACTFusion.svg", "EXTENSION_ICONURL: MACTFusion.svg is no"),
        ("Icons/MACTFusion.png", "Icons/Other.png", "EXTENSION_ICONURL: Other.png is not there"),
        ("main/docs/overview.png", "blob/main/x.png", "EXTENSION_SCREENSHOTURLS https://raw"),
        ("/raw.githubusercontent", "/github", "EXTENSION_ICONURL https://github.com/OWNER/"),
        ('DEPENDS "PyTorch"', 'DEPENDS "NNUNet"', "EXTENSION_DEPENDS and build_dependencies"),
        ('HOMEPAGE "https://', 'HOMEPAGE "http://', "EXTENSION_HOMEPAGE is not the page"),
        ("of a patient with", "of a patient; with", "a semicolon would make two of one value"),
        ("Fuses the MR", "Good. Fast. Fuses the MR", "EXTENSION_DESCRIPTION is one or two"),
    ],
)
def test_a_wrong_repository_is_found(old, new, fault, clone, tmp_path):
    folder = tmp_path / "clone"
    shutil.copytree(clone, folder, ignore=shutil.ignore_patterns(".git", "models", "tests"))
    path = folder / "CMakeLists.txt"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert [said for said in faults_of_repository(folder, ENTRY) if said.startswith(fault)]


def test_a_wrong_picture_size_or_licence_is_found(tmp_path):
    folder = tmp_path / "clone"
    (folder / "docs").mkdir(parents=True)
    (folder / "MACTFusionSlicer/Resources/Icons").mkdir(parents=True)
    shutil.copy(CMAKE, folder)
    Image.new("RGB", (64, 64)).save(folder / "MACTFusionSlicer/Resources/Icons/MACTFusion.png")
    urls = set_by_cmake(CMAKE.read_text())["SCREENSHOTURLS"].split()
    for number, url in enumerate(urls):
        path = folder / url.partition(f"{ADDRESS}/main/")[2]
        Image.new("RGB", (400, 900)).save(path, "PNG" if number else "BMP")
    with (folder / "large").open("wb") as file:
        file.truncate(101 * 2**20)
    size, *faults = faults_of_repository(folder, ENTRY)
    assert size.endswith(" MB is more than 100 MB")
    assert [fault.partition(": ")[2] or fault for fault in faults] == [
        "there is no licence in the root",
        "MACTFusion.png is PNG of (64, 64), not PNG of (128, 128)",
        f"{Path(urls[0]).name} is BMP, not PNG, JPEG or GIF by its name",
        *[f"{Path(u).name} of (400, 900) is smaller than (800, 500)" for u in urls[1:]],
    ]


def test_the_owner_is_all_that_a_host_has_to_set():
    """There is no public address yet, so none is claimed; CONTRIBUTING says what to replace."""
    described = set_by_cmake(CMAKE.read_text())
    entry = json.loads(ENTRY.read_text())
    urls = re.findall(r"https?://[^\s\"]+", " ".join(described.values()))
    assert len(urls) >= 4
    assert all(ADDRESS in url for url in [*urls, entry["scm_url"]])
    holding = {name for name in tracked() if ADDRESS.encode() in (ROOT / name).read_bytes()}
    assert holding == {"CMakeLists.txt", "docs/extension_index/MACTFusion.json", "mkdocs.yml"}
    said = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())
    replaced = said.partition(f"replace `{PLACEHOLDER}` in ")[2].partition(" by ")[0]
    assert all(f"`{name}`" in replaced for name in holding)
    assert "`SlicerMACTFusion`" in said
    assert "`3d-slicer-extension`" in said
