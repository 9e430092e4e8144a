"""The demo: four different scans of one head, figures the right way round, and a strict check."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch
from matplotlib.image import imread
from monai.data import MetaTensor
from scipy.ndimage import minimum_filter

from mactfusion.bundle import bundle_root
from mactfusion.demo import demo_volumes, run_demo
from mactfusion.demo.figures import Case, save_overview, save_planes
from mactfusion.demo.landmarks import MisplacedLandmarkError, check_landmark, find_landmark
from mactfusion.demo.volumes import SCANS, Scan
from mactfusion.io.read import read_volume
from mactfusion.io.write import write_volume
from mactfusion.phantom import HeadPhantom
from mactfusion.transforms.align import AlignPartnerd
from mactfusion.transforms.color import SplitLuminanced, merge_colors, split_table
from mactfusion.transforms.colormap import apply_color_table
from mactfusion.transforms.intensity import ScaleAnatomicald, ScalePartnerd
from mactfusion.transforms.volume import with_voxels

PLACE_MM = (-30.0, -20.0, 25.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return demo_volumes(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def small_scans(monkeypatch):
    """Scans of fewer and larger voxels, of the same head in the same places."""
    monkeypatch.setitem(SCANS, "T1", Scan((80, 96, 24), (2.2, 2.2, 5.4)))
    turned_degrees = SCANS["CT"].turned_degrees
    monkeypatch.setitem(SCANS, "CT", Scan((100, 122, 48), (-2.0, -2.0, 4.0), turned_degrees))
    monkeypatch.setitem(SCANS, "PET", Scan((40, 48, 33), (5.2, -5.2, 5.2), slope=1.7))


def stand_in(mirrored):
    """A module with a ``fuse_volumes`` that takes the pixel maximum, if wanted on a wrong side."""

    def fuse_volumes(
        anatomical, partner, *, output, task, device, overwrite, progress, keep_native
    ):
        data = {
            "anatomical": read_volume(anatomical),
            "partner": read_volume(partner),
            "task": task,
            "notes": "",
        }
        if mirrored:
            data["partner"].affine = torch.diag(torch.tensor([-1.0, 1, 1, 1])).double() @ (
                data["partner"].affine
            )
        for transform in (AlignPartnerd(), ScaleAnatomicald(), ScalePartnerd(), SplitLuminanced()):
            data = transform(data)
        mr, luminance = data["anatomical"], data["luminance"]
        fused = shown = luminance.as_tensor()
        fused = torch.maximum(mr.as_tensor(), fused)
        if data["is_color"]:
            chrominance = data["chrominance"].as_tensor()
            fused, shown = (merge_colors(y, chrominance) for y in (fused, shown))
        fused, shown = (with_voxels(mr, voxels) for voxels in (fused, shown))
        write_volume(fused, output)
        record = {
            "task": task,
            "coverage": data["coverage"],
            "seconds": {"total": 1.0},
            "versions": {},
            "weights": {"name": "none", "sha256": "0" * 64},
            "options": {"device": device},
            "axis": "axial",
            "anatomical_level_width": [400.0, 800.0],
            "level_width": [50.0, 120.0],
            "units": "",
            "notes": [],
            "lost": None,
            "partners": [
                {
                    "input": "partner",
                    "name": "partner.nii.gz",
                    "task": task,
                    "units": "",
                    "level_width": [50.0, 120.0],
                    "colormap": "grey",
                    "colors": [],
                    "coverage": data["coverage"],
                }
            ],
        }
        return SimpleNamespace(
            anatomical=mr,
            partner=shown,
            partners=[shown],
            native=None,
            fused=fused,
            record=record,
            model="pixel_weights",
            coverage=data["coverage"],
            colors="legible",
            shares=None,
            warnings=[],
        )

    module = ModuleType("mactfusion.pipeline")
    module.fuse_volumes = fuse_volumes
    return module


def volume_with_spot(place_mm, channels=1):
    """A dim volume of 4 mm voxels with one bright blob."""
    affine = np.diag([-4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [78, -80, -60]
    index = np.indices((40, 40, 30)).reshape(3, -1)
    points = (affine[:3, :3] @ index + affine[:3, 3:]).reshape(3, 40, 40, 30)
    distance = np.linalg.norm(points - np.reshape(place_mm, (3, 1, 1, 1)), axis=0)
    values = torch.from_numpy(0.3 + 0.7 * np.exp(-((distance / 6) ** 2)))[None].float()
    if channels == 3:
        chrominance = apply_color_table(values, split_table("hot_metal"))[1:]
        values = merge_colors(torch.full_like(values, 0.5), chrominance)
    return MetaTensor(values, affine=torch.from_numpy(affine))


@pytest.mark.parametrize("channels", [1, 3])
def test_landmark_is_found_in_world_space(channels):
    landmark = find_landmark(volume_with_spot(PLACE_MM, channels), "lesion", PLACE_MM)
    assert landmark.off_mm < 2
    assert landmark.mirrored_brightness < 0.4
    assert landmark.brightness > 0.5
    check_landmark(landmark, tolerance_mm=4.0)


def test_mirrored_landmark_is_refused():
    x, y, z = PLACE_MM
    landmark = find_landmark(volume_with_spot((-x, y, z)), "lesion", PLACE_MM)
    with pytest.raises(MisplacedLandmarkError, match="other side"):
        check_landmark(landmark, tolerance_mm=4.0)


def test_shifted_landmark_is_refused():
    x, y, z = PLACE_MM
    landmark = find_landmark(volume_with_spot((x, y + 8, z)), "lesion", PLACE_MM)
    assert landmark.off_mm == pytest.approx(8, abs=1)
    with pytest.raises(MisplacedLandmarkError, match="from its place"):
        check_landmark(landmark, tolerance_mm=4.0)


def test_figures_show_the_patients_left_on_the_right(tmp_path):
    volume = volume_with_spot(PLACE_MM)
    case = Case("PET", {"MR": volume, "PET": volume, "Fused": volume}, "lesion", PLACE_MM)
    save_planes(case, tmp_path / "planes.png")
    save_overview([case], tmp_path / "overview.png")
    picture = imread(tmp_path / "overview.png")[..., :3].min(axis=2)
    height, width = picture.shape
    last_column = picture[int(0.12 * height) :, int(0.68 * width) :]
    # The erosion removes the letters and leaves the spot.
    eroded = minimum_filter(last_column, size=9)
    row, column = np.unravel_index(eroded.argmax(), eroded.shape)
    assert 0.55 < column / last_column.shape[1] < 0.85
    assert 0.5 < row / last_column.shape[0] < 0.75
    assert imread(tmp_path / "planes.png").shape[0] > 600


@pytest.mark.slow
def test_volumes_differ_in_grid_and_storage(files):
    images = {modality: nibabel.load(path) for modality, path in files.items()}
    assert len({image.shape for image in images.values()}) == 4
    assert all(image.get_data_dtype() == np.int16 for image in images.values())
    assert images["PET"].dataobj.slope == pytest.approx(SCANS["PET"].slope)
    assert np.linalg.det(images["SPECT"].affine[:3, :3]) < 0
    ct_axes = images["CT"].affine[:3, :3] / images["CT"].header.get_zooms()
    assert 0.95 < np.abs(ct_axes).max(axis=0).min() < 0.99


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["CT", "PET", "SPECT"])
def test_volumes_keep_the_landmarks_in_world_space(files, modality):
    head = HeadPhantom()
    volume = read_volume(files[modality])
    place_mm = head.calcification_mm if modality == "CT" else head.lesion_mm
    scaled = volume / volume.max()
    landmark = find_landmark(with_voxels(volume, scaled), "landmark", place_mm)
    check_landmark(landmark, tolerance_mm=float(volume.pixdim.max()))


@pytest.mark.slow
@pytest.mark.usefixtures("small_scans")
def test_demo_writes_everything(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mactfusion.pipeline", stand_in(mirrored=False))
    outcomes = run_demo(tmp_path / "demo")
    assert [outcome.task for outcome in outcomes] == ["ct-mri", "pet-mri", "spect-mri"]
    assert all(outcome.coverage > 0.99 for outcome in outcomes)
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert written == {
        "T1.nii.gz", "CT.nii.gz", "PET.nii.gz", "SPECT.nii.gz",
        "fused_CT.nii.gz", "fused_PET.nii.gz", "fused_SPECT.nrrd",
        "planes_CT.png", "planes_PET.png", "planes_SPECT.png", "overview.png",
        "report_CT.html", "report_PET.html", "report_SPECT.html",
    }  # fmt: skip
    assert "calcification" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("small_scans")
def test_demo_notices_a_mirrored_result(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mactfusion.pipeline", stand_in(mirrored=True))
    with pytest.raises(MisplacedLandmarkError):
        run_demo(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("small_scans")
def test_demo_with_the_network(tmp_path):
    if not (bundle_root() / "models" / "model.pt").is_file():
        pytest.skip("the project's weights are not in this checkout")
    outcomes = run_demo(tmp_path, device="cpu")
    assert all(outcome.landmark.off_mm <= outcome.tolerance_mm for outcome in outcomes)
    assert (tmp_path / "report_PET.html").stat().st_size > 10_000
