"""Readers of CSV, JSON and JSONL: what is written comes back, rows come one at a time,
whatever is wrong has a place."""

import csv
import io
import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import json_members
from tinymm.data.tables import read_members, read_rows

fields = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12) \
    | st.text('a",\n\t{}[] é', max_size=8)
# A row of one empty field is an empty line in CSV.
records = st.lists(st.tuples(fields, fields.filter(bool)), max_size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@given(records, st.sampled_from([",", "\t"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_csv_round_trip(folder, rows, delimiter, newline, with_mark):
    path = folder / ("a.csv" if delimiter == "," else "a.tsv")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline)
    writer.writerow(("text", "class"))
    ambiguous = False
    for row in rows:
        start = text.tell()
        writer.writerow(row)
        lines = text.getvalue()[start:].splitlines()
        ambiguous |= delimiter == "\t" and len(lines) > 1 and all(line.count("\t") == 1 for line in lines)
    path.write_bytes(text.getvalue().encode("utf-8-sig" if with_mark else "utf-8"))
    try:
        assert [tuple(row.values.values()) for row in read_rows(path, ["class", "text"])] == rows and not ambiguous
    except ValueError as error:  # a quote that may be one of the text
        assert ambiguous and "a quote begins a field" in str(error)


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                      lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)


@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=4), max_size=6), st.integers(1, 40),
       st.sampled_from([None, 1]))
def test_json_and_jsonl_round_trip(folder, rows, block, indent):
    """Whatever the block at which the reading of a JSON file stops first."""
    (folder / "a.json").write_text(json.dumps(rows, indent=indent, ensure_ascii=False), "utf-8", errors="surrogatepass")
    (folder / "a.jsonl").write_text("\n\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "BLOCK", block)
        try:
            assert [row.values for row in read_rows(folder / "a.json")] == rows
        except ValueError as error:  # lone surrogates are no UTF-8
            assert "must be UTF-8 text" in str(error) \
                and re.search("[\ud800-\udfff]", str(rows) + "".join(map(str, rows)))
    assert [row.values for row in read_rows(folder / "a.jsonl")] == rows


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl"])
def test_rows_come_before_the_file_is_read_to_its_end(tmp_path, name):
    """The mistake in the last row is not met by who asks for the first ones."""
    good, path = {"text": "x" * 50}, tmp_path / name
    n = 20_000
    if name == "a.csv":
        path.write_text("text\n" + "xyz\n" * n + '"never closed')
    elif name == "a.json":
        path.write_text("[" + ",\n".join([json.dumps(good)] * n) + ",\n{]")
    else:
        path.write_text("\n".join([json.dumps(good)] * n) + "\n{")
    assert len(list(itertools.islice(read_rows(path), 100))) == 100
    with pytest.raises(ValueError, match=rf"a\.\w+, (?:row {n + 1} )?.*line {n + (2 if name == 'a.csv' else 1)}"):
        list(read_rows(path))


@pytest.mark.parametrize(("name", "content", "message"), [
    ("a.csv", b"", "a.csv: must begin with a header; the file is empty"),
    ("a.csv", b"text,label\n1,2\n", "a.csv: must have the column 'category'; its header is 'text', 'label'"),
    ("a.csv", b"text,text,category\n", "every column needs a name of its own; the header has 'text' twice"),
    ("a.csv", b'text,category\n"a\nb",c\n\nd\n', r"a.csv, row 2 \(line 5\): must have 2 fields, as the header; got 1"),
    ("a.csv", b"text,category\na,b,c\n", r"a.csv, row 1 \(line 2\): must have 2 fields, as the header; got 3"),
    ("a.csv", b'text,category\na,"b\nc,d\n', r"a.csv, line 3: must be CSV; unexpected end of data"),
    ("a.csv", b'text,category\n"a"b,c\n', r"a.csv, line 2: must be CSV; ',' expected after '\"'"),
    ("a.csv", "text,category\nà,b\n".encode("latin-1"), r"line 2, byte 14 of the file \(0xe0\) is not, as in Latin-1"),
    ("a.csv", "text,category\nà,b\n".encode("utf-16"), "a.csv: must be UTF-8 text; it begins with the mark of UTF-16"),
    ("a.csv", "text,category\na,b\n".encode("utf-16-le"),
     "a.csv, line 1: must be UTF-8 text; it holds a NUL, as UTF-16 does"),
    ("a.csv", b"\x1f\x8b\x08\x00", r"line 1, byte 1 of the file \(0x8b\) is not"),
    ("a.jsonl", "{}\n".encode("utf-16"), "a.jsonl: must be UTF-8 text; it begins with the mark of UTF-16"),
    ("a.jsonl", b'{"text": 1, "category": 2}\n\n{"text": 1\n',
     "a.jsonl, line 3: must be JSON; Expecting ',' delimiter"),
    ("a.jsonl", b"[1]\n", r"a.jsonl, row 1 \(line 1\): must be an object; got list"),
    ("a.jsonl", b'{"text": 1}\n', r"a.jsonl, row 1 \(line 1\): must have 'category'; it has 'text'"),
    ("a.jsonl", b"[" * 100_000, "a.jsonl, line 1: must be JSON"),
    ("a.json", b"", r"a.json: must hold an array of objects, \[\{...\}, ...\]; it begins with ''"),
    ("a.json", b'{"text": 1}', "must hold an array of objects.*it begins with '{'"),
    ("a.json", b'[{"text": 1, "category": 2},\n 3]',
     r"a.json, row 2 \(line 2\): must be an object; it begins with '3'"),
    ("a.json", b'[{"text": 1, "category": 2}\n {}]', "a.json, line 2: must be JSON; expecting ',', got '{'"),
    ("a.json", b'[{"text": 1,\n "category": nought}]', "a.json, line 2: must be JSON; Expecting value"),
    ("a.json", b'[{"text": 1, "category": 2}', "a.json, line 1: must be JSON; expecting ',', got ''"),
    ("a.json", b'[{"text": 1, "category": 2}] x', "a.json, line 1: must end after the array; got 'x'"),
    ("a.json", b'[{"text": 1}]', r"a.json, row 1 \(line 1\): must have 'category'; it has 'text'"),
    ("a.json", '[{"text": "à"}]'.encode("latin-1"), r"line 1, byte 11 of the file \(0xe0\) is not"),
    ("a.csv", b"text,category\n" + b"x" * 200_000 + b",a\n", "line 2: the field that begins in line 2 must have"),
    ("a.csv", b"x" * 200_000, "line 1: the field that begins in line 1 must have at most 100,000"),
    ("a.csv", b"text,category\n" + b"x" * 100_001 + b",a\n", r"row 1 \(line 2\): 'text' must have at most .*100,001"),
    ("a.csv", b"text,category\n" + b"'x'," * 300_000, "a.csv, line 2: a row must have at most 1,048,576 characters"),
    ("a.csv", b'text,category\n"' + b"x\n" * 80_000, "the field that begins in line 2 must have at most 100,000"),
    ("a.csv", b'text,category\n' + b'"x\n",' * 300_000, "a row must have at most 1,048,576 characters"),
    ("a.csv", b"a," * 20_000, "every column needs a name of its own; the header has 'a' twice"),
    ("a.csv", b"\x1b[31m,b\n", r"must have the column 'text'; its header is '\\x1b\[31m', 'b'"),
    ("a.tsv", b'text\tcategory\n"Hi\ta\nho"\tb\n', "row 1 .*: a quote begins a field that ends 1 lines below, but"),
    ("a.jsonl", b'{"text": "' + b"x" * 100_001 + b'", "category": 1}', "'text' must have at most 100,000 characters"),
    ("a.jsonl", b'{"text": "' + b"x" * 1_100_000, "a.jsonl, line 1: a row must have at most 1,048,576 characters"),
    ("a.jsonl", b'{"text": "\\ud800"}', r"a.jsonl, line 1: must be JSON; \\ud800 alone is half a letter"),
    ("a.jsonl", b'{"text": ' + b"1" * 5000 + b"}", "a.jsonl, line 1: must be JSON; a number has thousands of digits"),
    ("a.json", b'[{"text": "\\ud800"}]', r"a.json, line 1: must be JSON; \\ud800 alone is half a letter"),
    ("a.json", b"[" + b'{"a":' * 100_000, "a.json, line 1: must be JSON; it is nested too deeply"),
    ("a.json", b'[\n{"text": "' + b"x" * 1_200_000, "a.json, line 2: must be JSON of at most 1,048,576 characters"),
    ("a.txt", b"", "a table must be one of .csv, .tsv, .json, .jsonl; got '.txt'"),
])
def test_what_is_wrong_is_told_with_its_place(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as told:
        list(read_rows(tmp_path / name, ["text", "category"]))
    assert "\n" not in str(told.value) and str(told.value).startswith(str(tmp_path / name))


def test_suffixes_in_capitals(tmp_path):
    for name, content in (("a.CSV", "text\na"), ("a.Tsv", "text\na"), ("a.JSON", '[{"text": "a"}]'),
                          ("a.JsonL", '{"text": "a"}')):
        (tmp_path / name).write_text(content)
        assert [row.values for row in read_rows(tmp_path / name)] == [{"text": "a"}]


def test_a_long_row_does_not_slow_the_ones_after_it(tmp_path):
    """What is left of a window that grew for one row is not copied for each of the next."""
    long = {f"column {k}": "x" * 90_000 for k in range(10)}
    (tmp_path / "a.json").write_text(json.dumps([long] + [{"a": 1}] * 20_000))
    copied = 0

    class Counted(str):
        def __getitem__(self, place):
            nonlocal copied
            found = super().__getitem__(place)
            copied += len(found)
            return found

    with pytest.MonkeyPatch.context() as patch:
        read = json_members.JsonWindow._read

        def counted_read(window):
            found = read(window)
            window.text = Counted(window.text)
            return found

        patch.setattr(json_members.JsonWindow, "_read", counted_read)
        assert sum(1 for _ in read_rows(tmp_path / "a.json")) == 20_001
    assert copied < 10 * (tmp_path / "a.json").stat().st_size


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match="a.csv: the file is not there"):
        next(read_rows(tmp_path / "a.csv"))
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(ValueError, match="b.csv: must be a file; it is a folder"):
        next(read_rows(tmp_path / "b.csv"))


def test_rows_know_their_place(tmp_path):
    (tmp_path / "a.csv").write_text('text\n"one\ntwo"\n\nthree\n')
    assert [row.where for row in read_rows(tmp_path / "a.csv")] == [
        f"{tmp_path / 'a.csv'}, row 1 (line 2)", f"{tmp_path / 'a.csv'}, row 2 (line 5)"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that can be opened and not read")
@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_a_file_that_cannot_be_read_is_named(suffix, tmp_path):
    path = tmp_path / f"train{suffix}"
    path.symlink_to("/proc/self/mem")
    with pytest.raises(ValueError, match=f"train{suffix}: must be a file that can be read; "):
        list(read_rows(path))


values = st.recursive(st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")) | st.none(),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\"é"), inner, max_size=3),
                      max_leaves=6)


@given(st.dictionaries(st.text("abc", max_size=2), values, max_size=4),
       st.lists(st.dictionaries(st.text("xy", max_size=1), values, max_size=3), max_size=4),
       st.sampled_from([1, 2, 7, 1 << 16]), st.sampled_from([None, 1]), st.booleans())
def test_the_members_of_one_array_among_anything_else(folder, others, rows, block, indent, is_first):
    """Whatever the block at which the reading stops first, within a number too."""
    content = {"rows": rows, **others} if is_first else {**others, "rows": rows}
    (folder / "a.json").write_text(json.dumps(content, indent=indent, ensure_ascii=False), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "BLOCK", block)
        found = list(read_members(folder / "a.json", "rows"))
    assert [row.values for row in found] == rows
    assert all(f"a.json, rows[{i}] (line" in row.where for i, row in enumerate(found))


@pytest.mark.parametrize("text, message", [
    ('[{"id": 1}]', r'must hold an object, {"rows": \[...\]}; it begins with \'\[\''),
    ("", "must hold an object"),
    ("{}", "must have an array 'rows'; it is not there"),
    ('{"rows": {"id": 1}}', r"'rows' must be an array; it begins with '{'"),
    ('{"rows": [], "rows": []}', "must have one array 'rows'; line 1 begins another"),
    ('{"rows": [3]}', r"rows\[0\] \(line 1\): must be an object; it begins with '3'"),
    ('{"rows": [{"id": 1}\n {}]}', "line 2: must be JSON; expecting ',', got '{'"),
    ('{"rows": [{"no": 1}]}', r"rows\[0\] \(line 1\): must have 'id'; it has 'no'"),
    ('{"rows": [{"id": 1}', "must be JSON"),
    ('{"rows": [{"id": 1}]', "expecting ',', got ''"),
    ('{"rows": []} []', r"line 1: must end after the object; got '\['"),
    ('{rows: []}', "expecting '\"', got 'r'"),
    ('{"a" 1}', "expecting ':', got '1'"),
    ('{"a": }', "must be JSON; Expecting value"),
])
def test_broken_objects_are_located(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        list(read_members(tmp_path / "a.json", "rows", ["id"]))
    assert str(caught.value).startswith(str(tmp_path / "a.json"))


def test_bytes_that_are_no_text_are_located(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"rows": [{"id": "\xff"}]}')
    with pytest.raises(ValueError, match="must be UTF-8 text; line 1, byte 18"):
        list(read_members(tmp_path / "a.json", "rows"))


def test_tabs_in_a_file_of_another_ending(tmp_path):
    (tmp_path / "a.csv").write_text("x\ty\n1,2\t3\n", "utf-8")
    assert [row.values for row in read_rows(tmp_path / "a.csv", tabs=True)] == [{"x": "1,2", "y": "3"}]
    with pytest.raises(ValueError, match="must have the column 'y'"):
        list(read_rows(tmp_path / "a.csv", ["y"]))
