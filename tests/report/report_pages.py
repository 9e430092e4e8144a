"""Volumes with a known marker, the page that is written of them, and what it embeds."""

from __future__ import annotations

import base64
import gzip
import json
import re
from types import SimpleNamespace

import numpy as np
import torch
from monai.data import MetaTensor

from mactfusion.report.fusion import write_report

SHAPE = (20, 24, 16)
SPACING_MM = (2.0, 1.5, 3.0)
MARKER_RAS_MM = np.array([-12.0, 9.0, 6.0])
PICTURE_AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])


def affine_of(order="RAS", rotation=None):
    """An affine whose axes run to the letters of ``order`` and whose centre is the origin."""
    directions = np.zeros((3, 3))
    for column, letter in enumerate(order):
        row = next(i for i, pair in enumerate(("RL", "AP", "SI")) if letter in pair)
        directions[row, column] = 1.0 if letter in "RAS" else -1.0
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING_MM
    if rotation is not None:
        affine[:3, :3] = rotation.as_matrix() @ affine[:3, :3]
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def volumes_with_marker(affine, shape=SHAPE, meta=None):
    """Sources and fused volume, bright in one voxel at the marker's place (left, front, top)."""
    index = np.linalg.solve(affine, [*MARKER_RAS_MM, 1.0])[:3].round().astype(int)
    scalar = torch.full((1, *shape), 0.1)
    scalar[(0, *index)] = 1.0
    color = scalar * torch.tensor([1.0, 0.5, 0.2])[:, None, None, None]

    def volume(values):
        return MetaTensor(values, affine=torch.tensor(affine), meta=dict(meta or {}))

    marker_ras = (affine @ [*index, 1.0])[:3]
    return {
        "anatomical": volume(scalar),
        "partner": volume(color),
        "fused": volume(color.clone()),
    }, marker_ras


def report(path, volumes, summary=None, notes=(), options=None):
    written = write_report(
        path, **volumes, summary=summary or {}, notes=list(notes), options=options or {}
    )
    return written.read_text(encoding="utf-8")


def body_text(page):
    """What a reader sees, without the markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("</style>")[1]).split())


def scene_of(page):
    return json.loads(re.search(r'id="scene">(.*?)</script>', page, re.DOTALL)[1])


def voxels_of(page, name):
    """The embedded volume as ``(C, I, J, K)`` uint8, as the page's script indexes it."""
    text = re.search(rf'id="voxels-{name}">(.*?)</script>', page, re.DOTALL)[1]
    scene = scene_of(page)
    flat = np.frombuffer(gzip.decompress(base64.b64decode(text)), dtype=np.uint8)
    shape = (scene["channels"][name], *scene["shape"][::-1])
    return flat.reshape(shape).transpose(0, 3, 2, 1)


def values_of(page, name):
    """The embedded values ``(I, J, K)`` in their units, NaN where there is none."""
    text = re.search(rf'id="values-{name}">(.*?)</script>', page, re.DOTALL)[1]
    high, low = np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8).reshape(2, -1)
    codes = np.cumsum(256 * high.astype(np.int64) + low) % 2**16
    about = scene_of(page)["values"][name]
    values = np.where(codes == 65535, np.nan, (codes + about["lowest"]) * about["step"])
    return values.reshape(scene_of(page)["shape"], order="F")


def brightest(page, name="anatomical"):
    voxels = voxels_of(page, name)[0]
    return np.array(np.unravel_index(voxels.argmax(), voxels.shape))


def shown_at(page, index):
    """RAS millimetres (or pixels) that the page states for an index."""
    return (np.array(scene_of(page)["affine"]) @ [*index, 1.0])[:3]


def recorded(name, task, **others):
    """What the record says of one partner."""
    known = {"level_width": [50.0, 120.0], "coverage": 0.9, "colormap": "grey", "units": ""}
    return {"name": name, "task": task, "colors": ["#000000", "#ffffff"], **known, **others}


def result_of(volumes, partners, native=None, shown=None, hottest_mm=None, **record):
    """What ``fuse_volumes`` would return of these."""
    known = {
        "task": " + ".join(partner["task"] for partner in partners),
        "partners": partners,
        "coverage": min(partner["coverage"] for partner in partners),
        "anatomical_level_width": [450.0, 900.0],
        "axis": "axial",
        "units": "",
        "lost": None,
        "notes": [],
        "options": {"task": "auto", "window": "auto", "grid": "anatomical"},
        "seconds": {"total": 1.0},
        "versions": {},
        "weights": {"name": "own.pt", "sha256": "ab" * 32},
    }
    return SimpleNamespace(
        **volumes,
        hottest_mm=hottest_mm,
        shares=None,
        partners=shown or [volumes["partner"]],
        native=native,
        record={**known, **record},
        warnings=[],
        model="pixel_weights",
        colors="legible",
    )
