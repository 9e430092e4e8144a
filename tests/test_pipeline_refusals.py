"""fuse_volumes() refuses what cannot be, runs no text, and says why."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mactfusion import fuse_volumes
from mactfusion.bundle import bundle_root
from mactfusion.errors import InputError


def test_volumes_apart_are_refused(mr, pet):
    array, affine = pet
    far = affine.copy()
    far[0, 3] += 500
    with pytest.raises(InputError, match="do not overlap: their centres are 500 mm apart"):
        fuse_volumes(mr, (array, far), task="pet-mri")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("task", "brain"),
        ("model", "brain"),
        ("grid", "partner"),
        ("axis", "oblique"),
        ("precision", "float8"),
        ("dtype", "int8"),
        ("colormap", "rainbows"),
        ("window", "wide"),
        ("window", (40, 0)),
        ("anatomical_window", "40,80,120"),
        ("device", "abacus"),
        ("device", "meta"),
        ("batch_size", 0),
        ("batch_size", -1),
        ("weights", "nowhere.pt"),
        ("output", "mr-file/fused.nii.gz"),
        ("output", "fused.jpg"),
    ],
)
def test_impossible_choice_is_refused_before_the_network_runs(
    option, value, mr, pet, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mr-file").touch()
    monkeypatch.setattr("mactfusion.networks.PixelWeights.forward", None)
    with pytest.raises(InputError) as caught:
        fuse_volumes(mr, pet, **{"task": "pet-mri", option: value})
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has one")
def test_absent_device_is_refused(mr, pet):
    with pytest.raises(InputError, match="'cuda' is not available"):
        fuse_volumes(mr, pet, task="pet-mri", device="cuda")


@pytest.mark.parametrize(
    ("output", "options"),
    [("fused.png", {}), ("fused.tif", {}), ("fused.nii", {"dtype": "float32"})],
)
def test_format_that_cannot_hold_the_result_is_refused_at_once(
    output, options, mr, pet, tmp_path, monkeypatch
):
    monkeypatch.setattr("mactfusion.networks.PixelWeights.forward", None)
    with pytest.raises(InputError, match="cannot be written"):
        fuse_volumes(mr, pet, task="pet-mri", output=tmp_path / output, **options)


RUNS_IF_EVALUATED = "$__import__('pathlib').Path('evaluated').touch()"


@pytest.mark.parametrize(
    "option",
    [
        "anatomical",
        "partner",
        "output",
        "task",
        "model",
        "weights",
        "window",
        "anatomical_window",
        "colormap",
        "grid",
        "axis",
        "device",
        "precision",
        "batch_size",
        "progress",
        "luminance",
        "dtype",
        "overwrite",
    ],
)
@pytest.mark.parametrize("value", [RUNS_IF_EVALUATED, "@bundle_root", "%bundle_root"])
def test_no_text_is_run_as_code(option, value, mr, pet, tmp_path, monkeypatch, pixel_maximum):
    monkeypatch.chdir(tmp_path)
    options = {"anatomical": mr, "partner": pet, "task": "pet-mri", "weights": pixel_maximum}
    with pytest.raises(InputError, match=r".+"):
        fuse_volumes(**options | {option: value})
    assert list(tmp_path.iterdir()) == []


def test_bundle_root_holds_the_recipe():
    assert (bundle_root() / "configs" / "inference.yaml").is_file()


@pytest.mark.parametrize(
    "source",
    [
        ["$__import__('pathlib').Path('run').touch()"],
        {"_target_": "os.mkdir", "path": "run"},
        [["$__import__('pathlib').Path('run').touch()"]],
    ],
)
@pytest.mark.parametrize("role", ["anatomical", "partner"])
def test_containers_are_refused_and_never_run(mr, pet, source, role, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sources = {"anatomical": mr, "partner": pet, role: source}
    # A list of partners is understood: one text in it is a path, which does not exist.
    is_path = role == "partner" and isinstance(source, list) and isinstance(source[0], str)
    with pytest.raises(InputError, match="does not exist" if is_path else "is not understood"):
        fuse_volumes(sources["anatomical"], sources["partner"], task="pet-mri")
    assert not (tmp_path / "run").exists()


def test_uptake_without_a_positive_value_is_refused(mr, pet):
    array, affine = pet
    with pytest.raises(InputError, match="no positive value"):
        fuse_volumes(mr, (-np.abs(array) - 1.0, affine), task="pet-mri")
