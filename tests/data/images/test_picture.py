"""Pictures whose headers would take minutes: refused by name, at once; whole ones are read as before."""

import struct
import time
import zlib

import numpy as np
import pytest

from tinymm.data import read_image
from tinymm.data.images import picture


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(before=b""):
    head = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(4)) * 4)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


SLOW = {
    "marks.jpg": b"\xff\xd8" + b"\xff" * 4_000_000,
    "comment.ppm": b"P6\n#" + b"x" * 4_000_000 + b"\n1 1 255\nabc",
    "plain.ppm": b"P3 4000 4000 255\n" + b"1 " * 4_000_000,
    "notes.png": png(chunk(b"tEXt", b"a\0b") * 100_000),
    "empty.png": png(chunk(b"IDAT", b"") * 100_000),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_picture_in_very_many_pieces_is_refused(name, tmp_path):
    pytest.importorskip("PIL", reason="extra `media`")
    (tmp_path / name).write_bytes(SLOW[name])
    began = time.process_time()
    with pytest.raises(ValueError, match=f"{name}: must be an image that can be decoded; (it is in too many|a plain)"):
        read_image(tmp_path / name, (4, 4))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("content", [png(chunk(b"tEXt", b"a\0b") * 2000), b"P3 # of digits\n1 1 255\n0 0 0\n"])
def test_some_pieces_are_no_hindrance(content, tmp_path):
    pytest.importorskip("PIL", reason="extra `media`")
    (tmp_path / "a").write_bytes(content)
    np.testing.assert_array_equal(read_image(tmp_path / "a", (2, 2)), np.zeros((3, 2, 2)))


def test_reading_in_blocks_is_not_counted_by_bytes(tmp_path):
    (tmp_path / "a").write_bytes(bytes(1000))
    with picture._Patient((tmp_path / "a").open("rb").detach()) as file:
        assert len(file.read()) == 1000 and file.reads == 1
