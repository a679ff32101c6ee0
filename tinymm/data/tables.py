"""Rows of CSV, JSON and JSONL files, one at a time; every error names the file and the place in it.

A file is read only as far as its rows are asked for, so it may be larger than the memory. Text is UTF-8, with or
without a byte order mark.
"""

import csv
import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["Row", "read_rows"]

BLOCK = 1 << 16  # characters of a JSON file read at a time; more while a value is incomplete


class Row(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    where : str
        File and place, for messages: ``"train.csv, row 3 (line 5)"``;
        rows count from 1, the header of a CSV not counted.
    values : dict of str to object
        The values by column; those of a CSV file are all str.
    """

    where: str
    values: dict


def read_rows(path, columns=()):
    r"""The rows of a table, whose name ends in ``.csv``, ``.tsv``, ``.json`` (an array of objects) or ``.jsonl``.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Columns that must be there; in a JSON file, in every row.

    Yields
    ------
    Row
        Empty lines of CSV and JSONL are skipped.

    Raises
    ------
    ValueError
        Naming the file and the row, line or byte: the file is not there, of another kind or not UTF-8; a column is
        missing or named twice; a row has more or fewer fields than the header; a quote is never closed; JSON is broken
        or is not made of objects.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "train.csv")
    ...     _ = path.write_text('text,category\n"Where is\nmy card?",card_arrival\n', "utf-8")
    ...     [row.values for row in read_rows(path, ["text", "category"])]
    [{'text': 'Where is\nmy card?', 'category': 'card_arrival'}]
    """
    path = Path(path)
    kinds = {".csv": _csv_rows, ".tsv": _csv_rows, ".json": _json_rows, ".jsonl": _jsonl_rows}
    if path.suffix not in kinds:
        raise ValueError(f"{path}: a table must be one of {', '.join(kinds)}; got {path.suffix or 'no ending'!r}")
    if not path.is_file():
        raise ValueError(f"{path}: the file is not there")
    try:
        yield from kinds[path.suffix](path, tuple(columns))
    except UnicodeDecodeError:
        raise ValueError(_undecodable(path)) from None


def _csv_rows(path, columns):
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_without_nul(file, path), delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
        try:
            header = next((fields for fields in reader if fields), None)
            _check_header(path, header, columns)
            number = 0
            line = reader.line_num + 1  # where the next row begins
            for fields in reader:
                if fields:
                    number += 1
                    where = f"{path}, row {number} (line {line})"
                    if len(fields) != len(header):
                        raise ValueError(f"{where}: must have {len(header)} fields, as the header; got {len(fields)}")
                    yield Row(where, dict(zip(header, fields)))
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: must be CSV; {error}") from None


def _check_header(path, header, columns):
    if header is None:
        raise ValueError(f"{path}: must begin with a header; the file is empty")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: every column needs a name of its own; the header has {twice[0]!r} twice")
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(f"{path}: must have the column {missing[0]!r}; its header is {', '.join(map(repr, header))}")


def _without_nul(lines, path):
    """The lines as they are. A NUL is refused: it shows that the file is UTF-16, which can pass for UTF-8 otherwise."""
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise ValueError(f"{path}, line {number}: must be UTF-8 text; "
                             "it holds a NUL, as UTF-16 does: save it as UTF-8")
        yield line


def _jsonl_rows(path, columns):
    with open(path, encoding="utf-8-sig") as file:
        number = 0
        for line, text in enumerate(_without_nul(file, path), 1):
            if text.strip():
                number += 1
                try:
                    value = json.loads(text)
                except (ValueError, RecursionError) as error:
                    raise ValueError(f"{path}, line {line}: must be JSON; {error}") from None
                yield _object(f"{path}, row {number} (line {line})", value, columns)


def _json_rows(path, columns):
    """The members of an array, each parsed as soon as all of it has been read."""
    with open(path, encoding="utf-8-sig") as file:
        text = _Window(file, path)
        if text.next_character() != "[":
            raise ValueError(f"{path}: must hold an array of objects, [{{...}}, ...]; "
                             f"it begins with {text.next_character()!r}")
        text.skip(1)
        number = 0
        while text.next_character() != "]":
            if number:
                text.expect(",")
            number += 1
            first = text.next_character()
            where = f"{path}, row {number} (line {text.line})"
            if first != "{":
                raise ValueError(f"{where}: must be an object; it begins with {first!r}")
            yield _object(where, text.value(), columns)
        text.skip(1)
        if text.next_character():
            raise ValueError(f"{path}, line {text.line}: must end after the array; got {text.next_character()!r}")


class _Window:
    """The part of a text file from which JSON is being parsed; it grows while a value is not yet complete."""

    def __init__(self, file, path):
        self.file = file
        self.path = path
        self.text = ""
        self.position = 0       # in the text: all before it is parsed
        self.line = 1           # of the file, at that position
        self.block = BLOCK      # characters to read next
        self.decoder = json.JSONDecoder()

    def skip(self, count):
        """Step over characters, counting lines."""
        self.line += self.text.count("\n", self.position, self.position + count)
        self.position += count

    def next_character(self):
        """The next character that is no white space, without stepping over it; empty at the end of the file."""
        while True:
            rest = self.text[self.position:].lstrip(" \t\r\n")
            self.skip(len(self.text) - self.position - len(rest))
            if rest or not self._read():
                return rest[:1]

    def expect(self, character):
        """Step over a character that must come next."""
        if self.next_character() != character:
            raise ValueError(f"{self.path}, line {self.line}: must be JSON; expecting {character!r}, "
                             f"got {self.next_character()!r}")
        self.skip(1)

    def value(self):
        """The object that begins here.

        Each failed attempt reads twice as much as the one before, so that all together cost about twice the last.
        """
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.position)
            except (ValueError, RecursionError) as error:
                if self._read():
                    continue
                line = self.line + self.text.count("\n", self.position, getattr(error, "pos", self.position))
                raise ValueError(f"{self.path}, line {line}: must be JSON; {getattr(error, 'msg', error)}") from None
            self.skip(end - self.position)
            self.block = BLOCK
            return value

    def _read(self):
        """Read a block more and drop what is parsed; False at the end of the file."""
        more = self.file.read(self.block)
        self.block *= 2
        self.text = self.text[self.position:] + more
        self.position = 0
        return bool(more)


def _object(where, value, columns):
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be an object; got {type(value).__name__}")
    missing = [name for name in columns if name not in value]
    if missing:
        raise ValueError(f"{where}: must have {missing[0]!r}; it has {', '.join(map(repr, value)) or 'nothing'}")
    return Row(where, value)


def _undecodable(path):
    """The error message for a file that is not UTF-8: where its first invalid byte is."""
    with open(path, "rb") as file:
        start = 0
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
                return f"{path}: must be UTF-8 text; it begins with the mark of UTF-16: save it as UTF-8"
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = f"line {number}, byte {start + error.start} of the file (0x{line[error.start]:02x})"
                return (f"{path}: must be UTF-8 text; {place} is not, as in Latin-1 or a file that is no text: "
                        "save it as UTF-8")
            start += len(line)
    return f"{path}: must be UTF-8 text; it changed while it was read"
