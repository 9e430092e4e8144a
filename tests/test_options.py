"""Options: declared once, checked once, offered on every way in."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.transforms import Transform

from mactfusion import bundle, fuse_volumes, recipe
from mactfusion.errors import InputError
from mactfusion.option_entry import Option
from mactfusion.option_table import OPTIONS, RESULT, defaults
from mactfusion.option_values import AXES
from mactfusion.options import Options
from mactfusion.transforms.slices import DISPLAY_CODES
from mactfusion.transforms.volume import plain, with_voxels

LABEL = Path(__file__).resolve().parents[1] / "monai_label"


def test_defaults_are_possible():
    options = Options()
    for name, option in OPTIONS.items():
        assert getattr(options, name) == option.default
    assert Options(**defaults()).recorded(1)["task"] == "auto"


def test_an_unknown_option_is_a_fault_of_the_program():
    with pytest.raises(TypeError, match="no such option: tasks"):
        Options(tasks="auto")
    with pytest.raises(AttributeError):
        Options().tasks  # noqa: B018


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("overwrite", "no", "The overwrite cannot be 'no': it is True or False"),
        ("luminance", 1, "True or False"),
        ("batch_size", "many", "The batch size cannot be 'many': it is a whole number"),
        ("batch_size", 2.7, "a whole number"),
        ("batch_size", True, "a whole number"),
        ("output", 5, "the path of a file"),
        ("weights", 5, "do not exist"),
        ("weights", "a" * 5000, "do not exist"),
        ("grid", np.array(["anatomical"]), "Unknown grid"),
        ("task", np.array(["auto"]), "Unknown task"),
        ("model", [], "Unknown model"),
    ],
)
def test_a_value_of_another_type_is_refused_in_a_sentence(name, value, sentence):
    with pytest.raises(InputError, match=sentence):
        Options(**{name: value})


@pytest.mark.parametrize("text", ["true", "false", "1", ""])
@pytest.mark.parametrize("name", [name for name, one in OPTIONS.items() if one.kind is bool])
def test_a_switch_takes_no_text(name, text):
    """A run of the bundle makes True of True and a text of true."""
    with pytest.raises(InputError, match=f"cannot be '{text}': it is True or False"):
        Options(**{name: text})


def test_automatic_is_automatic_however_it_is_written():
    options = Options(window=" Auto", colormap="AUTO")
    assert (options.window, options.colormap) == ("auto", "auto")


def test_texts_and_paths_in_a_tuple_are_a_list(mr, tmp_path):
    assert Options(task=("pet-mri", "ct-mri")).task == ["pet-mri", "ct-mri"]
    with pytest.raises(InputError, match=r"pet\.nii does not exist"):
        fuse_volumes(mr, (tmp_path / "pet.nii", "ct.nii"))


def test_axes_are_those_that_can_be_shown():
    assert set(AXES) == set(DISPLAY_CODES)


def test_what_is_for_each_partner_is_dealt_out():
    options = Options(task=["ct-mri", "auto"], window=["bone", (40, 80)], colormap="pet")
    assert options.of_each(2) == {
        "task": ["ct-mri", "auto"],
        "window": ["bone", [40.0, 80.0]],
        "colormap": ["pet", "pet"],
        "partner_series": ["auto", "auto"],
        "frame": ["auto", "auto"],
        "units": ["auto", "auto"],
        "register": ["check", "check"],
        "transform": ["auto", "auto"],
    }
    assert options.recorded(2)["window"] == ["bone", [40.0, 80.0]]
    assert Options(task="ct-mri").of_each(3)["task"] == ["ct-mri"] * 3
    assert Options(window=(40, 80)).recorded(1)["window"] == [40.0, 80.0]
    for count in (1, 3):
        with pytest.raises(InputError, match=f"given 2 times for {count} partners"):
            options.of_each(count)
    with pytest.raises(InputError, match="window is given 1 times for 2 partners"):
        Options(window="bone").of_each(2)


def test_the_signature_shows_every_option():
    parameters = inspect.signature(fuse_volumes).parameters
    assert {name: parameters[name].default for name in OPTIONS} == defaults()


class Dimmed(Transform):
    """The step that uses the new option: the result times a share."""

    def __init__(self, dim):
        self.dim = dim

    def __call__(self, data):
        pred = data["pred"]
        return {**data, "pred": with_voxels(pred, plain(pred) * self.dim)}


@pytest.fixture
def dim(monkeypatch, tmp_path_factory):
    """Add an option: one entry of the table, and the step that uses it in the configuration."""
    entry = Option(
        default=1.0, help="Share of the brightness.", group=RESULT, kind=float, is_remote=True
    )
    monkeypatch.setitem(OPTIONS, "dim", entry)
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "configs").mkdir()
    (folder / "models").symlink_to(bundle.bundle_root() / "models")
    configuration = yaml.safe_load((bundle.bundle_root() / "configs/inference.yaml").read_text())
    step = {"_target_": "test_options.Dimmed", "dim": "$@options.dim"}
    configuration["finish"]["transforms"].insert(-1, step)
    (folder / "configs" / "inference.yaml").write_text(yaml.safe_dump(configuration))
    monkeypatch.setattr(recipe, "bundle_root", lambda: folder)


@pytest.fixture
def bright(mr, pet, pixel_maximum):
    """The result without the new option."""
    return fuse_volumes(mr, pet, task="pet-mri", weights=pixel_maximum).fused


def test_a_new_option_of_python_and_of_the_record(bright, dim, mr, pet, pixel_maximum):
    options = {"task": "pet-mri", "weights": pixel_maximum}
    result = fuse_volumes(mr, pet, dim=0.5, **options)
    assert torch.allclose(result.fused, bright / 2)
    assert result.record["options"]["dim"] == 0.5
    assert "--dim 0.5" in result.record["command"]
    assert torch.equal(fuse_volumes(mr, pet, **options).fused, bright)


def test_a_new_option_of_the_command_line(bright, dim, files, pixel_maximum):
    from typer.testing import CliRunner

    from mactfusion.cli import app
    from mactfusion.cli.choices import with_options
    from mactfusion.cli.fuse import fuse as command

    # The command was made when the table had no such entry; a program begins with the table.
    del command.__signature__
    app.registered_commands[0].callback = with_options(command)
    try:
        words = ["fuse", "mr.nii.gz", "pet.nii.gz", "--task", "pet-mri", "-o", "a.nrrd"]
        words += ["--weights", str(pixel_maximum), "--dim", "0.5"]
        outcome = CliRunner().invoke(app, words)
        assert outcome.exit_code == 0, outcome.output
        assert "--dim " in CliRunner(env={"COLUMNS": "200"}).invoke(app, ["fuse", "--help"]).output
    finally:
        OPTIONS.pop("dim")
        del command.__signature__
        app.registered_commands[0].callback = with_options(command)
    assert json.loads((files / "a.nrrd.json").read_text())["options"]["dim"] == 0.5


def test_a_new_option_of_the_worker(bright, dim, mr, pet, pixel_maximum, tmp_path):
    from mactfusion.worker.fusion import Fusion
    from mactfusion.worker.jobs import Job
    from mactfusion.worker.protocol import Request

    class Silent:
        def send(self, *_, **__):
            pass

    fusion, keys = Fusion(tmp_path, Silent()), []
    for array, affine in (mr, pet):
        np.save(tmp_path / "volume.npy", array.transpose(2, 1, 0))
        fields = {"file": "volume.npy", "affine": affine.tolist()}
        keys.append(fusion.work(Job(Request(1, "load", fields)))["volume"])
    options = {"task": "pet-mri", "weights": str(pixel_maximum), "dim": 0.5, "dtype": "uint16"}
    fields = {"anatomical": keys[0], "partner": keys[1], "options": options}
    reply = fusion.work(Job(Request(2, "fuse", fields)))
    assert reply["record"]["options"]["dim"] == 0.5
    shown = np.load(tmp_path / reply["file"]).transpose(2, 1, 0, 3) / 65535
    assert np.abs(shown - np.moveaxis(bright.numpy() / 2, 0, -1)).max() < 1e-4


def test_a_new_option_of_monai_label(dim, monkeypatch):
    monkeypatch.syspath_prepend(str(LABEL))
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    for name in ("lib", "lib.choice"):
        sys.modules.pop(name, None)
    from lib.choice import DEFAULTS, read_choice

    class Datastore:
        list_images = staticmethod(lambda: ["MR", "PET"])
        get_image_uri = staticmethod(lambda name: f"/data/{name}.nii.gz")

    assert DEFAULTS["dim"] == 1.0
    choice = read_choice("MR", {"partner": "PET", "dim": 0.5}, Datastore())
    assert choice.options["dim"] == 0.5
