"""What is exported gives what the network gives, at any size, and says what it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_network
import torch

from mactfusion.bundle import bundle_root
from mactfusion.deploy import FORMATS, SHAPES, export, export_network
from mactfusion.deploy.export import METADATA, OPSET, describe
from mactfusion.errors import InputError
from mactfusion.io.checksum import sha256_of
from mactfusion.networks.dilran import DILRAN
from mactfusion.networks.pixel_weights import PixelWeights
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.weights import load_weights, save_state

SIZES = ((1, 48, 64), (2, 33, 50), (4, 17, 18), (1, 100, 41), (3, 64, 31))


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, tmp_path_factory):
    """``(format, file, what was said of it)`` of the default network."""
    name = request.param
    file = tmp_path_factory.mktemp("exported") / f"model{FORMATS[name].extension}"
    return name, file, export_network(file, name)


def run(name, file, image):
    """Fuse with a file as another program would, without this project."""
    if name == "torchscript":
        return torch.jit.load(file)(image)
    if name == "torch-export":
        return torch.export.load(file).module()(image)
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [(each.name, each.shape) for each in session.get_inputs()] == [
        ("image", ["batch", 2, "height", "width"])
    ]
    (fused,) = session.run(["pred"], {"image": image.numpy()})
    return torch.from_numpy(fused)


def about(name, file):
    """What a file says of itself."""
    if name == "onnx":
        import onnx

        stored = onnx.load(file)
        assert stored.opset_import[0].version == OPSET
        return {each.key: each.value for each in stored.metadata_props}
    told = {METADATA: ""}
    if name == "torchscript":
        torch.jit.load(file, _extra_files=told)
    else:
        torch.export.load(file, extra_files=told)
    return json.loads(told[METADATA])


def test_it_gives_what_the_network_gives(exported):
    name, file, written = exported
    network = load_weights(PixelWeights(), bundle_root() / "models" / "model.pt")
    assert written.difference <= 1e-6
    for batch, *size in SIZES:
        image = torch.rand(batch, 2, *size)
        image[-1] *= 0.3
        with torch.no_grad():
            torch.testing.assert_close(run(name, file, image), network(image), rtol=0, atol=1e-6)


def test_blank_pairs_are_handled_inside(exported):
    name, file, _ = exported
    image = torch.rand(3, 2, 24, 30)
    image[1, 0], image[1, 1] = 0.25, 0.75
    with torch.no_grad():
        fused = run(name, file, image)
    assert torch.equal(fused[1], torch.full((1, 24, 30), 0.75))
    assert fused[0].std() > 0.01


def test_it_says_what_it_is(exported):
    name, file, written = exported
    assert written.weights_sha256 == sha256_of(bundle_root() / "models" / "model.pt")
    told = about(name, file)
    assert told == describe(DEFAULT_MODEL, written.weights_sha256, name)
    assert "channel 0: the anatomical" in told["input"]
    assert "multiple of 1" in told["edges"]
    assert str(FORMATS[name].edges[0]) in told["edges"]


def test_a_program_of_other_sizes_than_it_promises_is_refused_by_itself(exported):
    name, file, _ = exported
    if name != "torch-export":
        assert run(name, file, torch.rand(1, 2, 1, 9)).shape == (1, 1, 1, 9)
        return
    with pytest.raises(AssertionError, match="17"):
        run(name, file, torch.rand(1, 2, 16, 40))


@pytest.mark.parametrize("model", ["cminet", "dilran"])  # test_registry.py traces all
def test_other_networks_as_torchscript(model, tmp_path):
    written = export_network(tmp_path / "other.ts", "torchscript", model)
    assert written.model == model
    assert written.difference <= 2e-6


@pytest.mark.parametrize("model", ["mactfusion", "mactfusion_plus", "cminet"])
def test_other_networks_as_onnx(model, tmp_path):
    assert export_network(tmp_path / "other.onnx", "onnx", model).difference <= 2e-6


@pytest.mark.parametrize("model", FORMATS["onnx"].lacks)
def test_what_onnx_lacks_it_lacks(model, tmp_path, run_command):
    outcome = run_command("export", "-o", tmp_path / "a.onnx", "--model", model)
    assert outcome.refused(f"{model} cannot be exported to ONNX: ")
    assert "use torchscript or torch-export." in outcome.err
    network = DILRAN().eval() if model == "dilran" else MODELS[model].network().eval()
    operator = "linalg_svd" if model == "dilran" else "fft_rfft2"
    with pytest.raises(torch.onnx.errors.UnsupportedOperatorError, match=operator):
        torch.onnx.export(
            network, (torch.rand(1, 2, 16, 16),), tmp_path / "b.onnx", dynamo=False, verbose=False
        )


def test_command_tells_model_hash_and_difference(tmp_path, run_command):
    file = tmp_path / "new" / "model.ts"
    outcome = run_command("export", "--format", "torchscript", "-o", file)
    assert outcome.code == 0, outcome.err
    digest = sha256_of(bundle_root() / "models" / "model.pt")
    assert f"{file}: pixel_weights with weights {digest[:12]}…, as TorchScript" in outcome.out
    assert f"on {len(SHAPES)} sizes and batches" in outcome.out
    assert outcome.err == ""
    before = file.read_bytes()
    assert run_command("export", "-o", file).refused("add --overwrite")
    assert file.read_bytes() == before
    assert run_command("export", "-o", file, "--overwrite").code == 0


def test_weights_of_a_task_and_of_a_file_are_taken(tmp_path, run_command, monkeypatch):
    monkeypatch.setitem(MODELS, tiny_network.NAME, tiny_network.MODEL)
    torch.manual_seed(1)
    weights = tmp_path / "tiny.pt"
    digest = save_state(tiny_network.Tiny().state_dict(), weights)
    outcome = run_command("export", "--weights", weights, "-o", tmp_path / "tiny.ts")
    assert f"tiny with weights {digest[:12]}…" in outcome.out
    written = export_network(tmp_path / "ct.ts", "torchscript", "mactfusion_plus", "ct-mri")
    shipped = bundle_root() / "models" / "mactfusion_plus-ct-mri.pt"
    assert written.weights_sha256 == sha256_of(shipped)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-o", "a.bin"), "must end in .ts, .onnx, .pt2"),
        (("-o", "a.onnx", "--format", "torchscript"), "the name of TorchScript must end in .ts."),
        (("-o", "a.ts", "--format", "tensorrt"), "Unknown format 'tensorrt'"),
        (("-o", "a.ts", "--model", "dilan"), "Unknown model 'dilan'"),
        (("-o", "a.ts", "--task", "brain"), "Unknown task 'brain'"),
        (("-o", "a.ts", "--weights", "absent.pt"), "absent.pt do not exist"),
        (("-o", "notes.txt/a.ts"), "notes.txt is no folder"),
        (("-o", "folder.ts"), "a folder has that name"),
    ],
)
def test_wrong_words_are_refused(words, sentence, files, run_command, nothing_left):
    (files / "notes.txt").write_text("mine")
    (files / "folder.ts").mkdir()
    outcome = run_command("export", *words)
    assert outcome.refused(sentence), outcome.err
    assert sorted(path.name for path in files.iterdir()) == [
        *("folder.ts", "mr.nii.gz", "notes.txt", "pet.nii.gz")
    ]


def test_weights_are_not_overwritten(tmp_path, run_command):
    weights = tmp_path / "mine.ts"
    save_state(PixelWeights().state_dict(), weights)
    before = weights.read_bytes()
    outcome = run_command("export", "--weights", weights, "-o", weights, "--overwrite")
    assert outcome.refused("is the weight file; write elsewhere.")
    assert weights.read_bytes() == before


class Shrinking(tiny_network.Tiny):
    """Records another graph than it runs."""

    def forward(self, image):
        fused = super().forward(image)
        return 0.5 * fused if torch.jit.is_tracing() else fused


class Deciding(tiny_network.Tiny):
    """Decides by what it sees, which no program of any size can."""

    def forward(self, image):
        fused = super().forward(image)
        return fused if image.mean() > 0.5 else 2 * fused


@pytest.mark.parametrize(
    ("graph", "ending", "sentence"),
    [
        (Shrinking, "ts", "the file gives other values, by up to"),
        (Shrinking, "onnx", "the file gives other values, by up to"),
        (Deciding, "pt2", "tiny cannot be exported to torch.export: "),
    ],
)
def test_a_file_that_does_not_hold_is_removed(
    graph, ending, sentence, tmp_path, run_command, monkeypatch
):
    model = tiny_network.Model(graph, "tiny.pt", ("ct-mri",), "doi:10.0/0", "A test's own.")
    monkeypatch.setitem(MODELS, tiny_network.NAME, model)
    torch.manual_seed(1)
    weights = tmp_path / "tiny.pt"
    save_state(graph().state_dict(), weights)
    words = ("--model", "tiny", "--weights", weights, "-o", tmp_path / "new" / f"a.{ending}")
    outcome = run_command("export", *words)
    assert outcome.refused(sentence), outcome.err
    assert list(tmp_path.iterdir()) == [weights]


def test_missing_packages_are_named_before_torch_is_imported(tmp_path):
    code = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: "
        "None if name in ('onnx', 'onnxruntime') else found(name, *more)\n"
        f"sys.argv[1:] = ['export', '-o', {str(tmp_path / 'a.onnx')!r}]\n"
        "from mactfusion.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "2 False\n"
    assert done.stderr == (
        'Error: ONNX needs onnx and onnxruntime: pip install "mactfusion[onnx]"\n'
    )


def test_an_old_pytorch_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.export, "export", lambda module, args, dynamic_shapes: None)
    with pytest.raises(InputError, match="is too old for a program of any size"):
        export_network(tmp_path / "a.pt2", "torch-export")
    assert not list(tmp_path.iterdir())


def test_no_space_is_no_fault_of_the_network(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export._WAYS, "torchscript", (full, full))
    with pytest.raises(InputError, match="cannot be written: the disk is full"):
        export_network(tmp_path / "a.ts", "torchscript")
    assert not list(tmp_path.iterdir())


def test_every_extra_that_is_named_exists_and_has_what_is_needed():
    """A sentence or a page may tell users to install it."""
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, entry in FORMATS.items():
        named = {re.split(r"[<>=]", package)[0] for package in extras.get(name, [])}
        assert named == set(entry.needs), name
    files = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    files += [path for end in ("md", "py") for path in (root / "monai_bundle").rglob(f"*.{end}")]
    text = "\n".join(file.read_text("utf-8") for file in files)
    found = re.findall(r"mactfusion\[([a-z, -]+)\]", text)
    assert "onnx" in found
    assert {extra.strip() for each in found for extra in each.split(",")} <= set(extras)
