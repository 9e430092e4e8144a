from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import torch

from mactfusion.errors import InputError
from mactfusion.transforms.colormap import apply_color_table, color_table

NAMES = ["hot_iron", "pet", "hot_metal_blue", "grey", "gray", "viridis", "tab10", "PiYG_r"]


@pytest.mark.parametrize("name", NAMES)
def test_tables(name):
    table = color_table(name)
    assert table.shape == (256, 3)
    assert table.dtype == torch.float32
    assert table.min() >= 0
    assert table.max() <= 1


@pytest.mark.parametrize(
    ("name", "index", "color"),
    [
        ("hot_iron", 0, (0, 0, 0)),
        ("hot_iron", 64, (128, 0, 0)),
        ("hot_iron", 128, (255, 0, 0)),
        ("hot_iron", 255, (255, 255, 255)),
        ("PET", 128, (128, 0, 255)),
        ("hot metal blue", 64, (0, 0, 125)),
        ("Hot-Iron", 200, (255, 144, 36)),
        ("grey", 51, (51, 51, 51)),
    ],
)
def test_entries_of_the_standard(name, index, color):
    assert torch.allclose(color_table(name)[index] * 255, torch.tensor(color).float(), atol=1e-4)


def test_every_matplotlib_name():
    for name in mpl.colormaps:
        assert color_table(name).shape == (256, 3)
    expected = mpl.colormaps["viridis"](np.arange(256))[:, :3]
    assert np.allclose(color_table("viridis"), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("hotiron", "hot_iron"), ("virdis", "viridis"), ("piyg", "PiYG"), ("###", "hot_iron")],
)
def test_unknown_names_get_suggestions(name, suggestion):
    with pytest.raises(InputError, match=rf"Unknown colour table '{name}'.*{suggestion}"):
        color_table(name)


@pytest.mark.parametrize("name", ["hot_iron", "viridis"])
def test_interpolation_equals_numpy(make_volume, name):
    table = color_table(name)
    values = np.concatenate([[0, 1, 0.5], np.random.default_rng(7).random(997)]).astype(np.float32)
    volume = make_volume(values.reshape(1, 10, 10, 10))
    colors = apply_color_table(volume, table)
    assert colors.shape == (3, 10, 10, 10)
    entries = np.linspace(0, 1, 256)
    for channel in range(3):
        expected = np.interp(values, entries, table[:, channel])
        assert np.allclose(colors[channel].flatten(), expected, atol=1e-5)
    assert torch.equal(volume.flatten().as_tensor(), torch.as_tensor(values))


def test_entries_make_a_table():
    rows = [[0, 0, 0], [1, 0.5, 0], [1, 1, 1]]
    for entries in (rows, np.array(rows), torch.tensor(rows)):
        table = color_table(entries)
        assert table.dtype == torch.float32
        assert torch.equal(table, torch.tensor(rows, dtype=torch.float32))


def test_transparent_entries_are_black():
    table = color_table([[1, 1, 1, 0], [1, 0.5, 0, 0.5], [1, 1, 1, 1]])
    assert torch.equal(table, torch.tensor([[0, 0, 0], [0.5, 0.25, 0], [1, 1, 1]]))


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [[0, 0, 0]],
        [[0, 0], [1, 1]],
        [[0, 0, 0], [255, 255, 255]],
        [[0, 0, 0], [0, -0.1, 0]],
        [[0, 0, 0], [0, float("nan"), 0]],
        [[0, 0, 0], [1, 1]],
        [["$exit()", 0, 0], [1, 1, 1]],
        None,
        7,
        np.zeros((65537, 3)),
    ],
)
def test_what_is_no_table_is_refused(entries):
    with pytest.raises(InputError, match="A colour table needs"):
        color_table(entries)
