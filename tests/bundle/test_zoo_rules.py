"""The bundle keeps the Model Zoo's rules, and so does the folder for a pull request."""

from __future__ import annotations

import ast
import json
import shutil

import pytest
from zoo_rules import LARGEST_BYTES, OF_A_BUNDLE, breaches, large_files, pull_request

from mactfusion.errors import InputError
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import check_weights
from training.zoo import LEFT_OUT, LIBRARY, NAME, make_zoo_folder


def test_the_bundle_keeps_the_rules(bundle):
    assert breaches(bundle) == []


def test_the_folder_for_the_zoo_keeps_those_of_pull_requests_too(zoo_folder):
    assert breaches(zoo_folder, (*OF_A_BUNDLE, pull_request)) == []
    assert large_files(zoo_folder) == []  # no file is large enough to need a list


def test_it_holds_one_network_whole(zoo_folder, bundle):
    (weights,) = (zoo_folder / "models").glob("*.pt")
    assert weights.name == MODELS[DEFAULT_MODEL].weights
    assert weights.read_bytes() == (bundle / "models" / weights.name).read_bytes()
    check_weights(weights)
    assert len((zoo_folder / "models" / "SHA256SUMS").read_text().splitlines()) == 1
    card = (zoo_folder / "docs" / "README.md").read_text()
    others = {file for model in MODELS.values() for file in model.weight_files()} - {weights.name}
    assert [name for name in others if name in card] == []
    assert all(file in (bundle / "docs" / "README.md").read_text() for file in others)


def test_nothing_in_it_imports_what_was_left_out(zoo_folder):
    rooms = {f"mactfusion.{name.removesuffix('.py')}" for name in LEFT_OUT}
    files = list((zoo_folder / LIBRARY).rglob("*.py"))
    assert len(files) > 100
    assert not [name for name in LEFT_OUT if (zoo_folder / LIBRARY / name).exists()]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
            elif isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            else:
                continue
            tops = {".".join(name.split(".")[:2]) for name in names}
            assert not tops & rooms, file


def test_a_run_that_is_stopped_leaves_no_folder(tmp_path, monkeypatch):
    def stopped(*_unused, **_also):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.zoo.shutil.copytree", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_zoo_folder(tmp_path / "build" / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_written_into(zoo_folder, tmp_path):
    with pytest.raises(InputError, match="exists already"):
        make_zoo_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def spoil(folder, what):
    """Break one rule in a folder."""
    metadata = folder / "configs" / "metadata.json"
    said = json.loads(metadata.read_text("utf-8"))
    if what == "weights":
        (folder / "models" / "model.pt").unlink()
    elif what == "large":
        with (folder / "models" / "other.pt").open("wb") as file:
            file.truncate(LARGEST_BYTES + 1)
    elif what == "list":
        (folder / "large_files.yml").write_text("large_files: [{path: LICENSE, url: ''}]\n")
    elif what == "changelog":
        metadata.write_text(json.dumps({**said, "version": "9.9.9"}, indent=4) + "\n")
    elif what == "package":
        packages = {**said["required_packages_version"], "scipy": ">=1.10"}
        said["required_packages_version"] = packages
        metadata.write_text(json.dumps(said, indent=4) + "\n")
    elif what == "key":
        file = folder / "configs" / "inference.yaml"
        file.write_text(file.read_text().replace("output_dir", "output_folder"))
    elif what == "path":
        file = folder / "configs" / "logging.conf"
        file.write_text(f"{file.read_text()}; /home/me\n")
    elif what == "card":
        file = folder / "docs" / "README.md"
        file.write_text(file.read_text().replace("## Performance", "## Scores"))
    elif what == "yml":
        (folder / "configs" / "train.yaml").rename(folder / "configs" / "train.yml")
    elif what == "indent":
        metadata.write_text(json.dumps(said, indent=2) + "\n")
    elif what == "blank":
        (folder / "LICENSE").with_name("notes.txt").write_text("words \n")


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("weights", "models/model.pt is missing"),
        ("large", "other.pt is over 25 MB"),
        ("list", "has no path or no address"),
        ("changelog", "9.9.9 is not in the changelog"),
        ("package", "scipy >=1.10 is no version"),
        ("key", "inference.yaml has no output_dir"),
        ("path", "logging.conf has a path of somebody's own"),
        ("card", "the card has no section Performance"),
        ("yml", "train.yml: nothing but"),
        ("indent", "metadata.json is not indented"),
        ("blank", "notes.txt has spaces"),
    ],
)
def test_what_breaks_a_rule_is_found(zoo_folder, tmp_path, what, sentence):
    folder = tmp_path / NAME
    shutil.copytree(zoo_folder, folder, ignore=shutil.ignore_patterns(LIBRARY))
    spoil(folder, what)
    found = breaches(folder, (*OF_A_BUNDLE, pull_request))
    assert any(sentence in one for one in found), found
