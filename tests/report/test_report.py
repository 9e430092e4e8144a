"""The HTML report: what it embeds, says, escapes and promises."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from mactfusion.errors import InputError
from mactfusion.report.fusion import write_report

SHAPE = (20, 24, 16)
SPACING_MM = (2.0, 1.5, 3.0)
MARKER_RAS_MM = np.array([-12.0, 9.0, 6.0])
HOSTILE = "</script><script>alert('&')</script><img src=x onerror=alert(1)>"
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


def scene_of(page):
    return json.loads(re.search(r'id="scene">(.*?)</script>', page, re.DOTALL)[1])


def voxels_of(page, name):
    """The embedded volume as ``(C, I, J, K)`` uint8, as the page's script indexes it."""
    text = re.search(rf'id="voxels-{name}">(.*?)</script>', page, re.DOTALL)[1]
    scene = scene_of(page)
    flat = np.frombuffer(gzip.decompress(base64.b64decode(text)), dtype=np.uint8)
    shape = (scene["channels"][name], *scene["shape"][::-1])
    return flat.reshape(shape).transpose(0, 3, 2, 1)


def brightest(page, name="anatomical"):
    voxels = voxels_of(page, name)[0]
    return np.array(np.unravel_index(voxels.argmax(), voxels.shape))


def shown_at(page, index):
    """RAS millimetres (or pixels) that the page states for an index."""
    return (np.array(scene_of(page)["affine"]) @ [*index, 1.0])[:3]


@pytest.mark.parametrize("order", ["RAS", "LPS", "LAS", "PSR", "SRA", "AIL"])
@pytest.mark.parametrize("name", ["anatomical", "partner", "fused"])
def test_marker_on_patient_left_is_on_viewer_right(tmp_path, order, name):
    volumes, marker = volumes_with_marker(affine_of(order))
    page = report(tmp_path / "report.html", volumes)
    index = brightest(page, name)
    planes = {plane["name"]: plane for plane in scene_of(page)["planes"]}
    shape = np.array(scene_of(page)["shape"])
    beyond_middle = index > (shape - 1) / 2
    for plane in ("Axial", "Coronal"):
        assert planes[plane]["right"] == "L"
        assert beyond_middle[planes[plane]["across"]]
    assert planes["Axial"]["top"] == "A"
    assert not planes["Axial"]["flip"]
    assert not beyond_middle[planes["Axial"]["down"]]
    assert planes["Sagittal"]["left"] == "A"
    assert not beyond_middle[planes["Sagittal"]["across"]]
    assert planes["Coronal"]["top"] == "S"
    assert planes["Coronal"]["flip"]
    assert beyond_middle[planes["Coronal"]["down"]]
    np.testing.assert_allclose(shown_at(page, index), marker, atol=1e-4)


def test_lps_space_in_meta_data_does_not_mirror(tmp_path):
    volumes, marker = volumes_with_marker(affine_of("RAS"), meta={"space": "LPS"})
    page = report(tmp_path / "report.html", volumes)
    np.testing.assert_allclose(shown_at(page, brightest(page)), marker, atol=1e-4)
    assert brightest(page)[0] > SHAPE[0] / 2


def test_colour_and_spacing_follow_the_axes(tmp_path):
    volumes, _ = volumes_with_marker(affine_of("SRA"))
    page = report(tmp_path / "report.html", volumes)
    # SRA stores S, R, A with spacing 2, 1.5, 3; the page is ordered L, P, S.
    np.testing.assert_allclose(scene_of(page)["spacing"], [1.5, 3.0, 2.0])
    marker = voxels_of(page, "partner")[(slice(None), *brightest(page))]
    np.testing.assert_array_equal(marker, [255, 128, 51])


@pytest.mark.parametrize("degrees", [0.0, 19.0, 40.0])
def test_oblique_keeps_world_position_and_says_so(tmp_path, degrees):
    rotation = Rotation.from_euler("x", degrees, degrees=True)
    volumes, marker = volumes_with_marker(affine_of("RAS", rotation))
    page = report(tmp_path / "report.html", volumes)
    np.testing.assert_allclose(shown_at(page, brightest(page)), marker, atol=1e-4)
    assert ("Oblique acquisition, shown along the acquisition axes" in page) == (degrees > 0)
    assert (f"{degrees:.0f}°" in page) == (degrees > 0)


def test_large_volume_is_averaged_down_in_place(tmp_path):
    affine = np.diag([0.5, 0.7, 2.0, 1.0])
    values = torch.zeros(1, 260, 200, 12)
    values[0, 40:49, 150:159, 5:8] = 1.0
    center = (affine @ [44, 154, 6, 1])[:3]
    volume = MetaTensor(values, affine=torch.tensor(affine))
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    assert scene_of(page)["shape"] == [192, 192, 12]
    assert "192 × 192 × 12 instead of 260 × 200 × 12" in page
    weights = voxels_of(page, "fused")[0].astype(float)
    centroid = [
        np.average(np.arange(size), weights=weights.sum(tuple({0, 1, 2} - {axis})))
        for axis, size in enumerate(weights.shape)
    ]
    np.testing.assert_allclose(shown_at(page, centroid), center, atol=0.2)


def test_small_volume_is_not_called_reduced(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    assert "reduced resolution" not in report(tmp_path / "report.html", volumes)


@pytest.mark.parametrize(
    ("order", "plane"), [("LPS", "Axial"), ("LSA", "Coronal"), ("PSR", "Sagittal")]
)
def test_one_slice_shows_only_its_plane(tmp_path, order, plane):
    affine = affine_of(order)
    volume = MetaTensor(torch.rand(1, 9, 7, 1), affine=torch.tensor(affine))
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    assert [shown["name"] for shown in scene_of(page)["planes"]] == [plane]
    assert page.count("<canvas") == 4
    assert "data-through=" not in page.split("<main>")[1].split("</main>")[0]


def test_picture_has_pixels_and_no_patient_directions(tmp_path):
    pixels = torch.zeros(1, 30, 20, 1)
    pixels[0, 21, 4, 0] = 1.0
    volume = MetaTensor(pixels, affine=torch.tensor(PICTURE_AFFINE), meta={"is_image": True})
    page = report(
        tmp_path / "report.html", {"anatomical": volume, "partner": volume, "fused": volume}
    )
    np.testing.assert_allclose(shown_at(page, brightest(page))[:2], [21, 4])
    np.testing.assert_array_equal(brightest(page), [21, 4, 0])
    assert "Pixel (column, row)" in page
    assert '<span class="left">' not in page


def test_text_cannot_break_out(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    summary = {
        "task": HOSTILE,
        "coverage": 0.5,
        "seconds": {HOSTILE: 1.0},
        "versions": {HOSTILE: HOSTILE},
        "weights": HOSTILE,
        "weights_sha256": HOSTILE,
    }
    page = report(
        tmp_path / "report.html", volumes, summary, notes=[HOSTILE], options={HOSTILE: HOSTILE}
    )
    plain = report(tmp_path / "plain.html", volumes)
    assert "<img" not in page
    assert page.lower().count("<script") == plain.lower().count("<script") == 5
    assert page.lower().count("</script") == 5
    assert "&lt;/script&gt;&lt;script&gt;" in page


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes, {"task": "pet-mri"})
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none';")
    assert "://" not in page
    assert not re.search(r"\b(src|href|action)=|@import|url\(", page)
    without_voxels = re.sub(r'id="voxels-\w+">[^<]*<', "", page)
    assert "http" not in without_voxels.replace("http-equiv", "")


def test_equal_arguments_give_an_equal_file(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    summary = {"task": "ct-mri", "seconds": {"fuse": 1.25}}
    first = report(tmp_path / "first.html", volumes, summary)
    second = report(tmp_path / "second.html", volumes, summary)
    assert first == second


def test_everything_said_is_on_the_page(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(
        tmp_path / "report.html",
        volumes,
        {
            "task": "spect-mri",
            "coverage": 0.8736,
            "seconds": {"common grid": 1.204},
            "versions": {"torch": "9.8.7"},
            "weights": "model.pt",
            "weights_sha256": "ab" * 32,
        },
        notes=["The partner covers only a part.", "  "],
        options={"window": (50.0, 120.0), "luminance": True, "weights": tmp_path / "own.pt"},
    )
    body = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    for text in (
        "Not a medical device; not for diagnosis.",
        "covers 87.4 % of the anatomical volume",
        "common grid 1.20 s",
        "torch 9.8.7",
        "model.pt",
        "ab" * 32,
        "The partner covers only a part.",
        "window 50, 120",
        "luminance yes",
        "weights own.pt",
        "Partner (SPECT)",
    ):
        assert text in body
    assert str(tmp_path) not in page
    assert page.count("<li>") == 1


def test_bare_page_leaves_lines_out(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    assert "<meter" not in page
    assert "SHA-256" not in page
    assert "None" not in re.sub(r"<p>None\.</p>", "", page)


def test_meta_data_stay_out(tmp_path):
    volumes, _ = volumes_with_marker(
        affine_of(), meta={"filename_or_obj": "Doe_Jane.nii.gz", "0010|0010": "Doe^Jane"}
    )
    assert "Doe" not in report(tmp_path / "report.html", volumes)


def test_histogram_peaks_at_the_common_value_and_survives_a_blank_volume(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes)
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]*)"', page)
    assert [name for name, _ in lines] == ["anatomical", "partner", "fused"]
    heights = [1 - float(point.split(",")[1]) for point in lines[0][1].split()]
    # Nearly all voxels have the value 0.1, which is bin 6 of 64.
    assert int(np.argmax(heights)) == 6
    assert max(heights) == pytest.approx(1.0)
    blank = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.tensor(affine_of()))
    blank_page = report(
        tmp_path / "blank.html", {"anatomical": blank, "partner": blank, "fused": blank}
    )
    blank_points = re.search(r'<polyline class="fused" points="([^"]*)"', blank_page)[1]
    assert {point.split(",")[1] for point in blank_points.split()} == {"1.0000"}


def test_values_outside_the_range_are_clipped(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    volumes["fused"][0, 0, 0, 0] = float("nan")
    volumes["fused"][0, 1, 0, 0] = 7.0
    volumes["fused"][0, 2, 0, 0] = -7.0
    page = report(tmp_path / "report.html", volumes)
    # RAS storage: first and second index run backwards on the page.
    np.testing.assert_array_equal(voxels_of(page, "fused")[0, :-4:-1, -1, 0], [0, 255, 0])


def recorded(name, task, **others):
    """What the record says of one of several partners."""
    known = {"level_width": [50.0, 120.0], "coverage": 0.9, "colormap": "grey"}
    return {"name": name, "task": task, "colors": ["#000000", "#ffffff"], **known, **others}


def test_each_of_several_partners_has_a_column_and_a_legend(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    partners = [
        recorded("bone.nii", "ct-mri"),
        recorded("<i>.nii", "pet-mri", level_width=[3.0, 6.0], colormap="hot_iron", coverage=0.5),
        recorded("late.nii", "pet-mri", colors=[], colormap="its own"),
    ]
    shown = [volumes["anatomical"], volumes["partner"], 0.5 * volumes["partner"]]
    summary = {"task": "ct-mri + pet-mri + pet-mri", "partners": partners, "coverage": 0.5}
    page = report(tmp_path / "report.html", {**volumes, "partners": shown}, summary)
    columns = re.findall(r'data-row="([^"]+)"( hidden)?', page)
    each = ["partner-1", "partner-2", "partner-3"]
    assert [name for name, _ in columns] == ["anatomical", *each, "partner", "fused", "blend"]
    assert [name for name, hidden in columns if hidden] == ["partner", "blend"]
    unchecked = re.findall(r'name="show" value="([^"]+)">', page)
    assert unchecked == ["partner", "blend"]
    assert [scene_of(page)["channels"][name] for name in each] == [1, 3, 3]
    marker = (slice(None), *brightest(page, "partner-3"))
    np.testing.assert_array_equal(voxels_of(page, "partner-2")[marker], [255, 128, 51])
    np.testing.assert_array_equal(voxels_of(page, "partner-3")[marker], [128, 64, 26])
    captions = re.findall(r'<p class="caption \w+">(.*?)</p>', page)
    assert [re.sub("<[^>]*>", "", caption) for caption in captions] == [
        "Anatomical (MR)",
        "CT bone.nii",
        "PET 1 &lt;i&gt;.nii",
        "PET 2 late.nii",
        "Partners joined",
        "Fused",
        "Blend",
    ]
    assert re.findall(r"(.*) over anatomical<", page) == [
        f'        <option value="{name}">{label}'
        for name, label in zip([*each, "partner"], ["CT", "PET 1", "PET 2", "Joined"], strict=True)
    ]
    legend = page.split('<section class="panel legend">')[1].split("</section>")[0]
    for text in (
        "<strong>PET 1</strong> &lt;i&gt;.nii</p>",
        "pet-mri, covers 50.0 %",
        "level 3, width 6",
        'aria-label="Colours of PET 1: hot_iron"',
        "<span>0</span><span>hot_iron</span>",
        "level 50, width 120",
        "Keeps its own colours.",
    ):
        assert text in legend
    assert page.count("<polyline") == 3


def test_one_partner_has_a_row_and_no_legend(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes, {"task": "pet-mri"})
    rows = re.findall(r'data-row="([^"]+)"( hidden)?', page)
    assert rows == [("anatomical", ""), ("partner", ""), ("fused", ""), ("blend", " hidden")]
    assert '<span class="name partner">Partner (PET)</span>' in page
    assert "caption" not in page.split("</style>")[1]
    assert "legend" not in re.findall(r'class="([^"]*panel[^"]*)"', page)


def _other_shape(volumes):
    volumes["fused"] = volumes["fused"][:, 1:]


def _two_channels(volumes):
    volumes["partner"] = volumes["partner"][:2]


def _other_place(volumes):
    volumes["partner"].affine = torch.tensor(affine_of("LAS"))


def _other_place_of_several(volumes):
    elsewhere = MetaTensor(torch.zeros(1, *SHAPE), affine=torch.tensor(affine_of("LAS")))
    volumes["partners"] = [volumes["partner"], elsewhere]


@pytest.mark.parametrize(
    "spoil", [_other_shape, _two_channels, _other_place, _other_place_of_several]
)
def test_volumes_off_the_grid_are_refused(tmp_path, spoil):
    volumes, _ = volumes_with_marker(affine_of())
    spoil(volumes)
    with pytest.raises(InputError, match="one grid"):
        report(tmp_path / "report.html", volumes)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_sentence(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    with pytest.raises(InputError, match="cannot be written"):
        report(tmp_path / "missing" / "report.html", volumes)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    volumes, _ = volumes_with_marker(affine_of())
    path = tmp_path / "report.html"
    path.write_text("old")

    def disk_full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", disk_full)
    with pytest.raises(InputError, match="No space left"):
        report(path, volumes)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]
