from __future__ import annotations

import pytest
import torch

from mactfusion.networks.mactfusion import MACTFusion
from mactfusion.networks.registry import DEFAULT_MODEL, MODELS
from mactfusion.recipe import STAGES
from training.benchmarks import fuse_pair, preview, stages
from training.benchmarks.naive_mactfusion import NaiveMACTFusion
from training.benchmarks.networks import PLAIN, cpu_seconds, networks, networks_table
from training.benchmarks.throughput import fit_line


@pytest.mark.parametrize("size", [(32, 48), (64, 16)])
def test_the_naive_network_gives_the_librarys_output(size):
    torch.manual_seed(0)
    network = MACTFusion().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        image = torch.rand(1, 2, *size)
        expected = network(image)
        result = NaiveMACTFusion(network.state_dict())(image)
    assert result.shape == expected.shape
    assert (result - expected).abs().max() < 1e-5 * (1 + expected.abs().max())


def test_a_straight_line_is_recognised():
    growth = fit_line([10, 20, 40], [7.0, 12.0, 22.0])
    assert growth.seconds_per_slice == pytest.approx(0.5)
    assert growth.r_squared == pytest.approx(1)
    assert fit_line([10, 20, 40], [1.0, 4.0, 16.0]).r_squared < 0.99


def test_every_network_has_its_turns_and_the_ratio_is_to_the_default():
    runs = {f"`{name}`": [] for name in (DEFAULT_MODEL, "other")}
    order = []
    counted = {name: lambda image, name=name: order.append((name, image.shape)) for name in runs}
    seconds = cpu_seconds(counted, torch.rand(1, 2, 16, 24), repeats=2)
    assert order == [(name, (1, 2, 16, 24)) for _ in range(3) for name in runs]
    assert set(seconds) == set(runs)
    table = networks_table({"`slow`": 0.5, f"`{DEFAULT_MODEL}`": 0.025})
    assert table.splitlines()[2:] == [
        f"| `{DEFAULT_MODEL}` | 25.0 ms | 1.0 |",
        "| `slow` | 500.0 ms | 20.0 |",
    ]


def test_the_networks_that_are_timed_are_those_of_the_registry():
    assert set(networks()) == {*(f"`{name}`" for name in MODELS), PLAIN}


def test_a_fusion_is_timed_step_by_step(tmp_path):
    pair = fuse_pair.write_pair(tmp_path, 2, 32)
    steps = fuse_pair.fuse(pair, tmp_path / "fused.nii.gz")
    assert (tmp_path / "fused.nii.gz").is_file()
    assert {name.partition(":")[0] for name in steps} == {
        *STAGES,
        fuse_pair.CONFIGURATION,
        fuse_pair.NETWORK,
    }
    shown = {
        *("place: PlacePartnerd", "align: AlignPartnerd"),
        *("infer: ChooseWeightsd", "finish: SaveFusiond"),
    }
    assert shown < set(steps)
    assert min(steps.values()) >= 0
    assert steps[fuse_pair.NETWORK] > 0


def test_stages_add_up_and_the_network_is_apart():
    steps = {"align: A": 1.0, "align: B": 2.0, "infer: C": 0.001, fuse_pair.NETWORK: 5.0}
    shown = stages.table([fuse_pair.Footprint(4, 32, 9.0, 8.001, 700.0, steps)])
    assert "32×32×4: 8.0 s of CPU time, 3.0 s without the network; peak 700 MiB." in shown
    assert "| **align** | 3.00 s | 37 % | 100 % |" in shown
    assert "| network | 5.00 s | 62 % |  |" in shown
    assert "infer: C" not in shown


@pytest.mark.slow
def test_previews_of_a_real_worker_are_timed():
    times = preview.measure(32, repeats=1)
    shown = preview.table(32, times)
    assert shown.count(" ms |") == 6
    assert min(*times.first, *times.next) > 0
