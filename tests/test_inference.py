"""Slices through the network: the same result in every batch size, and on when memory runs out."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from monai.data import MetaTensor
from torch import nn

from mactfusion.errors import FusionCancelled, FusionWarning, InputError
from mactfusion.inference import FusionInferer, emulates
from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import MODELS


class Brightest(nn.Module):
    """A quick network: the larger of both channels, and what it was given."""

    def __init__(self):
        super().__init__()
        self.counts = []

    def forward(self, image):
        self.counts.append(len(image))
        return image.amax(dim=1, keepdim=True)


class Forgetful(Brightest):
    """Runs out of memory above a number of slices."""

    def __init__(self, most, error=torch.OutOfMemoryError, works_first=0):
        super().__init__()
        self.most = most
        self.error = error
        self.works_first = works_first

    def forward(self, image):
        if len(image) > self.most and len(self.counts) >= self.works_first:
            raise self.error("CUDA out of memory. Tried to allocate 20.00 GiB")
        return super().forward(image)


@pytest.fixture
def volume():
    return torch.rand(1, 2, 6, 9, 11, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MACTFusion().eval()


@pytest.fixture(scope="module")
def by_hand(network):
    """A small volume and its slices, fused one after another."""
    volume = torch.rand(1, 2, 5, 24, 21, generator=torch.Generator().manual_seed(0))
    volume[:, :, 3] = 0
    with torch.no_grad():
        slices = [network(volume[:, :, index]) for index in range(5)]
    return volume, torch.stack(slices, dim=2)


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 5, 64])
def test_equals_slice_by_slice(network, by_hand, batch_size):
    volume, expected = by_hand
    fused = FusionInferer(batch_size)(volume, network)
    assert fused.shape == (1, 1, 5, 24, 21)
    assert fused.dtype == torch.float32
    assert not fused.requires_grad
    assert not fused[:, :, 3].any()
    assert (fused - expected).abs().max() < 1e-5


def test_a_meta_tensor_may_come_in(network, by_hand):
    volume, expected = by_hand
    fused = FusionInferer()(MetaTensor(volume), network)
    assert (torch.as_tensor(fused) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_reduced_precision_is_close_and_comes_out_in_float32(network, by_hand, precision):
    volume, expected = by_hand
    fused = FusionInferer(2, precision)(volume, network)
    assert fused.dtype == torch.float32
    assert torch.isfinite(fused).all()
    error = (fused - expected).abs()
    assert error.max() > 1e-7
    assert error.mean() < 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "double"}, "precision 'double': choose float32, tf32, bfloat16, float16"),
        ({"precision": ""}, "precision ''"),
        ({"batch_size": 0}, "1 or more, not 0"),
        ({"batch_size": -3}, "1 or more, not -3"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(InputError, match=message):
        FusionInferer(**options)


@pytest.mark.parametrize(
    ("batch_size", "done"), [(None, [1, 2, 3, 4, 5, 6]), (4, [4, 6]), (9, [6])]
)
def test_progress_counts_slices(volume, batch_size, done):
    calls = []
    FusionInferer(batch_size, progress=lambda *call: calls.append(call))(volume, Brightest())
    assert calls == [(count, 6) for count in done]


def test_progress_may_cancel(volume):
    network = Brightest()

    def cancel(done, total):
        if done >= 2:
            raise FusionCancelled

    inferer = FusionInferer(1, progress=cancel)
    with pytest.raises(FusionCancelled):
        inferer(volume, network)
    assert network.counts == [1, 1]
    assert inferer.notes == []


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError,
        MemoryError,
        RuntimeError,
        lambda _: RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_halves_the_batch(volume, error):
    network = Forgetful(2, error)
    inferer = FusionInferer(6)
    with pytest.warns(FusionWarning, match="going on with 1 slices at a time") as caught:
        fused = inferer(volume, network)
    assert torch.equal(fused, volume.amax(dim=1, keepdim=True))
    assert network.counts == [1] * 6
    assert inferer.notes == [str(w.message) for w in caught]
    assert [note.split()[6] for note in inferer.notes] == ["3", "1"]


def test_progress_starts_again_when_memory_runs_out_halfway(volume):
    calls = []
    inferer = FusionInferer(2, progress=lambda *call: calls.append(call))
    with pytest.warns(FusionWarning, match="1 slices at a time"):
        inferer(volume, Forgetful(1, works_first=2))
    assert [done for done, _ in calls] == [2, 4, 1, 2, 3, 4, 5, 6]
    assert {total for _, total in calls} == {6}


def test_the_batch_size_asked_for_holds_for_the_next_volume(volume):
    inferer = FusionInferer(4)
    with pytest.warns(FusionWarning):
        inferer(volume, Forgetful(2))
    network = Brightest()
    inferer(volume, network)
    assert network.counts == [4, 2]


def test_a_slice_too_large_for_the_machine(volume):
    inferer = FusionInferer(2)
    with (
        pytest.warns(FusionWarning, match="1 slices"),
        pytest.raises(InputError, match="9 x 11 needs more memory"),
    ):
        inferer(volume, Forgetful(0))


def test_other_errors_pass(volume):
    class Broken(nn.Module):
        def forward(self, image):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        FusionInferer(4)(volume, Broken())


class OnAccelerator(FusionInferer):
    """Has an accelerator without memory: only what lies on the CPU is fused."""

    def _fuse(self, volume, network):
        if volume.device.type != "cpu":
            raise torch.OutOfMemoryError("MPS backend out of memory")
        return super()._fuse(volume, network)


def accelerator_volume(volume):
    return SimpleNamespace(
        device=SimpleNamespace(type="mps"), shape=volume.shape, cpu=lambda: volume
    )


class Moved(Brightest):
    """Remembers where it was sent."""

    device = "mps"

    def to(self, device):
        self.device = device
        return self


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 3), (1, 1), (2, 2)])
def test_an_accelerator_without_memory_hands_over_to_the_cpu(volume, batch_size, steps):
    network = Moved()
    inferer = OnAccelerator(batch_size)
    with pytest.warns(FusionWarning, match="going on with the CPU"):
        fused = inferer(accelerator_volume(volume), network)
    assert network.device == "cpu"
    assert torch.equal(fused, volume.amax(dim=1, keepdim=True))
    assert len(inferer.notes) == steps
    assert network.counts == [1] * 6


def test_a_function_cannot_move_to_the_cpu(volume):
    inferer = OnAccelerator(1)
    with pytest.raises(InputError, match="needs more memory"):
        inferer(accelerator_volume(volume), lambda image: image)


@pytest.mark.parametrize(
    ("device", "size", "slices", "free", "batch"),
    [
        ("cuda", (256, 256), 180, 1000, 64),  # most pixels
        ("cuda", (256, 256), 180, 20, 14),  # the free memory, less a share that is kept
        ("cuda", (64, 64), 20, 1000, 20),  # all
        ("cuda", (2048, 2048), 9, 1, 1),
        ("mps", (256, 256), 180, 1, 16),
        ("mps", (2048, 2048), 9, 1, 1),
        ("cpu", (64, 64), 20, 1000, 1),
    ],
)
def test_batch_follows_the_pixels_and_the_free_memory(
    monkeypatch, device, size, slices, free, batch
):
    class Recorder(FusionInferer):
        def _fuse(self, volume, network):
            return self.slices_at_a_time

    tried = []

    def memory_of(run, asked):
        assert asked.type == "cuda"
        tried.append(run().shape)
        return 1, free

    monkeypatch.setattr("mactfusion.inference.memory_of", memory_of)
    first = torch.zeros(1, 2, *size)

    class Volume(SimpleNamespace):
        def __getitem__(self, index):
            assert index == (slice(None), slice(None), 0)
            return first

    shape = torch.Size((1, 2, slices, *size))
    volume = Volume(device=SimpleNamespace(type=device), shape=shape)
    assert Recorder()(volume, Brightest()) == batch
    assert tried == ([(1, 1, *size)] if device == "cuda" else [])


def test_memory_that_runs_out_on_the_first_slice_hands_over_to_the_cpu(volume, monkeypatch):
    def memory_of(run, device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("mactfusion.inference.memory_of", memory_of)
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: None)
    network = Moved()

    class Volume(SimpleNamespace):
        device = SimpleNamespace(type="cuda")
        shape = volume.shape

        def __getitem__(self, index):
            return volume[index]

        def cpu(self):
            return volume

    with pytest.warns(FusionWarning, match="going on with the CPU"):
        fused = FusionInferer()(Volume(), network)
    assert network.device == "cpu"
    assert torch.equal(fused, volume.amax(dim=1, keepdim=True))


def test_tf32_on_a_cpu_is_float32_and_that_is_said(network, by_hand):
    volume, _ = by_hand
    inferer = FusionInferer(precision="tf32")
    with pytest.warns(FusionWarning, match="TF32 does not exist on cpu: the network runs in flo"):
        fused = inferer(volume, network)
    assert torch.equal(fused, FusionInferer()(volume, network))
    assert len(inferer.notes) == 1


@pytest.mark.parametrize("capability", ["AVX2", "AVX512"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_precision_that_is_slow_here_is_named(volume, monkeypatch, precision, capability):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    inferer = FusionInferer(2, precision)
    slow = precision != "float32" and capability == "AVX2"
    said = pytest.warns(FusionWarning, match=f"no {precision} arithmetic")
    with said if slow else nullcontext():
        inferer(volume, Brightest())
    assert len(inferer.notes) == slow
    assert not emulates(torch.device("cuda"))


@pytest.mark.parametrize(("precision", "allowed"), [("float32", False), ("tf32", True)])
def test_tf32_is_used_where_it_was_asked_for_alone(volume, precision, allowed):
    seen = []

    class Watched(Brightest):
        def forward(self, image):
            backends = torch.backends
            seen.append((backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32))
            return super().forward(image)

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    inferer = FusionInferer(6, precision)
    with pytest.warns(FusionWarning) if allowed else nullcontext():
        inferer(volume, Watched())
    assert seen == [(allowed, allowed)]
    assert before == (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)


@pytest.mark.parametrize("name", MODELS)
def test_every_network_takes_slices_channels_last(name):
    """The order of a GPU; the numbers are the same."""
    torch.manual_seed(0)
    model = MODELS[name].network().eval()
    image = torch.rand(2, 2, 24, 40)
    with torch.no_grad():
        expected = model(image)
        fused = model(image.contiguous(memory_format=torch.channels_last))
    assert (fused - expected).abs().max() < 1e-5 * expected.abs().max().clamp(min=1)
