"""probe() and ``mactfusion probe``: the right voxel of each source, or one true sentence."""

from __future__ import annotations

import json
import re

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mactfusion
from mactfusion import fuse_volumes, probe
from mactfusion.cli.probe import source_text
from mactfusion.errors import InputError
from mactfusion.transforms.nearest import centre_of, nearest_voxel
from mactfusion.trust.probed import Probed

POINT_MM = np.array([-12.0, 9.0, 6.0])
"""To the left, front and top of the middle."""


def grid(order, spacing_mm, shape, rotation=None):
    """An affine whose axes run to the letters of ``order``; the origin is the middle."""
    directions = np.zeros((3, 3))
    for column, letter in enumerate(order):
        row = next(number for number, pair in enumerate(("RL", "AP", "SI")) if letter in pair)
        directions[row, column] = 1.0 if letter in "RAS" else -1.0
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing_mm
    if rotation is not None:
        affine[:3, :3] = rotation.as_matrix() @ affine[:3, :3]
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def places(affine, shape):
    """Volume whose every voxel holds a value of its own: 1000 plus a sum of its place in mm."""
    index = np.indices(shape).reshape(3, -1)
    x, y, z = (affine @ np.vstack([index, np.ones(index.shape[1])]))[:3]
    return (1000 + x + 3 * y + 7 * z).reshape(shape).astype(np.float32)


def expected_at(point_mm):
    x, y, z = point_mm
    return 1000 + x + 3 * y + 7 * z


OBLIQUE = Rotation.from_euler("xyz", [12, -8, 20], degrees=True)
GRIDS = {
    "RAS": ("RAS", (2.0, 2.0, 3.0), (24, 26, 18), None),
    "LPS": ("LPS", (2.0, 2.0, 3.0), (24, 26, 18), None),
    "PIR": ("PIR", (2.0, 3.0, 2.0), (26, 18, 24), None),
    "oblique LAS": ("LAS", (1.5, 2.0, 2.5), (30, 26, 20), OBLIQUE),
    "oblique SRP": ("SRP", (2.5, 1.5, 2.0), (20, 30, 26), OBLIQUE),
}
OTHER = ("LAS", (3.0, 2.5, 4.0), (20, 24, 16), Rotation.from_euler("z", -9, degrees=True))


def fused_pair(folder, own, other=OTHER, pixel_maximum=None, **options):
    for name, (order, spacing_mm, shape, rotation) in {"mr": own, "pet": other}.items():
        affine = grid(order, spacing_mm, shape, rotation)
        image = nibabel.Nifti1Image(places(affine, shape), affine)
        nibabel.save(image, folder / f"{name}.nii.gz")
    return fuse_volumes(
        folder / "mr.nii.gz",
        folder / "pet.nii.gz",
        output=folder / options.pop("name", "fused.nii.gz"),
        register="off",
        weights=pixel_maximum,
        **{"task": "pet-mri", "window": (1000, 400), "anatomical_window": (1000, 400)} | options,
    )


@pytest.mark.parametrize("own", GRIDS)
def test_a_point_finds_the_same_place_in_every_grid(own, tmp_path, pixel_maximum):
    result = fused_pair(tmp_path, GRIDS[own], pixel_maximum=pixel_maximum)
    found = probe(tmp_path / "fused.nii.gz", *POINT_MM)
    assert found.position_mm == POINT_MM.tolist()
    assert found.voxel == nearest_voxel(result.fused.affine, result.fused.shape[1:], POINT_MM)
    anatomical, partner = found.sources
    for source, (order, spacing_mm, shape, rotation) in (
        (anatomical, GRIDS[own]),
        (partner, OTHER),
    ):
        affine = grid(order, spacing_mm, shape, rotation)
        centre = centre_of(affine, source.voxel)
        assert source.value == pytest.approx(expected_at(centre), abs=0.01)
        # It is the voxel that the point lies in, not its mirror image.
        inside = np.linalg.solve(affine[:3, :3], POINT_MM - centre)
        assert np.abs(inside).max() <= 0.5
        assert np.sign(centre[0]) == np.sign(POINT_MM[0])
    assert found.fused == pytest.approx(
        [float(value) for value in result.fused[(slice(None), *found.voxel)]], abs=1 / 255
    )


def test_a_voxel_is_its_centre(tmp_path, pixel_maximum):
    result = fused_pair(tmp_path, GRIDS["oblique SRP"], pixel_maximum=pixel_maximum)
    found = probe(tmp_path / "fused.nii.gz", 3, 20, 7, voxel=True)
    assert found.voxel == found.sources[0].voxel == (3, 20, 7)
    assert found.position_mm == pytest.approx(centre_of(result.fused.affine, (3, 20, 7)), abs=1e-3)


def test_a_partner_that_was_moved_is_looked_up_through_its_pose(tmp_path, pixel_maximum):
    from mactfusion.registration.linear import write_transform

    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    pose[:3, 3] = [4.0, -6.0, 2.0]
    write_transform(pose, tmp_path / "given.tfm")
    fused_pair(
        tmp_path, GRIDS["RAS"], pixel_maximum=pixel_maximum, transform=tmp_path / "given.tfm"
    )
    partner = probe(tmp_path / "fused.nii.gz", *POINT_MM).sources[1]
    affine = grid(*OTHER[:3], OTHER[3])
    there = np.array([-9.0 + 4, -12.0 - 6, 6.0 + 2])
    assert partner.voxel == nearest_voxel(affine, OTHER[2], there)
    assert partner.value == pytest.approx(expected_at(centre_of(affine, partner.voxel)), abs=0.01)


def test_outside_is_said(tmp_path, pixel_maximum):
    small = ("RAS", (2.0, 2.0, 3.0), (6, 26, 18), None)
    fused_pair(tmp_path, GRIDS["RAS"], small, pixel_maximum)
    partner = probe(tmp_path / "fused.nii.gz", *POINT_MM).sources[1]
    assert (partner.is_outside, partner.value, partner.voxel) == (True, None, None)
    with pytest.raises(InputError, match=r"point 90 0 0 mm \(RAS\) lies outside fused.nii.gz"):
        probe(tmp_path / "fused.nii.gz", 90, 0, 0)
    for voxel in ((24, 0, 0), (0, -1, 0)):
        with pytest.raises(InputError, match="lies outside fused"):
            probe(tmp_path / "fused.nii.gz", *voxel, voxel=True)
    with pytest.raises(InputError, match="whole numbers"):
        probe(tmp_path / "fused.nii.gz", 1.5, 0, 0, voxel=True)


def test_a_border_belongs_to_the_higher_index_and_the_last_border_to_nobody():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    assert nearest_voxel(affine, (3, 3, 3), (1.0, 0, 0)) == (1, 0, 0)
    assert nearest_voxel(affine, (3, 3, 3), (-1.0, 0, 0)) == (0, 0, 0)
    assert nearest_voxel(affine, (3, 3, 3), (5.0, 0, 0)) is None
    assert nearest_voxel(affine, (3, 3, 3), (-1.1, 0, 0)) is None


def test_a_value_that_is_not_finite_is_no_value(files, mr, pixel_maximum):
    array, affine = mr
    array = array.copy()
    array[12, 14, 2] = np.nan
    nibabel.save(nibabel.Nifti1Image(array, affine), "mr.nii.gz")
    fuse_volumes("mr.nii.gz", "pet.nii.gz", task="pet-mri", output="f.nii", weights=pixel_maximum)
    found = probe("f.nii", 12, 14, 2, voxel=True).sources[0]
    assert (found.value, found.voxel) == (None, (12, 14, 2))
    assert probe("f.nii", 12, 13, 2, voxel=True).sources[0].value == array[12, 13, 2]


@pytest.mark.parametrize("name", ["f.nii.gz", "f.nrrd", "f.mha"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_fused_value_is_a_share_of_full_scale_in_every_file(name, dtype, files, pixel_maximum):
    result = fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", output=name, weights=pixel_maximum,
        luminance=True, dtype=dtype,
    )  # fmt: skip
    found = probe(name, 11, 12, 2, voxel=True)
    assert found.fused == pytest.approx(float(result.fused[0, 11, 12, 2]), abs=1 / 255)
    assert found.sources[1].decoded is None


@pytest.mark.parametrize("name", ["series", "object.dcm"])
def test_a_result_in_dicom(name, files, pixel_maximum):
    result = fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", output=name, format="dicom", anonymous=True,
        weights=pixel_maximum, provenance=True,
    )  # fmt: skip
    point_mm = centre_of(result.fused.affine, (8, 10, 1))
    found = probe(name, *point_mm)
    assert found.fused == pytest.approx(result.fused[:, 8, 10, 1].tolist(), abs=1 / 255)
    assert found.sources[0].voxel == (8, 10, 1)
    assert found.sources[0].share == pytest.approx(float(result.shares[0, 8, 10, 1]), abs=1e-6)


def test_shares_and_flags_come_from_beside(files, pixel_maximum):
    result = fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", output="f.nii.gz", weights=pixel_maximum,
        provenance=True,
    )  # fmt: skip
    found = probe("f.nii.gz", 11, 12, 2, voxel=True)
    assert [source.share for source in found.sources] == pytest.approx(
        result.shares[:, 11, 12, 2].tolist()
    )
    codes = np.zeros(result.fused.shape[1:], np.uint8)
    codes[11, 12, 2] = 1 + 2 + 128
    nibabel.save(nibabel.Nifti1Image(codes, result.fused.affine.numpy()), "f.nii.gz.lost.nii.gz")
    assert probe("f.nii.gz", 11, 12, 2, voxel=True).flags == [
        "Structure of the anatomical volume is lost here.",
        "Structure of the partner is lost here.",
        "No source has the structure seen here.",
    ]
    assert probe("f.nii.gz", 11, 13, 2, voxel=True).flags == []
    (files / "f.nii.gz.provenance.nii.gz").write_text("no volume")
    found = probe("f.nii.gz", 11, 12, 2, voxel=True)
    assert found.sources[0].share is None
    assert "f.nii.gz.provenance.nii.gz is not what the record says, and is left out." in found.notes


def test_several_partners_are_told_by_their_content(files, mr, pixel_maximum):
    nibabel.save(
        nibabel.Nifti1Image(np.where(mr[0] > 300, 900, 40), mr[1], dtype="int16"), "ct.nii.gz"
    )
    partners = ["ct.nii.gz", "pet.nii.gz"]
    fuse_volumes(
        "mr.nii.gz", partners, task=["ct-mri", "pet-mri"], output="out/f.nii.gz",
        weights=pixel_maximum,
    )  # fmt: skip
    in_order = probe("out/f.nii.gz", 11, 12, 2, voxel=True, anatomical="mr.nii.gz",
                     partner=partners)  # fmt: skip
    turned = probe("out/f.nii.gz", 11, 12, 2, voxel=True, anatomical="mr.nii.gz",
                   partner=partners[::-1])  # fmt: skip
    assert in_order == turned
    values = {source.role: source.value for source in in_order.sources}
    ct = nibabel.load("ct.nii.gz").get_fdata()
    assert values["partner 1"] == ct[11, 12, 2]
    assert values["partner 2"] != values["partner 1"]


def test_sources_are_found_beside_or_asked_for(fuse, files):
    assert fuse("-o", "fused.nii.gz").code == 0
    assert probe("fused.nii.gz", 0, 0, 0).sources[0].value is not None
    (files / "elsewhere").mkdir()
    (files / "pet.nii.gz").rename(files / "elsewhere" / "pet.nii.gz")
    found = probe("fused.nii.gz", 0, 0, 0)
    assert found.sources[1].value is None
    assert "The partner is not at hand: give it with the option partner." in found.notes
    found = probe("fused.nii.gz", 0, 0, 0, partner="elsewhere/pet.nii.gz")
    assert found.sources[1].value is not None
    assert found.notes == [note for note in found.notes if "not at hand" not in note]


def test_a_source_that_is_another_is_refused(fuse, files, mr):
    assert fuse("-o", "fused.nii.gz").code == 0
    with pytest.raises(InputError, match=r"pet.nii.gz is not the anatomical volume that was fused"):
        probe("fused.nii.gz", 0, 0, 0, anatomical="pet.nii.gz")
    array, affine = mr
    nibabel.save(nibabel.Nifti1Image(array + 1, affine), "mr.nii.gz")
    with pytest.raises(InputError, match=r"mr.nii.gz is not the anatomical volume that was fused"):
        probe("fused.nii.gz", 0, 0, 0, anatomical="mr.nii.gz")
    found = probe("fused.nii.gz", 0, 0, 0)
    assert found.notes[0] == (
        "mr.nii.gz has the name of the anatomical volume, but is not what was fused, and is left "
        "out."
    )
    assert found.sources[0].value is None


def test_without_a_record_only_its_own_value_is_told(fuse, files):
    assert fuse("-o", "fused.nii.gz").code == 0
    (files / "fused.nii.gz.json").unlink()
    found = probe("fused.nii.gz", 0, 0, 0)
    assert (found.sources, found.flags) == ([], [])
    assert "no record" in found.notes[0]
    with pytest.raises(InputError, match="nothing tells that the sources are those"):
        probe("fused.nii.gz", 0, 0, 0, anatomical="mr.nii.gz")
    (files / "fused.nii.gz.json").write_text('{"partners": 3}')
    with pytest.raises(InputError, match="is no record of a fusion"):
        probe("fused.nii.gz", 0, 0, 0)


def test_the_command_takes_numbers_below_zero(fuse, files, run_command):
    assert fuse("-o", "fused.nii.gz", "--provenance").code == 0
    told = run_command("probe", "fused.nii.gz", "-10.5", "-8", "5")
    assert told.code == 0, told.err
    lines = dict(line.split(maxsplit=1) for line in told.out.splitlines() if line[:4] != "note")
    assert lines["place"].startswith("-10.5, -8.0, 5.0 mm (RAS), voxel ")
    assert "share" in lines["anatomical"]
    assert "its voxel" in lines["partner"]
    as_json = json.loads(run_command("probe", "fused.nii.gz", "-10.5", "-8", "5", "--json").out)
    assert as_json["position_mm"] == [-10.5, -8.0, 5.0]
    assert run_command("probe", "fused.nii.gz", "900", "0", "0").refused("lies outside")
    assert run_command("probe", "absent.nii.gz", "0", "0", "0").refused("does not exist")
    assert run_command("probe", "fused.nii.gz", "0", "0", "0", "--nonsense").code == 2


def test_nothing_is_left_or_changed(fuse, files, run_command):
    assert fuse("-o", "fused.nii.gz").code == 0
    before = {path: path.read_bytes() for path in files.iterdir()}
    assert run_command("probe", "fused.nii.gz", "0", "0", "0").code == 0
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_the_package_offers_it():
    assert mactfusion.probe is probe
    assert "probe" in mactfusion.__all__


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_a_place_is_any_kind_of_number(kind, tmp_path, pixel_maximum):
    fused_pair(tmp_path, GRIDS["RAS"], pixel_maximum=pixel_maximum)
    found = probe(tmp_path / "fused.nii.gz", kind(3), kind(4), kind(2), voxel=True)
    assert found.fused == probe(tmp_path / "fused.nii.gz", 3, 4, 2, voxel=True).fused


@pytest.mark.parametrize("place", [float("nan"), float("inf"), 10**400, None, "1"])
@pytest.mark.parametrize("voxel", [False, True])
def test_a_place_that_is_none_is_refused(place, voxel, tmp_path, pixel_maximum):
    fused_pair(tmp_path, GRIDS["RAS"], pixel_maximum=pixel_maximum)
    with pytest.raises(InputError, match="three finite numbers"):
        probe(tmp_path / "fused.nii.gz", place, 1, 1, voxel=voxel)


def test_a_picture_of_a_volume_does_not_say_where_it_lies(tmp_path, pixel_maximum):
    one_slice = ("RAS", (1.0, 1.0, 5.0), (24, 26, 1), None)
    other = ("RAS", (2.0, 2.0, 5.0), (12, 13, 1), None)
    fused_pair(tmp_path, one_slice, other, pixel_maximum=pixel_maximum, name="fused.png")
    with pytest.raises(InputError, match="does not say where it lies"):
        probe(tmp_path / "fused.png", 3, 4, 0, voxel=True)


def without_windows(record):
    for partner in record["partners"]:
        del partner["level_width"]


def without_options(record):
    record["options"] = None


def with_ragged_pose(record):
    record["partners"][0]["pose"] = [[1, 0], [0]]


@pytest.mark.parametrize("damage", [without_windows, without_options, with_ragged_pose])
def test_a_damaged_record_is_refused_in_a_sentence(damage, tmp_path, pixel_maximum):
    fused_pair(tmp_path, GRIDS["RAS"], pixel_maximum=pixel_maximum)
    path = tmp_path / "fused.nii.gz.json"
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="is damaged"):
        probe(tmp_path / "fused.nii.gz", *POINT_MM)


def test_a_map_of_another_grid_is_left_out(tmp_path, pixel_maximum):
    fused_pair(tmp_path, GRIDS["RAS"], pixel_maximum=pixel_maximum, provenance=True)
    path = tmp_path / "fused.nii.gz.provenance.nii.gz"
    image = nibabel.load(path)
    nibabel.save(image.slicer[:, :, :1], path)
    seen = probe(tmp_path / "fused.nii.gz", *POINT_MM)
    assert any("is left out" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((0.2, 0.5), "0.2 to 0.5 SUV"),
        ((0.5, 0.5), "0.5 SUV"),
        ((4.9, None), "4.9 SUV or more"),
        ((None, 0.1), "0.1 SUV or less"),
        ((None, None), "nothing: every value looks so"),
    ],
)
def test_a_range_that_is_open_is_said_to_be(bounds, text):
    source = Probed("partner", "SUV", decoded=(0.5, *bounds))
    assert source_text(source) == f"its colour says {text}"


def test_a_colour_at_an_end_of_the_window_says_or_more_and_or_less(
    files, mr, pixel_maximum, run_command
):
    """The partner has ten times what the window ends at, its middle, and nothing."""
    array, affine = mr
    uptake = np.zeros(array.shape, np.float32)
    uptake[6:12], uptake[12:] = 5, 95
    nibabel.save(nibabel.Nifti1Image(90 + array / 9, affine), "mr.nii.gz")
    nibabel.save(nibabel.Nifti1Image(uptake, affine), "pet.nii.gz")
    fuse_volumes(
        "mr.nii.gz", "pet.nii.gz", task="pet-mri", window=(5.0, 9.0), output="f.nii.gz",
        weights=pixel_maximum, check=False, register="off",
    )  # fmt: skip
    for i, is_open in ((18, (False, True)), (9, (False, False)), (3, (True, False))):
        _value, low, high = probe("f.nii.gz", i, 14, 2, voxel=True).sources[1].decoded
        assert (low is None, high is None) == is_open
    words = ("probe", "f.nii.gz", "--voxel", "18", "14", "2")
    assert re.search(r"its colour says 9[.0-9]* or more", run_command(*words).out)
    told = json.loads(run_command(*words, "--json").out)["sources"][1]["decoded"]
    assert told[1] > 9
    assert told[2] is None
