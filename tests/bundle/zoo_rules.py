"""What the MONAI Model Zoo asks of a bundle, each rule as the sentences on what breaks it.

After the zoo's guide for contributors and what its verification looks at; what has to be run
(metadata against the schema, data shape, properties, TorchScript) is run by the tests themselves.
"""

from __future__ import annotations

import json
import re

from monai.bundle import ConfigParser

LARGEST_BYTES = 25_000_000
LARGEST_ADDED_BYTES = 1024 * 1024
"""Of a file in a pull request, by the zoo's commit hook."""
HASHES = ("md5", "sha1", "sha256", "sha512")
TEXT = (".conf", ".json", ".md", ".py", ".txt", ".yaml", ".yml")
KEYS = {
    "inference": ("bundle_root", "device", "network_def", "inferer", "output_dir"),
    "evaluate": ("bundle_root", "device", "network_def", "inferer", "output_dir"),
    "train": (
        *("bundle_root", "device", "dataset_dir", "output_dir", "val_interval"),
        *("train#trainer", "train#trainer#max_epochs", "train#dataset", "train#dataset#data"),
        *("train#handlers", "train#preprocessing", "train#inferer"),
        *("validate#evaluator", "validate#handlers", "validate#dataset", "validate#dataset#data"),
        *("validate#preprocessing", "validate#inferer", "validate#key_metric"),
    ),
}
SECTIONS = (
    *("Authors", "Tags", "Model Description", "Data", "Preprocessing", "Performance"),
    *("System Configuration", "MONAI Bundle Commands", "Limitations", "Citation Info"),
    *("References", "License"),
)
PERSONAL = re.compile(r"(?<![\w.])/(?:home|root|Users)/|[A-Z]:\\Users")


def large_files(folder):
    """Entries of the list of files that are downloaded, none where there is no list."""
    for name in ("large_files.json", "large_files.yaml", "large_files.yml"):
        if (folder / name).is_file():
            return ConfigParser.load_config_file(str(folder / name))["large_files"]
    return []


def needed_files(folder):
    """What has to be there, or be downloaded."""
    listed = {entry.get("path") for entry in large_files(folder)}
    for name in ("LICENSE", "configs/metadata.json", "docs/README.md", "docs/data_license.txt"):
        if not (folder / name).is_file():
            yield f"{name} is missing"
    if not (folder / "models/model.pt").is_file() and "models/model.pt" not in listed:
        yield "models/model.pt is missing"
    if not any((folder / f"configs/inference.{kind}").is_file() for kind in ("json", "yaml")):
        yield "configs/inference is missing"
    for file in folder.glob("configs/**/*.yml"):
        yield f"{file.name}: nothing but the zoo's own check looks for .yml"


def file_sizes(folder):
    """A file over 25 MB is listed with its address instead."""
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_size > LARGEST_BYTES:
            yield f"{file.name} is over 25 MB"
    for entry in large_files(folder):
        if not entry.get("path") or not str(entry.get("url", "")).startswith("https://"):
            yield f"{entry} has no path or no address"
        elif (folder / entry["path"]).exists():
            yield f"{entry['path']} is there and listed"
        if entry.get("hash_type") not in HASHES or not entry.get("hash_val"):
            yield f"{entry} has no hash"


def versions(folder):
    """The zoo installs what the metadata names, and finds the version in the changelog."""
    metadata = json.loads((folder / "configs/metadata.json").read_text("utf-8"))
    if metadata["version"] not in metadata["changelog"]:
        yield f"{metadata['version']} is not in the changelog"
    if not metadata.get("name"):
        yield "there is no name to show"
    own = {name: metadata[f"{name}_version"] for name in ("monai", "numpy", "pytorch")}
    for name, version in {**own, **metadata["required_packages_version"]}.items():
        if not re.fullmatch(r"\d+(\.\d+)+", version):
            yield f"{name} {version} is no version"


def configurations(folder):
    """Keys have the zoo's names, and paths are nobody's own."""
    for name, keys in KEYS.items():
        for file in folder.glob(f"configs/{name}.*"):
            parser = ConfigParser(ConfigParser.load_config_file(str(file)))
            for key in keys:
                if key not in parser:
                    yield f"{file.name} has no {key}"
            for handler in parser.get("train", {}).get("handlers", []):
                kind, interval = handler.get("_target_"), handler.get("interval")
                if kind == "ValidationHandler" and interval != "@val_interval":
                    yield f"{file.name} validates every {interval}"
    for file in (*folder.glob("configs/**/*.*"), *folder.glob("docs/*.*")):
        if PERSONAL.search(file.read_text("utf-8")):
            yield f"{file.name} has a path of somebody's own"


def model_card(folder):
    """The sections of the zoo's template."""
    text = (folder / "docs/README.md").read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    for section in SECTIONS:
        if section not in headings:
            yield f"the card has no section {section}"


def pull_request(folder):
    """What the zoo's commit hooks would stop or change in files that are added, and the name."""
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}", folder.name):
        yield f"{folder.name} is no name as the zoo's"
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_size > LARGEST_ADDED_BYTES:
            yield f"{file.name} is over 1 MB"
        if file.suffix not in TEXT:
            continue
        text = file.read_bytes().decode("utf-8")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{file.name} does not end with one end of line"
        if "\r" in text or re.search(r"[ \t]$", text, re.MULTILINE):
            yield f"{file.name} has spaces at the end of a line"
        if file.suffix == ".json" and text != json.dumps(json.loads(text), indent=4) + "\n":
            yield f"{file.name} is not indented by four"


OF_A_BUNDLE = (needed_files, file_sizes, versions, configurations, model_card)


def breaches(folder, rules=OF_A_BUNDLE):
    """Every sentence of the rules on a bundle's folder."""
    return [sentence for rule in rules for sentence in rule(folder)]
