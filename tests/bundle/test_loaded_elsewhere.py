"""MONAI's own functions find a working default in the bundle's folder, wherever they are called."""

from __future__ import annotations

import json
import shutil

import pytest
from monai.bundle import ConfigParser
from warm_python import run_anew

from training.json_configs import NAMES, as_json

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import torch
import monai.bundle

archive, folder = sys.argv[1:]
monai.bundle.download(name="fusion", bundle_dir=folder, url=archive)
network = monai.bundle.load("fusion", bundle_dir=folder, device="cpu")
import mactfusion
shipped = torch.load(folder + "/fusion/models/model.pt", weights_only=True)
loaded = network.state_dict()
made = monai.bundle.create_workflow(
    config_file=folder + "/fusion/configs/inference.json", workflow_type="inference"
)
print("FOUND" + json.dumps({
    "class": type(network).__name__,
    "version": mactfusion.__version__,
    "same": set(shipped) == set(loaded)
        and all(torch.equal(shipped[name].float(), loaded[name]) for name in shipped),
    "made": type(made.network_def).__name__,
    "root": made.parser.get_parsed_content("bundle_root"),
    "properties": made.check_properties(),
}))
"""


@pytest.mark.parametrize("name", NAMES)
def test_json_says_what_the_yaml_says(bundle, name):
    configs = bundle / "configs"
    assert (configs / f"{name}.json").read_text("utf-8") == as_json(configs / f"{name}.yaml")
    parsed = ConfigParser.load_config_file(str(configs / f"{name}.yaml"))
    assert json.loads(as_json(configs / f"{name}.yaml")) == parsed


@pytest.mark.slow
def test_downloaded_from_a_file_it_loads_with_its_weights(bundle_alone, copy_version, tmp_path):
    archive = shutil.make_archive(
        str(tmp_path / "fusion"), "zip", bundle_alone.parent, bundle_alone.name
    )
    folder = tmp_path / "bundles"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    address = "file://" + archive
    code, printed = run_anew("-c", PROGRAM, address, folder, cwd=tmp_path / "elsewhere")
    assert code == 0, printed[-4000:]
    (line,) = [line for line in printed.splitlines() if line.startswith("FOUND")]
    assert json.loads(line.removeprefix("FOUND")) == {
        "class": "PixelWeights",
        "version": copy_version,
        "same": True,
        "made": "PixelWeights",
        "root": str(folder / "fusion"),
        "properties": [],
    }
    assert not list((tmp_path / "elsewhere").iterdir())
    assert not (folder / "fusion" / "runs").exists()
