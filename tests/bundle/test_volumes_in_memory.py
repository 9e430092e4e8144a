"""Volumes that a program holds go through the bundle's own run as files do."""

from __future__ import annotations

import json
import sys

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import create_workflow
from monai.data import MetaTensor
from monai.transforms import LoadImage

from mactfusion import fuse_volumes
from mactfusion.errors import InputError


@pytest.fixture
def workflow(bundle, monkeypatch):
    """``workflow(task=...)``: that of ``inference.yaml``, which leaves this process as it was."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def make(**options):
        return create_workflow(
            config_file=str(bundle / "configs" / "inference.yaml"),
            workflow_type="inference",
            device="cpu",
            register="off",
            **options,
        )

    return make


def result_of(made):
    made.initialize()
    made.run()
    made.finalize()
    (case,) = made.evaluator.state.output
    return case


@pytest.fixture
def in_memory(pair):
    """MR and PET as MONAI reads them."""
    load = LoadImage(ensure_channel_first=True, image_only=True)
    return [load(str(path)) for path in pair]


def test_volumes_in_memory_give_the_voxels_of_files(workflow, pair, in_memory):
    before = [volume.clone() for volume in in_memory]
    made = workflow(task="pet-mri")
    made.dataset_data = [dict(zip(("anatomical", "partner"), in_memory, strict=True))]
    case = result_of(made)
    expected = fuse_volumes(*pair, task="pet-mri", device="cpu", register="off").fused
    assert isinstance(case["pred"], MetaTensor)
    assert case["pred"].shape == (3, 20, 24, 3)
    assert torch.equal(case["pred"].as_tensor(), expected.as_tensor())
    np.testing.assert_allclose(case["pred"].affine, expected.affine, atol=1e-6)
    for volume, kept in zip(in_memory, before, strict=True):
        assert torch.equal(volume.as_tensor(), kept.as_tensor())
        assert torch.equal(volume.affine, kept.affine)


def test_several_partners_in_memory_are_a_list(workflow, pair, in_memory):
    anatomical, partner = in_memory
    second = MetaTensor(partner.as_tensor().flip(1) / 4, affine=partner.affine)
    tasks = ["pet-mri", "spect-mri"]
    made = workflow(anatomical=anatomical, partner=[partner, second], task=tasks)
    fused = result_of(made)["pred"]
    options = {"task": tasks, "device": "cpu", "register": "off"}
    expected = fuse_volumes(pair[0], [pair[1], second], **options).fused
    assert torch.equal(fused.as_tensor(), expected.as_tensor())


def test_the_result_is_written_where_that_is_asked_for(workflow, pair, in_memory, tmp_path):
    options = {"task": "pet-mri", "output": "fused.nii.gz", "output_dir": str(tmp_path)}
    result_of(workflow(**options, anatomical=in_memory[0], partner=in_memory[1]))
    expected = tmp_path / "expected.nii.gz"
    fuse_volumes(*pair, task="pet-mri", device="cpu", register="off", output=expected)
    written, of_files = (nibabel.load(path) for path in (tmp_path / "fused.nii.gz", expected))
    np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(of_files.dataobj))
    np.testing.assert_allclose(written.affine, of_files.affine, atol=1e-6)
    record = json.loads((tmp_path / "fused.nii.gz.json").read_text())
    assert record["task"] == "pet-mri"


def test_what_cannot_be_fused_is_refused(workflow, in_memory):
    made = workflow(task="pet-mri")
    blank = MetaTensor(torch.zeros_like(in_memory[1].as_tensor()), affine=in_memory[1].affine)
    made.dataset_data = [{"anatomical": in_memory[0], "partner": blank}]
    made.initialize()
    with pytest.raises(RuntimeError) as raised:
        made.run()
    causes = [raised.value]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    assert isinstance(causes[-1], InputError)
