"""The folder for Hugging Face: the bundle, and a card that the site can read."""

from __future__ import annotations

import json

import pytest
import yaml

from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError
from mactfusion.io.checksum import sha256_of
from training.hugging_face import make_hugging_face_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hugging_face") / "mactfusion"
    make_hugging_face_folder(folder)
    return folder


@pytest.fixture
def card(folder):
    """The lines that the site reads, and the rest."""
    nothing, head, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    assert nothing == ""
    return yaml.safe_load(head), text


def test_it_is_the_bundle(folder):
    kept = [path for path in bundle_root().rglob("*") if path.is_file()]
    kept = [path.relative_to(bundle_root()) for path in kept]
    kept = [path for path in kept if path.parts[0] != "runs" and "__pycache__" not in path.parts]
    made = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert {str(path) for path in made - set(kept)} == {"README.md", ".gitattributes"}
    assert set(kept) <= made
    for path in kept:
        assert (folder / path).read_bytes() == (bundle_root() / path).read_bytes()


def test_the_site_is_told_licence_library_and_scores(folder, card):
    head, _ = card
    assert head["license"] == "apache-2.0"
    assert head["library_name"] == "monai"
    (index,) = head["model-index"]
    said = {
        f"{result['dataset']['name'].rpartition(', ')[2]} {metric['type']}": metric["value"]
        for result in index["results"]
        for metric in result["metrics"]
    }
    metadata = json.loads((folder / "configs" / "metadata.json").read_text("utf-8"))
    assert said == metadata["eval_metrics"]
    assert len(index["results"]) == 3


def test_every_weight_file_has_its_hash(folder, card):
    _, text = card
    files = sorted((folder / "models").glob("*.pt"))
    assert len(files) > 5
    for file in files:
        row = f"| `models/{file.name}` | {file.stat().st_size} | `{sha256_of(file)}` |"
        assert row in text.splitlines()
    assert "\n## Model Description\n" in text
    assert "<!--" not in text


def test_a_run_that_is_stopped_leaves_no_folder(tmp_path, monkeypatch):
    def stopped(*_unused, **_also):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.hugging_face.shutil.copytree", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_hugging_face_folder(tmp_path / "build" / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_written_into(tmp_path):
    with pytest.raises(InputError, match="exists already"):
        make_hugging_face_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
