"""Where the first invalid byte of a file is, however the file falls into blocks; how a long value is shown."""

import pytest

from tinymm.data import files
from tinymm.data.files import quoted, utf8_error


@pytest.mark.parametrize("block", [1, 3, 7, 64, 4096])
@pytest.mark.parametrize("before", ["", "a", "ä", "one\ntwo\n", "line\n" * 20 + "é€", "€" * 30 + "\n" * 5])
def test_the_line_and_the_byte_of_what_is_not_utf8(tmp_path, monkeypatch, block, before):
    monkeypatch.setattr(files, "BLOCK", block)
    path = tmp_path / "text.txt"
    path.write_bytes(before.encode() + b"\xff rest\n")
    assert f"line {1 + before.count(chr(10))}, byte {len(before.encode())} of the file (0xff)" \
        in str(utf8_error(path))


@pytest.mark.parametrize("length, cut", [(0, False), (100, False), (199, False), (200, False), (201, True),
                                         (9999, True)])
def test_values_are_cut_at_two_hundred_letters(length, cut):
    shown = quoted("x" * length)
    assert shown.endswith("…") == cut
    if not cut:
        assert shown == repr("x" * length)
