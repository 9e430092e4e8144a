"""The configuration for TensorRT, as far as it can be tried without a GPU."""

from __future__ import annotations

import logging

import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks.trt_compiler import TrtCompiler, get_dynamic_axes
from monai.networks.utils import convert_to_onnx

from mactfusion.io.checksum import sha256_of
from mactfusion.networks.pixel_weights import PixelWeights
from mactfusion.weights import load_weights


@pytest.fixture
def parser(bundle, pair, tmp_path):
    """The recipe with the overlay."""
    files = [str(bundle / "configs" / f"{name}.yaml") for name in ("inference", "inference_trt")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.update({"bundle_root": str(bundle), "device": torch.device("cpu")})
    parser["anatomical"], parser["partner"] = map(str, pair)
    parser["task"], parser["output"] = "pet-mri", str(tmp_path / "fused.nii.gz")
    parser["trt_folder"] = str(tmp_path)
    return parser


def test_without_a_gpu_it_says_so_and_fuses_as_ever(parser, bundle, caplog, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    logger = logging.getLogger("monai.networks.trt_compiler")
    logger.addHandler(caplog.handler)
    try:
        network = parser.get_parsed_content("network")
    finally:
        logger.removeHandler(caplog.handler)
    assert "has no effect" in caplog.text
    network.settle(["pet-mri"])
    image = torch.rand(1, 2, 20, 24)
    plain = load_weights(PixelWeights(), bundle / "models" / "model.pt")
    with torch.no_grad():
        assert torch.equal(network(image), plain(image))
    assert parser.get_parsed_content("inferer").batch_size == 8


def test_each_weight_file_has_an_engine_of_its_own(parser, bundle, tmp_path):
    other = bundle / "models" / "mactfusion.pt"
    names = []
    for weights in (None, str(other)):
        parser["weights"] = weights
        parser.ref_resolver.reset()
        parser.get_parsed_content("trt_args")
        names.append(parser.get_parsed_content("trt_hash"))
    assert names == [sha256_of(bundle / "models" / "model.pt"), sha256_of(other)]


def test_monai_takes_the_arguments_and_its_onnx_takes_the_profile(parser, tmp_path):
    arguments = parser.get_parsed_content("trt_args")
    network = parser.get_parsed_content("network_def").eval()
    compiler = TrtCompiler(network, str(tmp_path / "plan"), **arguments)
    (profile,) = compiler.profiles
    assert compiler.input_names == list(profile) == ["image"]
    axes = get_dynamic_axes(compiler.profiles)
    assert axes == {"image": [0, 2, 3]}
    least, best, largest = profile["image"]
    assert all(a <= b <= c for a, b, c in zip(least, best, largest, strict=True))
    assert best[0] == parser["batch_size"]
    file = tmp_path / "model.onnx"
    # What MONAI's compiler hands to TensorRT.
    convert_to_onnx(
        network,
        {"image": torch.rand(2, 2, 24, 32)},
        filename=str(file),
        input_names=["image"],
        output_names=[],
        dynamic_axes=axes,
        **compiler.export_args,
    )
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    image = torch.rand(*least)
    (fused,) = session.run(None, {"image": image.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(fused), network(image), rtol=0, atol=1e-6)
