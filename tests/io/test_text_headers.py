"""Fields of NRRD and MetaImage headers: any value is read right, said, or refused."""

from __future__ import annotations

import gzip
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK

from mactfusion.errors import FusionWarning, InputError
from mactfusion.io.coerce import as_volume
from mactfusion.io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

VOXELS = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 101).astype(np.int16)
RAW = VOXELS.astype("<i2").tobytes("F")
TURN = np.array([[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]])
STEPS_MM, ORIGIN_MM = (2.0, 3.0, 4.0), (10.0, 20.0, 30.0)
LPS_SIGNS = (-1, -1, 1)


def affine(signs: Any = LPS_SIGNS, factors: Any = (1, 1, 1)) -> np.ndarray:
    """To RAS, of what the headers here say in a space of these signs and units."""
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = TURN * STEPS_MM, ORIGIN_MM
    return np.diag([*np.multiply(signs, factors), 1]) @ whole


def nrrd(path: Path, data: bytes = RAW, ending: str = "\n", **fields: str | None) -> Path:
    """An NRRD; an underscore in a field's name is a blank, None leaves the field out."""
    directions = TURN * STEPS_MM
    whole: dict[str, str | None] = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "5 6 7",
        "space directions": " ".join(
            "({},{},{})".format(*directions[:, axis].tolist()) for axis in range(3)
        ),
        "endian": "little",
        "encoding": "raw",
        "space origin": "({},{},{})".format(*ORIGIN_MM),
    }
    whole |= {key.replace("_", " "): value for key, value in fields.items()}
    lines = ["NRRD0005", *(f"{key}: {value}" for key, value in whole.items() if value is not None)]
    path.write_bytes(
        (ending.join(lines) + ending).encode() + (ending.encode() + data if data else b"")
    )
    return path


def meta(path: Path, data: bytes = RAW, extra: str = "", **fields: str | None) -> Path:
    """A MetaImage; None leaves the field out."""
    whole: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": " ".join(map(str, TURN.T.ravel().tolist())),
        "Offset": "10 20 30",
        "ElementSpacing": "2 3 4",
        "DimSize": "5 6 7",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    whole |= fields
    last = whole.pop("ElementDataFile")
    text = "".join(f"{key} = {value}\n" for key, value in whole.items() if value is not None)
    path.write_bytes((text + extra + f"ElementDataFile = {last}\n").encode() + data)
    return path


def assert_read(path: Path) -> tuple[Any, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        volume = read_volume(path)
    np.testing.assert_array_equal(volume[0].numpy(), VOXELS)
    return volume, [str(each.message) for each in said]


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        *(("um", 1e-3), ("microns", 1e-3), ("µm", 1e-3), ("nm", 1e-6), ("m", 1e3), ("cm", 10)),
        *(("MM", 1), ("millimeters", 1), ("", 1), ("???", 1), ("inch", 25.4), ("meters", 1e3)),
    ],
)
def test_space_units(tmp_path: Path, unit: str, factor: float) -> None:
    path = nrrd(tmp_path / "a.nrrd", space_units=f'"{unit}" "{unit}" "{unit}"')
    found = assert_read(path)[0].affine.numpy()
    np.testing.assert_allclose(found, affine(factors=[factor] * 3), rtol=1e-9)


def test_each_direction_has_its_unit(tmp_path: Path) -> None:
    path = nrrd(tmp_path / "a.nrrd", space_units='"cm" "cm" "um"')
    found = assert_read(path)[0].affine.numpy()
    np.testing.assert_allclose(found, affine(factors=(10, 10, 1e-3)))


@pytest.mark.parametrize("units", ['"voxel" "voxel" "voxel"', '"s" "s" "s"', '"mm" "mm"'])
def test_units_that_are_no_lengths(tmp_path: Path, units: str) -> None:
    with pytest.raises(InputError, match="space units"):
        read_volume(nrrd(tmp_path / "a.nrrd", space_units=units))


def test_units_of_axes_that_differ(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'units' and 'space units' differ"):
        read_volume(nrrd(tmp_path / "a.nrrd", units='"um" "um" "um"'))


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        *(("left-posterior-superior", LPS_SIGNS), ("LPS", LPS_SIGNS), ("lps", LPS_SIGNS)),
        *(("right-anterior-superior", (1, 1, 1)), ("RAS", (1, 1, 1))),
        *(("left-anterior-superior", (-1, 1, 1)), ("LAS", (-1, 1, 1))),
    ],
)
def test_anatomical_spaces(tmp_path: Path, space: str, signs: Any) -> None:
    found = assert_read(nrrd(tmp_path / "a.nrrd", space=space))[0].affine.numpy()
    np.testing.assert_allclose(found, affine(signs))


@pytest.mark.parametrize(
    "space",
    [
        *("scanner-xyz", "3D-right-handed", "3D-left-handed", "right-up"),
        *("left-posterior-superior-time", "RAST", "scanner-xyz-time", None),
    ],
)
def test_other_spaces_are_refused(tmp_path: Path, space: str | None) -> None:
    with pytest.raises(InputError, match="how its axes lie"):
        read_volume(nrrd(tmp_path / "a.nrrd", space=space))


@pytest.mark.parametrize("space", ["scanner-xyz", "3D-right-handed"])
def test_an_image_in_memory_that_came_from_such_a_space(tmp_path: Path, space: str) -> None:
    image = SimpleITK.ReadImage(str(nrrd(tmp_path / "a.nrrd", space=space)))
    with pytest.raises(InputError, match="how its axes lie"):
        as_volume(image)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("gz", gzip.compress), ("RAW", bytes)],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings(tmp_path: Path, encoding: str, pack: Any, ending: str) -> None:
    path = nrrd(tmp_path / "a.nrrd", pack(RAW), ending, encoding=encoding)
    np.testing.assert_allclose(assert_read(path)[0].affine.numpy(), affine())


def test_numbers_as_text_and_big_endian(tmp_path: Path) -> None:
    text = " ".join(map(str, VOXELS.ravel("F").tolist())).encode()
    assert_read(nrrd(tmp_path / "a.nrrd", text, encoding="ascii", endian=None))
    assert_read(meta(tmp_path / "a.mha", text + b"\n", BinaryData="False"))
    swapped = VOXELS.astype(">i2").tobytes("F")
    assert_read(nrrd(tmp_path / "b.nrrd", swapped, endian="big"))
    assert_read(meta(tmp_path / "b.mha", swapped, BinaryDataByteOrderMSB="True"))
    assert_read(
        meta(tmp_path / "c.mha", swapped, BinaryDataByteOrderMSB=None, ElementByteOrderMSB="True")
    )


def test_data_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"12345" + RAW)
    assert_read(nrrd(tmp_path / "a.nhdr", b"", data_file="./a.raw", byte_skip="5"))
    assert_read(nrrd(tmp_path / "b.nhdr", b"", data_file="a.raw", byte_skip="-1"))
    assert_read(meta(tmp_path / "a.mhd", b"", ElementDataFile="a.raw", HeaderSize="5"))
    assert_read(meta(tmp_path / "b.mhd", b"", ElementDataFile="a.raw", HeaderSize="-1"))
    size = VOXELS[..., 0].nbytes
    names = [f"{index}.raw" for index in range(7)]
    for index, name in enumerate(names):
        (tmp_path / name).write_bytes(RAW[size * index : size * (index + 1)])
    listed = "".join(f"{name}\n" for name in names).encode()
    assert_read(meta(tmp_path / "c.mhd", listed, ElementDataFile="LIST"))
    with pytest.raises(InputError, match="last line of its list"):
        read_volume(meta(tmp_path / "d.mhd", listed[:-1], ElementDataFile="LIST"))
    assert_read(nrrd(tmp_path / "c.nhdr", b"", data_file="LIST\n" + "\n".join(names)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.raw", "missing"),
        ("../a.raw", "another folder"),
        ("/etc/passwd", "another folder"),
        ("a%03d.raw 1 7 1", "numbered files"),
        ("a.mhd", "names itself"),
        ("short.raw", r"incomplete: 418 bytes of voxels in short\.raw"),
    ],
)
def test_data_files_that_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "short.raw").write_bytes(RAW[:-2])
    with pytest.raises(InputError, match=reason):
        read_volume(meta(tmp_path / "a.mhd", b"", ElementDataFile=name))
    name = name.replace("a.mhd", "a.nhdr")
    with pytest.raises(InputError, match=reason):
        read_volume(nrrd(tmp_path / "a.nhdr", b"", data_file=name))


@pytest.mark.parametrize("damage", ["cut", "one byte", "checksum"])
@pytest.mark.parametrize("kind", ["zlib", "zraw", "gzip"])
def test_compressed_voxels_are_checked(tmp_path: Path, kind: str, damage: str) -> None:
    values = np.random.default_rng(0).integers(-1000, 1000, 5 * 6 * 7).astype("<i2").tobytes()
    pack = gzip.compress if kind == "gzip" else zlib.compress
    content = bytearray(pack(values))
    size = str(len(content))
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        place = {"one byte": len(content) // 2, "checksum": -6 if kind == "gzip" else -2}[damage]
        content[place] ^= 0x55
    if kind == "gzip":
        path = nrrd(tmp_path / "a.nrrd", bytes(content), encoding=kind)
    else:
        packed = {"CompressedData": "True", "CompressedDataSize": size}
        (tmp_path / "a.zraw").write_bytes(content)
        local = kind == "zlib"
        path = meta(
            tmp_path / "a.mha",
            bytes(content) if local else b"",
            ElementDataFile="LOCAL" if local else "a.zraw",
            **packed,
        )
    with pytest.raises(InputError, match="compressed voxels are damaged"):
        read_volume(path)


@pytest.mark.parametrize(("size", "reason"), [(None, "without"), (-30, "damaged"), (9, "damaged")])
def test_the_size_of_a_compressed_stream(tmp_path: Path, size: int | None, reason: str) -> None:
    packed = zlib.compress(RAW)
    assert_read(
        meta(tmp_path / "a.mha", packed, CompressedData="True", CompressedDataSize=str(len(packed)))
    )
    told = None if size is None else str(len(packed) + size)
    with pytest.raises(InputError, match=reason):
        read_volume(
            meta(tmp_path / "b.mha", packed, CompressedData="True", CompressedDataSize=told)
        )


@pytest.mark.parametrize("make", [meta, nrrd])
def test_sizes_that_are_not_those_of_the_voxels(tmp_path: Path, make: Any) -> None:
    field = "DimSize" if make is meta else "sizes"
    suffix = "mha" if make is meta else "nrrd"
    for larger in ("5 6 8", "60000 60000 60000", "2147483647 2147483647 2"):
        with pytest.raises(InputError, match=r"incomplete|memory"):
            read_volume(make(tmp_path / f"a.{suffix}", **{field: larger}))
    with pytest.warns(FusionWarning, match="60 bytes follow the voxels"):
        read_volume(make(tmp_path / f"a.{suffix}", **{field: "5 6 6"}))
    if make is nrrd:
        with pytest.raises(InputError, match=r"incomplete|memory"):
            read_volume(
                nrrd(
                    tmp_path / "b.nrrd",
                    gzip.compress(RAW),
                    encoding="gzip",
                    sizes="9000 9000 9000",
                )
            )


ODD = ["0,5 1 1", "1 1", "1 1 1 1", "1 nan 1", "1 inf 1", "1 x 1", "1 1e308 1", "", "1_0 1 1"]


@pytest.mark.parametrize("numbers", ODD)
@pytest.mark.parametrize("field", ["Offset", "Position", "ElementSpacing", "CenterOfRotation"])
def test_odd_numbers_of_a_metaimage(tmp_path: Path, field: str, numbers: str) -> None:
    fields = {"Offset": None} if field == "Position" else {}
    with pytest.raises(InputError, match=field):
        read_volume(meta(tmp_path / "a.mha", **{**fields, field: numbers}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("NDims", "99999"), ("NDims", "-1"), ("NDims", "20"), ("NDims", "3.0"), ("NDims", "1")),
        *(("DimSize", "5 6"), ("DimSize", "5 6 -7"), ("DimSize", "5 6 0"), ("DimSize", "5 6 7.5")),
        *(("TransformMatrix", "1 0 0 1e308 1 0 0 0 1"), ("TransformMatrix", "1 0 0 0 1 0 0 0")),
        *(("TransformMatrix", "2 0 0 0 1 0 0 0 1"), ("TransformMatrix", "1,0 0 0 0 1 0 0 0 1")),
        *(("ElementType", "MET_OTHER"), ("ElementType", "MET_UCHAR_ARRAY"), ("ElementType", "")),
        *(("ElementNumberOfChannels", "0"), ("ElementNumberOfChannels", "99999")),
        *(("HeaderSize", "-2"), ("HeaderSize", "9"), ("HeaderSize", "x")),
        *(("CompressedData", "perhaps"), ("BinaryDataByteOrderMSB", "big")),
        *(("ObjectType", "Tube"), ("DistanceUnits", "furlong"), ("ElementByteOrderMSB", "True")),
        *(("ElementMin", "nan"), ("ID", "1e5"), ("Origin", "1 2 3"), ("Rotation", "0 " * 9)),
        *((field, None) for field in ("NDims", "DimSize", "ElementType", "ElementSpacing")),
    ],
)
def test_fields_of_a_metaimage_that_cannot_be(
    tmp_path: Path, field: str, value: str | None
) -> None:
    with pytest.raises(InputError) as error:
        read_volume(meta(tmp_path / "a.mha", **{field: value}))
    assert "damaged, incomplete or not" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "extra", ["Offset = 10 20 30\n", "NDims = 3\n", "no field\n", "x = " + "1" * 5000 + "\n"]
)
def test_lines_of_a_metaimage_that_cannot_be(tmp_path: Path, extra: str) -> None:
    with pytest.raises(InputError, match=r"twice|no field|characters"):
        read_volume(meta(tmp_path / "a.mha", extra=extra))


@pytest.mark.parametrize(
    "fields",
    [
        {"Offset": None, "Position": "10 20 30"},
        {"Offset": None, "Origin": "10 20 30"},
        {"Origin": "10 20 30"},
        {"TransformMatrix": None, "Orientation": " ".join(map(str, TURN.T.ravel().tolist()))},
        {"ElementSize": "9 9 9"},
        {"DistanceUnits": "mm", "Comment": "made by hand: yes"},
        {"AnatomicalOrientation": "RAI"},
        {"AnatomicalOrientation": "LPS"},
    ],
)
def test_other_names_of_fields(tmp_path: Path, fields: dict[str, str | None]) -> None:
    volume, said = assert_read(meta(tmp_path / "a.mha", **fields))
    np.testing.assert_allclose(volume.affine.numpy(), affine())
    assert said == []


@pytest.mark.parametrize(("unit", "factor"), [("um", 1e-3), ("cm", 10), ("?", 1)])
def test_the_unit_of_a_metaimage(tmp_path: Path, unit: str, factor: float) -> None:
    volume, _ = assert_read(meta(tmp_path / "a.mha", DistanceUnits=unit))
    np.testing.assert_allclose(volume.affine.numpy(), affine(factors=[factor] * 3))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"Offset": None}, "where it lies"),
        ({"TransformMatrix": None}, "how its axes lie"),
        ({"AnatomicalOrientation": "RAS"}, "AnatomicalOrientation"),
        ({"CenterOfRotation": "1 2 3"}, "CenterOfRotation"),
        ({"BinaryDataByteOrderMSB": None}, "order of its bytes"),
    ],
)
def test_what_is_said_of_a_metaimage(
    tmp_path: Path, fields: dict[str, str | None], sentence: str
) -> None:
    _, said = assert_read(meta(tmp_path / "a.mha", **fields))
    assert len(said) == 1
    assert sentence in said[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("dimension", "99"), ("dimension", "0"), ("dimension", "2"), ("sizes", "5 6")),
        *(("sizes", "5 6 0"), ("sizes", "5 6 7.0"), ("type", "block"), ("type", "half")),
        *(("encoding", "hex"), ("encoding", "bzip2"), ("endian", "middle"), ("endian", None)),
        *(("space_origin", "(1,2)"), ("space_origin", "(1,nan,3)"), ("space_origin", "none")),
        *(("space_origin", "1 2 3"), ("space_origin", "(1,2,1e308)")),
        ("space_directions", "(1,0,0) (0,1,0)"),
        ("space_directions", "(1,0,0) (0,1,0) none"),
        ("space_directions", "(1,0,0) (0,1,0) (0,0,x)"),
        ("space_directions", "(1,0,0) (0,1,0) (0,0,0)"),
        ("space_directions", None),
        *(("kinds", "domain domain"), ("kinds", "vector domain domain"), ("spacings", "1 1")),
        *(("thicknesses", "1 -1 1"), ("line_skip", "1"), ("byte_skip", "-2"), ("nonsense", "1")),
        ("space_dimension", "3"),
    ],
)
def test_fields_of_an_nrrd_that_cannot_be(tmp_path: Path, field: str, value: str | None) -> None:
    with pytest.raises(InputError) as error:
        read_volume(nrrd(tmp_path / "a.nrrd", **{field: value}))
    assert "damaged, incomplete or not" not in str(error.value)
    assert "\n" not in str(error.value)


def test_an_nrrd_without_origin_is_said(tmp_path: Path) -> None:
    assert "where it lies" in assert_read(nrrd(tmp_path / "a.nrrd", space_origin=None))[1][0]


@pytest.mark.parametrize(
    ("kind", "colours"),
    [
        ("RGB-color", 3),
        ("vector", 3),
        ("RGBA-color", 4),
        ("list", 0),
        ("HSV-color", 0),
        ("time", 0),
    ],
)
@pytest.mark.parametrize("axis", [0, 3])
def test_an_axis_that_is_not_of_space(tmp_path: Path, kind: str, colours: int, axis: int) -> None:
    count = colours or 3
    values = np.random.default_rng(0).integers(0, 256, (*VOXELS.shape, count), np.uint8)
    values[..., -1] = 255 if count == 4 else values[..., -1]
    vectors = [f"({','.join(map(str, (TURN * STEPS_MM)[:, each].tolist()))})" for each in range(3)]
    sizes, kinds = ["5", "6", "7"], ["domain"] * 3
    for words, word in ((vectors, "none"), (sizes, str(count)), (kinds, kind)):
        words.insert(axis, word)
    path = nrrd(
        tmp_path / "a.nrrd",
        np.moveaxis(values, -1, axis).tobytes("F"),
        type="uchar",
        endian=None,
        dimension="4",
        sizes=" ".join(sizes),
        kinds=" ".join(kinds),
        space_directions=" ".join(vectors),
    )
    if not colours:
        with pytest.raises(InputError, match="frames"):
            read_volume(path)
        return
    volume = read_volume(path)
    expected = np.moveaxis(values[..., :3], -1, 0) / 255
    np.testing.assert_allclose(volume.numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(volume.affine.numpy(), affine())
