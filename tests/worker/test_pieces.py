"""Files that travel inside the protocol: whole, checked, bounded, and never left behind."""

from __future__ import annotations

import base64
import hashlib
import io
import os

import numpy as np
import pytest
from worker_process import kji

from mactfusion.worker import pieces
from mactfusion.worker.pieces import LARGEST_PIECE, MOST_FILES, Pieces
from mactfusion.worker.protocol import LONGEST_LINE, Request, RequestError

AFFINE = np.eye(4).tolist()


def fields(name, offset, piece):
    return {
        "file": name,
        "offset": offset,
        "data": base64.b64encode(piece).decode(),
        "sha256": hashlib.sha256(piece).hexdigest(),
    }


def put(worker, name, content, size=LARGEST_PIECE):
    """Hand a file over; the pieces are sent before the first is answered."""
    offsets = range(0, len(content), size)
    ids = worker.send_together("put", *(fields(name, o, content[o : o + size]) for o in offsets))
    return [worker.last_reply(number) for number in ids]


def get(worker, name, size):
    content, total = b"", 1
    while len(content) < total:
        reply = worker.ask("get", file=name, offset=len(content), bytes=size)
        piece = base64.b64decode(reply["data"])
        assert hashlib.sha256(piece).hexdigest() == reply["sha256"]
        content, total = content + piece, reply["total"]
    return content


def as_npy(array):
    buffer = io.BytesIO()
    np.save(buffer, kji(array))
    return buffer.getvalue()


def test_volumes_and_results_travel_in_pieces_and_are_those_of_files(worker, mr, pet):
    keys = []
    for number, (array, affine) in enumerate((mr, pet)):
        replies = put(worker, f"sent-{number}.npy", as_npy(array), 1000)
        assert [reply["reply"] for reply in replies] == ["result"] * len(replies)
        assert replies[-1]["bytes"] == len(as_npy(array))
        reply = worker.ask("load", file=f"sent-{number}.npy", affine=affine.tolist())
        keys.append(reply["volume"])
    assert keys == [worker.load(mr), worker.load(pet)]
    options = {"task": "pet-mri", "device": "cpu"}
    result = worker.ask("fuse", anatomical=keys[0], partner=keys[1], options=options)
    content = get(worker, result["file"], 777)
    assert content == (worker.folder / result["file"]).read_bytes()
    assert worker.ask("drop", file=result["file"])["found"]
    assert not worker.ask("drop", file=result["file"])["found"]
    assert kji(np.load(io.BytesIO(content))).shape == (*mr[0].shape, 3)


def test_the_largest_piece_fits_into_a_line(worker):
    piece = os.urandom(LARGEST_PIECE)
    (reply,) = put(worker, "large.npy", piece)
    assert reply["bytes"] == LARGEST_PIECE
    assert 4 * LARGEST_PIECE // 3 + 500 < LONGEST_LINE
    assert get(worker, "large.npy", LARGEST_PIECE) == piece
    worker.ask("drop", file="large.npy")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sha256": "0" * 64}, "damaged"),
        ({"data": "no base64"}, "damaged"),
        ({"data": "", "sha256": hashlib.sha256(b"").hexdigest()}, "bad-request"),
        ({"offset": 2}, "bad-request"),
        ({"offset": 0}, "bad-request"),
        ({"offset": -1}, "bad-request"),
        ({"offset": True}, "bad-request"),
        ({"file": "absent.npy"}, "bad-request"),
        ({"file": "../begun.npy"}, "bad-request"),
        ({"file": "new/begun.npy", "offset": 0}, "bad-request"),
        ({"file": "../new.npy", "offset": 0}, "bad-request"),
        ({"file": ".new", "offset": 0}, "bad-request"),
        ({"file": "", "offset": 0}, "bad-request"),
    ],
)
def test_a_wrong_piece_is_refused_and_the_file_stays_as_it_was(worker, change, code):
    worker.ask("drop", file="begun.npy")
    put(worker, "begun.npy", b"abc")
    before = set(worker.folder.parent.rglob("*"))
    reply = worker.ask("put", **{**fields("begun.npy", 3, b"def"), **change})
    assert (reply["reply"], reply["code"]) == ("error", code)
    assert set(worker.folder.parent.rglob("*")) == before
    assert worker.ask("put", **fields("begun.npy", 3, b"def"))["bytes"] == 6
    worker.ask("drop", file="begun.npy")


def test_a_piece_at_the_end_is_shorter_and_beyond_it_empty(worker):
    put(worker, "short.npy", b"abc")
    for offset, expected in ((2, b"c"), (3, b""), (9, b"")):
        reply = worker.ask("get", file="short.npy", offset=offset, bytes=5)
        assert base64.b64decode(reply["data"]) == expected
        assert reply["total"] == 3
    worker.ask("drop", file="short.npy")


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, 0), (0, -1), (0, LARGEST_PIECE + 1)])
def test_a_piece_that_is_not_there_is_refused(worker, offset, size):
    put(worker, "short.npy", b"abc")
    reply = worker.ask("get", file="short.npy", offset=offset, bytes=size)
    assert (reply["reply"], reply["code"]) == ("error", "bad-request")
    assert worker.ask("drop", file="short.npy")["found"]


def test_half_of_a_volume_is_no_volume_and_is_removed(worker, mr):
    content = as_npy(mr[0])
    put(worker, "half.npy", content[: len(content) // 2])
    assert worker.ask("load", file="half.npy", affine=AFFINE)["code"] == "bad-volume"
    assert not (worker.folder / "half.npy").exists()


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.npy", "", "."])
def test_no_file_elsewhere_is_given_or_removed(worker, name):
    outside = worker.folder.parent / "outside.npy"
    outside.write_bytes(b"private")
    assert worker.ask("get", file=name, offset=0, bytes=1)["code"] == "bad-request"
    assert worker.ask("drop", file=name)["code"] == "bad-request"
    assert outside.exists()


def test_there_is_a_limit_to_files_that_wait(tmp_path):
    taken = Pieces(tmp_path)
    requests = [Request(1, "put", fields(f"{n}.npy", 0, b"a")) for n in range(MOST_FILES + 1)]
    for request in requests[:-1]:
        taken.put(request)
    with pytest.raises(RequestError, match="8 files wait"):
        taken.put(requests[-1])
    (tmp_path / "3.npy").unlink()  # as a load does
    taken.put(requests[-1])
    assert len(list(tmp_path.iterdir())) == MOST_FILES


def test_a_disk_without_room_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "SPARE_BYTES", 2**62)
    with pytest.raises(RequestError, match="make room") as refusal:
        Pieces(tmp_path).put(Request(1, "put", fields("a.npy", 0, b"a")))
    assert refusal.value.code == "no-room"


def test_a_file_that_came_in_pieces_is_for_nobody_else(worker):
    put(worker, "private.npy", b"a")
    assert (worker.folder / "private.npy").stat().st_mode & 0o777 == 0o600
    worker.ask("drop", file="private.npy")
