"""What the Extensions Index of 3D Slicer asks of an entry and of the repository it names.

The rules are those of the index's own check, of the schema of its entries and of its list for a
first submission, as of August 2026, written anew; what they say is a list of sentences, empty where
all is well. Nothing is downloaded: an address is held to be that of the file in the repository that
its path names, which is what the check would then fetch.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

CATEGORIES = (
    *("Active Learning", "Analysis", "Auto3dgm", "BigImage", "Cardiac", "Chest Imaging Platform"),
    *("Conda", "Converters", "DICOM", "DSCI", "Developer Tools", "Diffusion", "Examples"),
    *("Exporter", "FTV Segmentation", "Filtering", "Filtering.Morphology", "Filtering.Vesselness"),
    *("Holographic Display", "Image Synthesis", "IGT", "Informatics", "Netstim", "Neuroimaging"),
    *("Nuclear Medicine", "Orthodontics", "Osteotomy Planning", "Otolaryngology"),
    *("Photogrammetry", "Pipelines", "Planning", "Printing", "Quantification", "Radiotherapy"),
    *("Registration", "Remote", "Rendering", "SPHARM", "Segmentation", "Sequences"),
    *("Shape Analysis", "Shape Regression", "Shape Visualization", "Simulation", "SlicerCMF"),
    *("SlicerMorph", "Spectral Imaging", "Supervisely", "Surface Models", "SurfaceLearner"),
    *("Tomographic Reconstruction", "Tracking", "Tractography", "Training", "Ultrasound"),
    *("Utilities", "Vascular Modeling Toolkit", "Virtual Reality", "VisSimTools"),
    *("Web System Tools", "Wizards"),
)
"""The closed list of the index."""

EXTENSIONS = ("PyTorch",)
"""Extensions of the index that this one may depend on."""

FIELDS: dict[str, type] = {
    "$schema": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "category": str,
    "enabled": bool,
    "scm_revision": str,
    "scm_type": str,
    "scm_url": str,
    "tier": int,
}
"""What an entry may hold by version 1.0.1 of the schema, which all supported releases know."""

NEEDED = ("$schema", "category", "scm_revision", "scm_url")
"""The schema needs three of them; Slicer's build of extensions also the revision."""

SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json"
PREFIXES = ("Slicer", "Slicer-", "Slicer_", "SlicerExtension-", "SlicerExtension_")
LICENCES = (
    *("LICENSE", "LICENCE", "License.txt", "license.txt", "LICENSE.txt", "COPYING"),
    "COPYING.txt",
)
LARGEST = 100 * 2**20
"""Bytes of all files of the clone, those of ``.git`` included."""
ICON = (128, 128)
"""Pixels; what Slicer's catalogue shows."""
SMALLEST_SCREENSHOT = (800, 500)
"""Pixels; ours: below it, nothing of the panel can be read beside the slice views."""


def faults_of_entry(path: Path) -> list[str]:
    """Return what is wrong with an entry: its name, form, fields and values."""
    faults = []
    raw = path.read_bytes()
    if path.stem.lower().startswith("slicer"):
        faults.append("the extension's name must not begin with Slicer")
    if b"\r" in raw:
        faults.append("lines must end with LF")
    if b"\t" in raw or re.search(rb" +\n", raw) or not raw.endswith(b"}\n"):
        faults.append("no tabs, no spaces at the end of lines, one line feed at the end")
    try:
        entry = json.loads(raw)
    except ValueError as error:
        return [*faults, f"no JSON: {error}"]
    if re.search(rb"\[[^\]\n]", raw):
        faults.append("each item of a list stands on a line of its own")
    faults += [f"{name} is missing" for name in NEEDED if name not in entry]
    for name, value in entry.items():
        if name not in FIELDS:
            faults.append(f"{name} is no field of an entry")
        elif type(value) is not FIELDS[name] or value == "":
            faults.append(f"{name} must be of type {FIELDS[name].__name__}, and not empty")
    return faults or _faults_of_values(entry)


def _faults_of_values(entry: dict[str, Any]) -> list[str]:
    faults = []
    if entry["$schema"].partition("#")[0] != SCHEMA:
        faults.append("$schema is not the address of the schema")
    if entry["category"] not in CATEGORIES:
        faults.append(f"category {entry['category']} is not of the list")
    if not 1 <= entry.get("tier", 1) <= 5:
        faults.append("tier is from 1 to 5")
    if entry.get("scm_type", "git") not in ("git", "local"):
        faults.append("scm_type is git or local")
    needed = entry.get("build_dependencies", [])
    faults += [f"{name} is no extension of the index" for name in needed if name not in EXTENSIONS]
    address = urlsplit(entry["scm_url"])
    if address.scheme not in ("git", "https") or not address.netloc:
        faults.append("scm_url is no address that begins with git:// or https://")
    if not _repository(entry["scm_url"]).startswith(PREFIXES):
        faults.append("the repository's name must begin with Slicer")
    return faults


def _repository(url: str) -> str:
    name = urlsplit(url.strip().strip("/")).path.split("/")[-1]
    return Path(name).stem


def set_by_cmake(cmake: str) -> dict[str, str]:
    """Return what a ``CMakeLists.txt`` says of the extension, by name without ``EXTENSION_``."""
    found = re.findall(r'set\s*\(EXTENSION_(\w+)\s*"([^"]+)"[ ]*\)', cmake, re.IGNORECASE)
    return dict(found)


def faults_of_repository(clone: Path, entry: Path) -> list[str]:
    """Return what is wrong with the repository that an entry names.

    Args:
        clone: a fresh clone of it, with ``.git``.
        entry: file of the index.
    """
    size = sum(path.lstat().st_size for path in clone.rglob("*") if path.is_file())
    faults = []
    if size > LARGEST:
        faults.append(f"{size / 2**20:.1f} MB is more than {LARGEST / 2**20:.0f} MB")
    if not any((clone / name).is_file() for name in LICENCES):
        faults.append("there is no licence in the root")
    cmake = clone / "CMakeLists.txt"
    if not cmake.is_file():
        return [*faults, "there is no CMakeLists.txt in the root"]
    text = cmake.read_text(encoding="utf-8")
    project = re.search(r"project\s*\(\s*([^\s)]+)", text, re.IGNORECASE)
    if project is None or project[1].strip("\"'") != entry.stem:
        faults.append(f"project() is not named {entry.stem}")
    described = set_by_cmake(text)
    return faults + _faults_of_description(described, json.loads(entry.read_text()), clone)


def _faults_of_description(described: dict[str, str], entry: dict, clone: Path) -> list[str]:
    faults = [
        f"EXTENSION_{name} is not set"
        for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS")
        if not described.get(name)
    ]
    if faults:
        return faults
    if any(";" in value or "\\" in value for value in described.values()):
        faults.append("a semicolon would make two of one value")
    sentences = len(re.findall(r"[.!?](?:\s|$)", described["DESCRIPTION"]))
    if not 1 <= sentences <= 2 or not described["DESCRIPTION"].endswith("."):
        faults.append("EXTENSION_DESCRIPTION is one or two sentences")
    if described["HOMEPAGE"] != entry["scm_url"].removesuffix(".git"):
        faults.append("EXTENSION_HOMEPAGE is not the page of scm_url")
    if described.get("DEPENDS", "NA") != (" ".join(entry.get("build_dependencies", [])) or "NA"):
        faults.append("EXTENSION_DEPENDS and build_dependencies differ")
    raw = urlsplit(entry["scm_url"]).path.removesuffix(".git")
    folder = f"https://raw.githubusercontent.com{raw}/{entry['scm_revision']}/"
    pictures = [("ICONURL", described["ICONURL"])]
    pictures += [("SCREENSHOTURLS", url) for url in described["SCREENSHOTURLS"].split()]
    for name, url in pictures:
        if not url.startswith(folder):
            faults.append(f"EXTENSION_{name} {url} is no raw address of this repository")
            continue
        faults += _faults_of_picture(name, clone / url.removeprefix(folder))
    return faults


def _faults_of_picture(name: str, path: Path) -> list[str]:
    if not path.is_file():
        return [f"EXTENSION_{name}: {path.name} is not there"]
    try:
        with Image.open(path) as image:
            kind, size = image.format, image.size
            image.verify()
    except OSError as error:
        return [f"EXTENSION_{name}: {path.name} is no picture: {error}"]
    if {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif"}.get(kind or "") != path.suffix.lower():
        return [f"EXTENSION_{name}: {path.name} is {kind}, not PNG, JPEG or GIF by its name"]
    if name == "ICONURL" and (kind, size) != ("PNG", ICON):
        return [f"EXTENSION_{name}: {path.name} is {kind} of {size}, not PNG of {ICON}"]
    if name == "SCREENSHOTURLS" and any(
        has < least for has, least in zip(size, SMALLEST_SCREENSHOT, strict=True)
    ):
        return [f"EXTENSION_{name}: {path.name} of {size} is smaller than {SMALLEST_SCREENSHOT}"]
    return []


def faults_of_homepage(readme: str, name: str, modules: dict[str, str]) -> list[str]:
    """Return what the list for a first submission misses in the page of the repository.

    Args:
        readme: the page, Markdown.
        name: of the extension.
        modules: for each module of it, a sentence that must be there.
    """
    start = readme[:2500]
    said = " ".join(readme.split())
    faults = []
    if name not in start:
        faults.append("the extension's name is not at the beginning")
    if not re.search(r"!\[[^\]]+\]\([^)]+\.(?:png|jpg|gif)\)", start):
        faults.append("no picture is at the beginning")
    if not re.search(r"https://doi\.org/10\.\d+", start):
        faults.append("no publication is linked")
    if not re.search(r"\bApache-2\.0\b|\bMIT\b|\bBSD\b", readme):
        faults.append("the licence is not named")
    faults += [
        f"nothing says what the module {m} does" for m, s in modules.items() if s not in said
    ]
    return faults
