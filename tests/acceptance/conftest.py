"""Real volumes, whole, through the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def fuse_whole(run_command, pixel_maximum, tmp_path):
    """Fuse two files into ``fused.nii.gz`` of an empty folder; check that no other is there."""

    def run(anatomical, partner, *options):
        folder = tmp_path / "out"
        folder.mkdir()
        output = folder / "fused.nii.gz"
        options = ("-o", output, "--weights", pixel_maximum, *options)
        outcome = run_command("fuse", anatomical, partner, *options)
        written = sorted(path.name for path in folder.iterdir())
        assert written == (["fused.nii.gz", "fused.nii.gz.json"] if outcome.code == 0 else [])
        return outcome, output

    return run
