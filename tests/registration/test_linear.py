"""Transforms from elsewhere: their direction, and what is refused."""

from __future__ import annotations

import random

import nibabel
import numpy as np
import pytest
import SimpleITK

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.registration.linear import from_itk, read_transform, to_itk, write_transform

LANDMARK = np.array([12.0, -8.0, 5.0])
"""In the anatomical volume, RAS."""
LPS_RAS = np.array([-1.0, -1.0, 1.0])
HEAD = "#Insight Transform File V1.0\n#Transform 0\n"
TURN, SHIFT, CENTRE = (0.1, -0.2, 0.3), (6.0, -4.0, 3.0), (20.0, 10.0, -15.0)


def euler():
    return SimpleITK.Euler3DTransform(CENTRE, *TURN, SHIFT)


def versor():
    return SimpleITK.VersorRigid3DTransform((0, 0, 1), 0.2, SHIFT, CENTRE)


def affine():
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix([1.05, 0.1, 0, -0.1, 0.97, 0.05, 0, 0, 1.1])
    transform.SetTranslation(SHIFT)
    transform.SetCenter(CENTRE)
    return transform


def similarity():
    return SimpleITK.Similarity3DTransform(0.95, (0, 1, 0), 0.15, SHIFT, CENTRE)


def composite():
    return SimpleITK.CompositeTransform([euler(), affine()])


KINDS = [euler, versor, affine, similarity, composite]


@pytest.fixture
def volumes(tmp_path):
    """An anatomical volume, and a maker of a partner that shows one bright point at a place."""
    grid = np.diag([2.0, 2.0, 2.0, 1.0])
    grid[:3, 3] = -40
    index = np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), -1)
    places = index * 2.0 - 40
    anatomical = np.random.default_rng(0).random((41, 41, 41)) * 900

    def partner(place):
        squared = ((places - place) ** 2).sum(-1)
        path = tmp_path / "partner.nii.gz"
        nibabel.save(nibabel.Nifti1Image(1000 * np.exp(-squared / 18), grid), path)
        return path

    path = tmp_path / "anatomical.nii.gz"
    nibabel.save(nibabel.Nifti1Image(anatomical, grid), path)
    return path, partner


def hottest_mm(volume):
    index = np.unravel_index(int(np.nanargmax(volume[0].numpy())), volume.shape[1:])
    return (volume.affine.numpy() @ [*index, 1.0])[:3]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("extension", [".tfm", ".txt", ".h5"])
def test_the_files_of_itk(make, extension, tmp_path):
    path = tmp_path / f"moved{extension}"
    SimpleITK.WriteTransform(make(), str(path))
    matrix = read_transform(path)
    for point in np.random.default_rng(0).normal(0, 50, (4, 3)):
        there = np.array(make().TransformPoint((point * LPS_RAS).tolist())) * LPS_RAS
        np.testing.assert_allclose((matrix @ [*point, 1])[:3], there, atol=1e-9)


@pytest.mark.parametrize("make", KINDS)
def test_it_leads_from_the_anatomical_volume_to_the_partner(make, volumes, tmp_path, pixel_maximum):
    """A landmark of the partner that a transform moved lies right once it is given."""
    anatomical, partner = volumes
    moved = np.array(make().TransformPoint((LANDMARK * LPS_RAS).tolist())) * LPS_RAS
    assert np.linalg.norm(moved - LANDMARK) > 5
    file = tmp_path / "t.tfm"
    SimpleITK.WriteTransform(make(), str(file))
    options = {"task": "pet-mri", "register": "off", "weights": pixel_maximum}
    given = partner(moved)
    before = fuse_volumes(anatomical, given, keep_native=True, **options)
    after = fuse_volumes(anatomical, given, keep_native=True, transform=file, **options)
    assert np.linalg.norm(hottest_mm(before.native[1]) - moved) < 2
    assert np.linalg.norm(hottest_mm(after.native[1]) - LANDMARK) < 2
    np.testing.assert_allclose(after.record["partners"][0]["pose"], read_transform(file), atol=1e-5)


def test_a_matrix_comes_back_as_it_was(tmp_path):
    matrix = from_itk(composite())
    np.testing.assert_allclose(from_itk(to_itk(matrix)), matrix, atol=1e-12)
    write_transform(matrix, tmp_path / "t.tfm")
    np.testing.assert_allclose(read_transform(tmp_path / "t.tfm"), matrix, atol=1e-12)


def test_older_files_of_itk_without_the_order_of_turns(tmp_path):
    path = tmp_path / "t.TFM"
    path.write_text(
        f"{HEAD}Transform: Euler3DTransform_double_3_3\n"
        "Parameters: 0 0 0 1 2 3\nFixedParameters: 4 5 6\n"
    )
    np.testing.assert_allclose(read_transform(path)[:3, 3], (-1, -2, 3))


def test_single_precision_and_the_class_that_others_derive_from(tmp_path):
    for kind in ("AffineTransform_float_3_3", "MatrixOffsetTransformBase_double_3_3"):
        path = tmp_path / "t.tfm"
        path.write_text(
            f"{HEAD}Transform: {kind}\n"
            "Parameters: 1 0 0 0 1 0 0 0 1 1 2 3\nFixedParameters: 0 0 0\n"
        )
        np.testing.assert_allclose(read_transform(path)[:3, 3], (-1, -2, 3))


def lines(kind, parameters, fixed="0 0 0"):
    return f"{HEAD}Transform: {kind}\nParameters: {parameters}\nFixedParameters: {fixed}\n"


AFFINE = "AffineTransform_double_3_3"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (lines(AFFINE, "-1 0 0 0 1 0 0 0 1 0 0 0"), "mirrors: it would swap left and right"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 0 0 0 0"), "no transform that could be undone"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 1 0 0 nan"), "cannot be read|no transform that could"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 1 0 0 inf"), "cannot be read|no transform that could"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 1 0 0"), "has 12 parameters, not 11"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 1 0 0 x"), "has 12 parameters"),
        (lines(AFFINE, "1 0 0 0 1 0 0 0 1 0 0 0", "1 2"), "its centre is missing"),
        (lines("Euler3DTransform_double_3_3", "0 0 0 1"), "has 6 parameters, not 4"),
        (
            lines("Euler3DTransform_double_3_3", "0 0 0 1 2 3").split("Fixed")[0],
            "damaged or incomplete",
        ),
        (
            lines("Euler3DTransform_double_3_3", "0 0 0 1 2 3").replace("dPar", "dPra"),
            "damaged or incomplete",
        ),
        (lines("Euler2DTransform_double_2_2", "0 0 0"), "of 2 dimensions, not 3"),
        (lines("BSplineTransform_double_3_3", "0 0 0"), "holds a BSplineTransform. Only linear"),
        (lines("Nonsense", "0"), "holds a Nonsense. Only linear"),
        (2 * lines("TranslationTransform_double_3_3", "0 0 0", ""), "2 transforms, not one"),
        (f"{HEAD}Transform: CompositeTransform_double_3_3\n", "0 transforms, not one"),
        (HEAD, "0 transforms, not one"),
        ("", "does not begin with #Insight"),
        ("no transform\n", "does not begin with #Insight"),
        ("Ärger", "damaged or incomplete"),
    ],
)
def test_what_is_refused(text, sentence, tmp_path):
    path = tmp_path / "t.tfm"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^t\.tfm .*({sentence})"):
        read_transform(path)


@pytest.mark.parametrize("extension", [".tfm", ".h5"])
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SimpleITK.BSplineTransform(3, 3), "holds a BSplineTransform"),
        (
            lambda: SimpleITK.DisplacementFieldTransform(
                SimpleITK.Image([4, 4, 4], SimpleITK.sitkVectorFloat64)
            ),
            "holds a DisplacementFieldTransform",
        ),
        (
            lambda: SimpleITK.CompositeTransform([euler(), SimpleITK.BSplineTransform(3, 3)]),
            "holds a BSplineTransform",
        ),
        (SimpleITK.Euler2DTransform, "of 2 dimensions"),
    ],
)
def test_what_deforms_or_is_flat_is_refused(make, sentence, extension, tmp_path):
    path = tmp_path / f"t{extension}"
    SimpleITK.WriteTransform(make(), str(path))
    with pytest.raises(InputError, match=sentence):
        read_transform(path)


def test_another_ending_and_a_large_file_are_refused(tmp_path):
    (tmp_path / "t.mat").write_bytes(b"1 0 0 0")
    with pytest.raises(InputError, match=r"must end in \.tfm, \.txt, \.h5, \.hdf5"):
        read_transform(tmp_path / "t.mat")
    (tmp_path / "t.h5").write_bytes(bytes(2**20 + 1))
    with pytest.raises(InputError, match="too large for a linear transform"):
        read_transform(tmp_path / "t.h5")


def test_a_damaged_text_is_refused_or_read_whole(tmp_path):
    """ITK alone takes what is missing for zero, or for what lies behind it in memory."""
    path = tmp_path / "t.tfm"
    SimpleITK.WriteTransform(euler(), str(path))
    text, whole = path.read_text(), read_transform(path)
    end = text.rindex("\nFixed") + len("\nFixedParameters: 20 10 -15 0")
    for length in range(end):
        path.write_text(text[:length])
        try:
            found = read_transform(path)
        except InputError:
            continue
        np.testing.assert_allclose(found[:3, :3], whole[:3, :3], atol=1e-9)
        numbers = text[:length].rpartition("FixedParameters:")[2].split()
        assert len(numbers) in (3, 4)  # of a number that was cut nobody can tell


def test_a_damaged_hdf_file_ends_in_a_sentence(tmp_path):
    path = tmp_path / "t.h5"
    SimpleITK.WriteTransform(euler(), str(path))
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    with pytest.raises(InputError, match="damaged or incomplete"):
        read_transform(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match="damaged or incomplete"):
        read_transform(path)
    draw = random.Random(1)
    damaged = bytearray(content)
    for _ in range(200):
        damaged[draw.randrange(2500)] = draw.randrange(256)
    path.write_bytes(bytes(damaged))
    with pytest.raises(InputError, match="damaged or incomplete"):
        read_transform(path)


def test_a_reader_that_goes_down_takes_nothing_with_it(tmp_path, monkeypatch):
    path = tmp_path / "t.h5"
    path.write_bytes(b"x")
    monkeypatch.setattr(
        "mactfusion.registration.transform_file._AS_TEXT", "import os; os.kill(os.getpid(), 11)"
    )
    with pytest.raises(InputError, match="damaged or incomplete"):
        read_transform(path)
