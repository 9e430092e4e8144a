"""Real microscopy pictures through the command line."""

from __future__ import annotations

import numpy as np

from mactfusion.io.read import read_volume


def test_green_fluorescence_on_phase_contrast(reference, run_command, tmp_path, pixel_maximum):
    folder = reference / "data/gfp_pc"
    (phase, *_), (green, *_) = (sorted((folder / name).glob("*-B*.jpg")) for name in ("PCI", "GFP"))
    options = ("-o", tmp_path / "fused.png", "--weights", pixel_maximum)
    outcome = run_command("fuse", phase, green, *options)
    assert "gfp-pc" in outcome.out
    fused = read_volume(tmp_path / "fused.png").numpy()
    assert fused.shape == (3, 358, 358, 1)
    partner = read_volume(green).numpy()
    bright = partner[1] > 0.5
    excess = fused[1] - np.maximum(fused[0], fused[2])
    assert excess[bright].mean() > excess[~bright].mean() + 0.1, "green stays where it was"


def test_pictures_of_unequal_size_are_refused(reference, run_command, tmp_path):
    folder = reference / "data/gfp_pc"
    pair = (folder / "PCI/02-C05-t.jpg", folder / "GFP/02-C05-g.jpg")
    outcome = run_command("fuse", *pair, "-o", tmp_path / "fused.png")
    assert outcome.refused("02-C05-g.jpg")
    assert list(tmp_path.iterdir()) == []
