"""Mutations that know how a format is built: odd values in fields, and damage anywhere."""

from __future__ import annotations

import gzip
import io
import re
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import nibabel
import pydicom

from tests.fuzz.seeds import inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.fuzz.seeds import Files

INTEGERS = (0, 1, -1, 2, 3, 4, 7, 8, 16, 255, 256, 348, 32767, -32768, 65535, 2**31 - 1, -(2**31))
NUMBERS = (
    *("0", "-1", "1", "2", "3", "4", "99999", "-0", "1e308", "1e-320", "nan", "inf", "-inf"),
    *("0,5", "1.5", "x", "", "0x10", "1e", "2147483648", "18446744073709551616", "1_0", "\u0663"),
)
WORDS = (
    *("True", "False", "LOCAL", "LIST", "raw", "gzip", "ascii", "hex", "bz2", "little", "big"),
    *("MET_CHAR", "MET_FLOAT", "MET_DOUBLE", "MET_LONG_LONG", "MET_UCHAR_ARRAY", "MET_OTHER"),
    *("uchar", "float", "double", "block", "int64", "RAS", "LAS", "LPS", "scanner-xyz", "none"),
    *("left-anterior-superior", "right-anterior-superior-time", "3D-right-handed", "vector"),
    *(
        '"mm" "mm" "mm"',
        '"m" "um" "mm"',
        "mm",
        "um",
        "cm",
        "RAI",
        "LPS",
        "../a.raw",
        "a%03d.raw 1 2 1",
    ),
    *("(1,0,0) (0,1,0) (0,0,1)", "none none none", "(1,0,0)", "/etc/hostname", "a.mha", "a.nhdr"),
)
EXTRA_LINES = (
    *("HeaderSize = -1", "HeaderSize = 7", "ElementByteOrderMSB = True", "DistanceUnits = um"),
    *("Position = 1 2 3", "Orientation = 0 1 0 1 0 0 0 0 1", "ElementSize = 9 9 9", "Comment"),
    *("byte skip: 5", "byte skip: -1", "line skip: 2", "spacings: 1 2 3", "space units: um"),
    *("space dimension: 3", "centers: cell cell cell", 'units: "um" "um" "um"', "key:=value"),
    *("data file: a.raw", "thicknesses: 1 1 0", "old min: nan", "x" * 5000, "\0\0\0"),
)
TYPES_OF_NIFTI = (0, 1, 2, 4, 8, 16, 32, 64, 128, 255, 256, 512, 768, 1024, 1280, 1536, 1792, 2304)
DICOM_VALUES = (
    *("", "0", "1", "-1", "1e9", "nan", "MONOCHROME1", "RGB", "CT", "MR", "1.2.3.4.5"),
    *("1\\0\\0\\0\\1\\0", "0\\0\\0", "1\\1", "65535", "8", "12", "32", "abc", "1\\2\\3\\4"),
)


def mutated(name: str, random: Random) -> Files:
    """An input of a kind, with one to three mutations.

    Args:
        name: of the whole input, see `inputs`.
        random: decides all; the same state gives the same input.
    """
    files = dict(inputs()[name])
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        file = random.choice(list(files))
        if random.random() < 0.03 and len(files) > 1:
            del files[file]
            continue
        structural = _structural(file)
        change = structural if structural and random.random() < 0.7 else _damaged
        try:
            files[file] = change(files[file], random)
        except Exception:
            files[file] = _damaged(files[file], random)  # an earlier one broke what this one needs
    return files


def _structural(file: str) -> Callable[[bytes, Random], bytes] | None:
    endings = {
        (".nii", ".hdr"): _nifti,
        (".nii.gz", ".mgz", ".raw.gz"): _inside_gzip,
        (".mgh",): _mgh,
        (".nrrd", ".nhdr", ".mha", ".mhd"): _text,
        (".png",): _png,
        (".tif",): _tiff,
        (".dcm",): _dicom,
    }
    return next((change for ends, change in endings.items() if file.endswith(ends)), None)


def _damaged(content: bytes, random: Random) -> bytes:
    """Bits turned, a part cut off, left out, doubled or set to zero."""
    if not content:
        return b"\0"
    start = random.randrange(len(content))
    if random.random() < 0.5:  # where headers are
        start = random.randrange(min(len(content), 400))
    stop = min(len(content), start + random.choice((1, 2, 4, 16, 100)))
    kind = random.randrange(6)
    if kind <= 1:
        changed = bytearray(content)
        for place in range(start, min(stop, start + 4)):
            changed[place] ^= 1 << random.randrange(8)
        return bytes(changed)
    part = {2: b"", 3: content[start:stop] * 2, 4: bytes(stop - start)}.get(kind)
    if part is None:
        return content[: random.randrange(len(content))]
    return content[:start] + part + content[stop:]


def _inside_gzip(content: bytes, random: Random) -> bytes:
    if random.random() < 0.3:
        return _damaged(content, random)
    inside = gzip.decompress(content)
    change = _nifti if inside[:4] in (b"\\\1\0\0", b"\0\0\1\\") else _damaged
    return gzip.compress(change(inside, random))


def _nifti(content: bytes, random: Random) -> bytes:
    size = int.from_bytes(content[:4], "little")
    kind = nibabel.Nifti2Header if size == 540 else nibabel.Nifti1Header
    length = 540 if kind is nibabel.Nifti2Header else 348
    header = kind(content[:length], check=False)
    field = random.choice(list(header.keys()))
    values = header[field].reshape(-1)
    place = random.randrange(values.size)
    if field == "datatype":
        values[place] = random.choice(TYPES_OF_NIFTI)
    elif values.dtype.kind == "f":
        values[place] = random.choice((0, 1, -1, 3, 1e30, -1e30, 1e-30, float("nan"), float("inf")))
        if field == "vox_offset":
            values[place] = random.choice(
                (0, 16, 351, 352, 353, 368, 1e6, -352, float("nan"), 1e30)
            )
    elif values.dtype.kind in "iu":
        limits = (-(2**15), 2**15 - 1) if values.itemsize == 2 else (0, 255)
        value = random.choice([each for each in INTEGERS if limits[0] <= each <= limits[1]])
        values[place] = value if values.itemsize < 4 else random.choice(INTEGERS[:-1])
    else:
        values[place] = random.choice((b"n+1", b"ni1", b"n+2", b"", b"abc"))
    header[field] = values.reshape(header[field].shape)
    return header.binaryblock + content[length:]


def _mgh(content: bytes, random: Random) -> bytes:
    place = random.randrange(7)
    value = struct.pack(">i", random.choice(INTEGERS))
    if random.random() < 0.5:
        place, value = 7 + random.randrange(16), struct.pack(">f", random.choice((0, 1, -1, 1e30)))
        start = 30 + 4 * (place - 7)
        return content[:start] + value + content[start + 4 :]
    return content[: 4 * place] + value + content[4 * place + 4 :]


def _text(content: bytes, random: Random) -> bytes:
    """A line of the header changed, left out, doubled or moved; or a new one."""
    end = re.search(rb"\n\r?\n|ElementDataFile[^\n]*\n", content)
    stop = end.end() if end else len(content)
    lines = content[:stop].decode("latin-1").splitlines()
    place = random.randrange(len(lines))
    kind = random.randrange(10)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(random.randrange(len(lines)), lines[place])
    elif kind == 2:
        lines.insert(place, random.choice(EXTRA_LINES))
    elif kind == 3:
        other = random.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == 4:
        lines[place] = random.choice((str.lower, str.upper, str.title))(lines[place])
    elif kind == 5:
        key, mark, _ = re.split(r"( = |: )", lines[place], maxsplit=1)
        lines[place] = key + mark + random.choice(WORDS)
    else:
        words = re.split(r"([ ,()]+)", lines[place])
        chosen = random.randrange(min(2, len(words) - 1), len(words))
        words[chosen] = random.choice(NUMBERS)
        lines[place] = "".join(words)
    ending = random.choice(("\n", "\n", "\n", "\r\n"))
    header = ending.join(lines) + ending
    return header.encode("utf-8") + content[stop:]


def _png(content: bytes, random: Random) -> bytes:
    chunks, place = [], 8
    while place + 12 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    chosen = random.randrange(len(chunks))
    name, data = chunks[chosen]
    kind = random.randrange(5)
    if kind == 0:
        del chunks[chosen]
    elif kind == 1:
        chunks.insert(chosen, chunks[chosen])
    elif kind == 2:
        extra = random.choice((b"tRNS", b"PLTE", b"eXIf", b"acTL", b"gAMA", b"iTXt"))
        chunks.insert(1, (extra, random.randbytes(random.choice((0, 1, 2, 3, 6, 20)))))
    elif kind == 3 and name == b"IHDR":
        fields = list(struct.unpack(">IIBBBBB", data))
        field = random.randrange(7)
        fields[field] = random.choice(
            (0, 1, 2, 3, 4, 6, 8, 16, 200) + ((70000,) if field < 2 else ())
        )
        chunks[chosen] = (name, struct.pack(">IIBBBBB", *fields))
    elif kind == 3 and name == b"IDAT":
        chunks[chosen] = (name, zlib.compress(_damaged(zlib.decompress(data), random)))
    else:
        chunks[chosen] = (name, _damaged(data, random))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _tiff(content: bytes, random: Random) -> bytes:
    """An entry of the first directory with another tag, type, count or value."""
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    start = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", content, 8 if is_big else 4)[0]
    count_format, entry = ("Q", "HHQQ") if is_big else ("H", "HHII")
    (count,) = struct.unpack_from(order + count_format, content, start)
    size = struct.calcsize(order + entry)
    where = start + struct.calcsize(count_format) + size * random.randrange(count)
    tag, kind, number, value = struct.unpack_from(order + entry, content, where)
    choice = random.randrange(6)
    if choice == 0:
        tag = random.choice((254, 256, 257, 258, 259, 262, 266, 274, 277, 284, 317, 320, 338, 339))
    elif choice == 1:
        kind = random.choice((0, 1, 2, 3, 4, 5, 8, 9, 11, 12, 16, 99))
    elif choice == 2:
        number = random.choice((0, 1, 2, 3, 256, 2**31))
    else:
        small = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 32, 64, 1000, 65535, 2**31)
        value = random.choice(small)
        if kind == 3 and order == ">" and value < 65536:
            value <<= 48 if is_big else 16
    changed = bytearray(content)
    struct.pack_into(order + entry, changed, where, tag, kind, number, value)
    return bytes(changed)


def _dicom(content: bytes, random: Random) -> bytes:
    """An element with an odd value, without one, or left out."""
    dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    elements = [element for element in dataset if element.tag.group != 2]
    element = random.choice(elements)
    if random.random() < 0.3:
        del dataset[element.tag]
    elif element.VR in ("US", "OW", "OB"):
        value = random.choice((0, 1, 2, 8, 12, 16, 32, 65535))
        element.value = value if element.VR == "US" else element.value[: 2 * (value // 2)]
    else:
        words = random.choice(DICOM_VALUES)
        # as text, so that no check of the values stands in the way
        element._value = words.split("\\") if "\\" in words else words
        element.VR = "LO"
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
