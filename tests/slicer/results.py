"""Fused nodes as a run makes them, without a worker."""

from __future__ import annotations

import numpy as np
from MACTFusionLib.nodes.result import Origin, make_result
from MACTFusionLib.nodes.volumes import geometry_of
from MACTFusionLib.self_test import SHAPE

RECORD = {
    "task": "pet-mri",
    "weights": {"name": "n", "sha256": "0" * 64},
    "versions": {},
    "options": {"model": "n"},
    "coverage": 1.0,
    "notes": [],
}


def fused_of(anatomical, partner, voxels=None, output=None, legends=(), **record):
    """A fused node as a run makes it, of a red cube by default.

    Args:
        anatomical: volume node.
        partner: volume node, or a list of several.
        voxels: of the result.
        output: node to overwrite.
        legends: what the worker says of the colours of the partners.
        record: what is in the record beside :data:`RECORD`.
    """
    if voxels is None:
        voxels = np.zeros((*SHAPE, 3), np.uint8)
        voxels[6:18, 5:15, 1:5] = (200, 40, 40)
    origin = Origin(anatomical, partner, geometry_of(anatomical))
    return make_result(origin, voxels, {**RECORD, **record}, list(legends), output)
